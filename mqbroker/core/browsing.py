"""Looking at what waits in a queue without taking it: every message that is there at the beginning, once, in order.

It goes on in portions, and waits while the one who looks does not read. It is no consumer: it settles nothing, and the
queue does not know of it.
"""

from collections import deque
from collections.abc import Callable

from mqbroker.core.consumer import Gate
from mqbroker.core.line import Member
from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.scheduler import Task
from mqbroker.core.selectors.fields import selects
from mqbroker.core.selectors.selector import Selector
from mqbroker.limits import PORTION


class Browsing(Member):
    """One look at a queue."""

    __slots__ = ("_entries", "_gate", "_queue", "_selector", "_show")

    def __init__(
        self, queue: Queue, gate: Gate, show: Callable[[Entry | None], None], selector: Selector | None
    ) -> None:
        """Calls `show` with each entry that the selector selects, and with None at the end."""
        Member.__init__(self)
        self._queue = queue
        self._gate = gate
        self._show = show
        self._selector = selector
        self._entries: deque[Entry] = deque()

    def begin(self, now: int) -> None:
        """Begins with what waits now."""
        self._entries.extend(self._queue.waiting())
        self.take_turn(PORTION, now)

    def end(self) -> None:
        """Nobody wants to see more."""
        self._entries.clear()
        self._show = _nobody
        if self.line is not None:
            self.line.leave(self)

    def take_turn(self, portion: int, now: int) -> int:
        """Shows a portion, as long as it is read. What was taken meanwhile is shown, for it was there."""
        entries, left = self._entries, portion
        while entries and left > 0 and self._gate.is_open:
            left -= 1
            entry = entries.popleft()
            is_there = not entry.expires_at or entry.expires_at > now
            if is_there and (self._selector is None or selects(self._selector, entry.message, entry)):
                self._show(entry)
        if entries:
            self._gate.join(self)
            self._gate.go_on()
        else:
            self._show(None)
        return portion - left

    def schedule(self, task: Task) -> None:
        """Has the task run in portions."""
        self._queue.host.schedule(task)


def _nobody(_entry: Entry | None) -> None:
    """Has seen enough."""
