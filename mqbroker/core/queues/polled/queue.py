"""A queue that clients poll, and whose messages come back by themselves: what SQS calls a standard queue.

    send --> delayed --> visible (in its line) --> in flight --> settled
                            ^                          |
                            +-- deadline, or given up -+

It owns what clients do, the redrive of what was received too often to another queue, and who waits for messages:
consumers of AMQP and long polls, in turn. What it holds is in contents.py, which entry is next is a matter of its lines
(lines.py), and what happens by itself of its deadlines (deadlines.py). An AMQP consumer holds what it got without a
deadline, until it is settled or given back; that counts as received too.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry, Message, new_entry, new_message
from mqbroker.core.queues import telling
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.polled.contents import PolledContents
from mqbroker.core.queues.polled.group_lines import GroupLine, group_of
from mqbroker.core.queues.polled.host import PollHost
from mqbroker.core.queues.polled.settings import PollSettings, Waiter
from mqbroker.core.queues.purge import Done, Purge
from mqbroker.limits import PORTION

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer
    from mqbroker.core.ledger import Ledger

_PORTION = PORTION  # a C integer when compiled


class PolledQueue(PolledContents):
    """A standard queue. Every message is delivered at least once; their order is kept where that costs nothing."""

    role = "polled"
    """The name of the kind."""

    __slots__ = (
        "deduplicated_count", "deleted_count", "is_turn_of_waiters", "received_count", "sent_bytes", "sent_count",
        "waiters",
    )  # fmt: skip

    def __init__(self, host: PollHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        PolledContents.__init__(self, host, ledger, name, number, durable)
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        self.is_turn_of_waiters = False
        """Whether a long poll is served before the consumers of AMQP next time, when there are both."""
        self.sent_count = self.sent_bytes = self.received_count = self.deleted_count = 0
        self.deduplicated_count = 0

    def apply(self, settings: PollSettings, now: int) -> None:
        """Changes the settings, in force at once for the messages that are here too."""
        self.set_up(settings)
        self.deadlines.renew()
        self.expire(now)

    # --- coming in --------------------------------------------------------------------------------------------------

    def publish(self, message: Message, now: int) -> int:
        """Takes a message that another protocol routed here. Always ROUTED."""
        self.send(message, now)
        return ROUTED

    def send(self, message: Message, now: int, delay_ms: int = -1) -> Entry:
        """Takes a message; kept back for `delay_ms`, -1 for as long as the queue says. Returns its entry."""
        line = self.lines.line_for(group_of(message.properties))
        entry = self.enter(message, line, now, self.delay_ms if delay_ms < 0 else delay_ms, message.properties.ttl_ms)
        self.sent_count += 1
        self.sent_bytes += message.size
        if self.ring or self.waiters:
            self.serve(now)
        return entry

    def enter(self, message: Message, line: GroupLine, now: int, delay_ms: int, ttl_ms: int) -> Entry:
        """Makes the message's entry here: its place, its deadlines, its record."""
        sequence = self.next_sequence
        self.next_sequence = sequence + 1
        entry = new_entry(message, self.number, sequence)
        if ttl_ms >= 0:
            entry.expires_at = now + ttl_ms
        if delay_ms > 0:
            entry.held_until = now + delay_ms
        if self.is_recorded and message.properties.persistent:
            self.ledger.enqueue(entry)
            if self.bodies is not None and (line is not self.lines.ungrouped or entry.held_until or entry.expires_at):
                self.bodies.note(entry)
        if entry.held_until:
            self.deadlines.note_arrival(entry)
            self.lines.note(entry, line)
            self.lines.add_delayed(entry, line)
            self.watch(entry)
        else:
            self.lines.show(entry, line, sequence)
            self.watch_if_odd(entry, line)
            if not self.armed_at or self.armed_at > now + self.deadlines.retention_ms:
                self.rearm()
        return entry

    def accept(self, message: Message, source: str, attempts: int, sent_at: int, now: int) -> None:
        """Takes a message that another queue gives away, which has delivered it so often; `source` is that one's name,
        empty for a move back. It calls nobody: the queue it comes from is in the midst of its work."""
        properties = message.properties.redriven(source, attempts)
        moved = new_message(message.exchange, message.routing_key, properties, message.content(), sent_at)
        self.enter(moved, self.lines.line_for(group_of(properties)), now, 0, -1)
        self.serve_soon()

    # --- receiving --------------------------------------------------------------------------------------------------

    @property
    def is_at_in_flight_max(self) -> bool:
        """Whether so much is in flight that `receive` gives nothing."""
        return self.lines.in_flight_total >= self.in_flight_max

    def receive(self, count_max: int, visibility_ms: int, now: int) -> list[Entry]:
        """Takes up to so many messages in flight, for `visibility_ms`; with 0 they are visible again at once."""
        found: list[Entry] = []
        if self.lines.noisy:
            self.lines.release_quiet()
        left = count_max + _PORTION
        if self.pages is not None and not self.warm(count_max):
            return found  # who waits is woken when it is here
        while len(found) < count_max and self.lines.in_flight_total < self.in_flight_max:
            line = self.choose()
            if line is None:
                break
            if not left:  # it finds what has expired or moves away: who waits is woken when that is done
                self.host.schedule(self)
                break
            left -= 1
            self.receive_from(line, found, count_max, now + max(visibility_ms, 0), now)
            self.lines.place_or_drop(line)
        self.received_count += len(found)
        self.counts.got += len(found)
        if self.tap is not None:
            for entry in found:
                self.tap.delivered(self.name, entry, None)
        if found and visibility_ms <= 0:
            self.expire(now)
        return found

    def receive_from(self, line: GroupLine, found: list[Entry], _count_max: int, held_until: int, now: int) -> None:
        """Takes the first entry of the line, if it may be delivered."""
        entry = self.draw(line, now)
        if entry is not None:
            self.hold(entry, line, held_until, now)
            self.counts.redelivered += entry.is_redelivered
            found.append(entry)

    def draw(self, line: GroupLine, now: int) -> Entry | None:
        """Takes the first entry out of its line; None when it is not to be delivered, but has expired or moved."""
        entry = line.pop()
        self.lines.hide(entry, line)
        if self.has_expired(entry, now):
            self.counts.expired += 1
            self.lines.leave(entry)
            return None
        if 0 < self.receive_max <= entry.attempts and self.redrive(entry, now):
            self.lines.leave(entry)
            return None
        return entry

    def hold(self, entry: Entry, line: GroupLine, held_until: int, now: int) -> None:
        """An entry that was drawn is in flight until then; 0 for without a deadline."""
        entry.attempts += 1
        entry.held_until = held_until
        self.lines.note(entry, line)
        if entry.first_taken_at:
            entry.is_redelivered = True
        else:
            entry.first_taken_at = now
            self.lines.note_taken(entry)
        self.lines.add_in_flight(line, entry)
        if entry.lsn:
            self.ledger.defer(entry)
        if held_until:
            self.watch(entry)

    def change_visibility(self, entry: Entry, visibility_ms: int, now: int) -> None:
        """Keeps an entry that was received in flight for so long from now on; with 0 it is visible at once."""
        if not entry.held_until > 0 or not entry.first_taken_at or not self.lines.is_noted(entry):
            return
        entry.held_until = now + visibility_ms if visibility_ms > 0 else 0
        if entry.lsn:
            self.ledger.defer(entry)
        if entry.held_until:
            self.watch(entry)
        else:
            self.bring_back(entry)
            self.serve(now)

    def bring_back(self, entry: Entry) -> None:
        """An entry that was in flight is visible again: at its old place, or at the back if it failed too often."""
        line = self.lines.line_of(entry)
        self.lines.remove_in_flight(line, entry)
        entry.held_until = 0
        if not self.lines.counts_for_age(entry):
            self.put_to_the_back(entry)
        else:
            self.lines.show_again(entry, line, entry.sequence)
            self.watch(entry)
        self.lines.place(line)

    # --- settling ---------------------------------------------------------------------------------------------------

    def delete(self, entry: Entry, now: int) -> None:
        """An entry that was received has been processed, even if it is visible again."""
        if not entry.first_taken_at or not self.lines.is_noted(entry):
            return
        self.lines.remove_noted(entry)
        self.deleted_count += 1
        self.counts.acked += 1
        if self.ring or self.waiters:
            self.serve(now)

    def purge(self, _now: int, done: Done) -> int:
        """Settles everything, visible, in flight, and delayed; the count of it. In the journal that is one fact."""
        count: int = self.lines.total()
        if count:
            self.start_over()
        self.counts.purged += count
        telling.purged(self, count)
        self.host.schedule(Purge(self.ledger, [], done))
        return count

    def start_over(self) -> None:
        """The journal forgets everything that is kept for the queue, and so does the queue."""
        left = self.empty()
        self.host.renumber(self)
        self.host.leave(left)

    def forget(self) -> None:
        """The queue is deleted: so is all it has in the journal, and nobody waits for it any more."""
        self.ledger.forget(self.number)
        while self.waiters:
            self.waiters.popitem(last=False)[0].queue_deleted()

    def redrive(self, entry: Entry, now: int) -> bool:
        """Puts a copy of the entry into the dead-letter queue, if there is one: the caller settles the entry."""
        target = self.dead_letter_target()
        if target is None:
            return False
        self.counts.dead_lettered += 1
        self.read_body(entry)  # it may have left memory while a consumer had the entry
        target.accept(entry.message, self.name, entry.attempts, self.redriven_sent_at(entry, now), now)
        return True

    def dead_letter_target(self) -> "PolledQueue | None":
        """Where dead letters go, if they do."""
        target = self.host.polled_queue(self.dead_letter_queue) if self.dead_letter_queue else None
        return None if target is self else target

    def redriven_sent_at(self, entry: Entry, _now: int) -> int:
        """From when on a dead letter is kept: since it was sent."""
        return entry.message.received_at

    def next_entry(self) -> Entry | None:
        """What may be delivered next."""
        self.warm()
        line = self.choose()
        return None if line is None else line.peek()

    def move_one(self, target: "PolledQueue", now: int) -> bool:
        """Moves what may be delivered next to another queue, as a new message. False when there is nothing."""
        line = self.choose()
        if line is None:
            return False
        entry = line.pop()
        self.lines.hide(entry, line)
        target.accept(entry.message, "", 0, now, now)
        self.lines.leave(entry)
        self.lines.place_or_drop(line)
        return True

    # --- AMQP -------------------------------------------------------------------------------------------------------

    def run(self, now: int, portion: int) -> bool:
        """Does a portion of what is due, then delivers to the consumers in the ring, and wakes those who wait. True
        when there is more."""
        left = portion - self.do_due(now, portion)
        if self.lines.coming and (self.ring or self.waiters):
            self.warm()
        while left > 0 and self.ring and self.lines.deliverable() and not self.holds:
            consumer = self.next_consumer()
            if consumer is None:
                break
            left -= 1
            entry = self.draw_next(now)
            if entry is not None:
                self.hand_over(entry, consumer)
        left -= self.wake(left, now)
        self.rearm()
        return left <= 0 and self.has_work(now)

    def has_work(self, now: int) -> bool:
        """Whether something is due, or can be delivered or received by somebody who is there."""
        if self.lines.deliverable():
            if self.ring and not self.holds:
                return True
            if self.waiters and not self.is_at_in_flight_max:
                return True
        return 0 < self.next_deadline() <= now

    def deliver_to(self, consumer: "Consumer", portion: int, now: int) -> int:
        """Delivers up to a portion to a consumer that stands nowhere, and lets it stand where it belongs then."""
        if not self.may_serve(consumer, now):
            return 0
        if self.lines.coming:
            self.warm()
        left = portion
        while left > 0 and self.lines.deliverable() and consumer.can_take():
            left -= 1
            entry = self.draw_next(now)
            if entry is not None:
                self.hand_over(entry, consumer)
        self.end_turn(consumer, left <= 0)
        return portion - left

    def draw_next(self, now: int) -> Entry | None:
        """Takes the next entry in flight without a deadline; None when it was not to be delivered, or there is none."""
        if self.lines.noisy:
            self.lines.release_quiet()
        line = self.choose()
        if line is None:
            return None
        entry = self.draw(line, now)
        if entry is not None:
            self.hold(entry, line, 0, now)
            self.received_count += 1
        self.lines.place_or_drop(line)
        return entry

    def make_ready(self, now: int) -> bool:
        """Whether what is next can be delivered; else some of what has expired or moves away is gone now."""
        self.warm()
        left = _PORTION
        while left:
            left -= 1
            line = self.choose()
            if line is None or not self.is_spent(line.peek(), now):
                return True
            self.draw(line, now)
            self.lines.place_or_drop(line)
        return False

    def is_spent(self, entry: Entry, now: int) -> bool:
        """Whether an entry is not to be delivered any more."""
        if self.has_expired(entry, now):
            return True
        return 0 < self.receive_max <= entry.attempts and self.dead_letter_target() is not None

    def hand_over(self, entry: Entry, consumer: "Consumer") -> None:
        """Gives an entry that was drawn to a consumer."""
        if consumer.no_ack:
            self.counts.no_ack += 1
            consumer.deliver(entry)
            self.finish(entry)
        else:
            Queue.hand_over(self, entry, consumer)

    def finish(self, entry: Entry) -> None:
        """An entry in flight without a deadline is settled, unless it was settled already in another way."""
        if self.lines.is_noted(entry):
            self.lines.remove_held(entry)

    def get(self, holder: "Consumer", now: int) -> Entry | None:
        """Takes the next entry for an AMQP client that polls; `holder` has it until it is settled."""
        self.used_at = now
        entry = self.draw_next(now) if self.make_ready(now) else None
        if entry is not None:
            self.assign(entry, holder)
        return entry

    def settle(self, entry: Entry) -> None:
        """A consumer has processed the entry, and is offered nothing yet."""
        self.counts.acked += 1
        self.release(entry)
        self.finish(entry)

    def offer(self, consumer: "Consumer", now: int) -> None:
        """The same; what the consumer has settled may let others go on: its group was locked, or too much in flight."""
        Queue.offer(self, consumer, now)
        if (self.waiters or self.ring) and self.waiting_count():
            self.serve(now)

    def give_up(self, entry: Entry, now: int) -> None:
        """A consumer refuses the entry for good: it is redriven if the queue says where, then settled."""
        self.counts.rejected += 1
        self.release(entry)
        if self.lines.is_noted(entry):
            self.redrive(entry, now)
            self.finish(entry)
            self.serve(now)

    def give_back(self, entries: list[Entry], _now: int, _is_failure: bool) -> None:
        """Consumers give entries back: they are visible again. That they were delivered counts already."""
        self.counts.returned += len(entries)
        for entry in entries:
            self.release(entry)
            if not self.is_deleted and self.lines.is_noted(entry):
                self.bring_back(entry)

    def end_return(self, now: int) -> None:
        """They are all back."""
        self.holds -= 1
        if not self.holds and not self.is_deleted:
            self.serve(now)

    # --- deadlines --------------------------------------------------------------------------------------------------

    def expire(self, now: int) -> None:
        """Does what is due, after the first portion in turn with others, and arms the timer for the next deadline."""
        if not self.is_scheduled and self.do_due(now, _PORTION) >= _PORTION:
            self.host.schedule(self)
        self.serve(now)
        self.rearm()

    def do_due(self, now: int, most: int) -> int:
        """Does what is due, so much at most; how much it was."""
        done = 0
        while done < most and self.deadlines.has_due(now):
            done += 1
            entry = self.deadlines.pop()
            if entry is not None:
                self.fall_due(entry, now)
        if self.pages is not None:
            self.pages.read_due(now, self.deadlines.retention_ms)
        swept = self.deadlines.sweep(now, most - done)
        self.counts.expired += swept
        return done + swept

    def fall_due(self, entry: Entry, now: int) -> None:
        """The deadline of a noted entry has passed: it expires, or it is visible."""
        if self.has_expired(entry, now):
            self.counts.expired += 1
            self.lines.remove_noted(entry)
        elif entry.first_taken_at:
            self.counts.returned += 1
            self.bring_back(entry)
        else:
            line = self.lines.end_delay(entry)
            if self.pages is not None and line is self.lines.ungrouped:
                self.pages.note_early(entry)
            self.lines.show_again(entry, line, entry.sequence)
            self.watch_if_odd(entry, line)

    # --- who waits --------------------------------------------------------------------------------------------------

    def wait(self, waiter: Waiter) -> None:
        """Has `waiter.wake(now)` called when something can be received: in order of arrival, one for each message."""
        self.waiters[waiter] = None

    def stop_waiting(self, waiter: Waiter) -> None:
        """The waiter has gone."""
        self.waiters.pop(waiter, None)

    def serve(self, now: int) -> None:
        """Something may be visible: it is for consumers and for those who wait, who go first in turn."""
        if self.ring:
            if self.waiters and self.is_turn_of_waiters:
                self.wake(1, now)
            self.is_turn_of_waiters = not self.is_turn_of_waiters
            self.pump(now)
        if self.waiters and not self.is_scheduled and self.wake(_PORTION, now) >= _PORTION:
            self.host.schedule(self)

    def wake(self, most: int, now: int) -> int:
        """Wakes so many of those who wait at most, as long as there is something for each; how many it were."""
        waiters = self.waiters
        most = min(most, self.lines.deliverable())
        woken = 0
        while woken < most and waiters and self.lines.deliverable() and self.lines.in_flight_total < self.in_flight_max:
            woken += 1
            waiters.popitem(last=False)[0].wake(now)
        return woken

    def serve_soon(self) -> None:
        """The same, in this turn or the next."""
        if self.ring or self.waiters:
            self.host.schedule(self)
