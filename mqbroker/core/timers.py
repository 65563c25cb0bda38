"""What the core has to do later: deadlines in one heap, run by whoever owns the clock.

The core never asks for the time. Whoever drives it looks at `next_deadline`, and calls `advance(now)` at or after it.
A timer is not cancelled: its owner checks, when called, whether there is still something to do.
"""

import heapq
from collections.abc import Callable
from itertools import count


class Timers:
    """A heap of (deadline in milliseconds, callback taking `now`)."""

    __slots__ = ("_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, deadline: int, callback: Callable[[int], None]) -> None:
        """Has `callback(now)` called at or soon after `deadline`."""
        heapq.heappush(self._heap, (deadline, next(self._order), callback))

    def next_deadline(self) -> int:
        """The earliest deadline, or 0 when there is none."""
        return self._heap[0][0] if self._heap else 0

    def advance(self, now: int) -> None:
        """Calls everything that is due. What those calls arm for `now` or earlier waits for the next `advance`."""
        heap = self._heap
        due = []
        while heap and heap[0][0] <= now:
            due.append(heapq.heappop(heap)[2])
        for callback in due:
            callback(now)
