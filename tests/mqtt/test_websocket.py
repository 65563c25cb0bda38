"""MQTT over WebSocket against a real broker: where packets and messages begin and end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.connection import Connection
from websockets.typing import Subprotocol

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.wire import packet_ends, scan_varint
from tests.support.broker_process import BrokerProcess
from tests.support.raw_mqtt import RawMqtt
from tests.support.websocket_client import connect

WAIT_S = 15
COUNT = 50


@pytest.fixture(scope="module", params=[False, True], ids=["apart", "combined"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    config = f"[websocket]\ncombine_packets = {str(request.param).lower()}\n"
    folder: Path = tmp_path_factory.mktemp("websocket")
    with BrokerProcess(
        folder / "data", "--dev", "--durability", "memory", schemes=("mqtt", "ws"), config=config
    ) as running:
        yield running


@contextmanager
def opened(broker: BrokerProcess, client_id: str) -> Iterator[Connection]:
    url = f"ws://127.0.0.1:{broker.ports['ws']}/mqtt"
    with connect(url, subprotocols=[Subprotocol("mqtt")], open_timeout=WAIT_S, max_size=None) as client:
        client.send(encode(p.Connect(client_id), 5))
        assert packets_of(client)[0].reason == 0
        yield client


def packets_of(client: Connection) -> list[p.Packet]:
    """The packets in the next message."""
    data = client.recv(WAIT_S)
    assert isinstance(data, bytes)
    found = []
    at = 0
    for end in packet_ends(data):
        _, body_at = scan_varint(data, at + 1, end)
        found.append(decode(data[at], data[body_at:end], 5))
        at = end
    assert at == len(data), "no packet is cut"
    return found


def test_each_packet_has_a_message_of_its_own_unless_they_are_combined(broker: BrokerProcess) -> None:
    """Packets that left together were in one message, and Paho's C library (1.3.12, Debian 12) looked at the first one
    only: the others came with the answer to its next ping."""
    with opened(broker, "s") as client, RawMqtt(broker.ports["mqtt"]) as publisher:
        client.send(encode(p.Subscribe(1, [p.TopicFilter("t", 0)]), 5))
        assert isinstance(packets_of(client)[0], p.SubAck)
        publisher.connect("p")
        publisher.send(*[p.Publish("t", b"%d" % number + bytes(number * 10)) for number in range(COUNT)])
        messages: list[list[p.Packet]] = []
        while sum(map(len, messages)) < COUNT:
            messages.append(packets_of(client))
    published = [packet.payload.rstrip(b"\0") for message in messages for packet in message]
    assert published == [b"%d" % number for number in range(COUNT)]
    sizes = {len(message) for message in messages}
    assert broker.config is not None
    assert max(sizes) > 1 if "true" in broker.config else sizes == {1}


def test_a_large_packet_comes_in_several_messages_and_nothing_else_is_in_them(broker: BrokerProcess) -> None:
    """Clients bound what they take as one message, the library of Python at a MiB."""
    with opened(broker, "large") as client:
        body = bytes(range(256)) * 1000
        client.send(encode(p.Subscribe(1, [p.TopicFilter("large", 0)]), 5))
        assert isinstance(packets_of(client)[0], p.SubAck)
        client.send(encode(p.Publish("large", body), 5))
        expected = encode(p.Publish("large", body), 5)
        data = b""
        while len(data) < len(expected):
            piece = client.recv(WAIT_S)
            assert isinstance(piece, bytes)
            assert len(piece) <= 0xFFFF
            data += piece
        assert data == expected


def test_empty_messages_mean_nothing(broker: BrokerProcess) -> None:
    """[MQTT-6.0.0-2]"""
    url = f"ws://127.0.0.1:{broker.ports['ws']}/mqtt"
    with connect(url, subprotocols=[Subprotocol("mqtt")], open_timeout=WAIT_S) as client:
        octets = encode(p.Connect("empty"), 5)
        for piece in (b"", octets[:1], b"", octets[1:]):
            client.send(piece)
        client.send([b"", encode(p.PingReq(), 5), b""])
        found = packets_of(client)
        if len(found) < 2:
            found += packets_of(client)
        assert [type(each) for each in found] == [p.ConnAck, p.PingResp]


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_connect_may_be_larger_than_what_strangers_may_send_otherwise(broker: BrokerProcess, pieces: int) -> None:
    """A will of 65,535 octets was too much before the log-in, in one message or in many."""
    url = f"ws://127.0.0.1:{broker.ports['ws']}/mqtt"
    with connect(url, subprotocols=[Subprotocol("mqtt")], open_timeout=WAIT_S) as client:
        will = p.Will("will", bytes(0xFFFF), properties={"correlation_data": bytes(0xFFFF)})
        packet = p.Connect("large", will=will, user_name="guest", password=b"guest")
        octets = encode(packet, 5) + encode(p.Publish("t", bytes(200_000), 1, packet_id=1), 5)
        size = -(-len(octets) // pieces)
        for start in range(0, len(octets), size):
            client.send(octets[start : start + size])
        found = packets_of(client)
        assert found.pop(0).reason == 0
        assert (found or packets_of(client))[0].packet_id == 1
