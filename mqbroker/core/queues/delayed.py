"""The messages that an x-delayed-message exchange holds back until their time has come.

To the journal it looks like a queue: an entry for each message, with its due time where a queue has the expiry. When a
message is due it is routed as if it had been published then, and settled here, in the same batch. Many that are due at
once are routed in portions. There is one timer for all, and bodies leave memory while they wait (bodies.py).
"""

import heapq
from collections.abc import Callable, Iterable

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import GONE, Entry, Message, is_absent, new_entry
from mqbroker.core.queues.bodies import Bodies
from mqbroker.core.queues.extent import FLEETING, Place
from mqbroker.core.queues.lanes import LINE
from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.core.timers import Timer, Timers
from mqbroker.limits import QUEUE_WINDOW_BYTES


class DelayedMessages(Task):
    """A heap of messages by due time, for one exchange. `publish(message, now)` routes one that is due."""

    __slots__ = (
        "_bodies", "_fleeting", "_heap", "_is_coming", "_is_recorded", "_ledger", "_scheduler", "_sequence", "_timer",
        "_timers", "byte_count", "number", "publish",
    )  # fmt: skip

    def __init__(
        self,
        ledger: Ledger,
        timers: Timers,
        scheduler: Scheduler,
        number: int,
        publish: Callable[[Message, int], None],
    ) -> None:
        Task.__init__(self)
        self.number = number
        self._ledger = ledger
        self._timers = timers
        self._scheduler = scheduler
        self.publish = publish
        self._is_recorded = number > 0 and ledger.is_journalling
        self._heap: list[tuple[int, int, Entry]] = []
        self._sequence = 1
        self._timer = Timer(self._fire)
        self.byte_count = 0
        """Octets of all bodies."""
        self._bodies = Bodies(ledger, number, lambda: (len(self._heap), self.byte_count), LINE)
        if self._is_recorded and ledger.window:
            ledger.watch(self._bodies)
        self._fleeting: Bodies | None = None
        """The bodies of messages that are not persistent, once there was no more room for them (spill.py)."""
        self._is_coming = False
        """Whether the body of what is due is on its way."""

    def __len__(self) -> int:
        return len(self._heap)

    def hold(self, message: Message, due: int) -> None:
        """Keeps the message until `due` (milliseconds)."""
        entry = new_entry(message, self.number, self._sequence)
        self._sequence += 1
        entry.expires_at = due
        if self._is_recorded and message.properties.persistent:
            self._ledger.enqueue(entry)
            self._note(entry)
        elif self._is_recorded and self._is_long() and self._ledger.may_spill():
            self._record_fleeting(entry)
        self._push(entry)

    def _is_long(self) -> bool:
        window = self._ledger.room
        return window > 0 and (len(self._heap) >= window or self.byte_count > QUEUE_WINDOW_BYTES)

    def _record_fleeting(self, entry: Entry) -> None:
        """The body of an entry that is not kept may leave memory all the same."""
        if self._fleeting is None:
            self._fleeting = Bodies(self._ledger, self.number | FLEETING, self._bodies.measure, LINE)
            self._ledger.watch(self._fleeting)
        entry.queue_number = self._fleeting.number
        self._ledger.enqueue(entry)
        self._fleeting.note(entry)

    def _bodies_of(self, entry: Entry) -> Bodies:
        """Those that have the body of this entry."""
        if entry.queue_number == self.number:
            return self._bodies
        assert self._fleeting is not None
        return self._fleeting

    def _note(self, entry: Entry) -> None:
        if self._ledger.window:
            self._bodies.note(entry)

    def restore(self, entries: Iterable[Entry], place: Place | None = None) -> None:
        """Takes over some of what the journal kept, in order; that at a place of it need not stay in memory."""
        found = list(entries)
        for entry in found:
            self._sequence = max(self._sequence, entry.sequence + 1)
            if place is None:
                self._note(entry)
            self._push(entry)
        if place is not None:
            self._bodies.let_go(place, found)

    def held(self) -> list[Entry]:
        """What is held, in no order."""
        return [entry for _, _, entry in self._heap]

    def read_body(self, entry: Entry) -> None:
        """Brings the body of an entry that is held at once, if it is not in memory."""
        if is_absent(entry):
            self._bodies_of(entry).read(entry)

    def release(self, entries: list[Entry]) -> None:
        """Lets go of some of it for good."""
        gone = {id(entry) for entry in entries}
        self._heap = [each for each in self._heap if id(each[2]) not in gone]
        heapq.heapify(self._heap)
        for entry in entries:
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        """An entry has left the heap for good."""
        self.byte_count -= entry.message.size
        entry.held_until = GONE
        if entry.lsn:
            self._ledger.settle(entry)

    def drop(self) -> list[tuple[int, int, Entry]]:
        """Lets go of everything held: what held it, to be freed by the caller."""
        self._timers.cancel(self._timer)
        heap, self._heap = self._heap, []
        self._bodies.drop()
        if self._fleeting is not None:
            self._fleeting.drop()
            self._ledger.forget(self._fleeting.number)
        return heap

    def deliver(self, entry: Entry, now: int) -> None:
        """A message is due: routes it. Overridden where it is to be more."""
        self.publish(entry.message, now)

    def _push(self, entry: Entry) -> None:
        self.byte_count += entry.message.size
        heapq.heappush(self._heap, (entry.expires_at, entry.sequence, entry))
        self._arm()

    def _arm(self) -> None:
        if self._heap and (not self._timer.is_armed or self._heap[0][0] < self._timer.deadline):
            self._timers.move(self._timer, self._heap[0][0])

    def _fire(self, _now: int) -> None:
        self._scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Task: routes a portion of what is due."""
        left = portion
        while left > 0 and self._has_due(now):
            left -= 1
            entry = self._heap[0][2]
            if is_absent(entry):
                self._is_coming = True
                self._bodies_of(entry).fetch(entry, self._has_come)
                continue
            heapq.heappop(self._heap)
            self.deliver(entry, now)
            self._settle(entry)
        if not self._is_coming:
            self._arm()
        return left <= 0 and self._has_due(now)

    def _has_due(self, now: int) -> bool:
        return bool(self._heap) and self._heap[0][0] <= now and not self._is_coming

    def _has_come(self) -> None:
        self._is_coming = False
        self._scheduler.add(self)
