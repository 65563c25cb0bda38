"""A part of a selector, and what parts evaluate."""

from collections.abc import Callable
from dataclasses import dataclass

from mqbroker.core.selectors.values import Value

Getter = Callable[[str], Value]
"""The value of a property or header by its name; None when there is none."""

BODY = "\0body"
"""No name of a property: what the getter has for it is the body, its octets as the characters of Latin-1."""

CONDITION = "condition"
LIST = "list"
NAME = "name"
NUMBER = "number"
STRING = "string"
TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a selector: what it is, how it is evaluated, how deep it is, and where it stands."""

    kind: str
    evaluate: Callable[[Getter], Value]
    depth: int
    position: int
    items: Callable[[Getter], list[Value] | None] | None = None
    """Of a list; to all but functions it is NULL."""
    text: str | None = None
    """Of a text in quotes."""
