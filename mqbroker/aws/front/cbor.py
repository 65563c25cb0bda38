"""CBOR (RFC 8949) as far as SDKs of AWS use it: what one document is, and octets of plain values.

    octet    major type (3 bits), argument (5 bits: the number itself up to 23, or how many octets it is in)
    0 1      whole numbers from 0 up, and from -1 down        4 5     arrays and maps, whose end may be a mark (31)
    2 3      octets and text, which may come in pieces (31)   6       tags: of a time (1), a number of seconds; no other
    7        false, true, null, undefined, and floats of 16, 32 and 64 bits

Nothing is taken at its word: a length that the document cannot hold is refused before anything is made for it.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mqbroker.aws.limits import CBOR_DEPTH_MAX, CBOR_VALUES_MAX

_INDEFINITE = 31
_TIME = 1  # §3.4.2: seconds since 1970
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS: Mapping[int, tuple[str, int]] = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}  # §3.3; undefined is as good as null


class Time(NamedTuple):
    """A time to be encoded."""

    seconds: float


def decode(data: bytes) -> Any:
    """The value of a document. A time is its number of seconds. Raises ValueError."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise ValueError("something follows the document")
    return value


class _Reader:
    """Reads one document."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._left = CBOR_VALUES_MAX
        self._readers: tuple[Callable[[int, int], Any], ...] = (
            lambda info, _: self._argument(info),
            lambda info, _: -1 - self._argument(info),
            lambda info, _: self._string(info, 2),
            lambda info, _: self._string(info, 3).decode(),
            self._array,
            self._map,
            self._tag,
            lambda info, _: self._simple(info),
        )

    def value(self, depth: int) -> Any:
        """The next value. Raises ValueError."""
        if depth > CBOR_DEPTH_MAX:
            raise ValueError("the document is too deep")
        self._count_one()
        first = self._take(1)[0]
        return self._readers[first >> 5](first & 31, depth)

    def _count_one(self) -> None:
        """An octet is enough for a value, which takes far more than that in memory."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("the document has too many values")

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise ValueError("the document ends too soon")
        found = self._data[self.at : end]
        self.at = end
        return found

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info not in _WIDTHS:
            raise ValueError("a reserved length")
        return int.from_bytes(self._take(_WIDTHS[info]), "big")

    def _is_end(self) -> bool:
        """Whether the mark of an end is next, which is passed over."""
        if self._data[self.at : self.at + 1] != b"\xff":
            return False
        self.at += 1
        return True

    def _string(self, info: int, major: int) -> bytes:
        if info != _INDEFINITE:
            return self._take(self._argument(info))
        pieces = []
        while not self._is_end():
            self._count_one()
            first = self._take(1)[0]
            if first >> 5 != major or first & 31 == _INDEFINITE:
                raise ValueError("a piece of another type")
            pieces.append(self._take(self._argument(first & 31)))
        return b"".join(pieces)

    def _array(self, info: int, depth: int) -> list[Any]:
        if info == _INDEFINITE:
            found = []
            while not self._is_end():
                found.append(self.value(depth + 1))
            return found
        return [self.value(depth + 1) for _ in range(self._count(info))]

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if info == _INDEFINITE:
            while not self._is_end():
                self._entry(found, depth)
        else:
            for _ in range(self._count(info)):
                self._entry(found, depth)
        return found

    def _entry(self, found: dict[str, Any], depth: int) -> None:
        key = self.value(depth + 1)
        if type(key) is not str or key in found:
            raise ValueError("a key that is no text, or is there twice")
        found[key] = self.value(depth + 1)

    def _count(self, info: int) -> int:
        count = self._argument(info)
        if count > len(self._data) - self.at:
            raise ValueError("the document ends too soon")
        return count

    def _tag(self, info: int, depth: int) -> Any:
        value = self._argument(info), self.value(depth + 1)
        if value[0] != _TIME or type(value[1]) not in (int, float):
            raise ValueError("a tag that is not of a time")
        return value[1]

    def _simple(self, info: int) -> Any:
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info not in _FLOATS:
            raise ValueError("an unknown simple value")
        code, width = _FLOATS[info]
        return struct.unpack(code, self._take(width))[0]


def encode(value: object) -> bytes:
    """The document of a value of plain types, in which times may be."""
    pieces: list[bytes] = []
    _write(pieces, value)
    return b"".join(pieces)


def _write(pieces: list[bytes], value: Any) -> None:
    kind = type(value)
    if kind is str:
        data = value.encode(errors="replace")
        pieces += (_head(3, len(data)), data)
    elif kind is float:
        pieces.append(b"\xfb" + struct.pack(">d", value))
    elif kind is list or kind is tuple:
        pieces.append(_head(4, len(value)))
        for each in value:
            _write(pieces, each)
    elif kind is dict:
        _write_map(pieces, value)
    else:
        _write_rare(pieces, value)


def _write_map(pieces: list[bytes], value: dict[str, object]) -> None:
    shown = {name: each for name, each in value.items() if each is not None}
    pieces.append(_head(5, len(shown)))
    for name, each in shown.items():
        _write(pieces, name)
        _write(pieces, each)


def _write_rare(pieces: list[bytes], value: Any) -> None:
    if isinstance(value, bool):
        pieces.append(b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        pieces.append(_head(0, value) if value >= 0 else _head(1, -1 - value))
    elif isinstance(value, bytes):
        pieces += (_head(2, len(value)), value)
    elif isinstance(value, Time):
        pieces.append(_head(6, _TIME))
        _write(pieces, value.seconds)
    else:
        raise TypeError(f"{type(value).__name__} has no form in CBOR")


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes((major << 5 | argument,))
    for info, width in _WIDTHS.items():
        if argument < 1 << 8 * width:
            return bytes((major << 5 | info,)) + argument.to_bytes(width, "big")
    raise OverflowError("a number of more than 64 bits")
