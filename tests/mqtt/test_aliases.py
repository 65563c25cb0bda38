"""Topic aliases in both directions (§3.3.2.3.4)."""

import pytest

from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import House


def test_a_topic_alias_of_the_client_stands_for_its_topic() -> None:
    """[MQTT-3.3.2-7], [MQTT-3.3.2-10], [MQTT-3.3.2-12]"""
    house = House()
    client, publisher = house.connect("s"), house.connect("p")
    client.subscribe("#", qos=0)
    publisher.publish("a/b", b"1", properties={"topic_alias": 3})
    publisher.publish("", b"2", properties={"topic_alias": 3})
    publisher.publish("c", b"3", properties={"topic_alias": 3})
    publisher.publish("", b"4", properties={"topic_alias": 3})
    assert client.messages() == [("a/b", b"1", 0), ("a/b", b"2", 0), ("c", b"3", 0), ("c", b"4", 0)]


@pytest.mark.parametrize("alias", [0, 17])
def test_a_topic_alias_out_of_range_ends_the_connection(alias: int) -> None:
    """[MQTT-3.3.2-8], [MQTT-3.3.2-9]"""
    client = House().connect("p")
    client.publish("t", properties={"topic_alias": alias})
    assert client.one().reason == Reason.TOPIC_ALIAS_INVALID


def test_an_unknown_alias_without_a_topic_is_a_protocol_error() -> None:
    """§3.3.2.1"""
    client = House().connect("p")
    client.publish("", properties={"topic_alias": 3})
    assert client.one().reason == Reason.PROTOCOL_ERROR


def test_topics_are_sent_as_aliases_to_clients_that_allow_it() -> None:
    """[MQTT-3.1.2-26], [MQTT-3.1.2-27]"""
    house = House()
    client = house.connect("s", properties={"topic_alias_maximum": 1})
    client.subscribe("+")
    publisher = house.connect("p")
    for topic in ("a", "b", "a"):
        publisher.publish(topic)
    first, second, third = client.received()
    assert (first.topic, first.properties) == ("a", {"topic_alias": 1})
    assert (second.topic, second.properties) == ("b", {})
    assert (third.topic, third.properties) == ("", {"topic_alias": 1})


@pytest.mark.parametrize("qos", [0, 1])
def test_an_alias_is_not_announced_by_a_packet_that_is_too_large(qos: int) -> None:
    """The next message came under an alias that the client had never heard of. [MQTT-3.3.2-7]"""
    house = House()
    client = house.connect("s", properties={"topic_alias_maximum": 5, "maximum_packet_size": 64})
    client.subscribe("topic", qos=qos)
    publisher = house.connect("p")
    publisher.publish("topic", bytes(100), qos)
    for size in (64 - 13, 64 - 10, 3, 4):
        publisher.publish("topic", bytes(size - 2 * bool(qos)), qos)
    found = [(each.topic, each.properties.get("topic_alias"), len(each.payload)) for each in client.received()]
    less = 2 * bool(qos)
    # The first one just fits with its alias. Then the alias takes less than the topic: the largest fits too.
    assert found == [("topic", 1, 51 - less), ("", 1, 54 - less), ("", 1, 3 - less), ("", 1, 4 - less)]


def test_a_message_that_is_too_large_with_an_alias_goes_without() -> None:
    """It was not sent at all."""
    house = House()
    client = house.connect("s", properties={"topic_alias_maximum": 5, "maximum_packet_size": 64})
    client.subscribe("t", qos=0)
    publisher = house.connect("p")
    for size in (64 - 6, 3, 64 - 6, 64 - 5):
        publisher.publish("t", bytes(size))
    found = [(each.topic, each.properties.get("topic_alias"), len(each.payload)) for each in client.received()]
    assert found == [("t", None, 58), ("t", 1, 3), ("t", None, 58)]


def test_an_alias_is_not_announced_by_a_packet_that_waits() -> None:
    """It was dropped when there was no room for it, and the next one came under an alias that stood for nothing."""
    house = House()
    client = house.connect("s", properties={"topic_alias_maximum": 5})
    client.subscribe("+", qos=0)
    client.is_stalled = True
    client.connection.pause_output()
    publisher = house.connect("p")
    publisher.publish("large", bytes(15 << 20))
    publisher.publish("t", bytes(2 << 20))
    client.is_stalled = False
    client.connection.resume_output(house.now)
    house.turn()
    for topic in ("t", "large", "t"):
        publisher.publish(topic, b"x")
    found = [(each.topic, each.properties.get("topic_alias"), len(each.payload)) for each in client.received()]
    assert found == [("large", None, 15 << 20), ("t", 1, 1), ("large", 2, 1), ("", 1, 1)]
