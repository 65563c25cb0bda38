"""The types of AMQP 1.0 part 1: from octets to Python's values.

    constructor     octets that follow                              Python
    0x40..0x45      none                                            None, bool, UInt32, UInt64, list
    0x50..0x56      one          0x60, 0x61  two                    UInt8, Int8, UInt16, Int16 ...
    0x70..0x74      four         0x80..0x84  eight                  UInt32, Float32, Char, UInt64, int, float ...
    0x94, 0x98      sixteen                                         Decimal, UUID
    0xa0, 0xa1, 0xa3    size (1), octets                            bytes, str, Symbol
    0xb0, 0xb1, 0xb3    size (4), octets
    0xc0, 0xc1, 0xd0, 0xd1    size, count, items (1 or 4 octets)    list, dict
    0xe0, 0xf0      size, count, one constructor, items             Array
    0x00            descriptor, value                               Described

Integers have the types of core/values.py, so that each is known again when it is encoded; a plain int is a long.
Nothing is trusted: sizes and counts are compared with what is there before anything is made, and nesting is bounded.
"""

import struct
from collections.abc import Callable, Iterable
from uuid import UUID

from mqbroker.core.values import Float32, Int8, Int16, Int32, UInt8, UInt16, UInt32, UInt64
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.limits import DEPTH_MAX, UUID_KEYS_MAX, ZERO_WIDTH_ITEMS_MAX

_DESCRIBED = 0x00


class Symbol(str):
    """A symbolic value: ASCII, from a domain that both sides know."""

    __slots__ = ()


class Char(str):
    """One Unicode character."""

    __slots__ = ()


class Milliseconds(int):
    """A timestamp: milliseconds since the Unix epoch."""

    __slots__ = ()


class WireDecimal(bytes):
    """A decimal number of IEEE 754, as it came: nobody here calculates with it. Its length tells which."""

    __slots__ = ()


class Array(list[object]):
    """Items of one type. `constructor` is the octet that says which, for an array without items too."""

    __slots__ = ("constructor",)

    def __init__(self, constructor: int, items: "Iterable[object]") -> None:
        list.__init__(self, items)
        self.constructor = constructor


class Described:
    """A value with the descriptor that says what it means."""

    __slots__ = ("descriptor", "value")

    def __init__(self, descriptor: object, value: object) -> None:
        self.descriptor = descriptor
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Described) and (self.descriptor, self.value) == (other.descriptor, other.value)

    def __hash__(self) -> int:
        return hash(self.descriptor)

    def __repr__(self) -> str:
        return f"Described({self.descriptor!r}, {self.value!r})"


def malformed(text: str) -> ProtocolViolation:
    """The violation of octets that are no value: amqp:decode-error."""
    return ProtocolViolation("decode", text)


def _short() -> ProtocolViolation:
    return malformed("a value ends before it is complete")


# --- fixed widths -----------------------------------------------------------------------------------------------------

_unpack_float = struct.Struct(">f").unpack
_unpack_double = struct.Struct(">d").unpack


def _boolean(octets: bytes) -> bool:
    if octets[0] > 1:
        raise malformed(f"boolean has the octet {octets[0]}")
    return octets[0] == 1


def _char(octets: bytes) -> Char:
    code = int.from_bytes(octets, "big")
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise malformed(f"char {code:#x} is no Unicode character")
    return Char(chr(code))


def _signed(kind: type[int]) -> Callable[[bytes], int]:
    return lambda octets: kind(int.from_bytes(octets, "big", signed=True))


def _unsigned(kind: type[int]) -> Callable[[bytes], int]:
    return lambda octets: kind(int.from_bytes(octets, "big"))


_EMPTY: dict[int, Callable[[], object]] = {
    0x40: lambda: None,
    0x41: lambda: True,
    0x42: lambda: False,
    0x43: lambda: UInt32(0),
    0x44: lambda: UInt64(0),
    0x45: list,
}
_FIXED: dict[int, Callable[[bytes], object]] = {
    0x50: _unsigned(UInt8),
    0x51: _signed(Int8),
    0x52: _unsigned(UInt32),
    0x53: _unsigned(UInt64),
    0x54: _signed(Int32),
    0x55: _signed(int),
    0x56: _boolean,
    0x60: _unsigned(UInt16),
    0x61: _signed(Int16),
    0x70: _unsigned(UInt32),
    0x71: _signed(Int32),
    0x72: lambda octets: Float32(_unpack_float(octets)[0]),
    0x73: _char,
    0x74: WireDecimal,
    0x80: _unsigned(UInt64),
    0x81: _signed(int),
    0x82: lambda octets: _unpack_double(octets)[0],
    0x83: _signed(Milliseconds),
    0x84: WireDecimal,
    0x94: WireDecimal,
    0x98: lambda octets: UUID(bytes=octets),
}
_WIDTHS = {4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16}
"""Octets of a value by the upper half of its constructor."""


# --- variable widths --------------------------------------------------------------------------------------------------


def _string(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise malformed("string is not UTF-8") from None


def _symbol(octets: bytes) -> Symbol:
    try:
        return Symbol(octets.decode("ascii"))
    except UnicodeDecodeError:
        raise malformed("symbol is not ASCII") from None


_VARIABLE: dict[int, Callable[[bytes], object]] = {0x0: bytes, 0x1: _string, 0x3: _symbol}
"""By the lower half of the constructor."""


def size_at(data: bytes, at: int, end: int, width: int) -> int:
    """A size or count of so many octets. Raises ProtocolViolation when it is not all there."""
    if at + width > end:
        raise _short()
    return data[at] if width == 1 else int.from_bytes(data[at : at + width], "big")


# --- values -----------------------------------------------------------------------------------------------------------


def decode(data: bytes, at: int, end: int, depth: int = 0) -> tuple[object, int]:
    """The value at `at`, and where it ends. Raises ProtocolViolation for what is none before `end`."""
    if at >= end:
        raise _short()
    code = data[at]
    if code == _DESCRIBED:
        return _decode_described(data, at + 1, end, depth)
    return _decode_as(code, data, at + 1, end, depth)


def decode_all(data: bytes) -> object:
    """The one value that the octets are. Raises ProtocolViolation."""
    value, at = decode(data, 0, len(data))
    if at != len(data):
        raise malformed("octets follow a value")
    return value


def _decode_described(data: bytes, at: int, end: int, depth: int) -> tuple[Described, int]:
    if depth >= DEPTH_MAX:
        raise malformed("values are nested too deeply")
    descriptor, at = decode(data, at, end, depth + 1)
    if isinstance(descriptor, list | dict):
        raise malformed("a descriptor is a list or a map")
    value, at = decode(data, at, end, depth + 1)
    return Described(descriptor, value), at


def _decode_as(code: int, data: bytes, at: int, end: int, depth: int) -> tuple[object, int]:
    """A value of which the constructor was read."""
    category = code >> 4
    width = _WIDTHS.get(category)
    if width is not None:
        return _decode_fixed(code, width, data, at, end)
    size_width = 1 if category in (0xA, 0xC, 0xE) else 4
    size = size_at(data, at, end, size_width)
    at += size_width
    stop = at + size
    if stop > end:
        raise _short()
    if category in (0xA, 0xB):
        make = _VARIABLE.get(code & 0xF)
        if make is None:
            raise _unknown(code)
        return make(data[at:stop]), stop
    if depth >= DEPTH_MAX:
        raise malformed("values are nested too deeply")
    return _decode_compound(code, data, at, stop, depth + 1), stop


def _unknown(code: int) -> ProtocolViolation:
    return malformed(f"there is no constructor {code:#04x}")


def _decode_fixed(code: int, width: int, data: bytes, at: int, end: int) -> tuple[object, int]:
    if width == 0:
        empty = _EMPTY.get(code)
        if empty is None:
            raise _unknown(code)
        return empty(), at
    make = _FIXED.get(code)
    if make is None:
        raise _unknown(code)
    stop = at + width
    if stop > end:
        raise _short()
    return make(data[at:stop]), stop


def _decode_compound(code: int, data: bytes, at: int, end: int, depth: int) -> object:
    """A list, map or array whose octets end at `end`."""
    width = 1 if code & 0x10 == 0 else 4
    count = size_at(data, at, end, width)
    at += width
    if code in (0xC0, 0xD0):
        return _decode_items(data, at, end, count, depth)
    if code in (0xC1, 0xD1):
        return _decode_map(data, at, end, count, depth)
    if code in (0xE0, 0xF0):
        return _decode_array(data, at, end, count, depth)
    raise _unknown(code)


def _decode_items(data: bytes, at: int, end: int, count: int, depth: int) -> list[object]:
    if count > end - at:  # each has its constructor
        raise malformed(f"a list or map has {count} items in {end - at} octets")
    items = []
    for _ in range(count):
        value, at = decode(data, at, end, depth)
        items.append(value)
    if at != end:
        raise malformed("a list or map is longer than its items")
    return items


def _decode_map(data: bytes, at: int, end: int, count: int, depth: int) -> dict[object, object]:
    if count % 2:
        raise malformed("a map has a key without a value")
    items = _decode_items(data, at, end, count, depth)
    found: dict[object, object] = {}
    if count > 2 * UUID_KEYS_MAX and sum(isinstance(key, UUID) for key in items[::2]) > UUID_KEYS_MAX:
        raise malformed(f"a map has more than {UUID_KEYS_MAX} keys that are uuids")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, list | dict | Described):
            raise malformed("a map has a key that is no simple value")
        if key in found:
            raise malformed("a map has a key twice")
        found[key] = value
    return found


def _decode_array(data: bytes, at: int, end: int, count: int, depth: int) -> Array:
    if at >= end:
        raise _short()
    code = data[at]
    at += 1
    descriptor = None
    is_described = code == _DESCRIBED
    if is_described:
        descriptor, at = decode(data, at, end, depth)
        if at >= end:
            raise _short()
        code = data[at]
        at += 1
    least = _WIDTHS.get(code >> 4, 1)
    if count > (ZERO_WIDTH_ITEMS_MAX if least == 0 else (end - at) // least):
        raise malformed(f"an array has {count} items in {end - at} octets")
    items: list[object] = []
    for _ in range(count):
        value, at = _decode_as(code, data, at, end, depth)
        items.append(Described(descriptor, value) if is_described else value)
    if at != end:
        raise malformed("an array is longer than its items")
    return Array(code, items)


def validate(data: bytes, at: int, end: int, depth: int = 0) -> int:
    """Where the value at `at` ends, which has been checked like `decode` does it, without making it: a large one would
    be many times as large. Keys that are there twice are not noticed. Raises ProtocolViolation."""
    if at >= end:
        raise _short()
    code = data[at]
    category = code >> 4
    if code != _DESCRIBED and category < 0xC:
        return _decode_as(code, data, at + 1, end, depth)[1]
    if depth >= DEPTH_MAX:
        raise malformed("values are nested too deeply")
    if code == _DESCRIBED:
        return validate(data, decode(data, at + 1, end, depth + 1)[1], end, depth + 1)
    if category > 0xD:  # an array: its items have one type, and its size is that of its octets
        return decode(data, at, end, depth)[1]
    width = 1 if category == 0xC else 4
    stop = at + 1 + width + size_at(data, at + 1, end, width)
    if stop > end or code & 0xF > 1:
        raise _short() if stop > end else _unknown(code)
    _validate_items(code, data, at + 1 + width, stop, depth + 1)
    return stop


def _validate_items(code: int, data: bytes, at: int, end: int, depth: int) -> None:
    """Those of a list or map, whose count is at `at`."""
    width = 1 if code < 0xD0 else 4
    count = size_at(data, at, end, width)
    at += width
    if code & 0xF == 1 and count % 2:
        raise malformed("a map has a key without a value")
    if count > end - at:
        raise malformed(f"a list or map has {count} items in {end - at} octets")
    for _ in range(count):
        at = validate(data, at, end, depth)
    if at != end:
        raise malformed("a list or map is longer than its items")


def skip(data: bytes, at: int, end: int, depth: int = 0) -> int:
    """Where the value at `at` ends, of which nothing is made or checked beyond its size. Raises ProtocolViolation."""
    if at >= end:
        raise _short()
    code = data[at]
    at += 1
    if code == _DESCRIBED:
        if depth >= DEPTH_MAX:
            raise malformed("values are nested too deeply")
        return skip(data, skip(data, at, end, depth + 1), end, depth + 1)
    category = code >> 4
    width = _WIDTHS.get(category)
    if width is not None:
        at += width
    elif category >= 0xA:
        width = 4 if category & 1 else 1
        at += width + size_at(data, at, end, width)
    else:
        raise _unknown(code)
    if at > end:
        raise _short()
    return at
