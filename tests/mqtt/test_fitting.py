"""Packets to clients that take only small ones: they fit or are not sent. [MQTT-3.1.2-24]"""

from typing import Any

import pytest

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import House


@pytest.mark.parametrize("size_max", range(2, 60))
@pytest.mark.parametrize("client_id", ["x", ""])
@pytest.mark.parametrize("asks", [False, True])
def test_connack_fits_or_is_not_sent(size_max: int, client_id: str, asks: bool) -> None:
    """It was sent whatever its size, with all that the client can do without."""
    house = House(keep_alive_s_max=10, response_prefix="answers/")
    client = house.client()
    properties: dict[str, Any] = {"maximum_packet_size": size_max}
    if asks:
        properties["request_response_information"] = True
    client.send(p.Connect(client_id, keep_alive_s=100 if asks else 5, properties=properties))
    octets = bytes(client.arrived)
    assert len(octets) <= size_max
    answers = client.received()
    if not answers:
        assert client.is_closed
        return
    (connack,) = answers
    if connack.reason:
        assert connack.reason == Reason.PACKET_TOO_LARGE
        assert client.is_closed
        assert not house.sessions.all()
        return
    needed = {"server_keep_alive"} if asks else set()
    needed |= set() if client_id else {"assigned_client_identifier"}
    assert needed <= set(connack.properties)


def test_the_least_useful_properties_go_first() -> None:
    house = House()
    found = []
    for size_max in (16, 15, 12, 7):
        connack = house.client().connect("x", properties={"maximum_packet_size": size_max})
        assert connack.reason == 0
        found.append(set(connack.properties))
    bounds = {"receive_maximum", "maximum_packet_size", "topic_alias_maximum"}
    assert found == [bounds, bounds - {"topic_alias_maximum"}, {"receive_maximum"}, set()]


def test_a_session_that_cannot_be_told_of_disturbs_nobody() -> None:
    """The client that is connected under the same name is not displaced by one that cannot be answered."""
    house = House()
    first = house.connect("x")
    second = house.client()
    second.send(p.Connect("x", keep_alive_s=5, properties={"maximum_packet_size": 4}))
    assert second.is_closed
    assert second.received() == []
    first.send(p.PingReq())
    assert isinstance(first.one(), p.PingResp)


@pytest.mark.parametrize("size_max", [3, 4, 5, 8, 30])
def test_other_answers_fit_or_are_not_sent(size_max: int) -> None:
    house = House()
    client = house.client()
    client.send(p.Connect("x", properties={"maximum_packet_size": size_max}))
    if client.is_closed:
        assert size_max < 5
        return
    client.received()
    client.send(p.Publish("t", b"x", 1, packet_id=1))
    client.send(p.Subscribe(2, [p.TopicFilter("+", 0)] * 10))
    client.send(p.Unsubscribe(3, ["a"] * 30))
    client.send(p.Connect("x"))
    at = 0
    while at < len(client.arrived):
        size = 2 + client.arrived[at + 1]
        assert size <= size_max
        at += size
    kinds = [type(each) for each in client.received()]
    assert p.Ack in kinds or size_max < 5
    assert p.Disconnect in kinds
