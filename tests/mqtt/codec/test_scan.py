"""The scanner of a connection, which reads PUBLISH and PUBACK in place: the same as the codec, however input is cut."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from tests.mqtt.codec.strategies import packets
from tests.mqtt.house import House

CHUNKED = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def traffic(version: int) -> bytes:
    packets_sent = [
        p.Subscribe(1, [p.TopicFilter("a/#", 2)]),
        p.Publish("a/b", b"0"),
        p.Publish("a/b", b"1" * 200, 1, packet_id=1),
        p.Publish("a/b", b"", 2, packet_id=2),
        p.Ack(6, 2),
        p.Publish("a/c", b"3", 1, True, packet_id=3),
        p.PingReq(),
    ]
    return b"".join(encode(each, version) for each in packets_sent)


def answers(version: int, chunks: list[bytes]) -> list[p.Packet]:
    client = House().connect("x", version=version)
    for chunk in chunks:
        client.say(chunk)
    return client.received()


@pytest.mark.parametrize("version", [3, 4, 5])
def test_traffic_cut_at_any_point_means_the_same(version: int) -> None:
    octets = traffic(version)

    def key(packet: p.Packet) -> str:
        return repr(packet)

    whole = sorted(answers(version, [octets]), key=key)
    assert len(whole) == 10
    for at in range(1, len(octets), 3):
        assert sorted(answers(version, [octets[:at], octets[at:]]), key=key) == whole
    assert sorted(answers(version, [bytes((octet,)) for octet in octets]), key=key) == whole


@pytest.mark.parametrize("version", [3, 4, 5])
@CHUNKED
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
def test_rubbish_from_a_connected_client_closes_its_connection_at_worst(version: int, chunks: list[bytes]) -> None:
    house = House()
    other = house.connect("other")
    client = house.connect("x", version=version)
    for chunk in chunks:
        if not client.is_closed:
            client.say(chunk)
    other.send(p.PingReq())
    assert p.PingResp() in other.received()


@pytest.mark.parametrize("version", [3, 4, 5])
@CHUNKED
@given(st.data())
def test_any_sequence_of_packets_is_answered_or_closes_the_connection(version: int, data: st.DataObject) -> None:
    house = House()
    client = house.connect("x", version=version)
    for packet in data.draw(st.lists(packets(version), max_size=6)):
        if not client.is_closed:
            client.say(encode(packet, version))
    client.received()


@CHUNKED
@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
def test_rubbish_before_connect_is_survived(chunks: list[bytes]) -> None:
    house = House()
    client = house.client()
    for chunk in chunks:
        if not client.is_closed:
            client.say(chunk)
    assert house.client().connect("y").reason == 0
