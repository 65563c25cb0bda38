"""A page: a part of a lane that has left memory for the journal, and comes back as a whole.

It knows how much it is, so that the counts of its queue stay exact, and where it stands. Who reads it is the ledger.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from operator import attrgetter

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import Extent, Place, earlier
from mqbroker.core.queues.lanes import deadline_of
from mqbroker.limits import PAGES_AHEAD_MAX, QUEUE_WINDOW_BYTES

Loaded = Callable[[list[Entry]], None]
"""Told the entries of a page that was read."""

sequence_of = attrgetter("sequence")


class Page:
    """The waiting entries of a lane from the sequence `first` to `last`: all that the journal has there alive."""

    __slots__ = (
        "besides", "byte_count", "count", "entries", "expires_at", "first", "is_coming", "kept", "lane", "last",
        "others", "place", "queue_number", "top",
    )  # fmt: skip

    def __init__(self, queue_number: int, lane: int, top: int, place: Place | None) -> None:
        self.queue_number = queue_number
        self.lane = lane
        self.top = top
        """The highest lane of its queue."""
        self.place = place
        self.count = 0
        """How many are on the disk only."""
        self.byte_count = 0
        self.first = self.last = 0
        self.expires_at = 0
        """The earliest deadline of what it stands for, 0 for none, as in `Extent`."""
        self.kept: list[Entry] = []
        """Entries between them that the journal does not have there."""
        self.others: list[Page] = []
        """More of what stands between them, at other places of the journal: each is a page of its own."""
        self.besides: frozenset[int] = frozenset()
        """The sequences of others that the journal has there alive: they are not its own."""
        self.entries: list[Entry] | None = None
        """All of them, in order, once it was read."""
        self.is_coming = False
        """Whether it is being read."""

    def add(self, entry: Entry) -> None:
        """An entry, later than all before, is on the disk."""
        self.count += 1
        self.byte_count += entry.message.size
        self.first = self.first or entry.sequence
        self.last = entry.sequence
        self.expires_at = earlier(self.expires_at, deadline_of(entry, self.top))

    def keep(self, entries: list[Entry]) -> None:
        """These, in order, stand between them and stay in memory."""
        self.kept = entries
        for entry in entries:
            self.expires_at = earlier(self.expires_at, entry.expires_at)

    @property
    def total(self) -> int:
        """How many entries it stands for."""
        return self.on_disk + len(self.kept) if self.entries is None else len(self.entries)

    @property
    def parts(self) -> "list[Page]":
        """What there is to be read of it: one page for each place."""
        return [self, *self.others] if self.place is not None else self.others

    @property
    def on_disk(self) -> int:
        """How many entries there are in its parts."""
        return self.count + sum(other.count for other in self.others)

    @property
    def end(self) -> int:
        """The last sequence that it stands for."""
        ends = [entries[-1].sequence for entries in (self.kept, self.entries) if entries]
        return max(self.last, *ends, *(other.last for other in self.others), 0)

    @property
    def is_run(self) -> bool:
        """Whether each of its parts is one run of sequences without a gap."""
        return all(part.last - part.first + 1 == part.count for part in self.parts)

    def put_in(self, read: list[Entry]) -> None:
        """It was read."""
        self.entries = sorted(read + self.kept, key=sequence_of) if self.kept or self.others else read

    def let_go(self) -> int:
        """It was read and is not needed yet: leaves memory again. How many entries that were."""
        if self.entries is None or not self.parts:
            return 0
        self.entries = None
        return self.on_disk

    @property
    def in_memory(self) -> list[Entry]:
        """The entries that it has nowhere else."""
        return self.kept if self.parts else self.entries or []

    def page_out(self, extent: Extent, place: Place, least: int) -> int:
        """Lets go of those of them that stand at that place, unless they are fewer than `least`; how many it were."""
        if self.is_coming:
            return 0
        entries = self.in_memory
        begin = bisect_left(entries, extent.first, key=sequence_of)
        end = bisect_right(entries, extent.last, begin, key=sequence_of)
        if end - begin < max(least, 1):
            return 0
        part = leaving(extent, place, entries[begin:end])
        if part.count < max(least, 1):
            return 0
        if not self.parts:
            self.entries = None
        self.keep(entries[:begin] + part.kept + entries[end:])
        part.kept = []
        self.others = [*self.others, part]
        self.expires_at = earlier(self.expires_at, part.expires_at)
        return part.count


def page_of(queue_number: int, lane: int, entries: list[Entry]) -> Page:
    """A page that has not left memory."""
    page = Page(queue_number, lane, 0, None)
    page.entries = entries
    return page


def first_pages(pages: Iterable[Page], window: int) -> list[Page]:
    """As many of them as a queue keeps in memory: these are read ahead."""
    left, left_bytes = window, QUEUE_WINDOW_BYTES
    found = []
    for page in islice(pages, PAGES_AHEAD_MAX):
        if left <= 0 or left_bytes <= 0:
            break
        left -= page.total
        left_bytes -= sum([part.byte_count for part in page.parts])
        found.append(page)
    return found


def put_between(pages: list[Page], entries: list[Entry]) -> tuple[deque[Page], list[Entry]]:
    """The pages of one line, which do not overlap, with what the journal has told of it one by one: what stands between
    them is in pages of its own. And what stands after them. All is in order of sequence."""
    at = 0
    middle = deque[Page]()
    for page in pages:
        end = bisect_left(entries, page.first, at, key=sequence_of)
        if at < end:
            middle.append(page_of(page.queue_number, page.lane, entries[at:end]))
        at = bisect_right(entries, page.last, end, key=sequence_of)
        page.keep(entries[end:at])
        middle.append(page)
    return middle, entries[at:]


def leaving(extent: Extent, place: Place, entries: Iterable[Entry]) -> Page:
    """What leaves memory of these entries, because it stands at that place; and what does not."""
    page = Page(extent.queue_number, extent.lane, extent.top, place)
    first, last, number = place.first_lsn, place.last_lsn, extent.queue_number
    stays = []
    for entry in entries:
        if first <= entry.lsn <= last and entry.queue_number == number:
            page.add(entry)
        else:
            stays.append(entry)
    page.keep(stays)
    return page


def page_on_disk(extent: Extent, place: Place) -> Page:
    """The page of an extent of which everything is alive."""
    page = Page(extent.queue_number, extent.lane, extent.top, place)
    page.count, page.byte_count, page.expires_at = extent.count, extent.byte_count, extent.expires_at
    page.first, page.last = extent.first, extent.last
    return page
