"""What was in a queue that is purged: settled in the journal in portions, while the queue goes on without it.

The queue is empty at once, and what is published from then on is none of this. Whoever asked for the purge is told when
all of it is recorded: a purge that was answered stays done, whatever happens to the power.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.page import Page
from mqbroker.core.scheduler import Task

Done = Callable[[int], None]
"""Told the time when something that took a while is done."""


class Purged(Protocol):
    """The queue that is purged."""

    is_deleted: bool
    host: Any
    """A `QueueHost`."""


class Purge(Task):
    """The entries of lanes that no queue has any more."""

    __slots__ = ("_done", "_is_coming", "_lanes", "_ledger", "_queue")

    def __init__(self, ledger: Ledger, lanes: list[Lane], done: Done, queue: "Purged | None" = None) -> None:
        """`queue` had the lanes, if there are some."""
        Task.__init__(self)
        self._queue = queue
        self._is_coming = False
        """Whether what is next is being read."""
        self._ledger = ledger
        self._lanes = lanes
        self._done = done

    def run(self, now: int, portion: int) -> bool:
        """Task: settles a portion, oldest first, so that the journal can note it as few runs."""
        lanes = self._lanes
        left = portion
        if self._is_coming:
            return False
        if self._queue is not None and self._queue.is_deleted:
            lanes.clear()  # the journal has forgotten all of it
        while lanes:
            lane: Lane = lanes[-1]
            while lane.count:
                if not left:
                    return True
                left -= 1
                if lane.peek() is None:
                    self._turn_page(lane)
                    if self._is_coming:
                        return False
                    continue
                entry: Entry = lane.pop()
                if entry.lsn:
                    self._ledger.settle(entry)
            lanes.pop()
        self._done(now)
        return False

    def _turn_page(self, lane: Lane) -> None:
        """What is next is on the disk: settled there if it is one run, else read, which takes a while."""
        middle = lane.middle
        if not middle:
            lane.fresh, lane.middle = lane.tail, None
            return
        page: Page = middle[0]
        if page.entries is None and page.is_run:
            for part in page.parts:
                self._ledger.settle_page(part)
            lane.count -= page.on_disk
            page.entries = page.kept
        elif page.entries is None:
            self._is_coming = True
            self._ledger.load(page, partial(self._loaded, page))
            return
        middle.popleft()
        lane.fresh = list(page.entries)

    def _loaded(self, page: Page, entries: list[Entry]) -> None:
        self._is_coming = False
        page.put_in(entries)
        assert self._queue is not None
        self._queue.host.schedule(self)
