"""Who looks on while messages go through a vhost: what is published in it, and what its queues hand over.

A vhost and its queues have a tap only while somebody wants one; several are one that tells them all. It is called in
the midst of that work: it must be quick, keep what it is told of for later, and change nothing in the broker.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from mqbroker.core.message import Entry, Message


class Taker(Protocol):
    """Who is given a message, as far as those who look on care."""

    def describe(self) -> Mapping[str, object]:
        """Whose it is, by neutral names."""


class Tap:
    """Of one vhost. Subclassed."""

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """A message was published, to the queues of these names. Overridden."""

    def delivered(self, queue: str, entry: Entry, taker: Taker | None) -> None:
        """An entry of a queue goes to a consumer, or to somebody who polls and is none. Overridden."""


class Taps(Tap):
    """Several of one vhost, which are told one after the other."""

    def __init__(self, taps: tuple[Tap, ...]) -> None:
        self.taps = taps

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """Overrides Tap's."""
        for tap in self.taps:
            tap.published(message, queues)

    def delivered(self, queue: str, entry: Entry, taker: Taker | None) -> None:
        """Overrides Tap's."""
        for tap in self.taps:
            tap.delivered(queue, entry, taker)


def taps_of(tap: Tap | None) -> tuple[Tap, ...]:
    """Those that a tap stands for."""
    if tap is None:
        return ()
    return tap.taps if isinstance(tap, Taps) else (tap,)


def joined(taps: Iterable[Tap]) -> Tap | None:
    """One tap for all of these; None for none."""
    found = tuple(taps)
    return found[0] if len(found) == 1 else Taps(found) if found else None
