"""PUBLISH packets for subscribers: encoded once for all that get the same octets.

A fan-out asks for the same message again and again, so what was last encoded is kept, by the identity of the message:
topic, properties, and whole packets at QoS 0. Successive messages mostly share topic and size, so the beginning of the
last packet is kept too. What differs per subscriber is put around it: packet identifier, flags,
subscription identifiers, alias, and what is left of the expiry.
"""

from mqbroker.core.message import Message
from mqbroker.core.recent import remember
from mqbroker.protocols.mqtt.codec.constants import V5
from mqbroker.protocols.mqtt.codec.property_table import BY_NAME
from mqbroker.protocols.mqtt.codec.wire import encode_text, encode_varint
from mqbroker.protocols.mqtt.properties import FRESH, MqttProperties, mqtt_octets
from mqbroker.protocols.mqtt.topics import Mapping, is_topic_name

_PUBLISH = 0x30
_NO_PROPERTIES = b"\0"
_EXPIRY = BY_NAME["message_expiry_interval"].identifier
_IDENTIFIER = bytes((BY_NAME["subscription_identifier"].identifier,))
_ALIAS = bytes((BY_NAME["topic_alias"].identifier,))
_KEYS_MAX = 4096  # routing keys whose topics are remembered


class PublishEncoder:
    """Encodes messages; one for all connections. `load` a message first."""

    __slots__ = (
        "_head", "_head_first", "_head_size", "_head_topic", "_mapping", "_octets", "_topics", "is_plain", "message",
        "plain3", "plain5", "topic",
    )  # fmt: skip

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._topics: dict[str, bytes] = {}
        self.message: Message | None = None
        self.topic = b""
        """The topic with its length; empty when MQTT has no such topic."""
        self.plain3 = b""
        self.plain5 = b""
        """The whole packet at QoS 0 without flags, for versions below 5 and for 5; empty until asked for."""
        self.is_plain = True
        """Whether it does not expire, so that the properties are the same for everyone."""
        self._octets: bytes | None = None
        self._head = b""
        self._head_first = -1
        self._head_size = -1
        self._head_topic = b""

    def load(self, message: Message) -> None:
        """Makes the message the current one."""
        self.message = message
        self.plain3 = self.plain5 = b""
        self._octets = None
        self.is_plain = message.properties.ttl_ms < 0
        topic = self._topics.get(message.routing_key)
        self.topic = self._new_topic(message) if topic is None else topic

    def _new_topic(self, message: Message) -> bytes:
        key = message.routing_key
        topic = self._mapping.from_key(key)
        if not is_topic_name(topic):
            return self._former_topic(message)
        return remember(self._topics, key, encode_text(topic), _KEYS_MAX)

    def _former_topic(self, message: Message) -> bytes:
        """The topic of a message that was published under the other mapping, which the configuration has replaced."""
        properties = message.properties
        if not isinstance(properties, MqttProperties):
            return b""
        topic = properties.mapping.from_key(message.routing_key)
        return encode_text(topic) if is_topic_name(topic) else b""

    @property
    def octets(self) -> bytes:
        """The properties of version 5, without length; the expiry in them is that of the publisher."""
        if self._octets is None:
            assert self.message is not None
            self._octets = mqtt_octets(self.message.properties, self._mapping)
        return self._octets

    def plain(self, version: int) -> bytes:
        """The current message at QoS 0 without flags; empty when MQTT cannot say it, or not the same to everyone."""
        if not self.topic or not self.is_plain:
            return b""
        if version < V5:
            if not self.plain3:
                self.plain3 = self.packet(_PUBLISH, self.topic, b"", None)
            return self.plain3
        if not self.plain5:
            self.plain5 = self.packet(_PUBLISH, self.topic, b"", self.octets)
        return self.plain5

    def packet(self, first: int, topic: bytes, packet_id: bytes, octets: bytes | None) -> bytes:
        """The current message after any first octet; `octets` None below version 5."""
        message = self.message
        assert message is not None
        body = message.content()
        if message.properties.is_coded:
            body = message.properties.readable(body)
        properties = packet_id
        if octets is not None:
            properties += encode_varint(len(octets)) + octets if octets else _NO_PROPERTIES
        size = len(topic) + len(properties) + len(body)
        if size != self._head_size or first != self._head_first or topic is not self._head_topic:
            self._head = bytes((first,)) + encode_varint(size) + topic
            self._head_size = size
            self._head_first = first
            self._head_topic = topic
        return self._head + properties + body

    def octets_for(self, identifiers: tuple[int, ...], now: int) -> bytes:
        """The properties of the current message for one subscriber, the expiry counted down [MQTT-3.3.2-6]."""
        assert self.message is not None
        octets = self.octets if self.is_plain else self._counted_down(self.message, now)
        for identifier in identifiers:
            octets += _IDENTIFIER + encode_varint(identifier)
        return octets

    def _counted_down(self, message: Message, now: int) -> bytes:
        left_ms = max(0, message.properties.ttl_ms - max(0, now - message.received_at))
        interval = (-(-left_ms // 1000)).to_bytes(4, "big")
        at = _expiry_at(self.octets)
        return self.octets[:at] + interval + self.octets[at + 4 :] if at >= 0 else self.octets


def _expiry_at(octets: bytes) -> int:
    """Where the expiry's four octets stand, -1 when it is not there. Walks over the properties of a PUBLISH."""
    at = 0
    while at < len(octets):
        identifier = octets[at]
        at += 1
        if identifier == _EXPIRY:
            return at
        at = _after(octets, identifier, at)
    return -1


def _after(octets: bytes, identifier: int, at: int) -> int:
    """Where a property of a PUBLISH ends."""
    if identifier == 0x01:
        return at + 1
    if identifier == 0x0B:
        while octets[at] & 0x80:
            at += 1
        return at + 1
    size = int.from_bytes(octets[at : at + 2], "big")
    at += 2 + size
    if identifier == 0x26:
        at += 2 + int.from_bytes(octets[at : at + 2], "big")
    return at


def alias_octets(alias: int) -> bytes:
    """The topic alias as a property."""
    return _ALIAS + alias.to_bytes(2, "big")


def is_fresh(message: Message) -> bool:
    """Whether QoS and identifiers of the message are final: it is sent for one subscription only."""
    properties = message.properties
    return isinstance(properties, MqttProperties) and bool(properties.flags & FRESH)


def origin_of(message: Message) -> str:
    """The client id of the message's publisher; empty for another protocol's."""
    properties = message.properties
    return properties.origin if isinstance(properties, MqttProperties) else ""
