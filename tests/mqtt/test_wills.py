"""Wills: when they are published, and when not."""

import pytest

from mqbroker.core.access.access import TopicPermissions
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import Client, House

WILL = p.Will("gone", b"bye", 1)


def watch(house: House) -> Client:
    client = house.connect("watcher")
    client.subscribe("gone")
    return client


def delayed(seconds: int, expiry: int = 100, **fields: object) -> dict[str, object]:
    will = p.Will("gone", b"bye", 1, properties={"will_delay_interval": seconds})
    return {"will": will, "properties": {"session_expiry_interval": expiry}, "clean_start": False, **fields}


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_lost_connection_publishes_the_will(version: int) -> None:
    """[MQTT-3.1.2-7], [MQTT-3.1.2-8]"""
    house = House()
    watcher = watch(house)
    house.connect("x", version=version, will=WILL).lose()
    assert watcher.messages() == [("gone", b"bye", 1)]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_good_bye_deletes_the_will(version: int) -> None:
    """[MQTT-3.1.2-10], [MQTT-3.14.4-3]"""
    house = House()
    watcher = watch(house)
    house.connect("x", version=version, will=WILL).disconnect()
    assert watcher.messages() == []


def test_a_good_bye_may_ask_for_the_will() -> None:
    """§3.14.2.1, reason 0x04"""
    house = House()
    watcher = watch(house)
    house.connect("x", will=WILL).disconnect(Reason.DISCONNECT_WITH_WILL)
    assert len(watcher.messages()) == 1


def test_a_violation_and_a_missed_keep_alive_publish_the_will() -> None:
    """[MQTT-3.1.2-8]"""
    house = House()
    watcher = watch(house)
    house.connect("x", will=WILL).send(p.Connect("x"))
    assert len(watcher.messages()) == 1
    house.connect("y", will=WILL, keep_alive_s=10)
    house.wait(16)
    assert len(watcher.messages()) == 1


def test_the_will_has_its_properties_and_is_retained_if_it_says_so() -> None:
    """[MQTT-3.1.2-14], [MQTT-3.1.2-15], [MQTT-3.1.3-10]"""
    house = House()
    properties = {"content_type": "text/plain", "user_property": [("a", "b")]}
    house.connect("x", will=p.Will("gone", b"bye", 1, True, properties)).lose()
    message = next(each for each in [*_subscribed(house)])
    assert (message.payload, message.retain, message.properties) == (b"bye", True, properties)


def _subscribed(house: House) -> list[p.Packet]:
    client = house.connect("s")
    client.subscribe("gone")
    return client.received()


def test_the_will_waits_for_its_delay() -> None:
    """[MQTT-3.1.3-9]"""
    house = House()
    watcher = watch(house)
    house.connect("x", **delayed(10)).lose()
    house.wait(9)
    assert watcher.messages() == []
    house.wait(2)
    assert len(watcher.messages()) == 1


def test_a_client_that_comes_back_in_time_has_no_will_published() -> None:
    """[MQTT-3.1.3-9]"""
    house = House()
    watcher = watch(house)
    house.connect("x", **delayed(10)).lose()
    house.wait(5)
    house.connect("x", clean_start=False)
    house.wait(20)
    assert watcher.messages() == []


def test_the_end_of_the_session_ends_the_delay() -> None:
    """[MQTT-3.1.2-8]: whichever happens first"""
    house = House()
    watcher = watch(house)
    house.connect("x", **delayed(10, expiry=5)).lose()
    house.wait(6)
    assert len(watcher.messages()) == 1
    house.connect("y", **delayed(10, expiry=0)).lose()
    assert len(watcher.messages()) == 1
    house.connect("z", **delayed(10)).lose()
    house.connect("z", clean_start=True)
    assert len(watcher.messages()) == 1


def test_a_takeover_publishes_the_will_unless_it_may_wait() -> None:
    """§3.1.3.2.2"""
    house = House()
    watcher = watch(house)
    house.connect("x", will=WILL)
    house.connect("x")
    assert len(watcher.messages()) == 1
    house.connect("y", **delayed(10))
    house.connect("y", clean_start=False, properties={"session_expiry_interval": 100})
    house.wait(20)
    assert watcher.messages() == []


def test_a_will_that_may_not_be_published_is_refused_at_once() -> None:
    house = House()
    house.broker.set_topic_permissions("guest", "/", "amq.topic", TopicPermissions("^ok$", ".*"))
    assert house.client().connect("x", will=WILL).reason == Reason.NOT_AUTHORIZED


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("topic", ["$SYS/broker/version", "$share/g/t"])
def test_a_will_on_a_topic_that_nobody_publishes_to_is_refused(topic: str, version: int) -> None:
    """It was taken, published and retained."""
    client = House().client()
    connack = client.connect("x", version=version, will=p.Will(topic, b"bye", 1, True))
    assert connack.reason == (Reason.NOT_AUTHORIZED if version == 5 else 5)
    assert client.is_closed


def test_a_will_that_may_not_be_published_any_more_is_dropped_with_a_line(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    watcher = watch(house)
    client = house.connect("x", will=WILL)
    house.broker.set_topic_permissions("guest", "/", "amq.topic", TopicPermissions("^ok$", ".*"))
    client.lose()
    assert watcher.messages() == []
    assert "the will of client 'x' is not published" in caplog.text


def test_a_will_topic_with_a_wildcard_is_refused() -> None:
    assert House().client().connect("x", will=p.Will("a/#", b"")).reason == Reason.TOPIC_NAME_INVALID
