"""What was in a queue that is purged: settled in the journal in portions, while the queue goes on without it.

The queue is empty at once, and what is published from then on is none of this. Whoever asked for the purge is told when
all of it is recorded: a purge that was answered stays done, whatever happens to the power.
"""

from collections.abc import Callable

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.page import Page
from mqbroker.core.scheduler import Task

Done = Callable[[int], None]
"""Told the time when something that took a while is done."""


class Purge(Task):
    """The entries of lanes that no queue has any more."""

    __slots__ = ("_done", "_lanes", "_ledger")

    def __init__(self, ledger: Ledger, lanes: list[Lane], done: Done) -> None:
        Task.__init__(self)
        self._ledger = ledger
        self._lanes = lanes
        self._done = done

    def run(self, now: int, portion: int) -> bool:
        """Task: settles a portion, oldest first, so that the journal can note it as few runs."""
        lanes = self._lanes
        left = portion
        while lanes:
            lane: Lane = lanes[-1]
            while lane.count:
                if not left:
                    return True
                left -= 1
                if lane.peek() is None:
                    self._turn_page(lane)
                    continue
                entry: Entry = lane.pop()
                if entry.lsn:
                    self._ledger.settle(entry)
            lanes.pop()
        self._done(now)
        return False

    def _turn_page(self, lane: Lane) -> None:
        """What is next is on the disk: settled there if it is one run, else read."""
        middle = lane.middle
        if not middle:
            lane.fresh, lane.middle = lane.tail, None
            return
        page: Page = middle.popleft()
        if page.entries is None and page.is_run:
            self._ledger.settle_page(page)
            lane.count -= page.count
            page.entries = page.kept
        elif page.entries is None:
            page.put_in(self._ledger.read(page))
        lane.fresh = list(page.entries or ())
