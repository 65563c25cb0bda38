"""Field tables and arrays of AMQP 0-9-1 in RabbitMQ's dialect, both ways.

    table:   long size, then pairs          pair:    octet length, name, value
    array:   long size, then values         value:   octet kind, then what the kind says:

    t bool        1    b Int8     1    s Int16   2    I Int32    4    l int      8    f Float32   4    S long string
    V None        0    B UInt8    1    u UInt16  2    i UInt32   4    L UInt64   8    d float     8    x bytes
    T Timestamp   8    D Decimal  5                                                  F table, A array

It owns the octets and their mapping to core/values.py; it must not know what a table is for. `s` is a short integer
here, as RabbitMQ and every client have it (AMQP 0-9-1 errata), not the short string of §4.2.1. Reading turns `l` into
int and `L` into UInt64, so that every value returns to its own octets. Long strings and names that are not UTF-8
survive: as RawString, and as surrogate escapes. The first of two equal names wins, as in RabbitMQ's look-ups.

Whatever is malformed is a ProtocolViolation("syntax"); RabbitMQ 3.10 drops the connection without a word.
"""

import struct
from collections.abc import Callable
from typing import Any

from mqbroker import octets
from mqbroker.core.values import (
    Decimal,
    Float32,
    Int8,
    Int16,
    Int32,
    RawString,
    Table,
    Timestamp,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Value,
)
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.limits import AMQP_SHORTSTR_BYTES_MAX, AMQP_TABLE_DEPTH_MAX

_LONG = struct.Struct(">I")
_pack_long = _LONG.pack

_FIXED_SIZES = {"V": 0, "tbB": 1, "su": 2, "Iif": 4, "D": 5, "lLdT": 8}
_OWN_SIZE = 255  # in _SIZES: the octets themselves say how many they are, or the kind is unknown
_SIZE_BY_KIND = {ord(kind): size for kinds, size in _FIXED_SIZES.items() for kind in kinds}
_SIZES = bytes([_SIZE_BY_KIND.get(kind, _OWN_SIZE) for kind in range(256)])
_STRING, _BYTES, _TABLE, _ARRAY = b"SxFA"


def _truncated() -> ProtocolViolation:
    return ProtocolViolation("syntax", "field table is truncated")


def _descend(depth: int) -> int:
    if depth >= AMQP_TABLE_DEPTH_MAX:
        raise ProtocolViolation("syntax", f"field table is nested deeper than {AMQP_TABLE_DEPTH_MAX} levels")
    return depth + 1


def _unknown_kind(kind: int) -> ProtocolViolation:
    return ProtocolViolation("syntax", f"field table has a value of unknown type {kind}")


# --- reading -------------------------------------------------------------------------------------------------------


def _fixed(code: str, make: Callable[[Any], Value]) -> Callable[[bytes, int], Value]:
    unpack = struct.Struct(code).unpack_from
    return lambda data, at: make(unpack(data, at)[0])


def _read_decimal(data: bytes, at: int) -> Value:
    return Decimal(data[at], octets.long_at(data, at + 1))


_READERS: dict[int, Callable[[bytes, int], Value]] = {
    ord("t"): lambda data, at: data[at] != 0,
    ord("V"): lambda _data, _at: None,
    ord("b"): _fixed(">b", Int8),
    ord("B"): _fixed(">B", UInt8),
    ord("s"): _fixed(">h", Int16),
    ord("u"): _fixed(">H", UInt16),
    ord("I"): _fixed(">i", Int32),
    ord("i"): _fixed(">I", UInt32),
    ord("l"): _fixed(">q", int),
    ord("L"): _fixed(">Q", UInt64),
    ord("f"): _fixed(">f", Float32),
    ord("d"): _fixed(">d", float),
    ord("T"): _fixed(">Q", Timestamp),
    ord("D"): _read_decimal,
}


def _long_string(text: bytes) -> Value:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return RawString(text)


def _read_sized(data: bytes, kind: int, start: int, stop: int, depth: int) -> Value:
    if kind == _STRING:
        return _long_string(data[start:stop])
    if kind == _TABLE:
        return _read_pairs(data, start, stop, _descend(depth))
    if kind == _ARRAY:
        return _read_items(data, start, stop, _descend(depth))
    if kind == _BYTES:
        return data[start:stop]
    raise _unknown_kind(kind)


def _read_value(data: bytes, at: int, end: int, depth: int) -> tuple[Value, int]:
    """The value whose kind is at `at`, and where the next one starts; `at` may lie at or past `end`."""
    if at >= end:
        raise _truncated()
    kind = data[at]
    start = at + 1
    size = _SIZES[kind]
    if size != _OWN_SIZE:
        stop = start + size
        if stop > end:
            raise _truncated()
        return _READERS[kind](data, start), stop
    start, stop = _sized_span(data, start, end)
    return _read_sized(data, kind, start, stop, depth), stop


def _sized_span(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the content after the long size at `at` starts and stops; it lies before `end`."""
    start = at + 4
    if start > end:
        raise _truncated()
    stop = start + octets.long_at(data, at)
    if stop > end:
        raise _truncated()
    return start, stop


def _read_pairs(data: bytes, at: int, end: int, depth: int) -> dict[str, Value]:
    table: dict[str, Value] = {}
    while at < end:
        start = at + 1
        stop = start + data[at]
        value, at = _read_value(data, stop, end, depth)
        table.setdefault(data[start:stop].decode(errors="surrogateescape"), value)
    return table


def _read_items(data: bytes, at: int, end: int, depth: int) -> list[Value]:
    items: list[Value] = []
    while at < end:
        value, at = _read_value(data, at, end, depth)
        items.append(value)
    return items


def read_table(data: bytes, at: int) -> tuple[dict[str, Value], int]:
    """The table whose long size is at `at`, and the offset after it. Raises ProtocolViolation("syntax")."""
    start, stop = _sized_span(data, at, len(data))
    return _read_pairs(data, start, stop, 1), stop


def read_pairs(data: bytes) -> dict[str, Value]:
    """A table without its size, as AMQPLAIN has it. Raises ProtocolViolation("syntax")."""
    return _read_pairs(data, 0, len(data), 1)


# --- checking without building anything ---------------------------------------------------------------------------


def _check_value(data: bytes, at: int, end: int, depth: int) -> int:
    if at >= end:
        raise _truncated()
    kind = data[at]
    size = _SIZES[kind]
    if size != _OWN_SIZE:
        stop = at + 1 + size
        if stop > end:
            raise _truncated()
        return stop
    start, stop = _sized_span(data, at + 1, end)
    if kind == _TABLE:
        _check_pairs(data, start, stop, _descend(depth))
    elif kind == _ARRAY:
        _check_items(data, start, stop, _descend(depth))
    elif kind != _STRING and kind != _BYTES:
        raise _unknown_kind(kind)
    return stop


def _check_pairs(data: bytes, at: int, end: int, depth: int) -> None:
    while at < end:
        at = _check_value(data, at + 1 + data[at], end, depth)


def _check_items(data: bytes, at: int, end: int, depth: int) -> None:
    while at < end:
        at = _check_value(data, at, end, depth)


def check_table(data: bytes, at: int) -> int:
    """The offset after the table whose long size is at `at`. Raises ProtocolViolation("syntax") for exactly the
    tables that `read_table` refuses, without making an object per value: most tables are only passed on."""
    start, stop = _sized_span(data, at, len(data))
    _check_pairs(data, start, stop, 1)
    return stop


# --- writing -------------------------------------------------------------------------------------------------------


def _writer(kind: str, code: str) -> Callable[[Any], bytes]:
    pack = struct.Struct(f">c{code}").pack
    octet = kind.encode()
    return lambda value: pack(octet, value)


def _write_text(value: str) -> bytes:
    text = value.encode(errors="surrogateescape")
    return b"S%b%b" % (_pack_long(len(text)), text)


def _write_array(value: list[Value]) -> bytes:
    items = b"".join([_write_value(item) for item in value])
    return b"A%b%b" % (_pack_long(len(items)), items)


_WRITERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _value: b"V",
    bool: lambda value: b"t\x01" if value else b"t\x00",
    Int8: _writer("b", "b"),
    UInt8: _writer("B", "B"),
    Int16: _writer("s", "h"),
    UInt16: _writer("u", "H"),
    Int32: _writer("I", "i"),
    UInt32: _writer("i", "I"),
    int: _writer("l", "q"),
    UInt64: _writer("L", "Q"),
    Float32: _writer("f", "f"),
    float: _writer("d", "d"),
    Timestamp: _writer("T", "Q"),
    Decimal: lambda value: b"D%c%b" % (value.scale, _pack_long(value.value)),
    str: _write_text,
    RawString: lambda value: b"S%b%b" % (_pack_long(len(value)), value),
    bytes: lambda value: b"x%b%b" % (_pack_long(len(value)), value),
    list: _write_array,
    tuple: _write_array,
    dict: lambda value: b"F%b" % _write_pairs(value),
}


def _write_value(value: Value) -> bytes:
    return _WRITERS[type(value)](value)


def _write_pairs(table: Table) -> bytes:
    pairs = b"".join([write_short_string(name) + _write_value(value) for name, value in table.items()])
    return _pack_long(len(pairs)) + pairs


def write_short_string(text: str) -> bytes:
    """An octet of length and the text. Raises ValueError above 255 bytes: nothing is ever cut short."""
    encoded = text.encode(errors="surrogateescape")
    if len(encoded) > AMQP_SHORTSTR_BYTES_MAX:
        raise ValueError(f"a short string of {len(encoded)} bytes")
    return b"%c%b" % (len(encoded), encoded)


def write_table(table: Table) -> bytes:
    """A table with its long size.

    Raises ValueError when a name exceeds 255 bytes, a number its wire type, or the text is not Unicode, and TypeError
    for a value whose type is not in core/values.py; all of these are faults of the caller.
    """
    try:
        return _write_pairs(table)
    except (struct.error, OverflowError) as error:
        raise ValueError(str(error)) from None
    except KeyError as error:
        raise TypeError(f"no field table value: {error}") from None
