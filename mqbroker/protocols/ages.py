"""How old the deliveries of a channel are at least, without giving any delivery a time of its own.

Each sweep notes the next delivery tag. A tag below the note of a sweep that is at least one timeout ago is at least
that old. The price is that a delivery may live one sweep longer than its timeout, or a sixteenth of it where there are
very many sweeps within the longest timeout. It knows no deliveries, only tags.
"""

from bisect import bisect_right
from operator import itemgetter

SWEEP_MS_MAX = 10_000  # how rarely a connection looks; RabbitMQ does so once a minute
_MARKS_MAX = 1000
_SHARE = 16  # marks need not be closer to each other than so much of their age: some 700 do for a year of milliseconds


def sweep_interval(timeout_ms: int) -> int:
    """How long after one sweep the next one is due, for what has this timeout."""
    return min(SWEEP_MS_MAX, timeout_ms // 2 + 1)


class Ages:
    """Tags and the times by which they had been given out. Times and timeouts are in milliseconds."""

    __slots__ = ("_longest_ms", "_marks", "shortest_ms")

    def __init__(self) -> None:
        self.shortest_ms = 0
        """The shortest timeout that was ever asked for; 0 while there was none."""
        self._longest_ms = 0
        self._marks: list[tuple[int, int]] = []

    def watch(self, timeout_ms: int) -> None:
        """Notes that somebody has a timeout; 0 is none."""
        if timeout_ms:
            self.shortest_ms = min(self.shortest_ms, timeout_ms) or timeout_ms
            self._longest_ms = max(self._longest_ms, timeout_ms)

    def mark(self, now: int, next_tag: int) -> None:
        """Notes that every tag below `next_tag` has been given out by now."""
        marks = self._marks
        marks.append((now, next_tag))
        del marks[: max(0, self._count_at(now - self._longest_ms) - 1)]
        if len(marks) > _MARKS_MAX:
            self._thin_out(now)

    def reached(self, timeout_ms: int, now: int) -> int:
        """Tags below this are at least `timeout_ms` old."""
        count = self._count_at(now - timeout_ms)
        return self._marks[count - 1][1] if count else 0

    def _count_at(self, time: int) -> int:
        """How many marks had been made by then."""
        return bisect_right(self._marks, time, key=itemgetter(0))

    def _thin_out(self, now: int) -> None:
        """Drops marks whose neighbours are close enough: with fewer of them a delivery counts as younger, never as
        older."""
        marks = self._marks
        kept = [marks[-1]]
        for older, mark in zip(marks[-3::-1], marks[-2::-1], strict=False):
            if kept[-1][0] - older[0] > (now - older[0]) // _SHARE:
                kept.append(mark)
        self._marks = [marks[0], *reversed(kept)]


class Reached(dict[int, int]):
    """What `Ages.reached` says at one moment, by timeout: many deliveries have the same one."""

    def __init__(self, ages: Ages, now: int) -> None:
        super().__init__()
        self._ages = ages
        self._now = now

    def __missing__(self, timeout_ms: int) -> int:
        found = self[timeout_ms] = self._ages.reached(timeout_ms, self._now)
        return found
