"""Definitions (what was declared) as keys and bytes, the form in which the journal keeps them.

A key is a JSON array of kind and names, so that no name can be mistaken for a separator. A value is a JSON object.
Argument values keep their wire type (core/values.py): what JSON cannot tell apart is wrapped as `{"<type name>": ...}`.
JSON is written in ASCII: a name that is not UTF-8 travels as the escapes that Python decoded it to.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping

from mqbroker.core.values import (
    Decimal,
    Float32,
    Int8,
    Int16,
    Int32,
    RawString,
    Timestamp,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
)

_NUMBERS: dict[str, type] = {
    each.__name__: each for each in (Int8, UInt8, Int16, UInt16, Int32, UInt32, UInt64, Timestamp, Float32)
}


def key(kind: str, *names: str) -> str:
    """The key of a definition, such as `["queue","/","orders"]`."""
    return json.dumps([kind, *names], separators=(",", ":"))


def names(definition_key: str) -> list[str]:
    """The kind and names of a key."""
    found: list[str] = json.loads(definition_key)
    return found


def pack(value: Mapping[str, object]) -> bytes:
    """A definition as bytes. `value` may hold anything that core/values.py knows."""
    return json.dumps({name: _wrap(part) for name, part in value.items()}, separators=(",", ":")).encode()


def canonical(value: Mapping[str, object]) -> str:
    """A table as text for a key: the same for equal tables, whatever the order of their fields."""
    return json.dumps({name: _wrap(part) for name, part in value.items()}, separators=(",", ":"), sort_keys=True)


def unpack(data: bytes) -> dict[str, object]:
    """The reverse of `pack`."""
    return {name: _unwrap(part) for name, part in json.loads(data).items()}


def _wrap(value: object) -> object:
    kind = type(value).__name__
    if kind in _NUMBERS:
        return {kind: value}
    if isinstance(value, Decimal):
        return {"Decimal": [value.scale, value.value]}
    if isinstance(value, bytes):
        return {kind: b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"Table": {name: _wrap(part) for name, part in value.items()}}
    if isinstance(value, list | tuple):
        return [_wrap(part) for part in value]
    return value


def _unwrap(value: object) -> object:
    if isinstance(value, list):
        return [_unwrap(part) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "Table":
        return {name: _unwrap(part) for name, part in content.items()}
    if kind == "Decimal":
        return Decimal(*content)
    if kind in ("bytes", "RawString"):
        octets = b64decode(content)
        return RawString(octets) if kind == "RawString" else octets
    return _NUMBERS[kind](content)
