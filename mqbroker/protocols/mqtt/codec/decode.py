"""Octets to packets: `decode(first octet, body, version)` for one packet whose fixed header was taken off already.

    +-------------+-------+------------------+------------------------------+
    | type (4)    | flags | remaining length | variable header, payload     |     MQTT 5 §2.1
    | bits 7-4    | 3-0   | 1 to 4 octets    | = `body`                     |
    +-------------+-------+------------------+------------------------------+

Everything that a packet can be wrong in by itself is refused here with the reason that the specification gives it;
what depends on the session (identifiers in use, aliases, order) is not known here. The octets of a body are looked at
once and never past its end.
"""

from collections.abc import Callable

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.packets import (
    Ack,
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PingReq,
    PingResp,
    Publish,
    SubAck,
    Subscribe,
    TopicFilter,
    UnsubAck,
    Unsubscribe,
    Will,
)
from mqbroker.protocols.mqtt.codec.property_table import WILL, Properties, read_properties
from mqbroker.protocols.mqtt.codec.reasons import malformed, protocol_error
from mqbroker.protocols.mqtt.codec.wire import Reader

_ACK_REASONS = {
    c.PUBACK: frozenset((0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
    c.PUBREC: frozenset((0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
    c.PUBREL: frozenset((0x00, 0x92)),
    c.PUBCOMP: frozenset((0x00, 0x92)),
}
_DISCONNECT_REASONS = frozenset((
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
    0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
))  # fmt: skip
_AUTH_REASONS = frozenset((0x00, 0x18, 0x19))
_SUBACK_REASONS = frozenset((0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2))
_UNSUBACK_REASONS = frozenset((0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91))


def decode(first: int, body: bytes, version: int) -> Packet:
    """The packet with this first octet and body. Raises ProtocolViolation. CONNECT brings its own version."""
    kind = first >> 4
    reader = Reader(body)
    if kind == c.PUBLISH:
        return decode_publish(first, reader, version)
    decoder = _DECODERS.get(kind)
    if decoder is None or (kind == c.AUTH and version < c.V5):
        raise malformed(f"packet type {kind} does not exist")
    if first & 0x0F != c.FIXED_FLAGS[kind] and not _may_repeat(first, version):
        raise malformed(f"{c.NAMES[kind]} has wrong flags")  # [MQTT-2.1.3-1]
    packet = decoder(kind, reader, version)
    reader.finish()
    return packet


def _may_repeat(first: int, version: int) -> bool:
    """MQTT 3.1 §2.1 lets SUBSCRIBE, UNSUBSCRIBE and PUBREL carry DUP."""
    return version == c.V3_1 and first >> 4 in (c.PUBREL, c.SUBSCRIBE, c.UNSUBSCRIBE) and first & 0x0F == 0x0A


def _properties(reader: Reader, place: int, version: int) -> Properties:
    return read_properties(reader, place) if version >= c.V5 else {}


# --- CONNECT --------------------------------------------------------------------------------------------------------


def _connect(_kind: int, reader: Reader, version: int) -> Connect:
    version, is_bridge = _protocol(reader)
    flags = reader.octet()
    _check_connect_flags(flags, version)
    keep_alive_s = reader.short()
    properties = _properties(reader, c.CONNECT, version)
    if "authentication_data" in properties and "authentication_method" not in properties:
        raise protocol_error("authentication data without a method")  # §3.1.2.11.10
    client_id = reader.text()
    will = _will(flags, reader, version) if flags & c.WILL_FLAG else None
    user_name = reader.text() if flags & c.USER_NAME_FLAG else None
    password = reader.binary() if flags & c.PASSWORD_FLAG else None
    clean_start = bool(flags & c.CLEAN_START_FLAG)
    return Connect(client_id, version, clean_start, keep_alive_s, user_name, password, will, properties, is_bridge)


def _protocol(reader: Reader) -> tuple[int, bool]:
    """The protocol level, and whether a bridge of Mosquitto's says it (`try_private`, which it tries first).

    Any other name is no MQTT at all [MQTT-3.1.2-1].
    """
    name = reader.binary()
    if name not in c.PROTOCOL_NAMES.values():
        raise malformed("the protocol name is not MQTT's")
    level = reader.octet()
    version = level & ~c.BRIDGE_FLAG
    is_bridge = version != level
    if c.PROTOCOL_NAMES.get(version) != name or (is_bridge and version == c.V5):
        raise ProtocolViolation("version", f"protocol level {level} is not supported")  # [MQTT-3.1.2-2]
    return version, is_bridge


def _check_connect_flags(flags: int, version: int) -> None:
    if flags & 1 and version > c.V3_1:
        raise malformed("the reserved flag of CONNECT is set")  # [MQTT-3.1.2-3]
    if (flags >> c.WILL_QOS_SHIFT) & 3 == 3:
        raise malformed("the will has QoS 3")  # [MQTT-3.1.2-12]
    if not flags & c.WILL_FLAG and flags & (c.WILL_RETAIN_FLAG | 3 << c.WILL_QOS_SHIFT):
        raise malformed("will flags without a will")  # [MQTT-3.1.2-11, -13]
    if flags & c.PASSWORD_FLAG and not flags & c.USER_NAME_FLAG and version < c.V5:
        raise malformed("a password without a user name")  # 3.1.1 [MQTT-3.1.2-22]; allowed since 5.0


def _will(flags: int, reader: Reader, version: int) -> Will:
    properties = _properties(reader, WILL, version)
    topic = reader.text()
    payload = reader.binary()
    qos = (flags >> c.WILL_QOS_SHIFT) & 3
    return Will(topic, payload, qos, bool(flags & c.WILL_RETAIN_FLAG), properties)


def _connack(_kind: int, reader: Reader, version: int) -> ConnAck:
    flags = reader.octet()
    if flags > 1:
        raise malformed("CONNACK has reserved flags")  # [MQTT-3.2.2-1]
    reason = reader.octet()
    return ConnAck(reason, flags == 1, _properties(reader, c.CONNACK, version))


# --- PUBLISH and its acknowledgements -------------------------------------------------------------------------------


def decode_publish(first: int, reader: Reader, version: int) -> Publish:
    """PUBLISH, all of it. Wildcards and empty topics are the session's to judge: an alias may stand for the topic."""
    qos = first >> 1 & 3
    if qos == 3:
        raise malformed("PUBLISH has QoS 3")  # [MQTT-3.3.1-4]
    if first & c.DUP_FLAG and not qos and version > c.V3_1:
        raise malformed("PUBLISH repeats at QoS 0")  # [MQTT-3.3.1-2]
    topic = reader.text()
    packet_id = reader.packet_id() if qos else 0
    properties = _properties(reader, c.PUBLISH, version)
    retain, dup = bool(first & c.RETAIN_FLAG), bool(first & c.DUP_FLAG)
    return Publish(topic, reader.rest(), qos, retain, dup, packet_id, properties)


def _ack(kind: int, reader: Reader, version: int) -> Ack:
    packet_id = reader.short()
    if not packet_id:
        raise protocol_error(f"{c.NAMES[kind]} has packet identifier 0")  # it can be parsed, and answers no packet
    if version < c.V5 or reader.is_done:
        return Ack(kind, packet_id)  # §3.4.2.1: no reason code means success
    reason = reader.octet()
    if reason not in _ACK_REASONS[kind]:
        raise malformed(f"{c.NAMES[kind]} has reason code {reason:#x}")  # [MQTT-3.4.2-1]
    properties = {} if reader.is_done else read_properties(reader, kind)
    return Ack(kind, packet_id, reason, properties)


# --- SUBSCRIBE and UNSUBSCRIBE --------------------------------------------------------------------------------------


def _subscribe(_kind: int, reader: Reader, version: int) -> Subscribe:
    packet_id = reader.packet_id()
    properties = _properties(reader, c.SUBSCRIBE, version)
    filters: list[TopicFilter] = []
    while not reader.is_done:
        filters.append(_topic_filter(reader, version))
    if not filters:
        raise protocol_error("SUBSCRIBE without a topic filter")  # [MQTT-3.8.3-2]
    return Subscribe(packet_id, filters, properties)


def _topic_filter(reader: Reader, version: int) -> TopicFilter:
    topic = reader.text()
    options = reader.octet()
    if options & 3 == 3:
        raise malformed("a subscription asks for QoS 3")  # 3.1.1 [MQTT-3-8.3-4], 5.0 §3.8.3.1
    if options & (0xC0 if version >= c.V5 else 0xFC):
        raise malformed("a subscription has reserved options")  # [MQTT-3.8.3-5]
    handling = options >> 4 & 3
    if handling == 3:
        raise protocol_error("a subscription has retain handling 3")  # §3.8.3.1
    return TopicFilter(topic, options & 3, bool(options & 4), bool(options & 8), handling)


def _suback(_kind: int, reader: Reader, version: int) -> SubAck:
    packet_id = reader.packet_id()
    properties = _properties(reader, c.SUBACK, version)
    return SubAck(packet_id, _reasons(reader, _SUBACK_REASONS), properties)


def _unsubscribe(_kind: int, reader: Reader, version: int) -> Unsubscribe:
    packet_id = reader.packet_id()
    properties = _properties(reader, c.UNSUBSCRIBE, version)
    topics: list[str] = []
    while not reader.is_done:
        topics.append(reader.text())
    if not topics:
        raise protocol_error("UNSUBSCRIBE without a topic filter")  # [MQTT-3.10.3-2]
    return Unsubscribe(packet_id, topics, properties)


def _unsuback(_kind: int, reader: Reader, version: int) -> UnsubAck:
    packet_id = reader.packet_id()
    if version < c.V5:
        return UnsubAck(packet_id)
    properties = read_properties(reader, c.UNSUBACK)
    return UnsubAck(packet_id, _reasons(reader, _UNSUBACK_REASONS), properties)


def _reasons(reader: Reader, known: frozenset[int]) -> list[int]:
    reasons = list(reader.rest())
    if not reasons or not known.issuperset(reasons):
        raise malformed("an acknowledgement has no reason codes, or unknown ones")
    return reasons


# --- the rest -------------------------------------------------------------------------------------------------------


def _pingreq(_kind: int, _reader: Reader, _version: int) -> PingReq:
    return PingReq()


def _pingresp(_kind: int, _reader: Reader, _version: int) -> PingResp:
    return PingResp()


def _disconnect(kind: int, reader: Reader, version: int) -> Disconnect:
    return Disconnect(*_reason_and_properties(kind, reader, version, _DISCONNECT_REASONS))


def _auth(kind: int, reader: Reader, version: int) -> Auth:
    reason, properties = _reason_and_properties(kind, reader, version, _AUTH_REASONS)
    if "authentication_method" not in properties:
        raise protocol_error("AUTH without a method")  # §3.15.2.2.2
    return Auth(reason, properties)


def _reason_and_properties(kind: int, reader: Reader, version: int, known: frozenset[int]) -> tuple[int, Properties]:
    if version < c.V5 or reader.is_done:
        return 0, {}  # §3.14.2.1, §3.15.2.1
    reason = reader.octet()
    if reason not in known:
        raise malformed(f"{c.NAMES[kind]} has reason code {reason:#x}")
    return reason, {} if reader.is_done else read_properties(reader, kind)


_DECODERS: dict[int, Callable[[int, Reader, int], Packet]] = {
    c.CONNECT: _connect,
    c.CONNACK: _connack,
    c.PUBACK: _ack,
    c.PUBREC: _ack,
    c.PUBREL: _ack,
    c.PUBCOMP: _ack,
    c.SUBSCRIBE: _subscribe,
    c.SUBACK: _suback,
    c.UNSUBSCRIBE: _unsubscribe,
    c.UNSUBACK: _unsuback,
    c.PINGREQ: _pingreq,
    c.PINGRESP: _pingresp,
    c.DISCONNECT: _disconnect,
    c.AUTH: _auth,
}
