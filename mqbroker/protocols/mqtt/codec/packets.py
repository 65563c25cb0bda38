"""The packets of MQTT as values. `decode.py` makes them from octets, `encode.py` makes octets of them.

Every packet has `properties` (see property_table.py), which stay empty below version 5. A session on the hot path makes
none of these for PUBLISH and PUBACK: it reads their octets in place.
"""

from dataclasses import dataclass, field
from typing import Any

from mqbroker.protocols.mqtt.codec.property_table import Properties


@dataclass(slots=True)
class Will:
    """What is published once the client is gone without a word (§3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Connect:
    """CONNECT. `version` is the protocol level: 3, 4 or 5, for a bridge of Mosquitto's 3 or 4."""

    client_id: str
    version: int = 5
    clean_start: bool = True
    keep_alive_s: int = 0
    user_name: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = field(default_factory=dict)
    is_bridge: bool = False


@dataclass(slots=True)
class ConnAck:
    """CONNACK. `reason` is a reason code of version 5, a return code below it."""

    reason: int = 0
    session_present: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Publish:
    """PUBLISH. `packet_id` is 0 at QoS 0."""

    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Ack:
    """PUBACK, PUBREC, PUBREL or PUBCOMP, told apart by `kind`."""

    kind: int
    packet_id: int
    reason: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class TopicFilter:
    """One subscription of a SUBSCRIBE. Below version 5 only `qos` is told."""

    topic: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(slots=True)
class Subscribe:
    """SUBSCRIBE."""

    packet_id: int
    filters: list[TopicFilter]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class SubAck:
    """SUBACK: a reason code for each filter, in order."""

    packet_id: int
    reasons: list[int]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Unsubscribe:
    """UNSUBSCRIBE."""

    packet_id: int
    topics: list[str]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class UnsubAck:
    """UNSUBACK: a reason code for each filter; none below version 5."""

    packet_id: int
    reasons: list[int] = field(default_factory=list)
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class PingReq:
    """PINGREQ."""

    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class PingResp:
    """PINGRESP."""

    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Disconnect:
    """DISCONNECT. Below version 5 it has no content."""

    reason: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Auth:
    """AUTH, version 5 only."""

    reason: int = 0
    properties: Properties = field(default_factory=dict)


Packet = Any
"""Any of the above."""
