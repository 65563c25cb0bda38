"""What is retained and what others publish meanwhile, to clients that read slowly: one line of messages a topic."""

from collections import defaultdict

import pytest

from mqbroker.core.message import new_message
from mqbroker.limits import PORTION
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from tests.mqtt.house import Client, House
from tests.support.output import all_output

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}
TOPICS = 400
PADDING = bytes(8_000)


def retain_all(house: House, value: bytes, qos: int) -> None:
    publisher = house.connect("retainer")
    for number in range(TOPICS):
        publisher.publish(f"t/{number}", value + PADDING, qos, retain=True)
        publisher.pubrel(7)
    publisher.disconnect()


def read_on(house: House, client: Client) -> None:
    """The client reads all there is, and acknowledges it."""
    client.is_stalled = False
    client.connection.resume_output(house.now)
    house.turn()


def drain(client: Client, heard: dict[str, list[bytes]]) -> None:
    while packets := client.received():
        for each in packets:
            if isinstance(each, p.Publish):
                heard[each.topic].append(each.payload[:3])
                if each.qos == 1:
                    client.puback(each.packet_id)
                elif each.qos == 2:
                    client.pubrec(each.packet_id)
                    client.pubcomp(each.packet_id)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_no_topic_ends_on_the_value_that_was_retained_before(version: int, qos: int) -> None:
    """Retained messages were sent as they were at SUBSCRIBE whenever the client came to read them: 2,395 of 5,000
    topics ended on the old value. [MQTT-4.6.0-6]"""
    house = House()
    retain_all(house, b"old", qos)
    client = house.connect("s", version=version)
    client.is_stalled = True
    client.subscribe("t/#", qos=qos)
    heard: dict[str, list[bytes]] = defaultdict(list)
    drain(client, heard)
    assert len(heard) < TOPICS
    retain_all(house, b"new", qos)
    read_on(house, client)
    drain(client, heard)
    assert len(heard) == TOPICS
    assert {tuple(values) for values in heard.values()} == {(b"old", b"new"), (b"new",)}


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("granted", [0, 1])
def test_what_is_retained_comes_before_a_message_that_does_not_replace_it(qos: int, granted: int) -> None:
    """It came after the newer message, so the client took the older value for the present one."""
    house = House()
    retain_all(house, b"old", qos)
    client = house.connect("s")
    client.is_stalled = True
    client.subscribe("t/#", qos=granted)
    publisher = house.connect("p")
    for number in range(TOPICS):
        publisher.publish(f"t/{number}", b"new", qos)
    read_on(house, client)
    heard: dict[str, list[bytes]] = defaultdict(list)
    drain(client, heard)
    assert {tuple(values) for values in heard.values()} == {(b"old", b"new")}
    assert len(heard) == TOPICS


def test_what_is_retained_at_qos_0_does_not_overtake_what_waits() -> None:
    """A client that subscribes again when it comes back saw the newest value first and older ones after it."""
    house = House(queue_qos0=True)
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    client.lose()
    publisher = house.connect("p")
    for value in (b"1", b"2", b"3"):
        publisher.publish("t", value, qos=0, retain=True)
    options = {"session_expiry_interval": 600, "receive_maximum": 1}
    publisher.publish("t", b"4", qos=1)
    publisher.publish("t", b"5", qos=0, retain=True)
    client = house.connect("s", clean_start=False, properties=options)
    client.subscribe("t", qos=1)
    heard: dict[str, list[bytes]] = defaultdict(list)
    drain(client, heard)
    assert heard["t"] == [b"1", b"2", b"3", b"4", b"5", b"5"]


def test_retained_messages_do_not_displace_each_other_or_what_waits() -> None:
    """All that was retained went into the session's queue at once, which dropped what it had no room for."""
    house = House(queued_messages_max=5)
    publisher = house.connect("p")
    for number in range(100):
        publisher.publish(f"t/{number}", b"%d" % number, 1, retain=True)
    client = house.connect("s", properties={"receive_maximum": 1})
    client.subscribe("live", qos=1)
    for number in range(3):
        publisher.publish("live", b"%d" % number, 1)
    client.subscribe("t/#", qos=1)
    heard: dict[str, list[bytes]] = defaultdict(list)
    drain(client, heard)
    assert heard.pop("live") == [b"0", b"1", b"2"]
    assert heard == {f"t/{number}": [b"%d" % number] for number in range(100)}


def test_a_session_goes_on_with_what_is_retained_when_its_client_comes_back() -> None:
    """What had not been sent when the connection broke was forgotten, although the subscription had been granted."""
    house = House()
    retain_all(house, b"old", 1)
    client = house.connect("s", **KEEP)
    client.is_stalled = True
    client.subscribe("t/#", qos=1)
    client.lose()
    publisher = house.connect("p")
    publisher.publish("t/399", b"new", 1)
    client = house.connect("s", **KEEP)
    heard: dict[str, list[bytes]] = defaultdict(list)
    drain(client, heard)
    assert len(heard) == TOPICS
    assert heard.pop("t/399") == [b"old", b"new"]
    assert {values[-1] for values in heard.values()} == {b"old"}


def test_unsubscribing_ends_what_is_retained() -> None:
    """[MQTT-3.10.4-2]"""
    house = House()
    retain_all(house, b"old", 0)
    client = house.connect("s")
    client.is_stalled = True
    client.subscribe("t/#", qos=0)
    client.unsubscribe("t/#")
    sent = len(client.messages())
    read_on(house, client)
    assert client.messages() == []
    assert sent < TOPICS


def test_two_subscriptions_are_sent_what_is_retained_once_each() -> None:
    """[MQTT-3.8.4-5]"""
    house = House()
    retain_all(house, b"old", 1)
    client = house.connect("s")
    client.is_stalled = True
    client.subscribe("t/#", qos=1)
    client.subscribe("+/399", qos=0)
    house.connect("p").publish("t/399", b"new", 1)
    read_on(house, client)
    heard: dict[str, list[bytes]] = defaultdict(list)
    drain(client, heard)
    assert sorted(heard.pop("t/399")) == [b"new", b"old", b"old"]
    assert {len(values) for values in heard.values()} == {1}


def test_no_local_hides_what_the_client_has_retained_itself() -> None:
    """[MQTT-3.8.3-3]"""
    house = House()
    house.connect("other").publish("t/2", b"x", 1, retain=True)
    client = house.connect("s")
    client.publish("t/1", b"x", 1, retain=True)
    client.received()
    client.subscribe(p.TopicFilter("t/#", 1, no_local=True))
    assert [topic for topic, _, _ in client.messages()] == ["t/2"]


@pytest.mark.parametrize("key", ["#", "+/wanted"])
def test_a_subscription_to_everything_is_served_in_portions(key: str) -> None:
    """The fault: to look through a million retained messages took the loop for itself, whether they matched or not.

    What is published meanwhile comes after what was retained for its topic.
    """
    house = House()
    store = house.broker.vhost("/").retained
    assert store is not None
    topics = 50 * PORTION
    for number in range(topics):
        store.put(new_message("", f"{number}.other", build(), b"old", house.now), house.now)
    store.put(new_message("", f"{topics}.wanted", build(), b"old", house.now), house.now)
    client, live = house.connect("c"), house.connect("live")
    portions: list[list[tuple[str, bytes, int]]] = []

    def read() -> None:
        client.arrived += all_output(client.connection)
        client.connection.output_written(house.now)
        portions.append(client.messages())

    client.connection.receive_data(encode(p.Subscribe(1, [p.TopicFilter(key, 0)], {}), 5), house.now)
    read()
    live.connection.receive_data(encode(p.Publish(f"{topics}/wanted", b"new", 0), 5), house.now)
    read()
    while house.broker.scheduler.round:
        house.broker.scheduler.step(house.now)
        read()
    found = [each for portion in portions for each in portion]
    assert len(portions) > (50 if key == "#" else 3)
    assert max(map(len, portions)) <= PORTION + 2
    assert len(found) == (topics + 2 if key == "#" else 2)
    assert [payload for topic, payload, _ in found if topic.endswith("/wanted")] == [b"old", b"new"]
