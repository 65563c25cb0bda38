"""The properties of MQTT 5 (§2.2.2.2): one table of identifiers, types and places, and the codec that it drives.

A set of properties is a dictionary from names to values: integers, booleans for the octets that are 0 or 1, text,
binary data; `user_property` is a list of pairs, `subscription_identifier` a list of integers, because only these two
may come more than once. Sizes and numbers that the specification excludes are refused here, in either direction.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mqbroker.protocols.mqtt.codec.constants import (
    AUTH,
    CONNACK,
    CONNECT,
    DISCONNECT,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
)  # fmt: skip
from mqbroker.protocols.mqtt.codec.reasons import malformed, protocol_error
from mqbroker.protocols.mqtt.codec.wire import Reader, encode_binary, encode_text, encode_varint

Properties = Mapping[str, Any]

WILL = 0
"""Stands for the will's properties in CONNECT where a packet type is asked for."""


class Kind(NamedTuple):
    """How a type of value is read and written."""

    read: Callable[[Reader], Any]
    write: Callable[[Any], bytes]


def _read_pair(reader: Reader) -> tuple[str, str]:
    return reader.text(), reader.text()


def _read_flag(reader: Reader) -> bool:
    value = reader.octet()
    if value > 1:
        raise protocol_error(f"a property that is 0 or 1 has the value {value}")
    return value == 1


FLAG = Kind(_read_flag, lambda value: b"\x01" if value else b"\x00")
SHORT = Kind(Reader.short, lambda value: int(value).to_bytes(2, "big"))
LONG = Kind(Reader.long, lambda value: int(value).to_bytes(4, "big"))
VARINT = Kind(Reader.varint, encode_varint)
TEXT = Kind(Reader.text, encode_text)
BINARY = Kind(Reader.binary, encode_binary)
PAIR = Kind(_read_pair, lambda pair: encode_text(pair[0]) + encode_text(pair[1]))


class Property(NamedTuple):
    """One row of the table: `minimum` is the lowest value that is allowed."""

    identifier: int
    name: str
    kind: Kind
    places: tuple[int, ...]
    minimum: int = 0


_ACKS = (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK)
_EVERYWHERE = (CONNECT, CONNACK, PUBLISH, WILL, *_ACKS, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, AUTH)

TABLE = (
    Property(0x01, "payload_format_indicator", FLAG, (PUBLISH, WILL)),
    Property(0x02, "message_expiry_interval", LONG, (PUBLISH, WILL)),
    Property(0x03, "content_type", TEXT, (PUBLISH, WILL)),
    Property(0x08, "response_topic", TEXT, (PUBLISH, WILL)),
    Property(0x09, "correlation_data", BINARY, (PUBLISH, WILL)),
    Property(0x0B, "subscription_identifier", VARINT, (PUBLISH, SUBSCRIBE), 1),
    Property(0x11, "session_expiry_interval", LONG, (CONNECT, CONNACK, DISCONNECT)),
    Property(0x12, "assigned_client_identifier", TEXT, (CONNACK,)),
    Property(0x13, "server_keep_alive", SHORT, (CONNACK,)),
    Property(0x15, "authentication_method", TEXT, (CONNECT, CONNACK, AUTH)),
    Property(0x16, "authentication_data", BINARY, (CONNECT, CONNACK, AUTH)),
    Property(0x17, "request_problem_information", FLAG, (CONNECT,)),
    Property(0x18, "will_delay_interval", LONG, (WILL,)),
    Property(0x19, "request_response_information", FLAG, (CONNECT,)),
    Property(0x1A, "response_information", TEXT, (CONNACK,)),
    Property(0x1C, "server_reference", TEXT, (CONNACK, DISCONNECT)),
    Property(0x1F, "reason_string", TEXT, (CONNACK, *_ACKS, DISCONNECT, AUTH)),
    Property(0x21, "receive_maximum", SHORT, (CONNECT, CONNACK), 1),
    Property(0x22, "topic_alias_maximum", SHORT, (CONNECT, CONNACK)),
    Property(0x23, "topic_alias", SHORT, (PUBLISH,)),
    Property(0x24, "maximum_qos", FLAG, (CONNACK,)),
    Property(0x25, "retain_available", FLAG, (CONNACK,)),
    Property(0x26, "user_property", PAIR, _EVERYWHERE),
    Property(0x27, "maximum_packet_size", LONG, (CONNECT, CONNACK), 1),
    Property(0x28, "wildcard_subscription_available", FLAG, (CONNACK,)),
    Property(0x29, "subscription_identifier_available", FLAG, (CONNACK,)),
    Property(0x2A, "shared_subscription_available", FLAG, (CONNACK,)),
)

BY_IDENTIFIER = {row.identifier: row for row in TABLE}
BY_NAME = {row.name: row for row in TABLE}
REPEATABLE = frozenset({"user_property", "subscription_identifier"})


def read_properties(reader: Reader, place: int) -> dict[str, Any]:
    """The properties at the reader's position, their length included. Raises malformed or a protocol error."""
    size = reader.varint()
    end = reader.at + size
    if end > reader.end:
        raise malformed("properties are longer than their packet")
    found = scan_properties(Reader(reader.data, reader.at, end), place)
    reader.at = end
    return found


def scan_properties(reader: Reader, place: int) -> dict[str, Any]:
    """The properties up to the reader's end."""
    found: dict[str, Any] = {}
    while reader.at < reader.end:
        row = BY_IDENTIFIER.get(reader.varint())
        if row is None or place not in row.places:
            raise malformed("a property is unknown or does not belong into this packet")  # §2.2.2.2
        value = row.kind.read(reader)
        if row.minimum and value < row.minimum:
            raise protocol_error(f"{row.name} must not be {value}")
        _put(found, row.name, value, place)
    return found


def _put(found: dict[str, Any], name: str, value: Any, place: int) -> None:
    if name == "user_property" or (name == "subscription_identifier" and place == PUBLISH):
        found.setdefault(name, []).append(value)
    elif name in found:
        raise protocol_error(f"{name} is there twice")
    else:
        found[name] = [value] if name == "subscription_identifier" else value


def write_properties(properties: Properties, place: int) -> bytes:
    """The octets of properties with their length. Raises ValueError for one that does not belong into the packet."""
    octets = join_properties(properties, place)
    return encode_varint(len(octets)) + octets


def join_properties(properties: Properties, place: int) -> bytes:
    """The octets of properties without their length, in the order of the mapping."""
    pieces: list[bytes] = []
    for name, value in properties.items():
        row = BY_NAME[name]
        if place not in row.places:
            raise ValueError(f"{name} does not belong into this packet")
        start = bytes((row.identifier,))
        for each in value if name in REPEATABLE else (value,):
            pieces.append(start + row.kind.write(each))
    return b"".join(pieces)
