"""When something happens to the entries of a polled queue: delays end, who received a message loses it, all expire.

Deadlines stand in one heap, as time and sequence. Each noted entry has an item for the next thing that happens to it;
whatever else is in the heap is outdated, and recognised by the entry. A visible entry that nobody received yet needs no
item: it is older than all behind it, so it expires at the front of its line. One that is not is noted for it.
"""

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.polled.group_lines import GroupLine, group_of
from mqbroker.core.queues.polled.grouped import GroupedQueue
from mqbroker.limits import PORTION, RETENTION_MS

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger
    from mqbroker.core.queues.leftovers import Container

_PORTION = PORTION  # a C integer when compiled
_SLACK = 64  # items beyond twice the needed ones before the heap is made anew


class TimedQueue(GroupedQueue):
    """A queue whose entries have deadlines. Subclassed by those that clients poll."""

    __slots__ = ("deadlines", "newest_at", "retention_ms")

    deadlines: list[tuple[int, int]]

    def __init__(self, host: QueueHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        GroupedQueue.__init__(self, host, ledger, name, number, durable)
        self.newest_at = 0
        """When the newest message so far was sent."""
        self.retention_ms = RETENTION_MS

    def serve(self, now: int) -> None:
        """Something may be visible: to be given to those who wait. Overridden."""

    def empty_lines(self) -> None:
        """The queue holds nothing."""
        GroupedQueue.empty_lines(self)
        self.deadlines = []

    def empty(self) -> "list[Container]":
        """Lets go of everything."""
        return [self.deadlines, *GroupedQueue.empty(self)]

    def restore(self, entries: list[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence. `enforce` does what has become due meanwhile."""
        at_the_back = []
        for entry in entries:
            self.next_sequence = entry.sequence + 1
            line = self.line_for(group_of(entry.message.properties))
            if entry.first_taken_at and not entry.held_until and self.goes_to_the_back(entry):
                at_the_back.append(entry)
            else:
                self.restore_to(line, entry)
        for entry in at_the_back:
            self.put_to_the_back(entry)
            self.note_taken(entry)
        for line in self.lines.values():
            self.place(line)

    def restore_to(self, line: GroupLine, entry: Entry) -> None:
        """Takes over one entry, as it was: delayed, in flight, visible again, or visible."""
        if not entry.first_taken_at and not entry.held_until:
            self.show(entry, line, entry.sequence)
            self.watch_if_odd(entry, line)
            return
        self.see(entry)
        self.note(entry, line)
        if not entry.first_taken_at:
            self.add_delayed(entry, line)
        else:
            self.note_taken(entry)
            if entry.held_until:
                self.add_in_flight(line, entry)
            else:
                self.show(entry, line, entry.sequence)
        self.watch(entry)

    # --- states -----------------------------------------------------------------------------------------------------

    def add_delayed(self, entry: Entry, line: GroupLine) -> None:
        """An entry is kept back."""
        held_until = entry.held_until
        line.delayed_until = max(line.delayed_until, held_until) if line.delayed else held_until
        line.delayed += 1
        self.delayed_total += 1

    def bring_back(self, entry: Entry) -> None:
        """An entry that was in flight is visible again: at its old place, or at the back if it failed too often."""
        line = self.line_of(entry)
        self.remove_in_flight(line, entry)
        entry.held_until = 0
        if self.goes_to_the_back(entry):
            self.put_to_the_back(entry)
        else:
            self.show(entry, line, entry.sequence)
            self.watch(entry)
        self.place(line)

    def goes_to_the_back(self, entry: Entry) -> bool:
        """Whether an entry that is visible again lets all others go first."""
        return not self.counts_for_age(entry)

    def put_to_the_back(self, entry: Entry) -> None:
        """Makes an entry visible behind all others of its group."""
        line = self.line_for(group_of(entry.message.properties))
        place = self.next_sequence
        self.next_sequence = place + 1
        self.note(entry, line)
        self.show(entry, line, place)
        self.watch(entry)

    # --- deadlines --------------------------------------------------------------------------------------------------

    def expiry(self, entry: Entry) -> int:
        """When the entry is to be gone, received or not."""
        kept_until: int = entry.message.received_at + self.retention_ms
        return entry.expires_at if 0 < entry.expires_at < kept_until else kept_until

    def deadline(self, entry: Entry) -> int:
        """When something happens to an entry that is noted."""
        expiry = self.expiry(entry)
        return entry.held_until if 0 < entry.held_until < expiry else expiry

    def watch(self, entry: Entry) -> None:
        """The next deadline of a noted entry has changed."""
        deadline = self.deadline(entry)
        heappush(self.deadlines, (deadline, entry.sequence))
        if len(self.deadlines) > 2 * len(self.noted) + _SLACK:
            self.renew_deadlines()
        if not self.armed_at or deadline < self.armed_at:
            self.arm(deadline)

    def watch_if_odd(self, entry: Entry, line: GroupLine) -> None:
        """A visible entry that may expire before those that stand before it is noted for that."""
        if entry.message.received_at < self.newest_at or entry.expires_at:
            self.note(entry, line)
            self.watch(entry)
        self.see(entry)

    def see(self, entry: Entry) -> None:
        """An entry has a place from now on, in the order of places: what comes later may be older all the same."""
        if entry.message.received_at > self.newest_at:
            self.newest_at = entry.message.received_at

    def renew_deadlines(self) -> None:
        """Makes the heap anew, without what is outdated."""
        self.deadlines = [
            (self.deadline(entry), sequence) for sequence, entry in self.noted.items() if entry.consumer is None
        ]
        heapify(self.deadlines)

    def enforce(self, now: int) -> None:
        """A restart or a change of settings: does what has become due."""
        self.expire(now)

    def expire(self, now: int) -> None:
        """Does what is due, after the first portion in turn with others, and arms the timer for the next deadline."""
        if not self.is_scheduled and self.do_due(now, _PORTION) >= _PORTION:
            self.host.schedule(self)
        self.serve(now)
        self.rearm()

    def do_due(self, now: int, most: int) -> int:
        """Does what is due, so much at most; how much it was."""
        done = 0
        while done < most and self.deadlines and self.deadlines[0][0] <= now:
            done += 1
            deadline, sequence = heappop(self.deadlines)
            entry = self.noted.get(sequence)
            if entry is not None and entry.consumer is None and self.deadline(entry) == deadline:
                self.fall_due(entry, now)
        return done + self.sweep(now, most - done)

    def fall_due(self, entry: Entry, now: int) -> None:
        """The deadline of a noted entry has passed: it expires, or it is visible."""
        if self.expiry(entry) <= now:
            self.counts.expired += 1
            self.remove_noted(entry)
        elif entry.first_taken_at:
            self.counts.returned += 1
            self.bring_back(entry)
        else:
            line = self.line_of(entry)
            self.delayed_total -= 1
            line.delayed -= 1
            entry.held_until = 0
            self.noted.pop(entry.sequence)
            self.places.pop(entry.sequence, None)
            self.show(entry, line, entry.sequence)
            self.watch_if_odd(entry, line)

    def sweep(self, now: int, most: int) -> int:
        """Settles what has expired at the front of the lines, so much at most; how much it was."""
        done = 0
        while done < most:
            line = self.choose()
            if line is None or self.expiry(line.peek()) > now:
                break
            self.drop_first(line)
            done += 1
        for line in list(self.noisy):
            while done < most and line.first() and self.expiry(line.peek()) <= now:
                self.drop_first(line)
                done += 1
        return done

    def drop_first(self, line: GroupLine) -> None:
        """The first entry of a line has expired, and is settled."""
        self.counts.expired += 1
        entry = line.pop()
        self.hide(entry, line)
        self.leave(entry)
        self.tidy(line)

    def next_deadline(self) -> int:
        """When something is due next, 0 for never."""
        deadlines = self.deadlines
        while deadlines:
            deadline, sequence = deadlines[0]
            entry = self.noted.get(sequence)
            if entry is not None and entry.consumer is None and self.deadline(entry) == deadline:
                break
            heappop(deadlines)
        line = self.choose()
        found: int = deadlines[0][0] if deadlines else 0
        if line is not None:
            expiry = self.expiry(line.peek())
            if not found or expiry < found:
                return expiry
        return found

    def rearm(self) -> None:
        """Arms the timer for what is due next, unless it is armed early enough already."""
        deadline = self.next_deadline()
        if deadline and (not self.armed_at or deadline < self.armed_at):
            self.arm(deadline)

    def arm(self, deadline: int) -> None:
        """Has `expire` called then, if not earlier."""
        if not self.armed_at or deadline < self.armed_at:
            self.armed_at = deadline
            self.host.arm(self, deadline)
