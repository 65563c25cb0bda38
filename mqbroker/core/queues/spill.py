"""Messages that nobody was promised, on their way out of memory: those of a long queue go to the journal all the same.

A message that is not persistent, or whose queue is not durable, is not told to the journal as long as its queue is
short, or it does not wait for long. When the queue is longer than what it keeps in memory, what is beyond that and
stays is recorded like any other entry, and leaves memory and comes back like any other (page.py); but under a number
of its own, by which a restart knows that it is to make nothing of it. So a queue has up to two numbers in the journal,
and what it has under one of them never counts as what it has under the other.

    waits, not recorded --looked at: beyond the window--> recorded as FLEETING --its stretch is on the disk--> a page
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Protocol

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.extent import FLEETING, Extent, Place
from mqbroker.core.queues.lane import Lane
from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import (
    QUEUE_WINDOW,
    QUEUE_WINDOW_BYTES,
    SPILL_BEHIND_SHARE,
    SPILL_BYTES_AT_ONCE,
    SPILL_INTERVAL_MS,
    SPILL_LOOKS,
    SPILL_LOOKS_PER_S,
)


class Room(Protocol):
    """Where queues are: a vhost."""

    @property
    def queues(self) -> Mapping[str, Queue]:
        """Those that have names."""

    @property
    def reply_queues(self) -> Mapping[str, Queue]:
        """Those that nobody sees."""


class Owner(Protocol):
    """Who has all queues: the broker."""

    ledger: Ledger
    scheduler: Scheduler

    @property
    def vhosts(self) -> Mapping[str, Room]:
        """Where they are."""

    def next_number(self) -> int:
        """A number for what the journal has of a queue."""


class Spill:
    """What one queue has in the journal under a number that a restart ignores."""

    __slots__ = ("_looked_at", "_queue", "_window", "number")

    def __init__(self, queue: ClassicQueue, number: int) -> None:
        """`number` is the queue's own, or one that nothing else has."""
        self.number = number | FLEETING
        self._queue = queue
        self._window = queue.ledger.window
        self._looked_at: dict[Lane, int] = {}
        """Up to which place nothing of a lane is to be recorded any more, but for its head."""
        queue.ledger.watch(self, len(queue.lanes_in_order()) - 1)

    def page_out(self, extent: Extent, place: Place, window: int, least: int) -> int:
        """A `Pageable`: its queue's entries leave memory."""
        return self._queue.page_out(extent, place, window, least)

    def record(self, most: int, since: int) -> int:
        """Has up to so many entries recorded that are beyond the window and have waited since then, and no more octets
        than are recorded at once; how many were looked at, or `most` if there may be more."""
        queue = self._queue
        window = queue.window_within(queue.ledger.room)
        if window * 2 <= self._window:
            self._looked_at.clear()  # of what was the head some is not any more
            self._window = window
        self._window = max(self._window, window)
        lanes = queue.lanes_in_order()
        self._looked_at = {lane: self._looked_at.get(lane, 0) for lane in lanes}
        left, end = most, queue.ledger.added() + SPILL_BYTES_AT_ONCE
        for lane in lanes:
            entries = lane.after(self._looked_at[lane], window, left)
            while entries and entries[-1].message.received_at > since:
                entries.pop()
            left -= self._record_lane(lane, entries, left, end)
        return most - left

    def _record_lane(self, lane: Lane, entries: list[Entry], most: int, end: int) -> int:
        ledger = self._queue.ledger
        for entry in entries:
            self._looked_at[lane] = entry.sequence
            if not entry.lsn:
                entry.queue_number = self.number
                ledger.enqueue(entry)
                if ledger.added() >= end:
                    return most
        return len(entries)


class Spilling(Task):
    """Looks for long queues, again and again, and has what they need not keep in memory recorded, as fast as the disk
    takes it."""

    __slots__ = ("_broker", "_is_waiting", "_next_at", "_queues", "_spilled")

    def __init__(self, broker: Owner) -> None:
        Task.__init__(self)
        self._broker = broker
        self._queues: Iterator[Queue] = iter(())
        self._spilled: ClassicQueue | None = None
        """The queue whose turn it is."""
        self._is_waiting = False
        """Whether it goes on when the disk has caught up."""
        self._next_at = 0

    def look(self, now: int) -> None:
        """To be called again and again: begins a round through all queues when it is time for one."""
        ledger = self._broker.ledger
        if not ledger.window or self._is_waiting or self.is_scheduled or now < self._next_at:
            return
        vhosts = list(self._broker.vhosts.values())
        count = sum(len(vhost.queues) + len(vhost.reply_queues) for vhost in vhosts)
        self._next_at = now + count * 1000 // SPILL_LOOKS_PER_S
        self._queues = chain.from_iterable([*vhost.queues.values(), *vhost.reply_queues.values()] for vhost in vhosts)
        self._broker.scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Task: looks at some queues, or has a portion of one recorded."""
        ledger, queue = self._broker.ledger, self._spilled
        if queue is None:
            return self._find()
        if not ledger.may_spill():
            self._spilled = None
            return False
        if ledger.backlog() * SPILL_BEHIND_SHARE > ledger.backlog_max:
            self._is_waiting = True
            ledger.promise(ledger.position, self._go_on)
            return False
        spill = None if queue.is_deleted else self._spill_of(queue)
        if spill is None or spill.record(portion, now - _age_ms(ledger.window)) < portion:
            self._spilled = None
        return True

    def _go_on(self) -> None:
        self._is_waiting = False
        self._broker.scheduler.add(self)

    def _find(self) -> bool:
        """Looks for the next long queue. True when there is one, or there are more to be looked at."""
        room = self._broker.ledger.room
        for _ in range(SPILL_LOOKS):
            queue = next(self._queues, None)
            if queue is None:
                return False
            if isinstance(queue, ClassicQueue) and queue.takes_pages and _is_long(queue, room):
                self._spilled = queue
                break
        return True

    def _spill_of(self, queue: ClassicQueue) -> Spill | None:
        """None where no number is left for it: the queue stays in memory."""
        spill = queue.spill
        if spill is None:
            with suppress(PreconditionFailed):
                spill = queue.spill = Spill(queue, queue.number or self._broker.next_number())
        assert spill is None or isinstance(spill, Spill)
        return spill


def _age_ms(window: int) -> int:
    """How long what is recorded has waited, as long as from one look to the next: a consumer who keeps up has taken
    what waits by then."""
    return min(SPILL_INTERVAL_MS, SPILL_INTERVAL_MS * window // QUEUE_WINDOW)


def _is_long(queue: ClassicQueue, room: int) -> bool:
    return queue.waiting_count() > room or queue.byte_count > QUEUE_WINDOW_BYTES
