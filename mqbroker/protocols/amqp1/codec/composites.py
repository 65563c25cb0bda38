"""Composite types: described lists whose fields have names, types and defaults (AMQP 1.0 part 1, 1.4).

A composite is a dataclass whose fields say, by `wire`, what they are on the wire; `@composite` gives it a descriptor,
numeric and symbolic. Which there are is said in performatives.py and messaging.py. Decoding is lenient where clients of
the field are: either descriptor, any width of a number, a single value where an array of them may be.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import Any, NamedTuple, TypeVar

from mqbroker.core.values import UInt8, UInt16, UInt32, UInt64
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec.encode import NULL, encode, encode_list, symbol, symbols
from mqbroker.protocols.amqp1.codec.types import Array, Described, Milliseconds, Symbol, malformed

T = TypeVar("T", bound=type)


class _Field(NamedTuple):
    name: str
    kind: str
    is_required: bool


class _Shape(NamedTuple):
    make: Callable[..., Any]
    name: str
    code: int
    fields: tuple[_Field, ...]


_BY_CODE: dict[int, _Shape] = {}
_BY_NAME: dict[str, _Shape] = {}
_BY_TYPE: dict[type, _Shape] = {}


def wire(kind: str, default: Any = None, required: bool = False) -> Any:
    """A field: what it is on the wire, and what it is when it is absent. A required one must be there."""
    metadata = {"kind": kind, "required": required}
    if isinstance(default, dict | list):
        return field(default_factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def composite(name: str, code: int) -> Callable[[T], T]:
    """Makes a dataclass with fields of `wire` a composite type."""

    def decorate(made: T) -> T:
        named = tuple(_Field(each.name, each.metadata["kind"], each.metadata["required"]) for each in fields(made))
        shape = _Shape(made, name, code, named)
        _BY_CODE[code] = _BY_NAME[name] = _BY_TYPE[made] = shape
        return made

    return decorate


# --- decoding ---------------------------------------------------------------------------------------------------------


def _shape_of(descriptor: object) -> _Shape | None:
    if isinstance(descriptor, Symbol):
        return _BY_NAME.get(descriptor)
    return _BY_CODE.get(descriptor) if isinstance(descriptor, UInt64) else None


def compose(value: object) -> Any:
    """The composite that a described list is; None for what is none, or none that is known.

    Raises ProtocolViolation for one that is known and malformed.
    """
    if not isinstance(value, Described):
        return None
    shape = _shape_of(value.descriptor)
    if shape is None:
        return None
    if not isinstance(value.value, list) or isinstance(value.value, Array):
        raise malformed(f"{shape.name} is no list")
    return _fill(shape, value.value)


def code_of(descriptor: object) -> int:
    """The numeric form of a descriptor; 0 for one that is not known."""
    shape = _shape_of(descriptor)
    return shape.code if shape is not None else 0


def _fill(shape: _Shape, values: list[object]) -> Any:
    if len(values) > len(shape.fields):
        raise malformed(f"{shape.name} has {len(values)} fields")
    found: dict[str, object] = {}
    for each, value in zip(shape.fields, values, strict=False):
        if value is not None:
            found[each.name] = _read(shape, each, value)
    for each in shape.fields:
        if each.is_required and each.name not in found:
            raise ProtocolViolation("missing", f"{shape.name} lacks {each.name.replace('_', '-')}")
    return shape.make(**found)


def _read(shape: _Shape, each: _Field, value: object) -> object:
    read = _READERS[each.kind]
    found = read(value)
    if found is None:
        raise malformed(f"{shape.name} has a {each.name.replace('_', '-')} that is no {each.kind}")
    return found


def _whole(most: int) -> Callable[[object], object]:
    def read(value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool | Milliseconds):
            return None
        return int(value) if 0 <= value <= most else None

    return read


def _of(*kinds: type) -> Callable[[object], object]:
    return lambda value: value if isinstance(value, kinds) else None


def _read_symbols(value: object) -> object:
    items = value if isinstance(value, list) else [value]  # proton sends lists, and one by itself
    return [str(each) for each in items] if all(isinstance(each, str) for each in items) else None


def _read_any(value: object) -> object:
    return value


_READERS: dict[str, Callable[[object], object]] = {
    "boolean": _of(bool),
    "ubyte": _whole(0xFF),
    "ushort": _whole(0xFFFF),
    "uint": _whole(0xFFFF_FFFF),
    "ulong": _whole((1 << 64) - 1),
    "timestamp": _of(Milliseconds),
    "binary": _of(bytes),
    "string": lambda value: str(value) if isinstance(value, str) else None,
    "symbol": lambda value: str(value) if isinstance(value, str) else None,
    "symbols": _read_symbols,
    "map": _of(dict),
    "any": _read_any,
    "composite": lambda value: compose(value) or value,
}


# --- encoding ---------------------------------------------------------------------------------------------------------


def encode_composite(value: Any) -> bytes:
    """A composite as octets, without the fields at its end that are absent."""
    shape = _BY_TYPE[type(value)]
    items = [_write(each.kind, getattr(value, each.name)) for each in shape.fields]
    return _descriptor(shape.code) + encode_list(items)


def _descriptor(code: int) -> bytes:
    return b"\x00" + encode(UInt64(code))


def _write(kind: str, value: Any) -> bytes:
    if value is None:
        return NULL
    return _WRITERS[kind](value)


def _write_symbols(value: list[str]) -> bytes:
    return symbols(value) if value else NULL


def _write_map(value: Mapping[object, object]) -> bytes:
    return encode(dict(value)) if value else NULL


def _write_composite(value: object) -> bytes:
    return encode_composite(value) if type(value) in _BY_TYPE else encode(value)


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "boolean": encode,
    "ubyte": lambda value: encode(UInt8(value)),
    "ushort": lambda value: encode(UInt16(value)),
    "uint": lambda value: encode(UInt32(value)),
    "ulong": lambda value: encode(UInt64(value)),
    "timestamp": lambda value: encode(Milliseconds(value)),
    "binary": encode,
    "string": lambda value: encode(str(value)),
    "symbol": symbol,
    "symbols": _write_symbols,
    "map": _write_map,
    "any": encode,
    "composite": _write_composite,
}
