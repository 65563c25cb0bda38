"""How old the deliveries of a channel are at least, without giving any delivery a time of its own.

Each sweep notes the next delivery tag. A tag below the note of a sweep that is at least one timeout ago is at least
that old. The price is that a delivery may live one sweep longer than its timeout. It knows no deliveries, only tags.
"""

from collections import deque


class Ages:
    """Tags and the times by which they had been given out. Times and timeouts are in milliseconds."""

    __slots__ = ("_longest_ms", "_marks", "shortest_ms")

    def __init__(self) -> None:
        self.shortest_ms = 0
        """The shortest timeout that was ever asked for; 0 while there was none."""
        self._longest_ms = 0
        self._marks: deque[tuple[int, int]] = deque()

    def watch(self, timeout_ms: int) -> None:
        """Notes that somebody has a timeout; 0 is none."""
        if timeout_ms:
            self.shortest_ms = min(self.shortest_ms, timeout_ms) or timeout_ms
            self._longest_ms = max(self._longest_ms, timeout_ms)

    def mark(self, now: int, next_tag: int) -> None:
        """Notes that every tag below `next_tag` has been given out by now."""
        marks = self._marks
        marks.append((now, next_tag))
        while len(marks) > 1 and marks[1][0] <= now - self._longest_ms:
            marks.popleft()

    def reached(self, timeout_ms: int, now: int) -> int:
        """Tags below this are at least `timeout_ms` old."""
        return max((tag for time, tag in self._marks if time <= now - timeout_ms), default=0)
