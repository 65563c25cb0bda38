"""What the core has to do later: deadlines in one heap, run by whoever owns the clock.

The core never asks for the time. Whoever drives it looks at `next_deadline`, and calls `advance(now)` at or after it.
Each timer knows its place in the heap, so one that is not needed any more is taken out at once: what it refers to may
be a deleted queue with its messages, and its deadline years away. `heapq` cannot take anything out of the middle.
"""

from collections.abc import Callable

from mqbroker.limits import PORTION

_IDLE = -1  # in `Timer.place`: not armed
_DUE = -2  # taken out of the heap, to be called now


class Timer:
    """A deadline in milliseconds, and what is called at or soon after it with the time. Made by `Timers.at`."""

    __slots__ = ("callback", "deadline", "order", "place")

    def __init__(self, callback: Callable[[int], None]) -> None:
        self.callback = callback
        self.deadline = 0
        self.order = 0
        """Timers of the same deadline are called in the order in which they were armed."""
        self.place = _IDLE

    @property
    def is_armed(self) -> bool:
        """Whether it is going to be called."""
        return self.place != _IDLE


class Timers:
    """A binary heap of timers: each is due no later than the two below it, at twice its place plus 1 and 2."""

    __slots__ = ("_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, deadline: int, callback: Callable[[int], None]) -> Timer:
        """Has `callback(now)` called at or soon after `deadline`, unless the timer is cancelled or moved."""
        timer = Timer(callback)
        self.move(timer, deadline)
        return timer

    def move(self, timer: Timer, deadline: int) -> None:
        """Arms a timer for another deadline, or again."""
        self.cancel(timer)
        timer.deadline = deadline
        timer.order = self._order
        self._order += 1
        self._heap.append(timer)
        self._rise(timer, len(self._heap) - 1)

    def cancel(self, timer: Timer | None) -> None:
        """Takes a timer out, if it is armed."""
        if timer is None:
            return
        place, timer.place = timer.place, _IDLE
        if place < 0:
            return
        last = self._heap.pop()
        if last is not timer:
            self._rise(last, place)
            self._sink(last, last.place)

    def next_deadline(self) -> int:
        """The earliest deadline, or 0 when there is none."""
        return self._heap[0].deadline if self._heap else 0

    def advance(self, now: int) -> None:
        """Calls what is due, so many at most: whoever drives it comes again for more.

        What those calls arm for `now` or earlier waits for the next `advance`.
        """
        due: list[Timer] = []
        while self._heap and self._heap[0].deadline <= now and len(due) < PORTION:
            timer = self._heap[0]
            self.cancel(timer)
            timer.place = _DUE
            due.append(timer)
        for timer in due:
            if timer.place == _DUE:  # neither cancelled nor moved by one before it
                timer.place = _IDLE
                timer.callback(now)

    # --- the heap ---------------------------------------------------------------------------------------------------

    def _rise(self, timer: Timer, place: int) -> None:
        """Puts a timer at a place, or above it."""
        heap = self._heap
        while place:
            above = heap[(place - 1) >> 1]
            if not _is_before(timer, above):
                break
            heap[place] = above
            above.place = place
            place = (place - 1) >> 1
        heap[place] = timer
        timer.place = place

    def _sink(self, timer: Timer, place: int) -> None:
        """Puts a timer at a place, or below it."""
        heap = self._heap
        below = 2 * place + 1
        while below < len(heap):
            if below + 1 < len(heap) and _is_before(heap[below + 1], heap[below]):
                below += 1
            if not _is_before(heap[below], timer):
                break
            heap[place] = heap[below]
            heap[place].place = place
            place = below
            below = 2 * place + 1
        heap[place] = timer
        timer.place = place


def _is_before(left: Timer, right: Timer) -> bool:
    if left.deadline != right.deadline:
        return left.deadline < right.deadline
    return left.order < right.order
