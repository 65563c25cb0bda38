"""MQTT octet by octet over real sockets, against a real broker."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.support.broker_process import BrokerProcess
from tests.support.raw_mqtt import RawMqtt
from tests.support.waiting import eventually

LOGIN = {"user_name": "guest", "password": b"guest"}
PATIENT = "[limits]\npreauth_timeout_s = 600\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One whose log-in takes as long as it does in earnest, and whose journal is synced."""
    folder = tmp_path_factory.mktemp("sockets")
    with BrokerProcess(
        folder / "data", "--dev", "--durability", "fsync", schemes=("amqp", "mqtt", "mqtts"), config=PATIENT
    ) as running:
        yield running


@pytest.mark.parametrize("version", [4, 5])
def test_a_client_may_publish_much_before_it_hears_that_it_is_connected(broker: BrokerProcess, version: int) -> None:
    """It was cut after 64 KiB. 3.1.1 §3.1.4."""
    count, size = 200, 10_000
    with RawMqtt(broker.ports["mqtt"], version) as client:
        will = p.Will("will", bytes(0xFFFF))
        packets = [p.Publish(f"many{version}", bytes(size), 1, packet_id=number + 1) for number in range(count)]
        client.send(p.Connect(f"many{version}", version, will=will, **LOGIN), *packets, p.Disconnect())  # type: ignore[arg-type]
        connack, *acks = client.rest()
    assert connack.reason == 0
    assert [each.packet_id for each in acks] == list(range(1, count + 1))


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_who_leaves_at_once_is_answered_first(broker: BrokerProcess, version: int, qos: int) -> None:
    """DISCONNECT in the segment of a PUBLISH took the acknowledgement with it, whatever the journal had."""
    with RawMqtt(broker.ports["mqtt"], version) as client:
        assert client.connect(f"leaves{version}{qos}").reason == 0
        subscribe = p.Subscribe(9, [p.TopicFilter("nothing", 1)])
        client.send(p.Publish("t", b"x", qos, packet_id=5), subscribe, p.Disconnect())
        answers = client.rest()
    acks = [each for each in answers if isinstance(each, p.Ack)]
    assert [(each.kind, each.packet_id) for each in acks] == [(c.PUBACK if qos == 1 else c.PUBREC, 5)]
    assert [each.packet_id for each in answers if isinstance(each, p.SubAck)] == [9]


def test_who_sends_no_more_is_answered_too(broker: BrokerProcess) -> None:
    """The end of the stream took the acknowledgement with it that the journal had not confirmed by then."""
    with RawMqtt(broker.ports["mqtt"]) as client:
        client.send(p.Connect("half"), p.Publish("t", b"x", 1, packet_id=5))
        client.socket.shutdown(socket.SHUT_WR)
        connack, ack = client.rest()
    assert (connack.reason, ack.kind, ack.packet_id) == (0, c.PUBACK, 5)


@pytest.mark.parametrize("version", [4, 5])
def test_a_violation_is_answered_after_what_came_before_it(broker: BrokerProcess, version: int) -> None:
    """The acknowledgement of a message in the same segment was lost, though the message was kept."""
    with RawMqtt(broker.ports["mqtt"], version) as client:
        assert client.connect(f"wrong{version}").reason == 0
        client.say(encode(p.Publish("t", b"x", 1, packet_id=5), version) + b"\x36\x05\x00\x01t\x00\x01")
        ack, *others = client.rest()
    assert (ack.kind, ack.packet_id) == (c.PUBACK, 5)
    assert [each.reason for each in others] == ([Reason.MALFORMED_PACKET] if version == 5 else [])


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"POST /sqs HTTP/1.1\r\n", "HTTP"),
        (b"AMQP\x00\x00\x09\x01", "AMQP"),
        (b"AMQP\x00\x01\x00\x00", "AMQP 1.0"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "the PROXY protocol, from an address"),
    ],
)
def test_what_is_no_mqtt_is_told_apart_and_closed_at_once(broker: BrokerProcess, octets: bytes, name: str) -> None:
    """It was waited for until the time for the log-in was over, and the log did not say what it may have been."""
    before = len(broker.log())
    with RawMqtt(broker.ports["mqtt"]) as client:
        client.say(octets)
        assert client.rest() == []
    (line,) = [line for line in broker.log()[before:].splitlines() if "looks like" in line]
    assert f"this looks like {name}" in line
    assert f"mqtt://127.0.0.1:{broker.ports['mqtt']} is for MQTT" in line


@pytest.mark.parametrize("octets", [b"G", b"\x00", b"\xc0\x00", b"\xff\xff"])
def test_any_first_octet_but_that_of_connect_is_closed_at_once(broker: BrokerProcess, octets: bytes) -> None:
    """[MQTT-3.1.0-1]"""
    with RawMqtt(broker.ports["mqtt"]) as client:
        client.say(octets)
        assert client.rest() == []


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (encode(p.Connect("x", 4), 4), "MQTT"),
        (encode(p.Connect("x" * 200, 5), 5), "MQTT"),
    ],
)
def test_what_is_no_amqp_is_told_apart_and_closed_at_once(broker: BrokerProcess, octets: bytes, name: str) -> None:
    """The log said: wrong protocol header b'\\x16\\x03'."""
    before = len(broker.log())
    with RawMqtt(broker.ports["amqp"]) as client:
        client.say(octets)
        assert client.octets() == b"AMQP\x00\x00\x09\x01"  # as RabbitMQ
    (line,) = [line for line in broker.log()[before:].splitlines() if "looks like" in line]
    assert f"this looks like {name}, and amqp://127.0.0.1:{broker.ports['amqp']} is for AMQP 0-9-1" in line


def test_who_does_not_speak_tls_is_told_by_the_listener(broker: BrokerProcess) -> None:
    before = len(broker.log())
    with RawMqtt(broker.ports["mqtts"]) as client:
        client.send(p.Connect("x"))
        client.octets()
    text = f"to mqtts://127.0.0.1:{broker.ports['mqtts']} failed: what came is not TLS"
    eventually(lambda: text in broker.log()[before:])


def test_publishers_are_answered_their_pings_while_memory_is_low(tmp_path: Path) -> None:
    """They were not read at all: no PINGRESP came, and they connected again and again. A message in the first chunk
    after the log-in was taken in spite of the alarm."""
    config = "[limits]\nmemory_high_watermark = 1000\n"
    with (
        BrokerProcess(tmp_path / "data", "--dev", "--durability", "memory", schemes=("mqtt",), config=config) as broker,
        RawMqtt(broker.ports["mqtt"]) as client,
        RawMqtt(broker.ports["mqtt"]) as watcher,
    ):
        watcher.connect("w")
        watcher.send(p.Subscribe(1, [p.TopicFilter("#", 1)]))
        assert isinstance(watcher.receive(), p.SubAck)
        client.send(p.Connect("p", **LOGIN), p.Publish("t", b"x", 1, packet_id=5), p.PingReq())  # type: ignore[arg-type]
        assert client.receive().reason == 0
        assert isinstance(client.receive(), p.PingResp)
        with RawMqtt(broker.ports["mqtt"]) as brief:
            brief.send(p.Connect("brief"), p.Publish("t", b"x"), p.Disconnect())
            assert brief.receive().reason == 0
        client.send(p.PingReq())
        assert isinstance(client.receive(), p.PingResp)
        watcher.send(p.PingReq())
        assert isinstance(watcher.receive(), p.PingResp)


@pytest.mark.parametrize("version", [4, 5])
def test_a_broker_that_stops_in_order_remembers_what_it_has_sent(tmp_path: Path, version: int) -> None:
    """After an orderly restart a message came again without DUP. [MQTT-3.3.1-1]"""
    fields = {"clean_start": False, "properties": {"session_expiry_interval": 600} if version == 5 else {}}
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("mqtt",)) as broker:
        with RawMqtt(broker.ports["mqtt"], version) as client, RawMqtt(broker.ports["mqtt"]) as publisher:
            client.connect("s", **fields)
            client.send(p.Subscribe(1, [p.TopicFilter("t", 1)]))
            assert isinstance(client.receive(), p.SubAck)
            publisher.connect("p")
            publisher.send(p.Publish("t", b"sent", 1, packet_id=1))
            sent = client.receive()
            assert (sent.payload, sent.dup) == (b"sent", False)
            client.send(p.Disconnect())
            assert client.rest() == []
            publisher.send(p.Publish("t", b"waiting", 1, packet_id=2))
            assert [publisher.receive().kind for _ in range(2)] == [c.PUBACK, c.PUBACK]
        broker.stop()
        broker.start()
        with RawMqtt(broker.ports["mqtt"], version) as client:
            assert client.connect("s", **fields).session_present
            again, first = client.receive(), client.receive()
    assert (again.payload, again.dup, again.packet_id) == (b"sent", True, sent.packet_id)
    assert (first.payload, first.dup) == (b"waiting", False)
