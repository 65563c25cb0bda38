"""A queue: order, consumers, deadlines, limits, and what becomes of a message that leaves it otherwise than by an ack.

The queue owns the order of its entries and decides which consumer is next. It does not know who publishes, what the
consumers speak, or how a dead letter is routed: that is its `host`'s business (the vhost). Features that a queue was
not declared with cost it nothing: `is_plain` queues take the short path in `publish`, and priorities are a subclass
(priority.py).

An entry is in exactly one state:

    publish --> waiting (in a lane) --> unacknowledged (held by a consumer) --> settled
                   ^                          |            |
                   +------- requeue ----------+            +--> dead-lettered, then settled
                   +--> expired, dropped: dead-lettered, then settled
"""

from typing import TYPE_CHECKING

from mqbroker.core.consumer import Consumer
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message, attempts_after, failures_of, new_entry
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.purge import Done, Purge
from mqbroker.core.scheduler import Task
from mqbroker.limits import DROPPED_AT_ONCE, DROPPED_LEAST, PORTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mqbroker.core.queues.leftovers import Container
    from mqbroker.core.rabbitmq.arguments import QueueArguments
    from mqbroker.core.timers import Timer

# What became of a publish, worst last: the outcome of a fan-out is the greatest of its parts.
ROUTED = 0  # every queue took it
UNROUTED = 1  # no queue was bound for it
REJECTED = 2  # a full queue refused it (overflow reject-publish)

# C integers when compiled
_ROUTED = ROUTED
_PORTION = PORTION
_AT_ONCE = DROPPED_AT_ONCE
_LEAST = DROPPED_LEAST

DROP_HEAD = 0
REJECT_PUBLISH = 1
REJECT_PUBLISH_DLX = 2

_OVERFLOW = {"drop-head": DROP_HEAD, "reject-publish": REJECT_PUBLISH, "reject-publish-dlx": REJECT_PUBLISH_DLX}


def _priority(consumer: Consumer) -> int:
    return consumer.priority


class Queue(Task):
    """An ordered line of messages and the consumers that share it.

    Consumers that can take a message stand in the ring while nothing waits; who cannot stands in line elsewhere
    (consumer.py). When something waits and there are consumers in the ring all the same, the queue is in the
    scheduler's round: as a task, it delivers.
    """

    __slots__ = (
        "alarm", "alone", "arguments", "armed_at", "auto_delete", "byte_count", "consumers", "cursor",
        "dead_letter_exchange", "dead_letter_key", "delivery_limit", "durable", "exclusive_consumer",
        "has_consumer_priorities", "has_deadlines", "holds", "host", "is_deleted", "is_plain", "is_quorum",
        "is_recorded", "is_single_active", "lane", "ledger", "max_bytes", "max_length", "name", "next_sequence",
        "number", "overflow", "owner", "ring", "settings", "ttl_ms", "unacked_count", "used_at",
    )  # fmt: skip

    def __init__(self, host: QueueHost, ledger: Ledger, name: str, number: int, durable: bool) -> None:
        Task.__init__(self)
        self.host = host
        self.ledger = ledger
        self.name = name
        self.number = number
        """Identifies the queue in the journal; 0 for queues that are not recorded there."""
        self.durable = durable
        self.is_recorded = durable and number > 0 and ledger.is_journalling
        self.auto_delete = False
        self.owner: object | None = None
        """The connection that an exclusive queue belongs to."""
        self.arguments: Mapping[str, object] = {}
        self.settings: QueueArguments | None = None
        self.is_quorum = False
        self.lane = Lane()
        self.next_sequence = 1
        self.byte_count = 0
        """Bytes of the bodies that wait."""
        self.unacked_count = 0
        self.consumers: list[Consumer] = []
        self.ring: list[Consumer] = []
        """Consumers that could take a message when last looked at; `cursor` is whose turn it is."""
        self.cursor = 0
        self.exclusive_consumer: Consumer | None = None
        self.has_consumer_priorities = False
        self.is_single_active = False
        self.is_deleted = False
        self.alone: list[Queue] = [self]
        """Itself, for all routes that lead here only; emptied when it is deleted."""
        self.armed_at = 0
        self.alarm: Timer | None = None
        """The host's timer for `expire`, once there was one."""
        self.has_deadlines = False
        """Whether it ever held an entry that expires: then whatever comes to the head has to be looked at."""
        self.holds = 0
        """How often older entries are on their way back: until then nothing is delivered."""
        self.used_at = 0
        """When a client last declared, consumed from or polled it; for x-expires."""
        self.is_plain = True
        self.ttl_ms = -1
        self.max_length = -1
        self.max_bytes = -1
        self.overflow = DROP_HEAD
        self.delivery_limit = -1
        self.dead_letter_exchange: str | None = None
        self.dead_letter_key: str | None = None

    # --- declaration ------------------------------------------------------------------------------------------------

    def configure(self, settings: "QueueArguments") -> None:
        """Takes over parsed arguments and policy. May be called again when a policy changes."""
        self.settings = settings
        self.ttl_ms = -1 if settings.message_ttl is None else settings.message_ttl
        self.max_length = -1 if settings.max_length is None else settings.max_length
        self.max_bytes = -1 if settings.max_length_bytes is None else settings.max_length_bytes
        self.overflow = _OVERFLOW[settings.overflow or "drop-head"]
        self.delivery_limit = -1 if settings.delivery_limit is None else settings.delivery_limit
        self.dead_letter_exchange = settings.dead_letter_exchange
        self.dead_letter_key = settings.dead_letter_routing_key
        self.is_single_active = settings.single_active_consumer
        self.is_quorum = settings.queue_type == "quorum"
        self.is_plain = self.max_length < 0 and self.max_bytes < 0 and self.ttl_ms < 0

    def restore(self, entries: list[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence. `enforce` it once everything else is restored too."""
        for entry in entries:
            self.byte_count += len(entry.message.body)
            self.store(entry)
            if entry.expires_at:
                self.has_deadlines = True
        if entries:
            self.next_sequence = entries[-1].sequence + 1

    def waiting_count(self) -> int:
        """How many entries wait for a consumer."""
        return self.lane.count

    # --- publishing -------------------------------------------------------------------------------------------------

    def publish(self, message: Message, now: int) -> int:
        """Takes a message: hands it to a consumer that is ready, or lets it wait. ROUTED or REJECTED."""
        if not self.is_plain and self.overflow != DROP_HEAD and self.would_overflow(message):
            return self.refuse(message, now)
        if self.ring and not self.holds and self.waiting_count() == 0:
            consumer = self.next_consumer()
            if consumer is not None:
                if consumer.no_ack:
                    consumer.pass_on(message)  # settled before anybody could record it
                else:
                    self.hand_over(self.admit(message, now), consumer)
                return _ROUTED
        entry = self.admit(message, now)
        self.byte_count += len(message.body)
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
        return 0 <= self.max_bytes < self.byte_count + len(message.body)

    def enforce(self, now: int) -> None:
        """The settings have changed: discards what no longer fits."""
        self.work(now)

    def refuse(self, message: Message, now: int) -> int:
        """Rejects a publish that would overflow; its copy goes to the dead-letter exchange if the queue says so."""
        if self.overflow == REJECT_PUBLISH_DLX and self.dead_letter_exchange is not None:
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
            if not self.has_deadlines or not self.drops_expired(now):
                if self.is_plain or not self.is_over_limit():
                    break
                self.discard(self.take(), "maxlen", now)
            dropped += 1
        return dropped

    def is_over_limit(self) -> bool:
        """Whether the waiting messages pass a limit of a drop-head queue."""
        if self.overflow != DROP_HEAD:
            return False
        count = self.waiting_count()
        if count == 0:
            return False
        return 0 <= self.max_length < count or 0 <= self.max_bytes < self.byte_count

    # --- the waiting line; PriorityQueue overrides these four -----------------------------------------------------

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

    def detach(self) -> list[Lane]:
        """Lets go of everything that waits: the lanes that hold it."""
        lane, self.lane = self.lane, Lane()
        self.byte_count = 0
        return [lane]

    def take(self) -> Entry:
        """Takes the next entry and keeps the byte count true."""
        entry = self.pop()
        self.byte_count -= len(entry.message.body)
        return entry

    # --- delivering -------------------------------------------------------------------------------------------------

    def next_consumer(self) -> Consumer | None:
        """The consumer whose turn it is among those that can take a message; drops from the ring those that cannot."""
        if self.has_consumer_priorities:
            return self.next_by_priority()
        ring = self.ring
        count = len(ring)
        while count:
            index = self.cursor
            if index >= count:
                index = 0
            consumer = ring[index]
            if consumer.can_take():
                self.cursor = index + 1
                return consumer
            consumer.is_waiting = False
            del ring[index]
            self.cursor = index
            count -= 1
            consumer.wait()
        return None

    def next_by_priority(self) -> Consumer | None:
        """The same with consumer priorities: the highest that can take one; turns among equals."""
        ready = []
        for consumer in self.ring:
            consumer.is_waiting = consumer.can_take()
            if consumer.is_waiting:
                ready.append(consumer)
            else:
                consumer.wait()
        self.ring = ready
        if not ready:
            return None
        chosen = max(ready, key=_priority)  # the first of several: those who have had their turn are behind
        ready.remove(chosen)
        ready.append(chosen)
        return chosen

    def hand_over(self, entry: Entry, consumer: Consumer) -> None:
        """Gives an entry to a consumer."""
        if consumer.no_ack:
            consumer.deliver(entry)
            if entry.lsn:
                self.ledger.settle(entry)
            return
        entry.consumer = consumer
        consumer.in_flight += 1
        consumer.window.in_flight += 1
        self.unacked_count += 1
        consumer.deliver(entry)

    def pump(self, now: int) -> None:
        """Delivers what waits, as long as there is someone to take it; after the first portion in turn with others."""
        if self.ring and self.waiting_count() and not self.is_scheduled and self.run(now, _PORTION):
            self.host.schedule(self)

    def work(self, now: int) -> None:
        """Discards what has to go and delivers what may be; after the first portion in turn with others."""
        if not self.is_scheduled and self.run(now, _PORTION):
            self.host.schedule(self)

    def run(self, now: int, portion: int) -> bool:
        """Discards a portion of what has to go, then delivers to the consumers in the ring. True when there is more."""
        left = portion
        if self.has_deadlines or not self.is_plain:
            left -= self.drop(now, portion)
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
        if not self.may_serve(consumer, now):
            return 0
        left = portion
        while left > 0 and self.waiting_count() and consumer.can_take():
            left -= 1
            if not self.has_deadlines or not self.drops_expired(now):
                self.hand_over(self.take(), consumer)
        if self.has_deadlines:
            self.rearm()
        self.end_turn(consumer, left <= 0)
        return portion - left

    def may_serve(self, consumer: Consumer, now: int) -> bool:
        """Whether it is the consumer's turn here. One with a lower priority than others stands by."""
        if self.is_deleted:
            return False
        if self.holds:
            self.stand_by(consumer)
            return False
        consumer.is_new = False
        if self.has_consumer_priorities and self.is_outranked(consumer):
            self.stand_by(consumer)
            self.pump(now)
            return False
        return True

    def is_outranked(self, consumer: Consumer) -> bool:
        """Whether somebody with a higher priority can take a message."""
        priority = consumer.priority
        return bool([each for each in self.consumers if each.priority > priority and each.can_take()])

    def end_turn(self, consumer: Consumer, has_had_enough: bool) -> None:
        """Lets a consumer stand where it belongs after its turn."""
        if not consumer.can_take():
            consumer.wait()
        elif not has_had_enough or not self.waiting_count():
            self.stand_by(consumer)
        elif self.has_consumer_priorities:
            self.stand_by(consumer)  # where its priority counts
            self.host.schedule(self)
        else:
            consumer.gate.join(consumer)  # with others of its connection: its turn comes again
            consumer.gate.go_on()

    def stand_by(self, consumer: Consumer) -> None:
        """A consumer is ready for what comes."""
        consumer.is_waiting = True
        self.ring.append(consumer)

    def drops_expired(self, now: int) -> bool:
        """Whether the next entry had expired: then it is gone."""
        entry = self.peek()
        assert entry is not None
        if not entry.expires_at or entry.expires_at > now:
            return False
        self.discard(self.take(), "expired", now)
        return True

    def make_ready(self, now: int) -> bool:
        """Whether it is known what is next: nothing older is on its way back, and what had expired is gone. Else it is
        worked at, and may be asked again."""
        self.work(now)
        return not self.holds and not self.has_expired(now)

    def get(self, holder: Consumer, now: int) -> Entry | None:
        """Takes the next entry for a client that polls; `holder` has it until it is settled. None if nothing waits."""
        self.used_at = now
        if not self.make_ready(now) or self.waiting_count() == 0:
            return None
        entry = self.take()
        entry.consumer = holder
        holder.in_flight += 1
        holder.window.in_flight += 1
        self.unacked_count += 1
        if self.has_deadlines:
            self.rearm()
        return entry

    # --- settling ---------------------------------------------------------------------------------------------------

    def release(self, entry: Entry) -> None:
        """An unacknowledged entry is no longer its consumer's."""
        self.unacked_count -= 1
        consumer = entry.consumer
        if consumer is not None:
            consumer.in_flight -= 1
            consumer.window.in_flight -= 1
            entry.consumer = None

    def acknowledge(self, entry: Entry) -> None:
        """A client has processed the entry: it is settled."""
        self.release(entry)
        if entry.lsn:
            self.ledger.settle(entry)

    def reject(self, entry: Entry, now: int) -> None:
        """A client refuses the entry for good: dead-lettered, then settled. Of a deleted queue there are no letters."""
        self.release(entry)
        if not self.is_deleted:
            self.discard(entry, "rejected", now)

    def requeue(self, entries: list[Entry], now: int, is_failure: bool = False) -> None:
        """Unacknowledged entries come back to their old places; many do it in portions (returning.py)."""
        self.begin_return()
        self.give_back(entries, now, is_failure)
        self.end_return(now)

    def begin_return(self) -> None:
        """Entries are about to come back: what is younger must not be delivered before them."""
        self.holds += 1

    def end_return(self, now: int) -> None:
        """They are all back."""
        self.holds -= 1
        if not self.holds:
            self.work(now)

    def end_return_soon(self) -> None:
        """The same; it goes on in turn with others."""
        self.holds -= 1
        if not self.holds:
            self.host.schedule(self)

    def give_back(self, entries: list[Entry], now: int, is_failure: bool) -> None:
        """Some of them come back. Failures count, and beyond the delivery limit the entry is dead-lettered."""
        back = []
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
            self.byte_count += len(entry.message.body)
            back.append(entry)
        self.put_back(back)

    def discard(self, entry: Entry, reason: str, now: int) -> None:
        """Dead-letters the entry if the queue says where, which may take a while; then settles it."""
        if self.dead_letter_exchange is not None:
            self.host.dead_letter(self, entry, reason, now)
        elif entry.lsn:
            self.ledger.settle(entry)

    def purge(self, now: int, done: Done) -> int:
        """Empties the queue; how much waited. Calls `done` once the journal has been told of all of it, not at once."""
        count = self.waiting_count()
        self.host.schedule(Purge(self.ledger, self.detach(), done))
        return count

    def forget(self) -> None:
        """The queue is deleted: so is what the journal has of it."""
        self.ledger.forget(self.number)

    def empty(self) -> "list[Container]":
        """Lets go of everything that waits: what held it, to be freed by the caller."""
        return [entries for lane in self.detach() for entries in (lane.fresh, lane.returned)]

    # --- deadlines --------------------------------------------------------------------------------------------------

    def expire(self, now: int) -> None:
        """Discards what has expired at the head, and arms the timer for the next one that will."""
        self.work(now)

    def timer_fired(self, now: int) -> None:
        """The timer has fired. Others may have at the same moment, so what is due waits its turn."""
        self.armed_at = 0
        self.host.schedule(self)

    def rearm(self) -> None:
        """Arms the timer for the head, unless it is armed early enough already."""
        entry = self.peek()
        if entry is None or not entry.expires_at:
            return
        if not self.armed_at or entry.expires_at < self.armed_at:
            self.armed_at = entry.expires_at
            self.host.arm(self, entry.expires_at)

    # --- consumers --------------------------------------------------------------------------------------------------

    def add_consumer(self, consumer: Consumer, now: int) -> None:
        """Registers a consumer. It takes messages from the next `offer` on."""
        self.used_at = now
        self.consumers.append(consumer)
        if consumer.is_exclusive:
            self.exclusive_consumer = consumer
        consumer.is_active = not self.is_single_active or len(self.consumers) == 1
        self.has_consumer_priorities = any(each.priority for each in self.consumers)

    def remove_consumer(self, consumer: Consumer, now: int) -> None:
        """Ends a subscription; what it holds unacknowledged stays with it. A successor takes over if it was alone."""
        self.used_at = now
        self.consumers.remove(consumer)
        self.stand_down(consumer)
        if consumer is self.exclusive_consumer:
            self.exclusive_consumer = None
        self.has_consumer_priorities = any(each.priority for each in self.consumers)
        was_active, consumer.is_active = consumer.is_active, False  # its acks must not put it back into the ring
        if self.is_single_active and was_active and self.consumers:
            successor = max(self.consumers, key=_priority)
            successor.is_active = True
            self.offer(successor, now)
        if not self.consumers and self.auto_delete:
            self.host.queue_unused(self, now)

    def stand_down(self, consumer: Consumer) -> None:
        """A consumer stands nowhere any more."""
        if consumer.is_waiting:
            consumer.is_waiting = False
            self.ring.remove(consumer)
        if consumer.line is not None:
            consumer.line.leave(consumer)

    def dismiss(self) -> list[Consumer]:
        """The queue is gone: nobody is delivered anything, even when it acknowledges. Who its consumers were."""
        consumers, self.consumers = self.consumers, []
        self.ring.clear()
        for consumer in consumers:
            consumer.is_active = consumer.is_waiting = False
            self.stand_down(consumer)
        return consumers

    def offer(self, consumer: Consumer, now: int) -> None:
        """A window of the consumer may have opened: delivers to it what waits, or lets it stand where it belongs."""
        if consumer.window.members:
            consumer.window.freed(consumer, now)
        elif consumer.is_waiting or consumer.line is not None:
            self.pump(now)
        elif not consumer.can_take():
            consumer.wait()
        elif self.waiting_count():
            self.deliver_to(consumer, _PORTION, now)
        else:
            self.stand_by(consumer)
