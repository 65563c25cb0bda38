"""What a protocol shows to operators that only it has: MQTT's sessions, queues with their AWS attributes.

A view is a list of things, each of which is in a vhost and has a name there, and what may be done with one. Whoever
shows it (management/) knows no protocol: it sorts, filters, and checks who may look.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]
Act = Callable[[Any, Facts, int], Facts]
"""Takes the thing, what was given along and the time; returns what became of it. Raises RequestRefused."""


@dataclass(frozen=True, slots=True)
class View:
    """One list. What is in it is opaque to who shows it."""

    name: str
    """With its protocol before it, such as mqtt/sessions."""
    things: Callable[[], Sequence[Any]]
    place: Callable[[Any], tuple[str, str]]
    """The vhost of a thing, and its name there."""
    show: Callable[[Any, int], Facts]
    """The line of a thing at this time."""
    detail: Callable[[Any, int], Facts]
    """What more there is to say of it, for who looks at it alone."""
    acts: Mapping[str, Act] = field(default_factory=dict)
    """What an administrator may do with one; `delete` among them, where things can be ended."""
    topic: Callable[[Any], tuple[str, str]] | None = None
    """The exchange and the routing key whose readers may look at a thing, where it has content; None where it has
    none."""
    separator: str = ""
    """What divides names into levels of a tree, where they do."""
