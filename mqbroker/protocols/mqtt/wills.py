"""Wills (§3.1.2.5): what is published when a client is gone without a word, at once or after its delay.

A will waits in its session; that of a durable session is in the journal with it, so that it is published after a crash
of the broker too, which to everyone else is the end of the client's connection.
"""

from collections.abc import Mapping

from mqbroker.core.message import Message, new_message
from mqbroker.protocols.mqtt.codec.constants import PUBLISH
from mqbroker.protocols.mqtt.codec.packets import Will
from mqbroker.protocols.mqtt.codec.property_table import join_properties
from mqbroker.protocols.mqtt.properties import RETAIN, MqttProperties, make_properties
from mqbroker.protocols.mqtt.topics import TOPIC_EXCHANGE


class PendingWill:
    """A will as it is published: key, body, properties. `delay_s` counts from the end of the connection."""

    __slots__ = ("body", "delay_s", "due_at", "key", "properties")

    def __init__(self, key: str, body: bytes, properties: MqttProperties, delay_s: int) -> None:
        self.key = key
        self.body = body
        self.properties = properties
        self.delay_s = delay_s
        self.due_at = 0
        """When it is due, in milliseconds; 0 while its client is connected."""

    @property
    def is_retained(self) -> bool:
        """Whether it becomes the retained message of its topic."""
        return bool(self.properties.flags & RETAIN)

    def message(self, now: int) -> Message:
        """The message to publish."""
        return new_message(TOPIC_EXCHANGE, self.key, self.properties, self.body, now)

    def packed(self) -> dict[str, object]:
        """For the journal."""
        return {"key": self.key, "body": self.body, "properties": self.properties.raw, "delay": self.delay_s}


def will_of(will: Will, key: str, client_id: str, flags: int) -> PendingWill:
    """The will of a CONNECT. `flags` are those of properties.py beside QoS and retain."""
    values = {name: value for name, value in will.properties.items() if name != "will_delay_interval"}
    octets = join_properties(values, PUBLISH)
    properties = make_properties(flags | will.qos | (RETAIN if will.retain else 0), client_id, octets)
    return PendingWill(key, will.payload, properties, int(will.properties.get("will_delay_interval", 0)))


def unpack_will(value: object) -> PendingWill | None:
    """The reverse of `packed`; None when there was none."""
    if not isinstance(value, Mapping):
        return None
    key, body, raw, delay_s = value["key"], value["body"], value["properties"], value["delay"]
    assert isinstance(key, str)
    assert isinstance(body, bytes)
    assert isinstance(raw, bytes)
    assert isinstance(delay_s, int)
    return PendingWill(key, body, MqttProperties(raw), delay_s)
