"""Options that make the broker like another one: QoS, retained messages, sizes, and what a wrong log-in is told."""

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import Client, House

VERSIONS = pytest.mark.parametrize("version", [3, 4, 5])


def ended(client: Client, reason: Reason) -> None:
    """Version 5 is told why, the others are disconnected."""
    assert [each.reason for each in client.received()] == ([reason] if client.version == 5 else [])
    assert client.is_closed


@VERSIONS
@pytest.mark.parametrize("maximum", [0, 1])
def test_no_more_than_the_highest_qos_is_taken_and_granted(version: int, maximum: int) -> None:
    """There was no such option. [MQTT-3.2.2-9], [MQTT-3.2.2-10]"""
    house = House(maximum_qos=maximum)
    client = house.connect("x", version=version)
    if version == 5:
        assert client.connack.properties["maximum_qos"] is bool(maximum)
    assert client.subscribe("t", "$share/g/t", qos=2) == [maximum, maximum]
    client.publish("t", qos=maximum)
    assert {qos for _, _, qos in client.messages()} == {maximum}
    client.publish("t", qos=maximum + 1)
    ended(client, Reason.QOS_NOT_SUPPORTED)


@VERSIONS
def test_a_will_of_a_higher_qos_is_refused(version: int) -> None:
    """[MQTT-3.2.2-12]"""
    house = House(maximum_qos=1)
    assert house.client().connect("x", version=version, will=p.Will("t", b"x", 1)).reason == 0
    connack = house.client().connect("y", version=version, will=p.Will("t", b"x", 2))
    assert connack.reason == (Reason.QOS_NOT_SUPPORTED if version == 5 else 5)


@VERSIONS
def test_nothing_is_retained_where_that_is_not_available(version: int) -> None:
    """There was no such option. [MQTT-3.2.2-13]"""
    house = House(retain_available=False)
    client = house.connect("x", version=version)
    if version == 5:
        assert client.connack.properties["retain_available"] is False
    client.publish("t", retain=True)
    ended(client, Reason.RETAIN_NOT_SUPPORTED)
    connack = house.client().connect("y", version=version, will=p.Will("t", b"x", 0, True))
    assert connack.reason == (Reason.RETAIN_NOT_SUPPORTED if version == 5 else 5)
    reader = house.connect("z", version=version)
    reader.subscribe("#")
    assert reader.messages() == []


@VERSIONS
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_payload_that_is_too_large_is_dropped_and_the_client_goes_on(
    caplog: pytest.LogCaptureFixture, version: int, qos: int
) -> None:
    """There was no such option: a larger packet ended the connection, and the client tried the same again."""
    house = House(message_size_max=10)
    client = house.connect("x", version=version)
    client.subscribe("t", qos=0)
    client.publish("t", bytes(11), qos)
    if qos:
        answer = client.one()
        assert answer.kind == (c.PUBACK if qos == 1 else c.PUBREC)
        assert answer.reason == (Reason.QUOTA_EXCEEDED if version == 5 else 0)
    assert client.messages() == []
    assert caplog.messages == ["client 'x': a message to 't' is dropped, it is larger than mqtt.message_size_max"]
    assert house.sessions.counters.dropped == 1
    client.publish("t", bytes(10))
    assert client.messages() == [("t", bytes(10), 0)]
    connack = house.client().connect("y", version=version, will=p.Will("t", bytes(11)))
    assert connack.reason == (Reason.PACKET_TOO_LARGE if version == 5 else 5)


@VERSIONS
@pytest.mark.parametrize(("code", "reason"), [(4, Reason.BAD_USER_NAME_OR_PASSWORD), (5, Reason.NOT_AUTHORIZED)])
def test_a_wrong_login_has_the_code_that_is_configured(version: int, code: int, reason: Reason) -> None:
    """Clients that wait for Mosquitto's 5 took 4 for something else."""
    for fields in ({}, {"user_name": "guest", "password": b"wrong"}, {"user_name": "nobody", "password": b"x"}):
        client = House(anonymous_user="", login_refused_code=code).client()
        assert client.connect("x", version=version, **fields).reason == (reason if version == 5 else code)
