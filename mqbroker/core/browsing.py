"""Looking at what waits in queues without taking it: every message that is there at the beginning, once, in order.

It goes on in portions, and waits while the one who looks does not read. It is no consumer: it settles nothing, and the
queues do not know of it. What is on the disk only is read a page at a time, when its turn comes; of that, what has
been settled meanwhile is not shown any more.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from mqbroker.core.consumer import Gate
from mqbroker.core.line import Member
from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.page import Page, sequence_of
from mqbroker.core.scheduler import Task
from mqbroker.core.selectors.fields import selects
from mqbroker.core.selectors.selector import Selector
from mqbroker.limits import PORTION

Show = Callable[[Entry], None]


class Browsing(Member):
    """One look at a queue, or at several, one after the other."""

    __slots__ = ("_ended", "_entries", "_gate", "_has_turn", "_is_coming", "_parts", "_queues", "_selector", "_show")

    def __init__(
        self,
        queues: Sequence[tuple[Queue, Show]],
        gate: Gate,
        ended: Callable[[], None],
        selector: Selector | None,
    ) -> None:
        """Calls what stands beside each queue with each entry of it that the selector selects, and `ended` at last."""
        Member.__init__(self)
        self._queues = queues
        self._gate = gate
        self._ended = ended
        self._selector = selector
        self._show: Show = _unseen
        self._entries: deque[Entry] = deque()
        """What is to be shown next, to `_show`."""
        self._parts: deque[tuple[Queue, Show, list[Entry] | Page]] = deque()
        """What follows."""
        self._is_coming = False
        """Whether the next page is being read."""
        self._has_turn = False

    def begin(self, now: int) -> None:
        """Begins with what waits now."""
        for queue, show in self._queues:
            self._parts.extend((queue, show, part) for part in queue.parts())
        self.take_turn(PORTION, now)

    def end(self) -> None:
        """Nobody wants to see more."""
        self._entries.clear()
        self._parts.clear()
        self._ended = _nobody
        if self.line is not None:
            self.line.leave(self)

    def take_turn(self, portion: int, now: int) -> int:
        """Shows a portion, as long as it is read. What was taken meanwhile is shown, for it was there."""
        left = portion
        self._has_turn = True
        while left > 0 and self._gate.is_open and self._has_next():
            left -= 1
            entry = self._entries.popleft()
            left -= 0 if self._selector is None else self._selector.cost - 1
            is_there = not entry.expires_at or entry.expires_at > now
            if is_there and (self._selector is None or selects(self._selector, entry.message, entry)):
                self._show(entry)
        self._has_turn = False
        if self._entries or (self._parts and not self._is_coming):
            self._gate.join(self)
            self._gate.go_on()
        elif not self._is_coming:
            self._ended()
        return portion - left

    def _has_next(self) -> bool:
        """Whether there is something to be shown now."""
        while not self._entries and self._parts and not self._is_coming:
            queue, self._show, part = self._parts.popleft()
            if isinstance(part, list):
                self._entries.extend(part)
            else:
                self._is_coming = True
                # Of what it keeps, more may leave memory for places that are not being read.
                queue.ledger.glance(part, partial(self._has_come, list(part.kept)))
        return bool(self._entries)

    def _has_come(self, kept: list[Entry], entries: list[Entry]) -> None:
        self._is_coming = False
        if self._ended is _nobody:
            return
        self._entries.extend(sorted(entries + kept, key=sequence_of))
        if not self._has_turn:
            self._gate.join(self)
            self._gate.go_on()

    def schedule(self, task: Task) -> None:
        """Has the task run in portions."""
        self._queues[0][0].host.schedule(task)


def _unseen(_entry: Entry) -> None:
    """Nothing is shown yet."""


def _nobody() -> None:
    """Has seen enough."""
