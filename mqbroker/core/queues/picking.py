"""A queue some of whose consumers take only what they select, or which has message groups: who may have which message.

Each consumer goes through what waits in order, and passes over what it may not have. A message that somebody has looked
at and nobody has taken waits among those that came back (`Lane.pass_over`), from where it can be taken at any place. So
each is tested once for a consumer, and a queue without selectors knows nothing of it. A consumer in the ring has looked
at everything that waits; there may be more messages than may be looked at, as ActiveMQ has its maxPageSize.

    publish --> tested by those in the ring --> taken
                         |
                         +--> waits; whoever has room again goes on from where it was (`_seen`)
"""

from bisect import bisect_right

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry, Message
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.groups import Groups
from mqbroker.core.queues.lane import Lane
from mqbroker.core.selectors.fields import selects
from mqbroker.core.selectors.selector import Selector
from mqbroker.errors import NotImplementedByPeer
from mqbroker.limits import PASSED_OVER_MAX


def _sequence(place: tuple[int, Entry]) -> int:
    return place[0]


def _priority(consumer: Consumer) -> int:
    return -consumer.priority


class Picking:
    """What a queue needs for that."""

    __slots__ = ("_left", "_passed_over", "_queue", "_seen", "_turn", "groups", "selectors")

    def __init__(self, queue: ClassicQueue) -> None:
        self._queue = queue
        self.selectors: dict[Consumer, Selector] = {}
        self.groups: Groups | None = None
        """None as long as groups mean nothing."""
        self._seen: dict[Consumer, dict[int, int]] = {}
        """Up to which sequence of each lane a consumer may have nothing that waits."""
        self._passed_over = -1
        """How many are passed over, as far as they are known to be sorted; -1 when they are not."""
        self._turn = 0
        self._left = 0
        """How much more may be looked at in this turn."""

    def select(self, consumer: Consumer, selector: Selector) -> None:
        """The consumer, which is not of the queue yet, is to take only what the selector selects."""
        self.selectors[consumer] = selector

    def left(self, consumer: Consumer, now: int) -> None:
        """A consumer is of the queue no more."""
        self.selectors.pop(consumer, None)
        self._seen.pop(consumer, None)
        if self.groups is not None and self.groups.left(consumer):
            self._look_again(now)

    def came_back(self, entries: list[Entry]) -> None:
        """Entries are waiting again: everybody has to look at them."""
        self._passed_over = -1
        first = min(entry.sequence for entry in entries) - 1
        for seen in self._seen.values():
            for index, sequence in seen.items():
                seen[index] = min(sequence, first)

    def _look_again(self, _now: int) -> None:
        """What somebody may not have had, they may have now."""
        self._seen.clear()
        self._queue.host.schedule(self._queue)

    # --- publishing -------------------------------------------------------------------------------------------------

    def publish(self, message: Message, now: int) -> int:
        """Takes a message that has room: hands it to a consumer that may have it, or lets it wait."""
        queue = self._queue
        entry = queue.admit(message, now)
        consumer = None if queue.holds else self._taker(entry)
        if consumer is not None:
            self._hand_over(entry, consumer, now)
            return ROUTED
        queue.byte_count += message.size
        queue.store(entry)
        if entry.expires_at or not queue.is_plain:
            queue.trim(entry, now)
        return ROUTED

    def _taker(self, entry: Entry) -> Consumer | None:
        """Who of those in the ring is to have a new entry."""
        self._clear_ring()
        ring = self._queue.ring
        if not ring:
            return None
        self._turn += 1
        start = self._turn % len(ring)
        candidates = ring[start:] + ring[:start]
        if self._queue.has_consumer_priorities:
            candidates.sort(key=_priority)
        return next((each for each in candidates if self._may_have(each, entry)), None)

    def _clear_ring(self) -> None:
        """Those in the ring that cannot take a message stand in line for what they lack."""
        queue = self._queue
        stays = []
        for consumer in queue.ring:
            consumer.is_waiting = consumer.can_take()
            if consumer.is_waiting:
                stays.append(consumer)
            else:
                consumer.wait()
        queue.ring = stays

    def _may_have(self, consumer: Consumer, entry: Entry) -> bool:
        if self.groups is not None and not self.groups.admits(entry.message, consumer):
            return False
        selector = self.selectors.get(consumer)
        if selector is None:
            return True
        self._left -= selector.cost - 1
        return selects(selector, entry.message, entry)

    def _hand_over(self, entry: Entry, consumer: Consumer, now: int) -> None:
        opens_group = self.groups is not None and self.groups.opens(entry.message)
        if self.groups is not None and self.groups.assign(entry.message, consumer):
            self._look_again(now)
        if opens_group:
            consumer.group_begins(entry.message)
        self._queue.hand_over(entry, consumer)
        if opens_group:
            consumer.group_has_begun()

    # --- delivering -------------------------------------------------------------------------------------------------

    def run(self, now: int, portion: int) -> bool:
        """Lets those in the ring look at what waits, when what has to go is discarded. True when there may be more."""
        queue = self._queue
        self._left = portion
        if not queue.holds:
            self._clear_ring()
            for consumer in list(queue.ring):
                self._serve(consumer, now)
        if queue.has_deadlines:
            queue.rearm()
        return self._left <= 0 and bool(queue.ring) and not queue.holds

    def deliver_to(self, consumer: Consumer, portion: int, now: int) -> int:
        """Lets a consumer that stands nowhere look at a portion of what waits, and stand where it belongs then. How
        much it was."""
        queue = self._queue
        if not queue.may_serve(consumer, now):
            return 0
        self._left = portion
        was_full = self._is_full()
        self._serve(consumer, now)
        if was_full and not self._is_full() and queue.ring:
            queue.host.schedule(queue)  # there is room for others to look further
        if queue.has_deadlines:
            queue.rearm()
        left = self._left
        queue.end_turn(consumer, left <= 0)
        return portion - left

    def _is_full(self) -> bool:
        """Whether nobody may look any further in some lane."""
        return any(len(lane.returned) >= PASSED_OVER_MAX for lane in self._queue.lanes_in_order())

    def _serve(self, consumer: Consumer, now: int) -> None:
        queue = self._queue
        while self._left > 0 and not queue.holds and consumer.can_take():
            entry = self._next_for(consumer, now)
            if entry is None:
                break
            self._hand_over(entry, consumer, now)

    def _next_for(self, consumer: Consumer, now: int) -> Entry | None:
        """Takes the first entry out that the consumer may have; None when there is none, or enough was looked at."""
        self._sort()
        seen = self._seen.setdefault(consumer, {})
        found = None
        for index, lane in enumerate(self._queue.lanes_in_order()):
            found = self._look(consumer, lane, index, seen, now)
            if found is not None or self._left <= 0:
                break
        self._passed_over = self._count_passed_over()
        return found

    def _sort(self) -> None:
        """Sorts what is passed over, which is a heap then too, unless nobody has taken of it or put back since."""
        if self._count_passed_over() != self._passed_over:
            for lane in self._queue.lanes_in_order():
                lane.returned.sort(key=_sequence)

    def _count_passed_over(self) -> int:
        return sum(len(lane.returned) for lane in self._queue.lanes_in_order())

    def _look(self, consumer: Consumer, lane: Lane, index: int, seen: dict[int, int], now: int) -> Entry | None:
        queue = self._queue
        at = bisect_right(lane.returned, seen.get(index, 0), key=_sequence)
        while self._left > 0:
            self._left -= 1
            if at >= len(lane.returned) and (at >= PASSED_OVER_MAX or not lane.pass_over()):
                self._left += 1
                return None
            sequence, entry = lane.returned[at]
            if 0 < entry.expires_at <= now:
                queue.take_at(lane, at)
                queue.counts.expired += 1
                queue.discard(entry, "expired", now)
            elif self._may_have(consumer, entry):
                queue.take_at(lane, at)
                return entry
            else:
                seen[index] = sequence
                at += 1
        return None


def select(queue: Queue, consumer: Consumer, selector: Selector) -> None:
    """The consumer, which is about to be added to the queue, is to take only what the selector selects. Raises
    NotImplementedByPeer for a queue of a kind that has no such consumers."""
    picking_of(check_selectable(queue)).select(consumer, selector)


def check_selectable(queue: Queue) -> ClassicQueue:
    """The queue, if it is of a kind that has such consumers. Raises NotImplementedByPeer."""
    if not isinstance(queue, ClassicQueue):
        raise NotImplementedByPeer(f"selectors on queue '{queue.name}'")
    return queue


def picking_of(queue: ClassicQueue) -> Picking:
    """That of a queue, which has it from now on."""
    if queue.picking is None:
        queue.picking = Picking(queue)
    found: Picking = queue.picking
    return found


def resume_groups(queue: Queue) -> None:
    """Groups mean something in the queue if what waits there first is of one, from before a restart."""
    entry = queue.peek() if isinstance(queue, ClassicQueue) and queue.picking is None else None
    if entry is not None and entry.message.properties.text("group_id") is not None:
        start_groups(queue)


def start_groups(queue: Queue) -> None:
    """From now on groups mean something in the queue, if it is of a kind that has them. It is done once."""
    if not isinstance(queue, ClassicQueue):
        return
    picking = picking_of(queue)
    if picking.groups is None:
        picking.groups = Groups()
