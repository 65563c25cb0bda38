"""What a client that reads slowly is sent first: its subscriptions and its shares of subscriptions take turns."""

import pytest

from mqbroker.limits import OUTPUT_HIGH_WATER_BYTES
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from tests.mqtt.house import Client, House

SIZE = 10_000
FULL = 3 * OUTPUT_HIGH_WATER_BYTES // SIZE
"""So many messages are three times what a connection takes before its client reads."""


@pytest.fixture
def house() -> House:
    return House()


def flood(publisher: Client, topic: str, count: int, qos: int = 0) -> None:
    """Publishes so many messages in one go."""
    packets = [encode(p.Publish(topic, bytes(SIZE), qos, packet_id=n + 1 if qos else 0), 5) for n in range(count)]
    publisher.say(b"".join(packets))


def read(house: House, client: Client) -> list[str]:
    """A slow reader takes what it was sent; the topics of it. What it can have now is sent next."""
    topics = [topic for topic, _, _ in client.messages()]
    client.connection.output_written(house.now)
    house.turn()
    return topics


def test_a_stream_at_qos_0_does_not_keep_a_slow_reader_from_its_other_messages(house: House) -> None:
    """The fault: what was delayed at QoS 0 filled the output each time that the client read, so a message at QoS 1
    never came while that went on."""
    reader, publisher = house.connect("slow"), house.connect("fast")
    reader.subscribe("stream", qos=0)
    reader.subscribe("order", qos=1)
    reader.is_stalled = True
    flood(publisher, "stream", FULL)
    publisher.publish("order", qos=1)
    topics = []
    for _ in range(4):
        topics += read(house, reader)
        flood(publisher, "stream", FULL)
    assert "order" in topics


def test_two_shared_subscriptions_take_turns_at_a_slow_reader(house: House) -> None:
    reader, publisher = house.connect("slow"), house.connect("fast")
    reader.subscribe("$share/g/long", "$share/g/short", qos=1)
    reader.is_stalled = True
    flood(publisher, "long", 2 * FULL, qos=1)
    flood(publisher, "short", 20, qos=1)
    topics = [topic for _ in range(3) for topic in read(house, reader)]
    assert topics.count("short") == 20


def test_places_in_flight_go_to_all_of_a_sessions_queues_in_turn(house: House) -> None:
    """The receive maximum is shared by a session's own queue and its shared subscriptions."""
    publisher = house.connect("fast")
    reader = house.connect("slow", properties={"receive_maximum": 4})
    reader.subscribe("own", qos=1)
    reader.subscribe("$share/g/shared", qos=1)
    flood(publisher, "own", 40, qos=1)
    flood(publisher, "shared", 40, qos=1)
    topics = []
    for _ in range(40):
        for message in [each for each in reader.received() if isinstance(each, p.Publish)]:
            topics.append(message.topic)
            reader.puback(message.packet_id)
    own, shared = topics.count("own"), topics[:40].count("shared")
    assert (own, topics.count("shared")) == (40, 40)
    assert 15 <= shared <= 25
