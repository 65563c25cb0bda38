"""The properties of a message that came by MQTT, in the form in which the core and the journal keep them.

     0       1                 3
    +-------+-----------------+---------------+------------------------------------+
    | flags | length of origin | client id of | properties of MQTT 5, as they came |     `raw`
    | u8    | u16, if flagged  | the publisher| without topic alias and length     |
    +-------+-----------------+---------------+------------------------------------+

    flags: 3 = QoS; 4 = retain flag; 8 = sent for one subscription only, so that QoS and flags are final;
    16 = has an origin; 32 = topics are mapped exactly (topics.py)

The core is told what it asks for: QoS 1 and 2 are persistent, the message expiry interval is the TTL. The neutral view
gives AMQP and others content type, correlation id, reply-to and headers; `mqtt_octets` is the way back.
"""

from collections.abc import Mapping
from typing import Any

from mqbroker.core.properties import Formats, Properties
from mqbroker.protocols.grouping import group_text
from mqbroker.protocols.mqtt.codec.constants import PUBLISH
from mqbroker.protocols.mqtt.codec.property_table import join_properties, scan_properties
from mqbroker.protocols.mqtt.codec.wire import Reader
from mqbroker.protocols.mqtt.topics import EXACT, RABBITMQ, is_topic_name
from mqbroker.protocols.mqtt.topics import Mapping as TopicMapping

MQTT = 2  # the journal's number for this encoding

QOS = 3
RETAIN = 4
FRESH = 8
ORIGIN = 16
EXACT_MAPPING = 32

_EXPIRY_S_MAX = 0xFFFF_FFFF


class MqttProperties(Properties):
    """Properties of a PUBLISH. `origin` is the client id of the publisher, `octets` what version 5 sent."""

    __slots__ = ("flags", "octets", "origin", "qos")

    def __init__(self, raw: bytes, code: int = MQTT) -> None:
        """Raises ProtocolViolation when the octets are no properties of a PUBLISH."""
        super().__init__(code, raw)
        flags = self.flags = raw[0]
        at = 1
        self.origin = ""
        if flags & ORIGIN:
            at = 3 + int.from_bytes(raw[1:3], "big")
            self.origin = raw[3:at].decode()
        self.octets = raw[at:]
        self.qos = flags & QOS
        self.persistent = self.qos > 0
        if self.octets:
            values = self.values()
            self.has_headers = "user_property" in values
            if "message_expiry_interval" in values:
                self.ttl_ms = values["message_expiry_interval"] * 1000

    def values(self) -> dict[str, Any]:
        """The properties of version 5, decoded anew at each call."""
        return scan_properties(Reader(self.octets), PUBLISH)

    @property
    def mapping(self) -> TopicMapping:
        """How the topics of this message became keys."""
        return EXACT if self.flags & EXACT_MAPPING else RABBITMQ

    def headers(self) -> Mapping[str, object]:
        """The user properties. A name that is there more than once has a list of its values."""
        found: dict[str, object] = {}
        if self.has_headers:
            for name, value in self.values()["user_property"]:
                before = found.get(name)
                if before is None:
                    found[name] = value
                else:
                    found[name] = [*before, value] if isinstance(before, list) else [before, value]
        return found

    def text(self, name: str) -> str | None:
        """content_type, correlation_id and reply_to, the latter as a routing key; nothing else has a meaning here."""
        if not self.octets:
            return None
        if name == "content_type":
            return self.values().get("content_type")
        if name == "correlation_id":
            data: bytes | None = self.values().get("correlation_data")
            return None if data is None else data.decode(errors="surrogateescape")
        if name == "reply_to":
            topic: str | None = self.values().get("response_topic")
            return None if topic is None else self.mapping.to_key(topic)
        return group_text(self, name)

    def topic(self, routing_key: str) -> str | None:
        """The topic that became the key."""
        return self.mapping.from_key(routing_key)


FORMATS: Formats = {MQTT: MqttProperties}


def make_properties(flags: int, origin: str, octets: bytes) -> MqttProperties:
    """Properties from their parts; ORIGIN in the flags follows from `origin`."""
    if not origin:
        return MqttProperties(bytes((flags,)) + octets)
    name = origin.encode()
    return MqttProperties(bytes((flags | ORIGIN,)) + len(name).to_bytes(2, "big") + name + octets)


def as_final(properties: Properties, flags: int, identifiers: tuple[int, ...], mapping: TopicMapping) -> MqttProperties:
    """The properties with which a message goes to one subscription only: FRESH, QoS and RETAIN in `flags` are final."""
    octets = mqtt_octets(properties, mapping) + join_properties({"subscription_identifier": identifiers}, PUBLISH)
    if isinstance(properties, MqttProperties):
        mapping = properties.mapping  # by which its routing key was made
    return make_properties(flags | mapping_flag(mapping), "", octets)


def mapping_flag(mapping: TopicMapping) -> int:
    """What the flags say of a mapping."""
    return EXACT_MAPPING if mapping is EXACT else 0


def in_mapping(key: str, properties: MqttProperties, mapping: TopicMapping) -> tuple[str, MqttProperties]:
    """The routing key and the properties that a message would have if it had been published under this mapping."""
    topic = properties.mapping.from_key(key)
    flags = properties.flags & ~EXACT_MAPPING | mapping_flag(mapping)
    return mapping.to_key(topic), make_properties(flags, properties.origin, properties.octets)


def qos_of(properties: Properties) -> int:
    """The QoS at which a message was published; another protocol's persistent messages count as QoS 1."""
    if isinstance(properties, MqttProperties):
        return properties.qos
    return 1 if properties.persistent else 0


def mqtt_octets(properties: Properties, mapping: TopicMapping) -> bytes:
    """The properties of version 5 for a message of any protocol; what does not fit is left out."""
    if isinstance(properties, MqttProperties):
        return properties.octets
    found: dict[str, Any] = {}
    _put_text(found, "content_type", properties.text("content_type"))
    reply_to = properties.text("reply_to")
    if reply_to is not None and is_topic_name(mapping.from_key(reply_to)):
        found["response_topic"] = mapping.from_key(reply_to)
    correlation_id = properties.text("correlation_id")
    if correlation_id is not None:
        found["correlation_data"] = correlation_id.encode(errors="surrogateescape")
    if properties.ttl_ms >= 0:
        found["message_expiry_interval"] = min(-(-properties.ttl_ms // 1000), _EXPIRY_S_MAX)
    pairs = [pair for name, value in properties.headers().items() for pair in _pairs(name, value)]
    if pairs:
        found["user_property"] = pairs
    return join_properties(found, PUBLISH)


def _put_text(found: dict[str, Any], name: str, text: str | None) -> None:
    if text is not None and _is_text(text):
        found[name] = text


def _pairs(name: str, value: object) -> list[tuple[str, str]]:
    """User properties for one header: text, numbers and truths, and lists of them. Tables and octets have no form."""
    values = value if isinstance(value, list) else [value]
    texts = [_as_text(each) for each in values]
    return [(name, text) for text in texts if text is not None and _is_text(text) and _is_text(name)]


def _as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _is_text(text: str) -> bool:
    try:
        return "\0" not in text and len(text.encode()) <= 0xFFFF
    except UnicodeEncodeError:
        return False
