"""The messages of one group of a polled queue that are visible, in order; and how many more of the group there are.

A place in the line is a number: the sequence of the entry, or a later number for one that was put at the back. Entries
that never left stand in a list that is read from a moving head; what comes back, or becomes visible later than its
turn, goes into a heap beside it, because a queue may have a hundred thousand of them come back one by one. The next
entry is the lower of both ends. An entry that left the queue while it stood here is GONE, and dropped when it comes to
the front.
"""

from collections.abc import Iterator
from hashlib import sha256
from heapq import heappop, heappush
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from mqbroker.core.message import GONE, Entry
from mqbroker.core.properties import Properties
from mqbroker.limits import GROUP_ID_CHARACTERS_MAX

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container

_GONE = GONE  # C integers when compiled
_COMPACT_AT = 1024  # slots already read before the list is cut; below that the copy costs more than the memory


class GroupLine:
    """One group: a line of visible entries, and counts of those that are in flight or delayed."""

    __slots__ = (
        "away", "blocked", "delayed", "delayed_until", "head", "held", "in_flight", "is_coming", "key", "last", "name",
        "pages", "returned", "tail", "turn", "untouched", "visible",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.visible = 0
        """Entries in the line, without those that are GONE."""
        self.in_flight = 0
        self.delayed = 0
        self.delayed_until = 0
        """When the last of the delayed ones becomes visible, in milliseconds, as long as there are any."""
        self.key = 0
        """The place under which the queue finds the line when it looks for what to deliver; 0 when it must not."""
        self.blocked = 0
        """FIFO queues: how many of the visible ones must wait for one in flight, as of the last placing."""
        self.turn = 0
        """FIFO queues: the place of the group among the others since something of it came back; 0 for never."""
        self.held: list[int] | None = None
        """FIFO queues: a heap of sequences that are in flight, and of some that are not any more."""
        self.untouched: list[Entry | None] = []
        self.head = 0
        self.last = 0
        """The place of the last one that stands there; 0 when that is empty."""
        self.returned: list[tuple[int, Entry]] = []
        self.tail = self.untouched
        """What came last: another list while pages are between the two."""
        self.pages: Any = None
        """The pages (line_pages.py) while there are some."""
        self.is_coming = False
        """Whether what is next is on its way from the disk, or would be if somebody wanted it."""
        self.away = 0
        """How many of the visible ones wait for that, as of the last placing."""

    def add(self, place: int, entry: Entry) -> None:
        """Puts an entry that was never taken or held at its place."""
        if place > self.last and place == entry.sequence:
            self.visible += 1
            self.tail.append(entry)
            self.last = place
        else:
            self.bring_back(place, entry)

    def bring_back(self, place: int, entry: Entry) -> None:
        """Puts another entry at its place."""
        self.visible += 1
        heappush(self.returned, (place, entry))

    def first(self) -> int:
        """The place of the entry whose turn it is, 0 for none. Drops what is GONE from the front."""
        while self.head < len(self.untouched):
            entry = self.untouched[self.head]
            assert entry is not None
            if entry.held_until != _GONE:
                break
            self.step()
        while self.returned:
            entry = self.returned[0][1]
            if entry.held_until != _GONE:
                break
            heappop(self.returned)
        if self.head == len(self.untouched):
            return self.returned[0][0] if self.returned else 0
        entry = self.untouched[self.head]
        assert entry is not None
        return min(entry.sequence, self.returned[0][0]) if self.returned else entry.sequence

    def peek(self) -> Entry:
        """The entry whose turn it is, right after `first`, which must have found one."""
        if self.head < len(self.untouched):
            entry = self.untouched[self.head]
            assert entry is not None
            if not self.returned or entry.sequence < self.returned[0][0]:
                return entry
        return self.returned[0][1]

    def pop(self) -> Entry:
        """Takes the entry whose turn it is, right after `first`, which must have found one."""
        self.visible -= 1
        if self.head < len(self.untouched):
            entry = self.untouched[self.head]
            assert entry is not None
            if not self.returned or entry.sequence < self.returned[0][0]:
                self.step()
                return entry
        return heappop(self.returned)[1]

    def step(self) -> None:
        """The head of the list has been read."""
        untouched = self.untouched
        head = self.head
        untouched[head] = None
        head += 1
        if head == len(untouched):
            untouched.clear()
            self.head = 0
            if self.pages is not None:
                self.pages.advance()
            else:
                self.last = 0
            return
        if head >= _COMPACT_AT and head * 2 >= len(untouched):
            del untouched[:head]
            head = 0
        self.head = head

    def let_go(self) -> "list[Container]":
        """What holds the entries, of a line that nobody needs any more."""
        held: list[Container] = [self.untouched, self.returned, self.held or []]
        return held if self.pages is None else [*held, self.tail, *self.pages.let_go()]

    def entries(self, count_max: int) -> list[tuple[int, Entry]]:
        """The first visible entries with their places, in order; the line is left as it is. What is on the disk is
        read."""
        read: Iterator[Entry | None] = islice(self.untouched, self.head, None)
        if self.pages is not None:
            read = chain(read, self.pages.entries(), self.tail)
        found = [each for each in self.returned if each[1].held_until != GONE]
        end = len(found) + count_max
        for entry in read:  # no more than are asked for, as pages are read from the disk
            if entry is not None and entry.held_until != GONE:
                found.append((entry.sequence, entry))
                if len(found) >= end:
                    break
        return sorted(found)[:count_max]

    def oldest_sent_at(self) -> int:
        """When the first was sent that nobody has received; 0 for none."""
        if self.head < len(self.untouched):
            entry = self.untouched[self.head]
            assert entry is not None
            return entry.message.received_at
        if self.pages is not None:
            found: int = self.pages.sent_at()
            return found
        if self.returned and not self.returned[0][1].first_taken_at:
            return self.returned[0][1].message.received_at  # it was delayed
        return 0


def id_in(properties: Properties, name: str) -> str:
    """An id that the sender of a message gave it; empty for none. One that is too long is the digest of it."""
    found = properties.text(name)
    if found is None:
        return ""
    if len(found) > GROUP_ID_CHARACTERS_MAX:
        return sha256(found.encode("utf-8", "surrogateescape")).hexdigest()
    return found


def group_of(properties: Properties) -> str:
    """The group of a message; empty for none."""
    return id_in(properties, "group_id")
