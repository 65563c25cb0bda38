"""The entries of a queue that wait for a consumer, in order: first come, first served, and what came back first of all.

New entries are appended to a list that is read from a moving head. Entries that were delivered and came back return to
their old place: they are older than everything that was never delivered, so they wait by themselves, in a heap. That
costs the same for each of them whether they come back one by one, in portions or all together.

A long line keeps its head and what is newest in memory; what is between may be pages on the disk (page.py):

    returned | fresh | middle: page, page, page ... | tail         while nothing is paged, `tail` is the list `fresh`
"""

from bisect import bisect_left, bisect_right
from collections import deque
from heapq import heappop, heappush
from itertools import islice, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import Extent, Place
from mqbroker.core.queues.page import Page, leaving, page_of, put_between, sequence_of

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container

_COMPACT_AT = 1024  # slots already read before the list is cut; below that the copy costs more than the memory

_end_of = attrgetter("end")


def _place_of(returned: tuple[int, Entry]) -> int:
    return returned[0]


class PageReader(Protocol):
    """Who has pages read for a lane."""

    def stall(self, lane: "Lane") -> None:
        """The next entries of the lane are not in memory."""

    def read_ahead(self, lane: "Lane") -> None:
        """The lane has begun another page."""

    def read(self, page: Page) -> list[Entry]:
        """Reads a page at once."""


class Lane:
    """A first-in first-out line of entries. `count` is how many wait."""

    __slots__ = ("count", "fresh", "head", "is_stalled", "middle", "reader", "returned", "tail")

    def __init__(self) -> None:
        self.fresh: list[Entry | None] = []
        self.head = 0
        self.returned: list[tuple[int, Entry]] = []
        """A heap of those that came back, by sequence."""
        self.count = 0
        self.tail = self.fresh
        self.middle: deque[Page] | None = None
        """None while nothing has left memory."""
        self.reader: PageReader | None = None
        self.is_stalled = False
        """Whether its next entries are not in memory, and its queue waits for them."""

    def push(self, entry: Entry) -> None:
        """Appends a new entry."""
        self.tail.append(entry)
        self.count += 1

    def peek(self) -> Entry | None:
        """The entry whose turn it is; None when there is none, or it is not in memory."""
        if self.returned:
            return self.returned[0][1]
        if self.head < len(self.fresh):
            return self.fresh[self.head]
        return None

    def pop(self) -> Entry:
        """Takes the entry whose turn it is. There must be one that `peek` shows."""
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
            self.head = 0
            if self.middle is not None:
                self.advance()
            return entry
        if head >= _COMPACT_AT and head * 2 >= len(self.fresh):
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
        """Every waiting entry, in order; the lane is left as it is. What is on the disk is read."""
        waiting = [entry for _, entry in sorted(self.returned)]
        waiting.extend([entry for entry in self.fresh[self.head :] if entry is not None])
        if self.middle is not None:
            for page in self.middle:
                waiting.extend(self._entries_of(page))
            waiting.extend([entry for entry in self.tail if entry is not None])
        return waiting

    def parts(self) -> list[list[Entry] | Page]:
        """The same, with what is on the disk only as pages."""
        found: list[list[Entry] | Page] = [[entry for _, entry in sorted(self.returned)]]
        found.append([entry for entry in self.fresh[self.head :] if entry is not None])
        if self.middle is not None:
            found += [page if page.parts else list(page.in_memory) for page in self.middle]
            found.append([entry for entry in self.tail if entry is not None])
        return found

    def look(self, offset: int, count: int) -> list[Entry]:
        """So many of these entries, from the one at `offset` on. Pages before and after them are not read."""
        self.returned.sort(key=_place_of)  # and is a heap then as well; soon done where it is sorted already
        found = [entry for _, entry in self.returned[offset : offset + count]]
        offset = max(0, offset - len(self.returned))
        begin = self.head + offset
        found += self.fresh[begin : begin + count - len(found)]  # type: ignore[arg-type]
        if self.middle is None:
            return found
        offset = max(0, begin - len(self.fresh))
        for page in self.middle:
            if len(found) >= count:
                break
            if offset < page.total:
                found += self._entries_of(page)[offset : offset + count - len(found)]
            offset = max(0, offset - page.total)
        found += self.tail[offset : offset + count - len(found)]  # type: ignore[arg-type]
        return found

    def _entries_of(self, page: Page) -> list[Entry]:
        if page.entries is not None:
            return page.entries
        assert self.reader is not None
        return sorted(self.reader.read(page) + page.kept, key=sequence_of)

    def let_go(self) -> "list[Container]":
        """What holds it all, to be freed by the caller. The lane is not used any more."""
        held: list[Container] = [self.fresh, self.returned]
        if self.middle is not None:
            held += [self.tail, self.middle]
            for page in self.middle:
                held += [page.kept, page.entries or []]
        return held

    # --- pages ------------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """The head is used up: what follows takes its place, if it is in memory."""
        middle, reader = self.middle, self.reader
        assert middle is not None
        if not middle:
            self.fresh = self.tail
            self.middle = None
            return
        page: Page = middle[0]
        if page.entries is not None:
            middle.popleft()
            self.fresh = page.entries  # type: ignore[assignment]
        if reader is None:
            return  # nobody's lane: it is purged
        if page.entries is None:
            reader.stall(self)
        else:
            reader.read_ahead(self)

    def page_out(self, extent: Extent, place: Place, window: int, least: int) -> int:
        """Lets go of the entries of the extent, which stand at that place, but for the first `window` of the lane and
        unless they are fewer than `least`. How many have left memory."""
        tail = self.tail
        start = self._window_end(window)
        begin = bisect_left(tail, extent.first, start, key=sequence_of) if start < len(tail) else len(tail)
        end = bisect_right(tail, extent.last, begin, key=sequence_of)
        if end - begin < max(least, 1):
            return 0
        # What is newer than the last page and not to leave memory is kept with the next one.
        cut = 0 if self.middle else begin
        page = leaving(extent, place, tail[cut:end])  # type: ignore[arg-type]
        if page.count < max(least, 1):
            return 0
        self._place_page(page, cut, end)
        return page.count

    def page_out_between(self, extent: Extent, place: Place, least: int) -> int:
        """The same for what stays in memory beside the pages there are. How many have left it."""
        middle = self.middle
        if not middle:
            return 0
        freed = 0
        for page in islice(middle, bisect_left(middle, extent.first, key=_end_of), None):
            freed += page.page_out(extent, place, least)
            if page.end >= extent.last:
                break
        return freed

    def after(self, sequence: int, window: int, most: int) -> list[Entry]:
        """Up to so many of the entries in memory, from that place on; without the first `window` and those that came
        back."""
        parts = [(self.fresh, self.head + window)]
        if self.middle is not None:
            pages = list(takewhile(lambda page: page.end > sequence, reversed(self.middle)))
            parts += [(page.in_memory, 0) for page in reversed(pages)]  # type: ignore[misc]
            parts.append((self.tail, self._window_end(window)))
        found: list[Entry] = []
        for entries, start in parts:
            begin = bisect_right(entries, sequence, min(start, len(entries)), key=sequence_of)
            found += entries[begin : begin + most - len(found)]  # type: ignore[arg-type]
        return found

    def page_out_head(self, extent: Extent, place: Place, window: int, least: int) -> int:
        """The same for the head of a line that has pages already, which keeps `window` entries. Offer the newest
        extents first: what is not paged after one that is stays in memory."""
        fresh, middle = self.fresh, self.middle
        start = self.head + window
        if middle is None or start >= len(fresh):
            return 0
        begin = bisect_left(fresh, extent.first, start, key=sequence_of)
        end = bisect_right(fresh, extent.last, begin, key=sequence_of)
        if end - begin < max(least, 1):
            return 0
        page = leaving(extent, place, fresh[begin:end])  # type: ignore[arg-type]
        if page.count < max(least, 1):
            return 0
        if end < len(fresh):
            middle.appendleft(page_of(extent.queue_number, extent.lane, fresh[end:]))  # type: ignore[arg-type]
        del fresh[begin:]
        middle.appendleft(page)
        return page.count

    def let_go_of_pages(self) -> int:
        """Pages that were read ahead leave memory again; how many entries that were."""
        return sum([page.let_go() for page in self.middle or ()])

    def _window_end(self, window: int) -> int:
        """Where in the tail the entries begin that may leave memory."""
        if self.middle:
            return 0
        if self.middle is None:
            return self.head + window
        return max(0, window - (len(self.fresh) - self.head))

    def _place_page(self, page: Page, cut: int, end: int) -> None:
        tail = self.tail
        self.tail = tail[end:]
        if self.middle is None:
            del tail[cut:]
            self.middle = deque()
        elif not self.middle:
            self.fresh.extend(tail[:cut])
        self.middle.append(page)

    def restore(self, pages: list[Page], entries: list[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence; the pages do not overlap."""
        middle, tail = put_between(pages, entries)
        self.tail = tail  # type: ignore[assignment]
        self.count = len(entries) + sum([page.count for page in pages])
        if middle:
            self.middle = middle
            self.advance()
        else:
            self.fresh = self.tail
