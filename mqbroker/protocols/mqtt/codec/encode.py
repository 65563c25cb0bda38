"""Packets to octets: `encode(packet, version)`, the whole packet with its fixed header.

Fields that a version does not know are left out, and so are reason codes and properties that may be (§3.4.2.1): the
shortest form is sent. ValueError for what has no place in the packet is an internal error, never one of a peer.
"""

from collections.abc import Callable
from typing import Any

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.property_table import WILL, Properties, write_properties
from mqbroker.protocols.mqtt.codec.wire import encode_binary, encode_text, encode_varint


def encode(packet: p.Packet, version: int) -> bytes:
    """The octets of a packet."""
    encoder: Callable[[Any, int], bytes] = _ENCODERS[type(packet)]
    return encoder(packet, version)


def frame(first: int, *pieces: bytes) -> bytes:
    """A packet of its first octet and the pieces of its body."""
    body = b"".join(pieces)
    return bytes((first,)) + encode_varint(len(body)) + body


def _first(kind: int) -> int:
    return kind << 4 | c.FIXED_FLAGS[kind]


def _properties(properties: Properties, place: int, version: int) -> bytes:
    return write_properties(properties, place) if version >= c.V5 else b""


def _short(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _connect(packet: p.Connect, version: int) -> bytes:
    version = packet.version
    flags = c.CLEAN_START_FLAG if packet.clean_start else 0
    pieces = [encode_text(packet.client_id)]
    will = packet.will
    if will is not None:
        flags |= c.WILL_FLAG | will.qos << c.WILL_QOS_SHIFT | (c.WILL_RETAIN_FLAG if will.retain else 0)
        pieces += [_properties(will.properties, WILL, version), encode_text(will.topic), encode_binary(will.payload)]
    if packet.user_name is not None:
        flags |= c.USER_NAME_FLAG
        pieces.append(encode_text(packet.user_name))
    if packet.password is not None:
        flags |= c.PASSWORD_FLAG
        pieces.append(encode_binary(packet.password))
    level = version | c.BRIDGE_FLAG if packet.is_bridge else version
    head = encode_binary(c.PROTOCOL_NAMES[version]) + bytes((level, flags)) + _short(packet.keep_alive_s)
    return frame(_first(c.CONNECT), head, _properties(packet.properties, c.CONNECT, version), *pieces)


def _connack(packet: p.ConnAck, version: int) -> bytes:
    head = bytes((packet.session_present, packet.reason))
    return frame(_first(c.CONNACK), head, _properties(packet.properties, c.CONNACK, version))


def _publish(packet: p.Publish, version: int) -> bytes:
    first = c.PUBLISH << 4 | packet.qos << 1
    first |= (c.RETAIN_FLAG if packet.retain else 0) | (c.DUP_FLAG if packet.dup else 0)
    number = _short(packet.packet_id) if packet.qos else b""
    return frame(
        first, encode_text(packet.topic), number, _properties(packet.properties, c.PUBLISH, version), packet.payload
    )


def _ack(packet: p.Ack, version: int) -> bytes:
    return frame(_first(packet.kind), _short(packet.packet_id), _reason(packet, packet.kind, version))


def _reason(packet: p.Ack | p.Disconnect | p.Auth, kind: int, version: int) -> bytes:
    """Reason code and properties, as far as they say anything."""
    if version < c.V5 or not (packet.reason or packet.properties):
        return b""
    octets = bytes((packet.reason,))
    return octets + write_properties(packet.properties, kind) if packet.properties else octets


def _subscribe(packet: p.Subscribe, version: int) -> bytes:
    filters = [encode_text(each.topic) + bytes((_options(each, version),)) for each in packet.filters]
    head = _short(packet.packet_id) + _properties(packet.properties, c.SUBSCRIBE, version)
    return frame(_first(c.SUBSCRIBE), head, *filters)


def _options(each: p.TopicFilter, version: int) -> int:
    if version < c.V5:
        return each.qos
    return each.qos | each.no_local << 2 | each.retain_as_published << 3 | each.retain_handling << 4


def _suback(packet: p.SubAck, version: int) -> bytes:
    head = _short(packet.packet_id) + _properties(packet.properties, c.SUBACK, version)
    return frame(_first(c.SUBACK), head, bytes(packet.reasons))


def _unsubscribe(packet: p.Unsubscribe, version: int) -> bytes:
    head = _short(packet.packet_id) + _properties(packet.properties, c.UNSUBSCRIBE, version)
    return frame(_first(c.UNSUBSCRIBE), head, *[encode_text(topic) for topic in packet.topics])


def _unsuback(packet: p.UnsubAck, version: int) -> bytes:
    head = _short(packet.packet_id)
    if version < c.V5:
        return frame(_first(c.UNSUBACK), head)
    return frame(_first(c.UNSUBACK), head, write_properties(packet.properties, c.UNSUBACK), bytes(packet.reasons))


def _pingreq(_packet: p.PingReq, _version: int) -> bytes:
    return c.PINGREQ_PACKET


def _pingresp(_packet: p.PingResp, _version: int) -> bytes:
    return c.PINGRESP_PACKET


def _disconnect(packet: p.Disconnect, version: int) -> bytes:
    return frame(_first(c.DISCONNECT), _reason(packet, c.DISCONNECT, version))


def _auth(packet: p.Auth, version: int) -> bytes:
    return frame(_first(c.AUTH), _reason(packet, c.AUTH, version))


_ENCODERS: dict[type, Callable[[Any, int], bytes]] = {
    p.Connect: _connect,
    p.ConnAck: _connack,
    p.Publish: _publish,
    p.Ack: _ack,
    p.Subscribe: _subscribe,
    p.SubAck: _suback,
    p.Unsubscribe: _unsubscribe,
    p.UnsubAck: _unsuback,
    p.PingReq: _pingreq,
    p.PingResp: _pingresp,
    p.Disconnect: _disconnect,
    p.Auth: _auth,
}
