"""Topic names and filters: which are valid, and how they become routing keys of the core and back.

    MQTT      levels between /    + one level    # the rest, at the end      MQTT 5 §4.7
    core      words between .     * one word     # the rest

Two mappings. Both turn `/` into `.` and `+` into `*`, as RabbitMQ's plugin does, and differ in what becomes of a `.` or
a `*` inside of a level:

    topic                    exact                    rabbitmq
    dev/temp                 dev.temp                 dev.temp
    dev/192.168.1.5/up       dev.192/168/1/5.up       dev.192.168.1.5.up    which comes back as dev/192/168/1/5/up
    a*b/state                a+b.state                a*b.state

`exact` has the two pairs change places. So it is one to one: every topic comes back as it was, no two share a key, and
filters match as the specification says. An AMQP client sees `/` where a level held a `.`, and `+` where it held a `*`.

`rabbitmq` is for those who have AMQP clients that know such topics from RabbitMQ. What it cannot bring back is said in
the log (`brings_back`).
"""

import re
from typing import NamedTuple

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.mqtt.limits import MQTT_TOPIC_BYTES_MAX, MQTT_TOPIC_LEVELS_MAX

TOPIC_EXCHANGE = "amq.topic"
SHARE_PREFIX = "$share/"
SYSTEM_PREFIX = "$SYS/"
_BRIDGE_STATE = re.compile(r"\$SYS/broker/connection/[^/]+/state")


class Mapping:
    """Between topics and routing keys. Stateless; the two instances are RABBITMQ and EXACT."""

    __slots__ = ("_from_key", "_to_key", "name")

    def __init__(self, name: str, to_key: dict[str, str], from_key: dict[str, str]) -> None:
        self.name = name
        self._to_key = str.maketrans(to_key)
        self._from_key = str.maketrans(from_key)

    def to_key(self, topic: str) -> str:
        """The routing key of a topic name, or the binding key of a filter."""
        return topic.translate(self._to_key)

    def from_key(self, key: str) -> str:
        """The topic of a routing key, which may be none that MQTT allows (`is_topic_name`)."""
        return key.translate(self._from_key)

    def brings_back(self, topic: str) -> bool:
        """Whether subscribers of MQTT are sent this topic as it was published."""
        return self.from_key(self.to_key(topic)) == topic


# RabbitMQ turns * into + on the way back, which no topic may hold: such messages would reach nobody.
RABBITMQ = Mapping("rabbitmq", {"/": ".", "+": "*"}, {".": "/"})
EXACT = Mapping("exact", {"/": ".", ".": "/", "+": "*", "*": "+"}, {"/": ".", ".": "/", "+": "*", "*": "+"})
MAPPINGS = {mapping.name: mapping for mapping in (RABBITMQ, EXACT)}


def is_topic_name(topic: str) -> bool:
    """Whether a client may be sent this topic: neither empty nor with wildcards or NUL [MQTT-3.3.2-2, 4.7.3-1]."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        return False
    try:
        return len(topic.encode()) <= 0xFFFF
    except UnicodeEncodeError:
        return False


def check_topic_name(topic: str) -> None:
    """Raises topic_name for what nobody may publish to. Longer ones than we keep are refused as such (0x90)."""
    if not topic or "+" in topic or "#" in topic:  # [MQTT-3.3.2-2], [MQTT-4.7.3-1]
        raise ProtocolViolation("topic_name", "a topic name is empty or contains a wildcard")
    if len(topic.encode()) > MQTT_TOPIC_BYTES_MAX or topic.count("/") >= MQTT_TOPIC_LEVELS_MAX:
        raise ProtocolViolation("topic_name", "a topic name is longer than this server takes")


def is_reserved(topic: str) -> bool:
    """Whether nobody may publish to this topic, as in Mosquitto: the server's own, but for the states of bridges, and
    what is a shared subscription to everyone who subscribes to it."""
    if topic.startswith(SHARE_PREFIX):
        return True
    return (topic == "$SYS" or topic.startswith(SYSTEM_PREFIX)) and not _BRIDGE_STATE.fullmatch(topic)


class ParsedFilter(NamedTuple):
    """A topic filter; `group` is the share name of a shared subscription, else empty."""

    group: str
    topic: str


def parse_filter(text: str) -> ParsedFilter:
    """A topic filter, with its share taken off. Raises topic_filter (0x8F)."""
    if not text.startswith(SHARE_PREFIX):
        _check_filter(text)
        return ParsedFilter("", text)
    group, slash, topic = text[len(SHARE_PREFIX) :].partition("/")
    if not group or not slash or "+" in group or "#" in group:  # [MQTT-4.8.2-1], [MQTT-4.8.2-2]
        raise ProtocolViolation("topic_filter", "a shared subscription needs a share name and a topic filter")
    _check_filter(topic)
    return ParsedFilter(group, topic)


def _check_filter(topic: str) -> None:
    if not topic:  # [MQTT-4.7.3-1]
        raise ProtocolViolation("topic_filter", "a topic filter is empty")
    levels = topic.split("/")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):  # [MQTT-4.7.1-1]
            raise ProtocolViolation("topic_filter", "# is not the last level of a topic filter, or not alone in it")
        if "+" in level and level != "+":  # [MQTT-4.7.1-2]
            raise ProtocolViolation("topic_filter", "+ is not alone in its level")
    if len(topic.encode()) > MQTT_TOPIC_BYTES_MAX or len(levels) > MQTT_TOPIC_LEVELS_MAX:
        raise ProtocolViolation("topic_filter", "a topic filter is longer than this server takes")


def is_hidden(topic_filter: str, topic: str) -> bool:
    """A filter that begins with a wildcard does not match topics that begin with $ [MQTT-4.7.2-1]."""
    return topic[:1] == "$" and topic_filter[:1] in ("+", "#")
