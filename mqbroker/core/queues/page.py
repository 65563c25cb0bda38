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
        "place", "queue_number", "top",
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
        """The earliest of their deadlines, 0 for none, as in `Extent`."""
        self.kept: list[Entry] = []
        """Entries between them that the journal does not have there."""
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

    @property
    def total(self) -> int:
        """How many entries it stands for."""
        return self.count + len(self.kept) if self.entries is None else len(self.entries)

    @property
    def is_run(self) -> bool:
        """Whether it is one run of sequences without a gap."""
        return self.last - self.first + 1 == self.count

    def put_in(self, read: list[Entry]) -> None:
        """It was read."""
        self.entries = sorted(read + self.kept, key=sequence_of) if self.kept else read

    def let_go(self) -> int:
        """It was read and is not needed yet: leaves memory again. How many entries that were."""
        if self.place is None or self.entries is None:
            return 0
        self.entries = None
        return self.count


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
        left_bytes -= page.byte_count
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
        page.kept = entries[end:at]
        middle.append(page)
    return middle, entries[at:]


def leaving(extent: Extent, place: Place, entries: Iterable[Entry]) -> Page:
    """What leaves memory of these entries, because it stands at that place; and what does not."""
    page = Page(extent.queue_number, extent.lane, extent.top, place)
    first, last = place.first_lsn, place.last_lsn
    for entry in entries:
        if first <= entry.lsn <= last:
            page.add(entry)
        else:
            page.kept.append(entry)
    return page


def page_on_disk(extent: Extent, place: Place) -> Page:
    """The page of an extent of which everything is alive."""
    page = Page(extent.queue_number, extent.lane, extent.top, place)
    page.count, page.byte_count, page.expires_at = extent.count, extent.byte_count, extent.expires_at
    page.first, page.last = extent.first, extent.last
    return page
