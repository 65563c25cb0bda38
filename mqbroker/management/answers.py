"""What handlers answer."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


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
