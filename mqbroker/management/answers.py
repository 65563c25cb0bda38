"""What handlers answer, and how it becomes JSON.

Names and values come from clients of any protocol: octets that are no UTF-8 are shown with U+FFFD in their places, as
JSON has none of them.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from mqbroker.core.values import Decimal

_DEPTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `body` None is an empty one."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    stream: AsyncGenerator[bytes, None] | None = None
    """In place of a body: what is sent as it comes."""


NO_CONTENT = Answer(204)
CREATED = Answer(201)


def put_answer(is_new: bool) -> Answer:
    """201 for what was not there, else 204."""
    return CREATED if is_new else NO_CONTENT


@dataclass(frozen=True, slots=True)
class Listing:
    """Many things, which are shown in slices so that others have their turn meanwhile."""

    items: Sequence[Any]
    show: Callable[[Any], Mapping[str, Any]]
    identity: Callable[[Any], tuple[str, ...]]
    """By which they are in order unless another one is asked for; the last is what a filter by name looks at."""
    keys: Callable[[str], Callable[[Any], Any] | None] = lambda _column: None
    """What gives the value of a column without showing all of an item, for order; None where there is no such way."""


def dump(value: object) -> bytes:
    """A value as JSON."""
    try:
        return orjson.dumps(value, default=_foreign)
    except TypeError:
        return orjson.dumps(clean(value))


def _foreign(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return clean(value)


def clean(value: object, depth: int = 0) -> object:
    """The same of what JSON has."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if depth > _DEPTH_MAX:
        return None
    if isinstance(value, Mapping):
        return {str(clean(name)): clean(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(part, depth + 1) for part in value]
    if isinstance(value, Decimal):
        return value.value / 10**value.scale
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)
