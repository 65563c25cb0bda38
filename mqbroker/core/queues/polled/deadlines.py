"""When something happens to the entries of a polled queue: delays end, who received a message loses it, all expire.

Deadlines stand in one heap, as time and sequence. Each noted entry has an item for the next thing that happens to it;
whatever else is in the heap is outdated, and recognised by the entry. A visible entry that nobody received yet needs no
item: it is older than all after it, so it expires at the front of its line. One that is not is noted for it.
"""

from heapq import heapify, heappop, heappush
from typing import Any

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import earlier
from mqbroker.core.queues.polled.lines import Lines
from mqbroker.limits import RETENTION_MS

_SLACK = 64  # items beyond twice the needed ones before the heap is made anew


class Deadlines:
    """The deadlines of the entries that stand in the lines of a queue."""

    __slots__ = ("heap", "lines", "newest_at", "pages", "retention_ms")

    def __init__(self, lines: Lines, retention_ms: int = RETENTION_MS, newest_at: int = 0) -> None:
        self.lines = lines
        self.heap: list[tuple[int, int]] = []
        self.retention_ms = retention_ms
        self.newest_at = newest_at
        """When the newest message so far was sent."""
        self.pages: Any = None
        """The pages of the line (line_pages.py), if it may have some."""

    def expiry(self, entry: Entry) -> int:
        """When the entry goes, received or not."""
        kept_until: int = entry.message.received_at + self.retention_ms
        return entry.expires_at if 0 < entry.expires_at < kept_until else kept_until

    def of(self, entry: Entry) -> int:
        """When something happens to an entry that is noted."""
        expiry = self.expiry(entry)
        return entry.held_until if 0 < entry.held_until < expiry else expiry

    def add(self, entry: Entry) -> int:
        """The next deadline of a noted entry has changed: what it is now."""
        deadline = self.of(entry)
        heappush(self.heap, (deadline, entry.sequence))
        if len(self.heap) > 2 * len(self.lines.noted) + _SLACK:
            self.renew()
        return deadline

    def is_odd(self, entry: Entry) -> bool:
        """Whether a visible entry may expire before those that stand before it."""
        return entry.message.received_at < self.newest_at or entry.expires_at != 0

    def note_arrival(self, entry: Entry) -> None:
        """An entry has a place from now on, in the order of places: what comes later may be older all the same."""
        if entry.message.received_at > self.newest_at:
            self.newest_at = entry.message.received_at

    def renew(self) -> None:
        """Makes the heap anew, without what is outdated."""
        noted = self.lines.noted
        self.heap = [(self.of(entry), sequence) for sequence, entry in noted.items() if entry.consumer is None]
        heapify(self.heap)

    def has_due(self, now: int) -> bool:
        """Whether the first item is due, outdated or not."""
        return bool(self.heap) and self.heap[0][0] <= now

    def pop(self) -> Entry | None:
        """Takes the first item: its entry, or None when it is outdated."""
        deadline, sequence = heappop(self.heap)
        return self._entry_at(deadline, sequence)

    def first(self) -> int:
        """When something happens next to a noted entry, 0 for never."""
        heap = self.heap
        while heap:
            deadline, sequence = heap[0]
            if self._entry_at(deadline, sequence) is not None:
                return deadline
            heappop(heap)
        return 0

    def next(self) -> int:
        """When something is due next, 0 for never."""
        found = self.first()
        if self.pages is not None:
            found = earlier(found, self.pages.deadline(self.retention_ms))
        line = self.lines.choose()
        if line is not None:
            expiry = self.expiry(line.peek())
            if not found or expiry < found:
                return expiry
        return found

    def sweep(self, now: int, most: int) -> int:
        """Settles what has expired at the front of the lines, so much at most; how much it was."""
        lines = self.lines
        done = 0
        while done < most:
            line = lines.choose()
            if line is None or self.expiry(line.peek()) > now:
                break
            lines.drop_first(line)
            done += 1
        for line in list(lines.noisy):
            while done < most and line.first() and self.expiry(line.peek()) <= now:
                lines.drop_first(line)
                done += 1
        return done

    def _entry_at(self, deadline: int, sequence: int) -> Entry | None:
        entry = self.lines.noted.get(sequence)
        return entry if entry is not None and entry.consumer is None and self.of(entry) == deadline else None
