"""When a client is read and what is held back: during its log-in, and while memory or disk is low."""

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.reasons import Reason
from mqbroker.protocols.mqtt.limits import MQTT_CONNECT_BYTES_MAX, MQTT_HELD_BYTES_MAX
from tests.mqtt.house import Client, House

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}


def alarm(house: House, reason: str, *clients: Client) -> None:
    """What the server does when a resource runs low or recovers, and the tick that comes after it."""
    house.alarms.reason = reason
    for client in clients:
        client.connection.alarms_changed()
    house.wait(0.5)


def publish(number: int, qos: int = 0, size: int = 0) -> bytes:
    return encode(p.Publish("t", b"%d" % number + bytes(size), qos, packet_id=number + 1 if qos else 0), 5)


# --- the log-in -----------------------------------------------------------------------------------------------------


def test_what_follows_a_connect_waits_until_the_log_in_is_decided() -> None:
    """A client that published 70 KB without waiting for CONNACK was cut: more than 65,536 octets before a name.

    3.1.1 §3.1.4: clients may go on at once, and the server has to process what they sent once it has accepted them.
    """
    house = House()
    house.authenticator.is_slow = True
    watcher = house.connect("w")
    watcher.subscribe("t", qos=1)
    client = house.client()
    connect = encode(p.Connect("x", user_name="guest", password=b"guest"), 5)
    client.say(connect + b"".join(publish(number, 1, 10_000) for number in range(20)))
    assert not client.connection.is_reading
    assert client.received() == []
    client.say(publish(20, 1)[:3])  # it was on its way when reading stopped
    house.authenticator.answer_all()
    house.turn()
    assert client.connection.is_reading
    client.say(publish(20, 1)[3:])
    connack, *acks = client.received()
    assert connack.reason == 0
    assert [each.packet_id for each in acks] == list(range(1, 22))
    assert [int(payload.rstrip(b"\0")) for _, payload, _ in watcher.messages()] == list(range(21))


def test_who_waits_for_its_log_in_may_go_away_meanwhile() -> None:
    house = House()
    house.authenticator.is_slow = True
    client = house.client()
    client.say(encode(p.Connect("x", user_name="guest", password=b"guest"), 5))
    assert client.connection.is_reading
    client.say(publish(0))
    assert not client.connection.is_reading
    gone = house.client()
    gone.say(encode(p.Connect("gone", user_name="guest", password=b"guest"), 5))
    gone.connection.input_ended(house.now)
    house.authenticator.answer_all()
    house.turn()
    assert [session.client_id for session in house.sessions.all()] == ["x"]
    assert client.connection.is_reading


def test_what_follows_a_connect_is_dropped_when_the_log_in_is_refused() -> None:
    house = House()
    house.authenticator.is_slow = True
    watcher = house.connect("w")
    watcher.subscribe("t")
    client = house.client()
    client.say(encode(p.Connect("x", user_name="guest", password=b"wrong"), 5) + publish(0))
    house.authenticator.answer_all()
    house.turn()
    assert client.one().reason == Reason.BAD_USER_NAME_OR_PASSWORD
    assert client.is_closed
    assert watcher.messages() == []


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("chunk", [1_000, 1 << 20])
def test_the_largest_will_and_the_longest_names_fit_into_a_connect(version: int, chunk: int) -> None:
    """A will of 65,535 octets was refused with everything else that came to more than 64 KiB before the log-in."""
    house = House()
    watcher = house.connect("w")
    watcher.subscribe("#")
    payload = b"w" * 0xFFFF
    token = b"p" * 0xFFFF
    house.broker.access.users["u" * 200] = house.broker.access.users["guest"]
    house.authenticator.is_slow = True
    client = house.client()
    client.version = version
    packet = p.Connect(
        "i" * 1000, version, user_name="u" * 200, password=token, will=p.Will("t" * 8000, payload, 1), keep_alive_s=1
    )
    octets = encode(packet, version)
    for start in range(0, len(octets), chunk):
        client.say(octets[start : start + chunk])
    ((answer, _),) = house.authenticator.pending
    answer(True)
    house.turn()
    assert client.one().reason == 0
    client.lose()
    assert watcher.messages() == [("t" * 8000, payload, 1)]


def test_a_connect_can_be_as_large_as_its_fields_and_no_larger() -> None:
    """3.1.1 §3.1: client identifier, topic and payload of the will, user name and password of 65,535 octets each."""
    field = "x" * 0xFFFF
    will = p.Will(field, field.encode())
    octets = encode(p.Connect(field, 3, user_name=field, password=field.encode(), will=will), 3)
    assert len(octets) == MQTT_CONNECT_BYTES_MAX
    client = House().client()
    client.say(octets[:-1])
    assert not client.is_closed
    stranger = House().client()
    stranger.say(b"\x10" + (MQTT_CONNECT_BYTES_MAX - 3).to_bytes(3, "little"))
    stranger = House().client()
    stranger.say(b"\x10\xff\xff\x7f")
    assert stranger.is_closed, "a larger one is refused at its header"


# --- low resources --------------------------------------------------------------------------------------------------


def test_pings_and_acknowledgements_pass_while_messages_are_held_back() -> None:
    """A publisher was not read at all: no PINGRESP came, so clients connected again, and their acknowledgements, which
    make room, waited with their messages."""
    house = House()
    client, watcher = house.connect("s"), house.connect("w")
    client.subscribe("in", qos=1)
    watcher.subscribe("#", qos=1)
    watcher.publish("in", b"x", 1)
    (message,) = [each for each in client.received() if isinstance(each, p.Publish)]
    watcher.received()
    client.publish("t", b"before", 1)
    client.received()
    watcher.received()
    alarm(house, "low on memory", client, watcher)
    ack = encode(p.Ack(c.PUBACK, message.packet_id), 5)
    client.say(publish(0, 1) + c.PINGREQ_PACKET + publish(1, 1) + ack + c.PINGREQ_PACKET[:1])
    client.say(c.PINGREQ_PACKET[1:])
    assert [type(each) for each in client.received()] == [p.PingResp, p.PingResp]
    session = house.sessions.find("/", "s")
    assert session is not None
    assert not session.outgoing
    assert watcher.messages() == []
    alarm(house, "", client, watcher)
    assert [each.packet_id for each in client.received()] == [1, 2]
    assert [payload for _, payload, _ in watcher.messages()] == [b"0", b"1"]


def test_an_alarm_does_not_lengthen_the_log_in() -> None:
    house = House()
    stranger = house.client()
    alarm(house, "low on disk", stranger)
    alarm(house, "", stranger)
    house.wait(10)
    assert stranger.is_closed


def test_who_only_subscribes_is_not_held_back() -> None:
    house = House()
    client = house.connect("s")
    alarm(house, "low on disk", client)
    assert client.subscribe("a", qos=1) == [1]
    assert client.unsubscribe("a") == [0]


def test_what_has_to_keep_its_order_waits_behind_a_message() -> None:
    house = House()
    client = house.connect("s")
    alarm(house, "low on disk", client)
    subscribe = encode(p.Subscribe(1, [p.TopicFilter("t", 0)]), 5)
    client.say(publish(0) + subscribe + publish(1))
    assert client.received() == []
    alarm(house, "", client)
    suback, message = client.received()
    assert isinstance(suback, p.SubAck)
    assert message.payload == b"1"


def test_short_lived_connections_are_held_back_like_long_ones() -> None:
    """The first chunk after the log-in was taken whatever the alarm: 10,000 of 10,000 messages while publishers were
    blocked."""
    house = House()
    watcher = house.connect("w")
    watcher.subscribe("t")
    house.alarms.reason = "low on disk"
    together, apart = house.client(), house.connect("apart")
    together.say(encode(p.Connect("together"), 5) + publish(0) + encode(p.Disconnect(), 5))
    apart.publish("t", b"1")
    apart.disconnect()
    assert watcher.messages() == []
    # The end of their streams would end them with their messages; so it is not looked at.
    assert not together.connection.is_reading
    assert not apart.connection.is_reading
    alarm(house, "", together, apart)
    assert sorted(payload for _, payload, _ in watcher.messages()) == [b"0", b"1"]
    assert together.is_closed
    assert apart.is_closed


def test_the_input_that_is_held_back_is_bounded() -> None:
    house = House()
    client = house.connect("p")
    alarm(house, "low on memory", client)
    sent = 0
    while client.connection.is_reading:
        client.say(publish(sent, 0, 1000))
        sent += 1
    assert sent == MQTT_HELD_BYTES_MAX // len(publish(0, 0, 1000)) + 1
    house.wait(100)
    assert not client.is_closed, "it cannot be heard"
    watcher = house.connect("w")
    watcher.subscribe("t", qos=0)
    alarm(house, "", client)
    assert client.connection.is_reading
    assert len(watcher.messages()) == sent


def test_a_large_message_is_not_taken_in_pieces_meanwhile() -> None:
    house = House()
    client = house.connect("p")
    alarm(house, "low on memory", client)
    octets = publish(0, 1, 1 << 20)
    client.say(octets[:10_000])
    assert client.connection.is_reading
    client.say(octets[10_000:20_000])
    assert not client.connection.is_reading
    alarm(house, "", client)
    assert client.connection.is_reading
    client.say(octets[20_000:])
    assert client.one().packet_id == 1


def test_a_violation_behind_held_messages_ends_the_connection_after_them() -> None:
    house = House()
    watcher, client = house.connect("w"), house.connect("p")
    watcher.subscribe("t", qos=0)
    alarm(house, "low on memory", client, watcher)
    client.say(publish(0) + encode(p.Connect("again"), 5) + publish(1))
    assert not client.is_closed
    alarm(house, "", client, watcher)
    assert client.one().reason == Reason.PROTOCOL_ERROR
    assert [payload for _, payload, _ in watcher.messages()] == [b"0"]


def test_a_publisher_that_is_waited_for_is_read_again_after_an_alarm() -> None:
    """Whatever stops reading ends by itself, also when two reasons for it overlap."""
    house = House(receive_rate_max=1)
    client = house.connect("p")
    house.wait(0.2)
    for number in range(3):
        client.say(publish(number))
    assert not client.connection.is_reading
    alarm(house, "low on disk", client)
    house.wait(2)
    assert client.connection.is_reading
    alarm(house, "", client)
    client.say(c.PINGREQ_PACKET)
    assert [type(each) for each in client.received()] == [p.PingResp]
