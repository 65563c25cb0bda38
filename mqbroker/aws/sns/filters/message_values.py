"""What filters see of a message: the values of its attributes, or those of its body."""

from collections.abc import Iterable

import orjson

from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.filters.operators import Atom, atom
from mqbroker.aws.sqs.message_attributes import BINARY, Attribute

_NESTING_MAX = 100
_ARRAY = "String.Array"


def values_of_attributes(attributes: Iterable[Attribute]) -> dict[str, list[Atom]]:
    """The values of message attributes by name. An attribute of octets is there, with a value that nothing equals."""
    return {name: _values(data_type, tag, value) for name, data_type, tag, value in attributes}


def _values(data_type: str, tag: int, value: bytes) -> list[Atom]:
    if tag == BINARY:
        return []
    text = value.decode()
    if data_type == _ARRAY:
        try:
            found = orjson.loads(text)
        except ValueError:
            return []
        members = found if isinstance(found, list) else [found]
        return [atom(each) for each in members if not isinstance(each, list | dict)]
    return [float(text)] if data_type.startswith("Number") else [text]


def values_of_body(body: bytes) -> dict[str, list[Atom]] | None:
    """The values in a body by path; None for a body that is no JSON object."""
    document = json_object(body)
    if document is None:
        return None
    found: dict[str, list[Atom]] = {}
    _collect(document, "", found, 0)
    return found


def _collect(value: object, path: str, found: dict[str, list[Atom]], depth: int) -> None:
    if depth > _NESTING_MAX:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _collect(inner, f"{path}.{name}" if path else name, found, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, path, found, depth + 1)
    else:
        found.setdefault(path, []).append(atom(value))
