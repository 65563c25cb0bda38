"""The types of AMQP 1.0 part 1: from Python's values to octets, each in its shortest form."""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from mqbroker.core.values import Float32, Int8, Int16, Int32, RawString, UInt8, UInt16, UInt32, UInt64
from mqbroker.protocols.amqp1.codec.types import Array, Char, Described, Milliseconds, Symbol, WireDecimal

_pack_float = struct.Struct(">f").pack
_pack_double = struct.Struct(">d").pack
_DECIMALS = {4: b"\x74", 8: b"\x84", 16: b"\x94"}

NULL = b"\x40"


def encode(value: object) -> bytes:
    """A value as octets. Raises KeyError for one of a type that the protocol has no form for."""
    return _ENCODERS[type(value)](value)


def sized(code: int, octets: bytes) -> bytes:
    """Octets after their constructor and size; `code` is that of the short form, 0xa0 to 0xa3."""
    size = len(octets)
    if size < 256:
        return bytes((code, size)) + octets
    return bytes((code + 0x10,)) + size.to_bytes(4, "big") + octets


def uint(value: int) -> bytes:
    """A uint."""
    if value == 0:
        return b"\x43"
    return bytes((0x52, value)) if value < 256 else b"\x70" + value.to_bytes(4, "big")


def ulong(value: int) -> bytes:
    """A ulong."""
    if value == 0:
        return b"\x44"
    return bytes((0x53, value)) if value < 256 else b"\x80" + value.to_bytes(8, "big")


def string(value: str) -> bytes:
    """A string. What is not UTF-8 (Python's surrogates) is shown as such."""
    return sized(0xA1, value.encode(errors="replace"))


def symbol(value: str) -> bytes:
    """A symbol."""
    return sized(0xA3, value.encode("ascii", errors="replace"))


def compound(code: int, count: int, items: bytes) -> bytes:
    """A list or map of so many items that are encoded; `code` is that of the short form, 0xc0 or 0xc1."""
    size = len(items)
    if size < 255 and count < 256:
        return bytes((code, size + 1, count)) + items
    return bytes((code + 0x10,)) + (size + 4).to_bytes(4, "big") + count.to_bytes(4, "big") + items


def encode_list(items: Iterable[bytes]) -> bytes:
    """A list of encoded items, without those at its end that are null."""
    parts = list(items)
    while parts and parts[-1] == NULL:
        parts.pop()
    return compound(0xC0, len(parts), b"".join(parts)) if parts else b"\x45"


def encode_map(pairs: Mapping[Any, object]) -> bytes:
    """A map."""
    items = b"".join([encode(key) + encode(value) for key, value in pairs.items()])
    return compound(0xC1, 2 * len(pairs), items)


def symbols(names: Iterable[str]) -> bytes:
    """An array of symbols."""
    octets = [name.encode("ascii") for name in names]
    items = b"".join([bytes((len(each),)) + each for each in octets])
    return _array(0xA3, len(octets), items)


def _array(constructor: int, count: int, items: bytes) -> bytes:
    body = bytes((constructor,)) + items
    if len(body) < 255 and count < 256:
        return bytes((0xE0, len(body) + 1, count)) + body
    return b"\xf0" + (len(body) + 4).to_bytes(4, "big") + count.to_bytes(4, "big") + body


def _encode_bool(value: bool) -> bytes:
    return b"\x41" if value else b"\x42"


def _int(value: int) -> bytes:
    if -128 <= value < 128:
        return b"\x54" + value.to_bytes(1, "big", signed=True)
    return b"\x71" + value.to_bytes(4, "big", signed=True)


def _long(value: int) -> bytes:
    if -128 <= value < 128:
        return b"\x55" + value.to_bytes(1, "big", signed=True)
    return b"\x81" + value.to_bytes(8, "big", signed=True)


def _decimal(value: WireDecimal) -> bytes:
    return _DECIMALS[len(value)] + value


def _encode_items(value: Iterable[object]) -> bytes:
    parts = [encode(each) for each in value]
    return compound(0xC0, len(parts), b"".join(parts)) if parts else b"\x45"


def _encode_array(value: Array) -> bytes:
    """Items of one type in its longest form, which fits all of them."""
    if not value:
        return _array(value.constructor, 0, b"")
    if isinstance(value[0], Described):
        descriptor = encode(value[0].descriptor)
        inner = Array(value.constructor, [each.value for each in value if isinstance(each, Described)])
        code, items = _uniform(inner)
        body = b"\x00" + descriptor + bytes((code,)) + items
        size = len(body) + 4
        return b"\xf0" + size.to_bytes(4, "big") + len(value).to_bytes(4, "big") + body
    code, items = _uniform(value)
    return _array(code, len(value), items)


_WIDE: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    type(None): (0x40, lambda _: b""),
    bool: (0x56, lambda value: bytes((value,))),
    UInt8: (0x50, lambda value: bytes((value,))),
    UInt16: (0x60, lambda value: value.to_bytes(2, "big")),
    UInt32: (0x70, lambda value: value.to_bytes(4, "big")),
    UInt64: (0x80, lambda value: value.to_bytes(8, "big")),
    Int8: (0x51, lambda value: value.to_bytes(1, "big", signed=True)),
    Int16: (0x61, lambda value: value.to_bytes(2, "big", signed=True)),
    Int32: (0x71, lambda value: value.to_bytes(4, "big", signed=True)),
    int: (0x81, lambda value: value.to_bytes(8, "big", signed=True)),
    Float32: (0x72, _pack_float),
    float: (0x82, _pack_double),
    Char: (0x73, lambda value: ord(value).to_bytes(4, "big")),
    Milliseconds: (0x83, lambda value: value.to_bytes(8, "big", signed=True)),
    UUID: (0x98, lambda value: value.bytes),
    bytes: (0xB0, lambda value: len(value).to_bytes(4, "big") + value),
    str: (0xB1, lambda value: len(value.encode()).to_bytes(4, "big") + value.encode()),
    Symbol: (0xB3, lambda value: len(value).to_bytes(4, "big") + value.encode("ascii")),
}


def _uniform(items: Array) -> tuple[int, bytes]:
    """The constructor that fits all items of an array, and their octets after it."""
    kind = type(items[0])
    found = _WIDE.get(kind)
    if found is not None:
        return found[0], b"".join([found[1](each) for each in items])
    if kind is WireDecimal:
        return items.constructor, b"".join([bytes(each) for each in items if isinstance(each, WireDecimal)])
    encoded = [_widened(encode(each)) for each in items]
    return encoded[0][0], b"".join([each[1:] for each in encoded])


def _widened(octets: bytes) -> bytes:
    """A list, map or array in its long form."""
    if octets[0] == 0x45:
        return b"\xd0\x00\x00\x00\x04\x00\x00\x00\x00"
    if octets[0] in (0xD0, 0xD1, 0xF0):
        return octets
    size, count = octets[1] + 3, octets[2]
    return bytes((octets[0] + 0x10,)) + size.to_bytes(4, "big") + count.to_bytes(4, "big") + octets[3:]


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: NULL,
    bool: _encode_bool,
    UInt8: lambda value: bytes((0x50, value)),
    UInt16: lambda value: b"\x60" + value.to_bytes(2, "big"),
    UInt32: uint,
    UInt64: ulong,
    Int8: lambda value: b"\x51" + value.to_bytes(1, "big", signed=True),
    Int16: lambda value: b"\x61" + value.to_bytes(2, "big", signed=True),
    Int32: _int,
    int: _long,
    Float32: lambda value: b"\x72" + _pack_float(value),
    float: lambda value: b"\x82" + _pack_double(value),
    Char: lambda value: b"\x73" + ord(value).to_bytes(4, "big"),
    Milliseconds: lambda value: b"\x83" + value.to_bytes(8, "big", signed=True),
    WireDecimal: _decimal,
    UUID: lambda value: b"\x98" + value.bytes,
    bytes: lambda value: sized(0xA0, value),
    RawString: lambda value: sized(0xA0, value),
    str: string,
    Symbol: symbol,
    list: _encode_items,
    tuple: _encode_items,
    dict: encode_map,
    Array: _encode_array,
    Described: lambda value: b"\x00" + encode(value.descriptor) + encode(value.value),
}
