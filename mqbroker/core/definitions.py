"""Definitions (what was declared) as keys and bytes, the form in which the journal keeps them.

A key is a JSON array of kind and names, so that no name can be mistaken for a separator. A value is a JSON object.
Argument values keep their wire type (core/values.py): what JSON cannot tell apart is wrapped as `{"<type name>": ...}`.
JSON is written in ASCII: a name that is not UTF-8 travels as the escapes that Python decoded it to.

Each kind has one owner, who writes it and puts it back at a start. What nobody owns comes from a newer version, and the
broker that would leave it out would not be the one that was declared: it does not start (`require_known`).
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import orjson

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
from mqbroker.errors import StorageError

_LONG_NUMBER = re.compile(rb"\d{18}")
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


def kind_of(definition_key: str) -> str:
    """The kind of a key. Kinds hold nothing that JSON escapes."""
    return definition_key[2 : definition_key.find('"', 2)]


def of_kinds(found: Mapping[str, bytes], kinds: Iterable[str]) -> dict[str, list[tuple[list[str], bytes]]]:
    """The definitions of each of these kinds, as names and values; in the order in which they appeared."""
    by_kind: dict[str, list[tuple[list[str], bytes]]] = {kind: [] for kind in kinds}
    for each, data in found.items():
        definitions = by_kind.get(kind_of(each))
        if definitions is not None:
            definitions.append((names(each)[1:], data))
    return by_kind


def owned(*owners: Iterable[str]) -> tuple[str, ...]:
    """The kinds of all owners. Raises StorageError when a kind has two: each would put back the other's."""
    kinds = tuple(kind for owner in owners for kind in owner)
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise StorageError(f"definitions of the kind {kind} have two owners")
    return kinds


def require_known(found: Iterable[str], kinds: Collection[str]) -> None:
    """Raises StorageError when there is a key of another kind."""
    unknown = sorted({kind_of(each) for each in found}.difference(kinds))
    if unknown:
        raise too_new(f"definitions of the kind {' and '.join(unknown)}")


def too_new(what: str) -> StorageError:
    """The error for something in a definition that only a later version can have written."""
    return StorageError(f"the journal was written by a newer mqbroker: this one does not know {what}")


def pack(value: Mapping[str, object]) -> bytes:
    """A definition as bytes. `value` may hold anything that core/values.py knows."""
    return json.dumps({name: _wrap(part) for name, part in value.items()}, separators=(",", ":")).encode()


def canonical(value: Mapping[str, object]) -> str:
    """A table as text for a key: the same for equal tables, whatever the order of their fields."""
    return json.dumps({name: _wrap(part) for name, part in value.items()}, separators=(",", ":"), sort_keys=True)


def unpack(data: bytes) -> dict[str, object]:
    """The reverse of `pack`."""
    return {name: _unwrap(part) for name, part in _loaded(data).items()}


def _loaded(data: bytes) -> dict[str, Any]:
    # With a hundred thousand queues a restart is busy with this. orjson makes floats of long numbers, and does not take
    # what stands for stray bytes.
    if b"\\ud" not in data and not _LONG_NUMBER.search(data):
        with suppress(orjson.JSONDecodeError):
            found: dict[str, Any] = orjson.loads(data)
            return found
    found = json.loads(data)
    return found


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
