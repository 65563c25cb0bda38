"""A common queue, first come, first served: limits, deadlines, and what becomes of whatever leaves it without an ack.

It owns what waits, in a lane. Features that it was not declared with cost it nothing: `is_plain` queues take the short
path in `publish`, and priorities are a subclass (priority.py).
"""

from typing import TYPE_CHECKING, Any

from mqbroker.core.consumer import Consumer
from mqbroker.core.ledger import Ledger, Pageable
from mqbroker.core.message import Entry, Message, attempts_after, failures_of, new_entry
from mqbroker.core.queues import spec as specs
from mqbroker.core.queues import telling
from mqbroker.core.queues.base import REJECTED, ROUTED, Queue
from mqbroker.core.queues.extent import Extent, Place
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.page import Page
from mqbroker.core.queues.paging import Paging
from mqbroker.core.queues.purge import Done, Purge
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.limits import DROPPED_AT_ONCE, DROPPED_LEAST, QUEUE_WINDOW_BYTES

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container

# C integers when compiled
_ROUTED = ROUTED
_AT_ONCE = DROPPED_AT_ONCE
_LEAST = DROPPED_LEAST

DROP_HEAD = 0
REJECT_PUBLISH = 1
REJECT_PUBLISH_DLX = 2

_OVERFLOW = {
    "": DROP_HEAD,
    specs.DROP_HEAD: DROP_HEAD,
    specs.REJECT_PUBLISH: REJECT_PUBLISH,
    specs.REJECT_PUBLISH_AND_DEAD_LETTER: REJECT_PUBLISH_DLX,
}


class ClassicQueue(Queue):
    """An ordered line of messages."""

    takes_pages = True

    can_pause = True

    __slots__ = (
        "byte_count", "dead_letter_exchange", "dead_letter_key", "delivery_limit", "has_deadlines",
        "has_persistent_letters", "is_plain", "lane", "max_bytes", "max_length", "overflow", "paging", "picking",
        "spill", "ttl_ms",
    )  # fmt: skip

    byte_count: int

    def __init__(self, host: QueueHost, ledger: Ledger, name: str, number: int, durable: bool) -> None:
        Queue.__init__(self, host, ledger, name, number, durable)
        self.lane = Lane()
        self.byte_count = 0
        """Bytes of the bodies that wait."""
        self.has_deadlines = False
        """Whether it ever held an entry that expires: then whatever comes to the head has to be looked at."""
        self.is_plain = True
        self.ttl_ms = -1
        self.max_length = -1
        self.max_bytes = -1
        self.overflow = DROP_HEAD
        self.delivery_limit = -1
        self.dead_letter_exchange: str | None = None
        self.dead_letter_key: str | None = None
        self.has_persistent_letters = False
        self.paging: Paging | None = None
        """Its pages, once something has left memory."""
        if self.is_recorded and self.takes_pages:
            ledger.watch(self)
        self.spill: Pageable | None = None
        """What of it the journal has without keeping it, once it was long."""
        self.picking: Any = None
        """A `Picking` (picking.py) once a consumer selects what it takes, or groups mean something."""

    def configure(self, spec: QueueSpec) -> None:
        """Takes over what it is to do. May be called again when that changes; `enforce` it then."""
        Queue.configure(self, spec)
        self.ttl_ms = _limit(spec.message_ttl)
        self.max_length = _limit(spec.max_length)
        self.max_bytes = _limit(spec.max_length_bytes)
        self.overflow = _OVERFLOW[spec.overflow]
        self.delivery_limit = _limit(spec.delivery_limit)
        self.dead_letter_exchange = spec.dead_letter_exchange
        self.dead_letter_key = spec.dead_letter_routing_key
        self.has_persistent_letters = spec.dead_letters_are_persistent
        self.is_plain = self.max_length < 0 and self.max_bytes < 0 and self.ttl_ms < 0

    def restore(self, entries: list[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence. `enforce` it once everything else is restored too."""
        for entry in entries:
            self.byte_count += entry.message.size
            self.store(entry)
            if entry.expires_at:
                self.has_deadlines = True
        if entries:
            self.next_sequence = self.first_sequence = entries[-1].sequence + 1

    def restore_pages(self, pages: list[Page], entries: list[Entry]) -> None:
        """The same, with what was left on the disk."""
        self.restore_lane(self.lane, pages, entries)

    def restore_lane(self, lane: Lane, pages: list[Page], entries: list[Entry]) -> None:
        """Takes over what was kept of one lane."""
        if pages:
            lane.reader = self.paging = self.paging or Paging(self)
        lane.restore(pages, entries)
        for page in pages:
            self.byte_count += page.byte_count
            self.has_deadlines = self.has_deadlines or page.expires_at > 0
        for entry in entries:
            self.byte_count += entry.message.size
            self.has_deadlines = self.has_deadlines or entry.expires_at > 0
        last = max([page.last for page in pages] + [entry.sequence for entry in entries[-1:]], default=0)
        self.next_sequence = self.first_sequence = max(self.next_sequence, last + 1)

    def waiting_count(self) -> int:
        """How many entries wait for a consumer."""
        return self.lane.count

    # --- publishing -------------------------------------------------------------------------------------------------

    def publish(self, message: Message, now: int) -> int:
        """Takes a message: hands it to a consumer that is ready, or lets it wait. ROUTED or REJECTED."""
        if not self.is_plain and self.overflow != DROP_HEAD and self.would_overflow(message):
            return self.refuse(message, now)
        if self.picking is not None:
            outcome: int = self.picking.publish(message, now)
            return outcome
        if self.ring and not self.holds and self.waiting_count() == 0:
            consumer = self.next_consumer()
            if consumer is not None:
                if consumer.no_ack and self.tap is None:
                    self.counts.passed += 1
                    consumer.pass_on(message)  # settled before anybody could record it
                else:
                    self.hand_over(self.admit(message, now), consumer)
                return _ROUTED
        entry = self.admit(message, now)
        self.byte_count += message.size
        self.store(entry)
        if entry.expires_at or not self.is_plain:
            self.trim(entry, now)
        return _ROUTED

    def admit(self, message: Message, now: int) -> Entry:
        """Makes the message's entry here: its place, its deadline, its record."""
        sequence = self.next_sequence
        self.next_sequence = sequence + 1
        entry = new_entry(message, self.number, sequence)
        properties = message.properties
        ttl_ms = properties.ttl_ms
        if self.ttl_ms >= 0 and (ttl_ms < 0 or self.ttl_ms < ttl_ms):
            ttl_ms = self.ttl_ms
        if ttl_ms >= 0:
            entry.expires_at = now + ttl_ms
            self.has_deadlines = True
        if self.is_recorded and properties.persistent:
            self.ledger.enqueue(entry)
        return entry

    def would_overflow(self, message: Message) -> bool:
        """Whether one more waiting message would pass a limit."""
        if 0 <= self.max_length < self.waiting_count() + 1:
            return True
        return 0 <= self.max_bytes < self.byte_count + message.size

    def has_room_for(self, count: int, size: int) -> bool:
        """Overrides Queue's."""
        if self.is_plain or self.overflow == DROP_HEAD:
            return True
        is_long = 0 <= self.max_length < self.waiting_count() + count
        return not is_long and not 0 <= self.max_bytes < self.byte_count + size

    def refuse(self, message: Message, now: int) -> int:
        """Rejects a publish that would overflow; its copy goes to the dead-letter exchange if the queue says so."""
        self.counts.refused += 1
        if self.overflow == REJECT_PUBLISH_DLX and self.has_letter_of(message):
            self.counts.dead_lettered += 1
            self.host.dead_letter(self, new_entry(message, self.number, 0), "maxlen", now)
        return REJECTED

    def trim(self, entry: Entry, now: int) -> None:
        """After an append: enforces TTL 0 and the limits, and arms the timer for the new head.

        One message may displace thousands of small ones. Then the queue is too long for a while, but never longer.
        """
        if entry.expires_at or self.is_over_limit():
            most = _LEAST if self.is_scheduled else _AT_ONCE
            if self.drop(now, most) == most and self.has_work(now):
                self.host.schedule(self)
            if self.has_deadlines:
                self.rearm()

    def drop(self, now: int, most: int) -> int:
        """Discards up to so many entries that have expired at the head, or are too many; how many it were."""
        dropped = 0
        while dropped < most and self.waiting_count():
            if self.paging is not None and self.peek() is None and not self.finds_head():
                break
            if not self.has_deadlines or not self.drops_expired(now):
                if self.is_plain or not self.is_over_limit():
                    break
                self.counts.dropped += 1
                self.discard(self.take(), "maxlen", now)
                if self.paging is not None:
                    self.paging.prepare(self.lanes_in_order())
            dropped += 1
        return dropped

    def finds_head(self) -> bool:
        """What is next is not in memory: whether it is now, because something has to be dropped."""
        assert self.paging is not None
        if self.is_plain or not self.is_over_limit():
            return False
        self.paging.read_now()
        return self.peek() is not None

    def is_over_limit(self) -> bool:
        """Whether the waiting messages pass a limit of a drop-head queue."""
        if self.overflow != DROP_HEAD:
            return False
        count = self.waiting_count()
        if count == 0:
            return False
        return 0 <= self.max_length < count or 0 <= self.max_bytes < self.byte_count

    # --- the waiting line; PriorityQueue overrides these ------------------------------------------------------------

    def store(self, entry: Entry) -> None:
        """Appends an entry to its lane."""
        self.lane.push(entry)

    def peek(self) -> Entry | None:
        """The entry whose turn it is."""
        return self.lane.peek()

    def pop(self) -> Entry:
        """Takes the entry whose turn it is out of its lane."""
        return self.lane.pop()

    def put_back(self, entries: list[Entry]) -> None:
        """Returns entries to their old places."""
        self.lane.put_back(entries)

    def waiting(self) -> list[Entry]:
        """Every waiting entry, in the order of delivery."""
        return self.lane.entries()

    def parts(self) -> list[list[Entry] | Page]:
        """The same, with what is on the disk only as pages."""
        return [part for lane in self.lanes_in_order() for part in lane.parts()]

    def look(self, offset: int, count: int) -> list[Entry]:
        """So many of these entries, from the one at `offset` on. What is before them is not read."""
        found: list[Entry] = []
        for lane in self.lanes_in_order():
            if len(found) < count:
                found += lane.look(max(0, offset), count - len(found))
            offset -= lane.count
        return found

    def detach(self) -> list[Lane]:
        """Lets go of everything that waits: the lanes that hold it."""
        lane, self.lane = self.lane, Lane()
        self.byte_count = 0
        self.leave_pages([lane])
        return [lane]

    def leave_pages(self, lanes: list[Lane]) -> None:
        """The lanes are no longer its own."""
        if self.paging is not None:
            for lane in lanes:
                self.paging.leave(lane)
            self.paging = None

    def lanes_in_order(self) -> list[Lane]:
        """Its lanes, in the order of delivery."""
        return [self.lane]

    def take_at(self, lane: Lane, index: int) -> Entry:
        """Takes one of those that came back to a lane of its own, which are sorted."""
        entry = lane.take_at(index)
        self.byte_count -= entry.message.size
        return entry

    def remove_consumer(self, consumer: Consumer, now: int) -> None:
        """Ends a subscription. Overrides Queue's."""
        Queue.remove_consumer(self, consumer, now)
        if self.picking is not None:
            self.picking.left(consumer, now)

    def take(self) -> Entry:
        """Takes the next entry and keeps the byte count true."""
        entry = self.pop()
        self.byte_count -= entry.message.size
        return entry

    # --- delivering -------------------------------------------------------------------------------------------------

    def run(self, now: int, portion: int) -> bool:
        """Discards a portion of what has to go, then delivers to the consumers in the ring. True when there is more."""
        left = portion
        if self.holds and self.paging is not None and (self.ring or 0 < self.paging.deadline() <= now):
            self.paging.warm()
        if self.has_deadlines or not self.is_plain:
            left -= self.drop(now, portion)
        if self.picking is not None:
            has_more: bool = self.picking.run(now, left)
            return has_more
        while left > 0 and self.ring and self.waiting_count() and not self.holds:
            left -= 1
            if self.has_deadlines and self.drops_expired(now):
                continue
            consumer = self.next_consumer()
            if consumer is None:
                break
            self.hand_over(self.take(), consumer)
        if self.has_deadlines:
            self.rearm()
        return left <= 0 and self.has_work(now)

    def has_work(self, now: int) -> bool:
        """Whether something waits that could be delivered, or has to go."""
        if not self.waiting_count():
            return False
        return (bool(self.ring) and not self.holds) or self.is_over_limit() or self.has_expired(now)

    def has_expired(self, now: int) -> bool:
        """Whether something that waits has expired, and is known to have."""
        entry = self.peek()
        return entry is not None and 0 < entry.expires_at <= now

    def deliver_to(self, consumer: Consumer, portion: int, now: int) -> int:
        """Delivers up to a portion to a consumer that stands nowhere, and lets it stand where it belongs then. How
        much it was, with what had expired."""
        if self.picking is not None:
            looked: int = self.picking.deliver_to(consumer, portion, now)
            return looked
        if not self.may_serve(consumer, now):
            return 0
        left = portion
        while left > 0 and self.waiting_count() and not self.holds and consumer.can_take():
            left -= 1
            if not self.has_deadlines or not self.drops_expired(now):
                self.hand_over(self.take(), consumer)
        if self.has_deadlines:
            self.rearm()
        self.end_turn(consumer, left <= 0)
        return portion - left

    def drops_expired(self, now: int) -> bool:
        """Whether the next entry had expired: then it is gone."""
        entry = self.peek()
        assert entry is not None
        if not entry.expires_at or entry.expires_at > now:
            return False
        self.counts.expired += 1
        self.discard(self.take(), "expired", now)
        return True

    def make_ready(self, now: int) -> bool:
        """Whether it is known what is next: nothing older is on its way back, and what had expired is gone. Else it is
        worked at, and may be asked again."""
        self.work(now)
        if self.holds > self.is_paused:
            self.is_warm()  # has the page read that is next
        return self.holds <= self.is_paused and not self.has_expired(now)

    def end_return(self, now: int) -> None:
        """They are all back. What waits for a page as well may have expired all the same."""
        Queue.end_return(self, now)
        if self.holds and self.paging is not None:
            self.work(now)

    def end_return_soon(self) -> None:
        """The same; it goes on in turn with others."""
        Queue.end_return_soon(self)
        if self.paging is not None:
            self.host.schedule(self)

    def is_warm(self) -> bool:
        """Somebody wants what waits, which may not be in memory: whether it can be delivered now."""
        if self.paging is not None:
            self.paging.warm()
        return not self.holds

    def get(self, holder: Consumer, now: int) -> Entry | None:
        """Takes the next entry for a client that polls; `holder` has it until it is settled. None if nothing waits."""
        self.used_at = now
        if not self.make_ready(now) or self.waiting_count() == 0:
            return None
        entry = self.take()
        self.assign(entry, holder)
        if self.has_deadlines:
            self.rearm()
        return entry

    def rearm(self) -> None:
        """Arms the timer for the head, unless it is armed early enough already."""
        entry = self.peek()
        if entry is not None and entry.expires_at:
            self.arm(entry.expires_at)
        self.rearm_for_pages()

    def rearm_for_pages(self) -> None:
        """The same for what is next and not in memory."""
        if self.holds and self.paging is not None:
            deadline = self.paging.deadline()
            if deadline:
                self.arm(deadline)

    # --- pages ------------------------------------------------------------------------------------------------------

    def page_out(self, extent: Extent, place: Place, window: int, least: int) -> int:
        """Lets go of what the journal has at that place, but for the first entries; how many that were."""
        is_pressed = window < self.ledger.window
        window = self.window_within(window)
        if self.is_deleted or self.waiting_count() <= window:
            return 0
        lane = self.lane_at(extent.lane)
        freed = lane.page_out_between(extent, place, least) + lane.page_out(extent, place, window, least)
        if not freed and is_pressed:
            freed = lane.let_go_of_pages() or lane.page_out_head(extent, place, window, least)
        if freed and lane.reader is None:
            lane.reader = self.paging = self.paging or Paging(self)
        return freed

    def window_within(self, window: int) -> int:
        """How many of its entries stay in memory: so many, or fewer where they are large."""
        if self.byte_count > QUEUE_WINDOW_BYTES:
            window = min(window, max(1, QUEUE_WINDOW_BYTES * self.waiting_count() // self.byte_count))
        return window

    def lane_at(self, _index: int) -> Lane:
        """One of its lanes. There is one."""
        return self.lane

    # --- leaving ----------------------------------------------------------------------------------------------------

    def give_up(self, entry: Entry, now: int) -> None:
        """A client refuses the entry for good: dead-lettered, then settled. Of a deleted queue there are no letters."""
        self.counts.rejected += 1
        self.release(entry)
        if not self.is_deleted:
            self.discard(entry, "rejected", now)

    def give_back(self, entries: list[Entry], now: int, is_failure: bool) -> None:
        """Some of them come back. Failures count, and beyond the delivery limit the entry is dead-lettered."""
        back = []
        self.counts.returned += len(entries)
        for entry in entries:
            self.release(entry)
            entry.is_redelivered = True
            entry.attempts = attempts_after(entry.attempts, is_failure)
            if self.is_deleted:
                continue
            if 0 <= self.delivery_limit < failures_of(entry.attempts):
                self.discard(entry, "delivery_limit", now)
                continue
            if entry.lsn:
                self.ledger.attempt(entry)
            self.byte_count += entry.message.size
            back.append(entry)
        self.put_back(back)
        if self.picking is not None and back:
            self.picking.came_back(back)

    def has_letter_of(self, message: Message) -> bool:
        """Whether there is a dead letter for a message that is refused or has expired."""
        if self.dead_letter_exchange is None:
            return False
        return message.properties.persistent or not self.has_persistent_letters

    def discard(self, entry: Entry, reason: str, now: int) -> None:
        """Dead-letters the entry if the queue says where, which may take a while; then settles it."""
        if self.has_letter_of(entry.message):
            self.counts.dead_lettered += 1
            self.host.dead_letter(self, entry, reason, now)
        elif entry.lsn:
            self.ledger.settle(entry)

    def purge(self, _now: int, done: Done) -> int:
        """Empties the queue; how much waited. Calls `done` once the journal has been told of all of it, not at once."""
        count = self.waiting_count()
        self.counts.purged += count
        telling.purged(self, count)
        self.host.schedule(Purge(self.ledger, self.detach(), done, self))
        return count

    def empty(self) -> "list[Container]":
        """Lets go of everything that waits: what held it, to be freed by the caller."""
        if self.spill is not None:
            self.ledger.forget(self.spill.number)
        return [entries for lane in self.detach() for entries in lane.let_go()]


def _limit(number: int | None) -> int:
    return -1 if number is None else number
