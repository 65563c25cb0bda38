"""Retained messages: one a topic, found by wildcards, from any protocol, and gone when they expire."""

import pytest

from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.mqtt.codec import packets as p
from tests.mqtt.house import Client, House


def retain(house: House, topic: str, payload: bytes = b"x", qos: int = 1, **properties: object) -> None:
    client = house.connect("retainer")
    client.publish(topic, payload, qos, retain=True, properties=properties)
    client.pubrel(7)
    client.disconnect()


def subscribe(house: House, topic_filter: p.TopicFilter | str) -> list[p.Packet]:
    client = house.connect("s")
    client.subscribe(topic_filter)
    return client.received()


def names(packets: list[p.Packet]) -> list[str]:
    return sorted(each.topic for each in packets)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_the_last_retained_message_is_sent_to_a_new_subscription(version: int) -> None:
    """[MQTT-3.3.1-5], [MQTT-3.3.1-9], 3.1.1 [MQTT-3.3.1-6], [MQTT-3.3.1-8]"""
    house = House()
    retain(house, "t", b"old")
    retain(house, "t", b"new")
    client = house.connect("s", version=version)
    client.subscribe("t")
    message = client.one()
    assert (message.payload, message.retain, message.qos, message.dup) == (b"new", True, 1, False)


def test_wildcards_find_retained_messages_but_not_those_with_a_dollar() -> None:
    house = House()
    for topic in ("a/b", "a", "a/b/c", "x", "/", "$hidden/b"):
        retain(house, topic)
    assert names(subscribe(house, "a/#")) == ["a", "a/b", "a/b/c"]
    assert names(subscribe(house, "+/b")) == ["a/b"]
    assert names(subscribe(house, "#")) == ["/", "a", "a/b", "a/b/c", "x"]
    assert names(subscribe(house, "+/+")) == ["/", "a/b"]
    assert names(subscribe(house, "$hidden/+")) == ["$hidden/b"]


def test_an_empty_message_deletes_and_is_delivered_like_any_other() -> None:
    """[MQTT-3.3.1-6], [MQTT-3.3.1-7], 3.1.1 [MQTT-3.3.1-10], [MQTT-3.3.1-11]"""
    house = House()
    retain(house, "t")
    client = house.connect("s")
    client.subscribe(p.TopicFilter("t", 0, retain_handling=2))
    retain(house, "t", b"")
    assert client.messages() == [("t", b"", 0)]
    assert subscribe(house, "t") == []


def test_a_message_without_the_flag_changes_nothing() -> None:
    """[MQTT-3.3.1-8], 3.1.1 [MQTT-3.3.1-12]"""
    house = House()
    retain(house, "t", b"kept")
    house.connect("p").publish("t", b"other", 1)
    assert [each.payload for each in subscribe(house, "t")] == [b"kept"]


def test_retain_handling_says_when_they_are_sent() -> None:
    """[MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]"""
    house = House()
    retain(house, "t", qos=0)
    client = house.connect("s")
    for handling, expected in ((2, 0), (1, 0), (0, 1), (1, 0)):
        client.subscribe(p.TopicFilter("t", 0, retain_handling=handling))
        assert len(client.received()) == expected, handling
    client.unsubscribe("t")
    client.subscribe(p.TopicFilter("t", 0, retain_handling=1))
    assert len(client.received()) == 1


def test_retain_as_published_keeps_the_flag() -> None:
    """[MQTT-3.3.1-12], [MQTT-3.3.1-13]"""
    house = House()
    plain, keeping = house.connect("a"), house.connect("b")
    plain.subscribe("t")
    keeping.subscribe(p.TopicFilter("t", 1, retain_as_published=True))
    retain(house, "t")
    assert [client.one().retain for client in (plain, keeping)] == [False, True]


def test_a_retained_message_has_the_identifier_and_the_qos_of_the_new_subscription() -> None:
    """[MQTT-3.3.4-3], [MQTT-3.8.4-8]"""
    house = House()
    retain(house, "t", qos=2)
    client = house.connect("s")
    client.subscribe("#", qos=2, subscription_identifier=1)
    client.received()
    client.subscribe("t", qos=1, subscription_identifier=2)
    message = client.one()
    assert (message.qos, message.properties["subscription_identifier"]) == (1, [2])


def test_retained_messages_expire() -> None:
    house = House()
    retain(house, "t", message_expiry_interval=10, content_type="a")
    house.wait(4)
    (message,) = subscribe(house, "t")
    assert message.properties == {"message_expiry_interval": 6, "content_type": "a"}
    house.wait(7)
    assert subscribe(house, "t") == []
    retained = house.broker.vhost("/").retained
    assert retained is not None
    assert (retained.count, retained.byte_count) == (0, 0)


def test_amqp_retains_by_an_exchange_that_passes_on() -> None:
    house = House()
    client = house.connect("live")
    client.subscribe("a/+")
    house.publish_amqp("amq.retained", "a.b", build(delivery_mode=2, content_type="x/y"), b"hello")
    assert client.messages() == [("a/b", b"hello", 1)]
    (message,) = subscribe(house, "a/#")
    assert (message.payload, message.retain, message.properties) == (b"hello", True, {"content_type": "x/y"})


def test_retained_messages_are_bounded() -> None:
    house = House(retained_messages_max=1, retained_bytes_max=4)
    retain(house, "a", b"1234")
    retain(house, "b", b"1")
    retain(house, "a", b"12345")
    assert [(each.topic, each.payload) for each in subscribe(house, "#")] == [("a", b"1234")]
    retain(house, "a", b"12")
    assert [each.payload for each in subscribe(house, "#")] == [b"12"]


def test_a_storm_of_retained_messages_waits_for_the_reader() -> None:
    house = House()
    publisher = house.connect("p")
    for number in range(300):
        publisher.publish(f"t/{number}", bytes(10_000), retain=True)
    client: Client = house.connect("s")
    client.is_stalled = True
    client.subscribe("t/#", qos=0)
    assert 0 < len(client.messages()) < 200
    client.is_stalled = False
    client.connection.resume_output(house.now)
    house.turn()
    assert 0 < len(client.messages()) < 300
