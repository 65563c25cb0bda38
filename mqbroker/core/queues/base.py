"""A queue as everybody sees it: what can be done with one of any kind, and how its consumers take turns.

The queue owns the order of its entries and decides which consumer is next. It does not know who publishes, what the
consumers speak, or how a dead letter is routed: that is its `host`'s business (the vhost). What is kept, where, and for
how long is the kind's (classic.py, polled/): by itself a queue keeps nothing.

An entry is in exactly one state:

    publish --> waiting --> unacknowledged (held by a consumer) --> settled
                   ^                          |            |
                   +------- requeue ----------+            +--> dead-lettered, then settled
                   +--> expired, dropped: dead-lettered, then settled

Whoever has done with an entry says so by `acknowledge`, `reject` or `requeue`, and its consumer is offered what waits.
Whoever has done with many does the same in parts: `settle`, `give_up`, or `begin_return`, `give_back` and `end_return`
for each entry or portion, and then `offer` once for each consumer.
"""

from typing import TYPE_CHECKING

from mqbroker.core.consumer import Consumer
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message
from mqbroker.core.queues import sole, telling
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.page import Page
from mqbroker.core.queues.purge import Done, Purge
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.scheduler import Task
from mqbroker.core.stats import Counts
from mqbroker.limits import PORTION

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container
    from mqbroker.core.tap import Tap
    from mqbroker.core.timers import Timer

# What became of a publish, worst last: the outcome of a fan-out is the greatest of its parts.
ROUTED = 0  # every queue took it
UNROUTED = 1  # no queue was bound for it
REJECTED = 2  # a full queue refused it

_PORTION = PORTION  # a C integer when compiled
_NOTHING = QueueSpec()


def _priority(consumer: Consumer) -> int:
    return consumer.priority


def _rank(consumer: Consumer) -> tuple[bool, int]:
    """Who is next where one alone is served."""
    return consumer.wants_all, consumer.priority


class Queue(Task):
    """A queue that keeps nothing, and the consumers that share it. Subclassed by the kinds.

    Consumers that can take a message stand in the ring while nothing waits; who cannot stands in line elsewhere
    (consumer.py). When something waits and there are consumers in the ring all the same, the queue is in the
    scheduler's round: as a task, it delivers.
    """

    takes_long_keys = False
    """Whether a message may have a routing key that is too long for a name: its consumers can be told it."""

    takes_pages = False
    """Whether its entries may leave memory, and come back by `restore_pages`. A kind that takes entries by itself, and
    not only what `peek` shows, says no."""

    can_pause = False
    """Whether its consumers can be made to wait while it goes on to take messages."""

    __slots__ = (
        "alarm", "alone", "armed_at", "consumers", "counts", "counts_failures", "cursor", "declared", "durable",
        "exclusive_consumer", "first_sequence", "has_consumer_priorities", "holds", "host", "is_deleted", "is_paused",
        "is_recorded", "is_single_active", "ledger", "name", "next_sequence", "number", "ring", "spec", "tap",
        "unacked_count", "used_at",
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
        self.declared = self.spec = _NOTHING
        """As it was declared, and what of it is in force: policies may change that."""
        self.counts_failures = False
        self.next_sequence = self.first_sequence = 1
        """The places that it gives next, and gave first since the start."""
        self.counts = Counts()
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
        self.holds = 0
        """How often older entries are on their way back: until then nothing is delivered."""
        self.is_paused = False
        """Whether one of the holds is an operator's."""
        self.tap: Tap | None = None
        """Who looks on while the vhost is traced."""
        self.used_at = 0
        """When a client last declared, consumed from or polled it: it may expire unused."""

    # --- what the kinds do ------------------------------------------------------------------------------------------

    def configure(self, spec: QueueSpec) -> None:
        """Takes over what it is to do. May be called again when that changes; `enforce` it then."""
        self.spec = spec
        self.is_single_active = spec.single_active_consumer or True in [each.wants_all for each in self.consumers]
        self.counts_failures = spec.counts_failures

    def restore(self, entries: list[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence. `enforce` it once everything else is restored too."""

    def restore_pages(self, pages: list[Page], entries: list[Entry]) -> None:
        """The same, with what was left on the disk."""
        raise NotImplementedError

    def has_room_for(self, _count: int, _size: int) -> bool:
        """Whether it would take so many messages more, of so many octets together. Overridden by those that refuse."""
        return True

    def enforce(self, now: int) -> None:
        """It is there again, or what it is to do has changed: discards what no longer fits."""
        self.expire(now)

    @property
    def byte_count(self) -> int:
        """Bytes of the bodies that wait."""
        return 0

    def waiting_count(self) -> int:
        """How many entries wait for a consumer."""
        return 0

    def waiting(self) -> list[Entry]:
        """Every waiting entry, in the order of delivery."""
        return []

    def parts(self) -> list[list[Entry] | Page]:
        """The same, with what is on the disk only as pages."""
        return [self.waiting()]

    def look(self, offset: int, count: int) -> list[Entry]:
        """So many of these entries, from the one at `offset` on."""
        return self.waiting()[offset : offset + count]

    def publish(self, _message: Message, _now: int) -> int:
        """Takes a message: hands it to a consumer that is ready, or lets it wait. ROUTED or REJECTED."""
        return ROUTED

    def get(self, _holder: Consumer, now: int) -> Entry | None:
        """Takes the next entry for a client that polls; `holder` has it until it is settled. None if nothing waits."""
        self.used_at = now
        return None

    def make_ready(self, _now: int) -> bool:
        """Whether it is known what is next: nothing older is on its way back, and what had expired is gone. Else it is
        worked at, and may be asked again."""
        return True

    def run(self, _now: int, _portion: int) -> bool:
        """Discards a portion of what has to go, then delivers to the consumers in the ring. True when there is more."""
        return False

    def is_warm(self) -> bool:
        """Somebody wants what waits, which may not be in memory: whether it can be delivered now."""
        return not self.holds

    def deliver_to(self, consumer: Consumer, _portion: int, now: int) -> int:
        """Delivers up to a portion to a consumer that stands nowhere, and lets it stand where it belongs then. How
        much it was, with what had expired."""
        if self.may_serve(consumer, now):
            self.end_turn(consumer, False)
        return 0

    def give_up(self, entry: Entry, _now: int) -> None:
        """A client refuses the entry for good, and is not offered anything yet."""
        self.settle(entry)

    def give_back(self, entries: list[Entry], _now: int, _is_failure: bool) -> None:
        """Some of the unacknowledged entries come back."""
        for entry in entries:
            self.settle(entry)

    def purge(self, _now: int, done: Done) -> int:
        """Empties the queue; how much waited. Calls `done` once the journal has been told of all of it, not at once."""
        self.host.schedule(Purge(self.ledger, [], done))
        return 0

    def empty(self) -> "list[Container]":
        """The queue is deleted: lets go of everything that waits. What held it, to be freed by the caller."""
        return []

    # --- turns ------------------------------------------------------------------------------------------------------

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
        chosen = max(ready, key=_priority)  # the first of several: those who have had their turn stand last
        ready.remove(chosen)
        ready.append(chosen)
        return chosen

    def hand_over(self, entry: Entry, consumer: Consumer) -> None:
        """Gives an entry to a consumer."""
        counts = self.counts
        if self.tap is not None:
            self.tap.delivered(self.name, entry, consumer)
        if entry.is_redelivered:
            counts.redelivered += 1
        if consumer.no_ack:
            counts.no_ack += 1
            consumer.deliver(entry)
            if entry.lsn:
                self.ledger.settle(entry)
            return
        counts.delivered += 1
        entry.consumer = consumer
        consumer.in_flight += 1
        consumer.window.in_flight += 1
        self.unacked_count += 1
        consumer.deliver(entry)

    def assign(self, entry: Entry, holder: Consumer) -> None:
        """An entry was got by polling: `holder` has it until it is settled."""
        counts = self.counts
        counts.got += 1
        if self.tap is not None:
            self.tap.delivered(self.name, entry, holder)
        if entry.is_redelivered:
            counts.redelivered += 1
        entry.consumer = holder
        holder.in_flight += 1
        holder.window.in_flight += 1
        self.unacked_count += 1

    def counted(self) -> Counts:
        """What was counted here, with what follows from it. The caller's own."""
        found = Counts()
        found.add(self.counts)
        found.published = self.counts.passed + self.next_sequence - self.first_sequence
        return found

    def pump(self, now: int) -> None:
        """Delivers what waits, as long as there is someone to take it; after the first portion in turn with others."""
        if self.ring and self.waiting_count() and not self.is_scheduled and self.run(now, _PORTION):
            self.host.schedule(self)

    def work(self, now: int) -> None:
        """Discards what has to go and delivers what may be; after the first portion in turn with others."""
        if not self.is_scheduled and self.run(now, _PORTION):
            self.host.schedule(self)

    def may_serve(self, consumer: Consumer, now: int) -> bool:
        """Whether it is the consumer's turn here. One with a lower priority than others stands by."""
        if self.is_deleted:
            return False
        if self.holds and not self.is_warm():
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

    # --- settling ---------------------------------------------------------------------------------------------------

    def release(self, entry: Entry) -> None:
        """An unacknowledged entry is no longer its consumer's."""
        self.unacked_count -= 1
        consumer = entry.consumer
        if consumer is not None:
            consumer.in_flight -= 1
            consumer.window.in_flight -= 1
            entry.consumer = None

    def acknowledge(self, entry: Entry, now: int) -> None:
        """A client has processed the entry: it is settled, and who held it may have more."""
        consumer = entry.consumer
        self.settle(entry)
        if consumer is not None:
            self.offer(consumer, now)

    def settle(self, entry: Entry) -> None:
        """The same; who held it is offered nothing yet."""
        self.counts.acked += 1
        self.release(entry)
        if entry.lsn:
            self.ledger.settle(entry)

    def reject(self, entry: Entry, now: int) -> None:
        """A client refuses the entry for good: dead-lettered, then settled. Who held it may have more."""
        consumer = entry.consumer
        self.give_up(entry, now)
        if consumer is not None:
            self.offer(consumer, now)

    def requeue(self, entries: list[Entry], now: int, is_failure: bool = False) -> None:
        """Unacknowledged entries come back to their old places; many do it in portions (returning.py)."""
        consumers = dict.fromkeys([entry.consumer for entry in entries])
        self.begin_return()
        self.give_back(entries, now, is_failure)
        self.end_return(now)
        for consumer in consumers:
            if consumer is not None:
                self.offer(consumer, now)

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

    def pause(self) -> None:
        """Consumers get nothing until it is resumed, or the broker starts anew; who polls gets as before."""
        if not self.is_paused:
            self.is_paused = True
            self.begin_return()

    def resume(self, now: int) -> None:
        """They get what waits."""
        if self.is_paused:
            self.is_paused = False
            self.end_return(now)

    def forget(self) -> None:
        """The queue is deleted: so is what the journal has of it."""
        self.ledger.forget(self.number)

    # --- deadlines --------------------------------------------------------------------------------------------------

    def expire(self, now: int) -> None:
        """Does what is due, and arms the timer for what will be next."""
        self.work(now)

    def arm(self, deadline: int) -> None:
        """Has `expire` called then, if not earlier."""
        if not self.armed_at or deadline < self.armed_at:
            self.armed_at = deadline
            self.host.arm(self, deadline)

    def timer_fired(self, _now: int) -> None:
        """The timer has fired. Others may have at the same moment, so what is due waits its turn."""
        self.armed_at = 0
        self.host.schedule(self)

    # --- consumers --------------------------------------------------------------------------------------------------

    def add_consumer(self, consumer: Consumer, now: int) -> None:
        """Registers a consumer. It takes messages from the next `offer` on."""
        self.used_at = now
        self.consumers.append(consumer)
        if consumer.is_exclusive:
            self.exclusive_consumer = consumer
        consumer.is_active = not self.is_single_active or len(self.consumers) == 1
        self.has_consumer_priorities = bool([each for each in self.consumers if each.priority])
        if consumer.wants_all:
            sole.joined(self, consumer)
        telling.consumer_added(self, consumer)

    def remove_consumer(self, consumer: Consumer, now: int) -> None:
        """Ends a subscription; what it holds unacknowledged stays with it. A successor takes over if it was alone."""
        self.used_at = now
        self.consumers.remove(consumer)
        self.stand_down(consumer)
        telling.consumer_removed(self, consumer)
        if consumer is self.exclusive_consumer:
            self.exclusive_consumer = None
        self.has_consumer_priorities = bool([each for each in self.consumers if each.priority])
        was_active, consumer.is_active = consumer.is_active, False  # its acks must not put it back into the ring
        if consumer.wants_all:
            sole.left(self, now)
        if self.is_single_active and was_active and self.consumers:
            successor = max(self.consumers, key=_rank)
            successor.is_active = True
            successor.active_changed()
            self.offer(successor, now)
        if not self.consumers and self.spec.auto_delete:
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
