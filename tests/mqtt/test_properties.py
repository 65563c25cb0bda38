"""The properties of a message between MQTT, the journal and AMQP."""

import pytest

from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.core.values import Decimal, Int32
from mqbroker.protocols.amqp.properties import amqp_properties, build
from mqbroker.protocols.mqtt.codec.constants import PUBLISH
from mqbroker.protocols.mqtt.codec.property_table import join_properties, scan_properties
from mqbroker.protocols.mqtt.codec.wire import Reader
from mqbroker.protocols.mqtt.properties import (
    EXACT_MAPPING,
    RETAIN,
    MqttProperties,
    make_properties,
    mqtt_octets,
    qos_of,
)
from mqbroker.protocols.mqtt.topics import EXACT, RABBITMQ
from tests.mqtt.house import House

FULL = {
    "payload_format_indicator": True,
    "message_expiry_interval": 60,
    "content_type": "text/plain",
    "response_topic": "a/b.c",
    "correlation_data": b"\xff1",
    "user_property": [("x", "1"), ("y", "2"), ("x", "3")],
}


def full(flags: int = 1) -> MqttProperties:
    return make_properties(flags, "client", join_properties(FULL, PUBLISH))


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_journal_gives_back_what_it_was_given(qos: int) -> None:
    before = full(qos | RETAIN)
    after = MqttProperties(before.raw)
    assert (after.qos, after.persistent, after.origin, after.ttl_ms) == (qos, qos > 0, "client", 60_000)
    assert after.values() == FULL
    assert after.has_headers


def test_the_neutral_view_has_what_amqp_knows() -> None:
    properties = full()
    assert properties.headers() == {"x": ["1", "3"], "y": "2"}
    assert properties.text("content_type") == "text/plain"
    assert properties.text("reply_to") == "a.b.c"
    assert full(EXACT_MAPPING).text("reply_to") == "a.b/c"
    assert properties.text("message_id") is None
    assert make_properties(0, "", b"").text("content_type") is None


def test_amqp_sees_them_as_its_own() -> None:
    properties = amqp_properties(full())
    assert properties.headers() == {"x": ["1", "3"], "y": "2"}
    assert (properties.text("content_type"), properties.text("expiration")) == ("text/plain", "60000")
    assert (properties.text("correlation_id"), properties.persistent) == ("\udcff1", True)


def test_mqtt_sees_those_of_amqp_as_its_own() -> None:
    properties = build(
        content_type="a/b",
        correlation_id="\udcff1",
        reply_to="a.b",
        expiration="1500",
        headers={"t": True, "n": Int32(5), "f": 1.5, "l": ["1", 2], "d": Decimal(1, 2), "m": {"a": "b"}, "b": b"x"},
        delivery_mode=2,
    )
    assert qos_of(properties) == 1
    assert scan_properties(Reader(mqtt_octets(properties, RABBITMQ)), PUBLISH) == {
        "content_type": "a/b",
        "correlation_data": b"\xff1",
        "response_topic": "a/b",
        "message_expiry_interval": 2,
        "user_property": [("t", "true"), ("n", "5"), ("f", "1.5"), ("l", "1"), ("l", "2")],
    }
    assert mqtt_octets(build(reply_to="a.*"), EXACT) == b""
    assert mqtt_octets(build(content_type="\udcff"), RABBITMQ) == b""


def test_a_message_of_mqtt_can_be_dead_lettered() -> None:
    house = House()
    vhost = house.broker.vhost("/")
    dead = declare_queue(vhost, "dead", True, False, False, {}, house.now)
    arguments = {"x-message-ttl": 1000, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    queue = declare_queue(vhost, "q", True, False, False, arguments, house.now)
    vhost.bind(vhost.exchange("amq.topic"), queue, "a.#", {})
    house.connect("p").publish("a/b", b"x", 1, properties={"user_property": [("k", "v")]})
    house.wait(2)
    (entry,) = dead.waiting()
    headers = entry.message.properties.headers()
    assert headers["k"] == "v"
    assert "x-death" in headers
