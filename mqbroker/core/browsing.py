"""Looking at what waits in queues without taking it: every message that is there at the beginning, once, in order.

It goes on in portions, and waits while the one who looks does not read. It is no consumer: it settles nothing, and the
queues do not know of it.
"""

from collections import deque
from collections.abc import Callable, Sequence

from mqbroker.core.consumer import Gate
from mqbroker.core.line import Member
from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.scheduler import Task
from mqbroker.core.selectors.fields import selects
from mqbroker.core.selectors.selector import Selector
from mqbroker.limits import PORTION

Show = Callable[[Entry], None]


class Browsing(Member):
    """One look at a queue, or at several, one after the other."""

    __slots__ = ("_ended", "_gate", "_looks", "_queues", "_selector")

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
        self._looks: deque[tuple[Show, deque[Entry]]] = deque()

    def begin(self, now: int) -> None:
        """Begins with what waits now."""
        self._looks.extend((show, deque(queue.waiting())) for queue, show in self._queues)
        self.take_turn(PORTION, now)

    def end(self) -> None:
        """Nobody wants to see more."""
        self._looks.clear()
        self._ended = _nobody
        if self.line is not None:
            self.line.leave(self)

    def take_turn(self, portion: int, now: int) -> int:
        """Shows a portion, as long as it is read. What was taken meanwhile is shown, for it was there."""
        looks, left = self._looks, portion
        while looks and left > 0 and self._gate.is_open:
            left -= 1
            show, entries = looks[0]
            if not entries:
                looks.popleft()
                continue
            entry = entries.popleft()
            is_there = not entry.expires_at or entry.expires_at > now
            if is_there and (self._selector is None or selects(self._selector, entry.message, entry)):
                show(entry)
        while looks and not looks[0][1]:
            looks.popleft()
        if looks:
            self._gate.join(self)
            self._gate.go_on()
        else:
            self._ended()
        return portion - left

    def schedule(self, task: Task) -> None:
        """Has the task run in portions."""
        self._queues[0][0].host.schedule(task)


def _nobody() -> None:
    """Has seen enough."""
