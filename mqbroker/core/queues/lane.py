"""The entries of a queue that wait for a consumer, in order: first come, first served, and what came back first of all.

New entries are appended to a list that is read from a moving head. Entries that were delivered and came back return to
their old place: they are older than everything that was never delivered, so they wait by themselves, in a heap. That
costs the same for each of them whether they come back one by one, in portions or all together.
"""

from heapq import heappop, heappush

from mqbroker.core.message import Entry

_COMPACT_AT = 1024  # slots already read before the list is cut; below that the copy costs more than the memory


class Lane:
    """A first-in first-out line of entries. `count` is how many wait."""

    __slots__ = ("count", "fresh", "head", "returned")

    def __init__(self) -> None:
        self.fresh: list[Entry | None] = []
        self.head = 0
        self.returned: list[tuple[int, Entry]] = []
        """A heap of those that came back, by sequence."""
        self.count = 0

    def push(self, entry: Entry) -> None:
        """Appends a new entry."""
        self.fresh.append(entry)
        self.count += 1

    def peek(self) -> Entry | None:
        """The entry whose turn it is, or None."""
        if self.returned:
            return self.returned[0][1]
        if self.head < len(self.fresh):
            return self.fresh[self.head]
        return None

    def pop(self) -> Entry:
        """Takes the entry whose turn it is. The lane must not be empty."""
        self.count -= 1
        if self.returned:
            return heappop(self.returned)[1]
        head = self.head
        entry = self.fresh[head]
        assert entry is not None
        self.fresh[head] = None
        head += 1
        if head == len(self.fresh):
            self.fresh.clear()
            head = 0
        elif head >= _COMPACT_AT and head * 2 >= len(self.fresh):
            del self.fresh[:head]
            head = 0
        self.head = head
        return entry

    def put_back(self, entries: list[Entry]) -> None:
        """Returns entries that were popped to their old places."""
        for entry in entries:
            heappush(self.returned, (entry.sequence, entry))
        self.count += len(entries)

    def pass_over(self) -> bool:
        """The next of those that were never taken waits among those that came back from now on, where anybody may take
        it without taking what is before it. False when there is none."""
        if self.head >= len(self.fresh):
            return False
        returned, self.returned = self.returned, []
        entry = self.pop()
        self.returned = returned
        self.put_back([entry])
        return True

    def take_at(self, index: int) -> Entry:
        """Takes one of those that came back, which are sorted."""
        self.count -= 1
        return self.returned.pop(index)[1]

    def entries(self) -> list[Entry]:
        """Every waiting entry, in order; the lane is left as it is."""
        waiting = [entry for _, entry in sorted(self.returned)]
        waiting.extend([entry for entry in self.fresh[self.head :] if entry is not None])
        return waiting
