"""Message attributes: checked, put into the form that AWS takes the MD5 of, filtered, and given back.

They are kept as the very octets that AWS hashes (SQS Developer Guide, "Calculating the MD5 message digest for message
attributes"), one after the other in the order of their names:

     0        4            4+n      8+n           8+n+t  9+n+t     13+n+t
    +--------+------------+--------+-------------+------+---------+-------+
    | name n | name       | type t | data type   | 1: string      | value |      lengths are big-endian u32
    | u32    | n octets   | u32    | t octets    | 2: binary, u8  | u32 + |
    +--------+------------+--------+-------------+------+---------+-------+

So the digest of all of them is one call, and what the journal keeps is what is hashed.
"""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from struct import Struct
from typing import Any

from mqbroker.aws.auth.digests import md5_hex
from mqbroker.aws.limits import SQS_ATTRIBUTE_NAME_BYTES_MAX, SQS_MESSAGE_ATTRIBUTES_MAX
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.json_text import json_text
from mqbroker.core.values import Decimal

STRING = 1
BINARY = 2

_NAME = re.compile(r"[\w.-]+")  # letters of any script: AWS takes more than it documents
TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
_RESERVED = ("aws.", "amazon.")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DIGITS_MAX = 18  # those fit the longest integer of an AMQP table
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ALLOWED_ASCII = b"\t\n\r" + bytes(range(0x20, 0x80))

_length = Struct(">I")

Attribute = tuple[str, str, int, bytes]
"""Name, data type, STRING or BINARY, value."""


def has_forbidden_characters(text: str) -> bool:
    """Whether a text has characters that no SQS message may have (XML 1.0 §2.2)."""
    if text.isascii():
        return bool(text.encode().translate(None, _ALLOWED_ASCII))
    return not text.isprintable() and _FORBIDDEN.search(text) is not None


def text_of(content: bytes) -> str | None:
    """The text that a body is; None for one that no SQS message may have."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if has_forbidden_characters(text) else text


def encode_attributes(attributes: Mapping[str, Mapping[str, Any]] | None) -> bytes:
    """Attributes as the request has them, checked and in their kept form. Raises AwsError with AWS's text."""
    if not attributes:
        return b""
    if len(attributes) > SQS_MESSAGE_ATTRIBUTES_MAX:
        raise refusals.invalid_value(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{SQS_MESSAGE_ATTRIBUTES_MAX}]."
        )
    return pack(_checked(name, attributes[name]) for name in sorted(attributes))


def pack(attributes: Iterable[Attribute]) -> bytes:
    """Attributes that are in the order of their names, in their kept form."""
    pieces: list[bytes] = []
    for name, data_type, tag, value in attributes:
        for part in (name.encode(), data_type.encode()):
            pieces += (_length.pack(len(part)), part)
        pieces += (bytes((tag,)), _length.pack(len(value)), value)
    return b"".join(pieces)


def _checked(name: str, given: Mapping[str, Any]) -> Attribute:
    _check_name(name)
    data_type = given.get("DataType")
    if not data_type:
        raise refusals.invalid_value(f"Message (user) attribute '{name}' must contain a non-empty data type.")
    found = TYPE.fullmatch(data_type)
    if found is None:
        raise refusals.invalid_value(
            "Type for parameter MessageAttributes.Attribute_name.DataType must be prefixed with "
            f'"String", "Binary", or "Number", but was: {data_type}'
        )
    if len(data_type.encode()) >= SQS_ATTRIBUTE_NAME_BYTES_MAX:
        raise refusals.invalid_value("Message (user) attribute types must be shorter than 256 Bytes")
    if given.get("StringListValues") or given.get("BinaryListValues"):
        raise refusals.invalid_value("Message attribute list values in SendMessage operation are not supported.")
    kind = found.group(1)
    if kind == "Binary":
        return name, data_type, BINARY, _checked_binary(name, given)
    return name, data_type, STRING, _checked_text(name, kind, given)


def _check_name(name: str) -> None:
    if len(name.encode()) >= SQS_ATTRIBUTE_NAME_BYTES_MAX:
        raise refusals.invalid_value("Message (user) attribute names must be shorter than 256 Bytes")
    if not _NAME.fullmatch(name):
        raise refusals.invalid_value(
            "Message (user) attributes name can only contain upper and lower score characters, digits, periods, "
            "hyphens and underscores. "
        )
    if name.lower().startswith(_RESERVED) or name.startswith(".") or name.endswith(".") or ".." in name:
        raise refusals.invalid_value(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for "
            "internal use. Additionally, they cannot start or end with '.'."
        )


def _checked_binary(name: str, given: Mapping[str, Any]) -> bytes:
    value: bytes = given.get("BinaryValue") or b""
    if not value:
        raise refusals.invalid_value(
            f"Message (user) attribute '{name}' must contain a non-empty value of type 'Binary'."
        )
    return value


def _checked_text(name: str, kind: str, given: Mapping[str, Any]) -> bytes:
    value: str = given.get("StringValue") or ""
    if not value:
        raise refusals.invalid_value(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        )
    if has_forbidden_characters(value):
        raise refusals.invalid_value(refusals.INVALID_CHARACTERS)
    if kind == "Number" and not NUMBER.fullmatch(value):
        raise refusals.invalid_value(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return value.encode()


def unpack(kept: bytes) -> list[Attribute]:
    """The attributes in their kept form, one by one."""
    found: list[Attribute] = []
    at = 0
    while at < len(kept):
        name, at = _piece(kept, at)
        data_type, at = _piece(kept, at)
        value, end = _piece(kept, at + 1)
        found.append((name.decode(), data_type.decode(), kept[at], value))
        at = end
    return found


def _piece(kept: bytes, at: int) -> tuple[bytes, int]:
    start = at + 4
    end: int = start + _length.unpack_from(kept, at)[0]
    return kept[start:end], end


def digest(kept: bytes) -> str:
    """MD5OfMessageAttributes."""
    return md5_hex(kept)


def size_of(kept: bytes) -> int:
    """The octets that count against the size of a message: names, types and values."""
    size = 0
    at = 0
    while at < len(kept):
        for skipped in (0, 0, 1):
            _, end = _piece(kept, at + skipped)
            size += end - at - skipped - 4
            at = end
    return size


def is_all(name: str) -> bool:
    """Whether a name stands for all attributes of any kind. In any case: kombu's own examples ask for `ALL`."""
    return name.lower() == "all"


def is_wanted(name: str, filters: Iterable[str]) -> bool:
    """Whether a receiver asked for the attribute: by name, `All`, `*`, `.*`, or `prefix.*`."""
    for wanted in filters:
        if wanted in ("All", "*", ".*", name) or is_all(wanted):
            return True
        if wanted.endswith(".*") and name.startswith(wanted[:-2]):
            return True
    return False


def shown(attributes: Iterable[Attribute]) -> dict[str, dict[str, object]]:
    """Attributes as ReceiveMessage gives them."""
    return {
        name: {"BinaryValue" if tag == BINARY else "StringValue": value if tag == BINARY else value.decode(),
               "DataType": data_type}
        for name, data_type, tag, value in attributes
    }  # fmt: skip


def as_headers(kept: bytes) -> dict[str, object]:
    """Attributes as headers of other protocols: text, numbers where they are exact, octets."""
    return {name: _neutral(data_type, tag, value) for name, data_type, tag, value in unpack(kept)}


def _neutral(data_type: str, tag: int, value: bytes) -> object:
    if tag == BINARY:
        return value
    text = value.decode()
    if not data_type.startswith("Number"):
        return text
    return text if len(text) > _DIGITS_MAX else _number(text)


def _number(text: str) -> object:
    """A number that is written back as it came; otherwise the text itself: the zero of a price of 1.50 may matter."""
    try:
        whole = int(text)
        return whole if str(whole) == text else text
    except ValueError:
        part = float(text)
        return part if str(part) == text else text


def from_headers(headers: Mapping[str, object]) -> list[Attribute]:
    """Headers of another protocol as attributes. Nothing is left out: the ten that SQS allows are for who sends."""
    return [_from_header(_FORBIDDEN.sub("\ufffd", name), value) for name, value in headers.items()]


def from_text(name: str, text: str) -> Attribute:
    """A text of another protocol; what is no text for SQS comes as its octets."""
    if has_forbidden_characters(text):
        return name, "Binary", BINARY, text.encode(errors="surrogateescape")
    return name, "String", STRING, text.encode()


def _from_header(name: str, value: object) -> Attribute:
    if isinstance(value, bytes):
        return name, "Binary", BINARY, bytes(value)
    if isinstance(value, str):
        return from_text(name, value)
    if isinstance(value, bool):
        return name, "String", STRING, b"true" if value else b"false"
    if isinstance(value, Decimal) or (isinstance(value, int | float) and isfinite(value)):
        return name, "Number", STRING, json_text(value).encode()
    return name, "String", STRING, json_text(value).encode()
