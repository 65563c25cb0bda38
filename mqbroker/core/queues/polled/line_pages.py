"""The pages of a standard queue: what of its messages without a group is on the disk only.

    returned | untouched | middle: page, page, page ... | tail      while nothing is paged, `tail` is `untouched`

They are read ahead as the line is used up, and not before somebody wants what is next. While that is on its way the
line stands aside. Nothing of a page is received, so none of it is known one by one; what may expire out of turn is
noted again when it has come back.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mqbroker.core.message import GONE, Entry
from mqbroker.core.queues.extent import POLLED_TOP, Extent, Place, earlier
from mqbroker.core.queues.lanes import LINE
from mqbroker.core.queues.page import Page, first_pages, put_between, sequence_of
from mqbroker.limits import RECEIVED_AT_ONCE

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container
    from mqbroker.core.queues.polled.contents import PolledContents
    from mqbroker.core.queues.polled.group_lines import GroupLine


class LinePages:
    """The pages of one line."""

    def __init__(self, queue: "PolledContents") -> None:
        self._queue = queue
        self._line: GroupLine = queue.lines.ungrouped
        self._middle: deque[Page] = deque()
        self.reads = 0
        """How many pages are on their way."""
        self._newest_at = 0
        """When the newest message that came back was sent."""
        self._early: set[int] = set()
        """Messages that stand beside the line, though the journal may know them as its own."""
        self._deadline = -1
        """When the first of what is not here was sent; -1 while that is not known."""

    def page_out(self, extent: Extent, place: Place, window: int, least: int) -> int:
        """Lets go of what stands at that place, but for the first `window` of the line and unless it is fewer than
        `least`. How many have left memory."""
        line = self._line
        tail = line.tail
        start = self._window_end(window)
        if start >= len(tail):
            return 0
        begin = bisect_left(tail, extent.first, start, key=sequence_of)
        end = bisect_right(tail, extent.last, begin, key=sequence_of)
        # What is newer than the last page and not to leave memory is kept with the next one.
        cut = 0 if self._middle else begin
        page = _leaving(self._queue.number, place, tail[cut:end])  # type: ignore[arg-type]
        if page.count < max(least, 1):
            return 0
        if self._early:
            head = self._line.untouched[self._line.head]
            self._early = {each for each in self._early if head is None or each > head.sequence}
            page.besides = frozenset(each for each in self._early if page.first < each < page.last)
        for entry in tail[begin:end]:
            if entry is not None and _leaves(entry, place):
                self._queue.lines.noted.pop(entry.sequence, None)
        self._place(page, cut, end)
        if self._deadline >= 0:
            self._deadline = earlier(self._deadline, page.expires_at)
        return page.count

    def _window_end(self, window: int) -> int:
        """Where in the tail the entries begin that may leave memory."""
        line = self._line
        if self._middle:
            return 0
        if line.pages is None:
            return line.head + window
        return max(0, window - (len(line.untouched) - line.head))

    def _place(self, page: Page, cut: int, end: int) -> None:
        line = self._line
        tail, line.tail = line.tail, line.tail[end:]
        if line.pages is None:
            del tail[cut:]
            line.pages = self
        elif not self._middle:
            line.untouched.extend(tail[:cut])
        self._middle.append(page)

    def note_early(self, entry: Entry) -> None:
        """A message that was delayed is visible, perhaps before the journal was told that it was: then it counts there
        as one that was not."""
        if entry.lsn > self._queue.ledger.committed:
            self._early.add(entry.sequence)

    def advance(self) -> None:
        """The head of the line is used up: what follows takes its place, if it is in memory."""
        line, middle = self._line, self._middle
        while middle and middle[0].entries is not None:
            line.untouched = list(middle.popleft().entries or ())
            line.head = 0
            if line.untouched:
                self.read_ahead()
                return
        if middle:
            line.is_coming = True
            return
        line.untouched, line.head, line.pages = line.tail, 0, None
        if not line.untouched:
            line.last = 0

    def has(self, count: int) -> bool:
        """Whether so many of the line are in memory, or all."""
        found = len(self._line.untouched) - self._line.head
        for page in self._middle:
            if found >= count or page.entries is None:
                break
            found += page.total
        else:
            return True
        return found >= count

    def read_ahead(self) -> None:
        """Has the next pages read, as much as the queue keeps in memory."""
        self._read(first_pages(self._middle, max(self._queue.ledger.window, RECEIVED_AT_ONCE)))

    def _read(self, pages: list[Page]) -> None:
        for page in pages:
            if page.entries is None and not page.is_coming:
                page.is_coming = True
                self.reads += 1
                self._queue.ledger.load(page, partial(self._loaded, page))

    def read_due(self, now: int, retention_ms: int) -> None:
        """Has read what may have expired."""
        if 0 < self.deadline(retention_ms) <= now:
            self._read([page for page in self._middle if page.expires_at + retention_ms <= now])
            self._deadline = -1

    def deadline(self, retention_ms: int) -> int:
        """When the first of what is neither here nor on its way may expire; 0 for never."""
        if self._deadline < 0:
            self._deadline = 0
            for page in self._middle:
                if page.entries is None and not page.is_coming:
                    self._deadline = earlier(self._deadline, page.expires_at)
        return self._deadline + retention_ms if self._deadline else 0

    def _loaded(self, page: Page, entries: list[Entry]) -> None:
        page.is_coming = False
        self.reads -= 1
        if self._queue.pages is not self or page.entries is not None:
            return
        page.put_in(entries)
        self._deadline = -1
        for entry in entries:
            if entry.message.received_at < self._newest_at:
                self._queue.lines.note(entry, self._line)
                self._queue.watch(entry)
            else:
                self._newest_at = entry.message.received_at
        if self._line.is_coming and self._middle[0] is page:
            self._line.is_coming = False
            self.advance()
            self._queue.has_come(self._line)
        elif not self.reads:
            self._queue.host.schedule(self._queue)  # who waits for so many

    # --- what is known ----------------------------------------------------------------------------------------------

    def sent_at(self) -> int:
        """When the first of the next page was sent; 0 for none."""
        for page in self._middle:
            if page.entries is None:
                return page.expires_at
            if page.entries:
                return page.entries[0].message.received_at
        return 0

    def entries(self) -> Iterator[Entry]:
        """Everything in the pages, which are read at once and stay where they are."""
        for page in list(self._middle):
            if page.entries is not None:
                yield from page.entries
            else:
                yield from sorted(self._queue.ledger.read(page) + page.kept, key=sequence_of)

    def let_go(self) -> "list[Container]":
        """What holds it all, to be freed by the caller."""
        held: list[Container] = [self._middle]
        for page in self._middle:
            held += [page.kept, page.entries or []]
        return held

    def restore(self, pages: list[Page], entries: list[Entry]) -> None:
        """Takes over what the journal kept of the line, in order of sequence; the pages do not overlap."""
        line = self._line
        self._middle, tail = put_between(pages, entries)
        line.tail = tail  # type: ignore[assignment]
        line.last = entries[-1].sequence if line.tail else pages[-1].last
        line.untouched, line.head, line.pages = [], 0, self
        line.visible += len(entries) + sum(page.count for page in pages)
        self.advance()


def _leaving(queue_number: int, place: Place, entries: list[Entry]) -> Page:
    """What leaves memory of these entries, because it stands at that place; and what does not."""
    page = Page(queue_number, LINE, POLLED_TOP, place)
    for entry in entries:
        if entry.held_until == GONE:
            continue
        if _leaves(entry, place):
            page.add(entry)
        else:
            page.kept.append(entry)
            page.expires_at = earlier(page.expires_at, entry.message.received_at)
    return page


def _leaves(entry: Entry, place: Place) -> bool:
    """Whether an entry of the line is counted there as one of the line."""
    return place.first_lsn <= entry.lsn <= place.last_lsn and not entry.expires_at
