"""The pages of a queue: has them read before they are needed, and lets the queue wait where they were not.

While the next entries of a lane are on their way from the disk, its queue is held as it is while entries come back to
it: what is younger must not be delivered before them. After a restart nothing is read before somebody asks for it.
"""

from functools import partial
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import earlier
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.page import Page, first_pages

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue


class Paging:
    """The pages of one queue. A `PageReader` of its lanes."""

    def __init__(self, queue: "Queue") -> None:
        self._queue = queue
        self._stalled: dict[Lane, None] = {}

    def stall(self, lane: Lane) -> None:
        """The next entries of the lane are not in memory."""
        if not lane.is_stalled:
            lane.is_stalled = True
            self._stalled[lane] = None
            self._queue.begin_return()
            if self._queue.consumers:
                self.read_ahead(lane)

    def warm(self) -> None:
        """Somebody wants to have what comes next."""
        for lane in list(self._stalled):
            self.read_ahead(lane)

    def prepare(self, lanes: list[Lane]) -> None:
        """The head of the first of these lanes is being dropped: has the page read that is the head after it."""
        lane = next((lane for lane in lanes if lane.count), None)
        if lane is not None and lane.middle and lane.middle[0].entries is None and not lane.middle[0].is_coming:
            self.read_ahead(lane)

    def read_ahead(self, lane: Lane) -> None:
        """Has the next pages of the lane read, as much as its queue keeps in memory."""
        ledger = self._queue.ledger
        for page in first_pages(lane.middle or (), ledger.window):
            if page.entries is None and not page.is_coming:
                page.is_coming = True
                ledger.load(page, partial(self._loaded, lane, page))

    def _loaded(self, lane: Lane, page: Page, entries: list[Entry]) -> None:
        page.is_coming = False
        if lane.reader is not self or page.entries is not None:
            return
        page.put_in(entries)
        middle = lane.middle
        if lane.is_stalled and middle and middle[0] is page:
            self._go_on(lane)
            lane.advance()

    def _go_on(self, lane: Lane) -> None:
        lane.is_stalled = False
        self._stalled.pop(lane)
        self._queue.end_return_soon()

    def read(self, page: Page) -> list[Entry]:
        """Reads a page at once, and leaves it where it is."""
        return self._queue.ledger.read(page)

    def read_now(self) -> None:
        """Reads at once what is next in each lane that waits for it."""
        for lane in list(self._stalled):
            if lane.middle:
                self._loaded(lane, lane.middle[0], self.read(lane.middle[0]))

    def deadline(self) -> int:
        """When the first of what is next, and neither in memory nor on its way, may expire; 0 for never."""
        found = 0
        for lane in self._stalled:
            if lane.middle and not lane.middle[0].is_coming:
                found = earlier(found, lane.middle[0].expires_at)
        return found

    def head_if_due(self, lane: Lane, now: int) -> Entry | None:
        """What is next in a lane that has it on the disk: None if it cannot have expired, or is not here yet."""
        if lane.is_stalled and lane.middle and 0 < lane.middle[0].expires_at <= now:
            self.read_ahead(lane)
        return lane.peek()

    def leave(self, lane: Lane) -> None:
        """The lane is no longer the queue's."""
        lane.reader = None
        if lane.is_stalled:
            self._go_on(lane)
