"""A polled queue that keeps the order of each message group and takes no message twice: what SQS calls a FIFO queue.

What is in flight locks what follows in its group: that is delivered when all before it is settled, or was visible
again and delivered first. One receive may take several messages of a group, and goes on with other groups.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry, Message, is_absent
from mqbroker.core.queues import telling
from mqbroker.core.queues.polled.deduplication import Deduplication, deduplication_id_of
from mqbroker.core.queues.polled.group_lines import GroupLine, group_of
from mqbroker.core.queues.polled.host import PollHost
from mqbroker.core.queues.polled.lines import Lines
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.queues.purge import Done, Purge
from mqbroker.limits import PORTION

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger
    from mqbroker.core.queues.leftovers import Container

_PORTION = PORTION  # a C integer when compiled


class FifoLines(Lines):
    """Lines of groups that are locked by what is in flight."""

    __slots__ = ("blocked", "held", "queue")

    def __init__(self, queue: "FifoQueue") -> None:
        Lines.__init__(self, queue.ledger)
        self.queue = queue
        self.blocked = 0
        """Visible entries of groups that are locked."""
        self.held: set[int] = set()
        """The sequences of all entries in flight."""

    def deliverable(self) -> int:
        """How many entries may be delivered now: those of groups that are not locked."""
        return self.visible_total - self.blocked

    def add_in_flight(self, line: GroupLine, entry: Entry) -> None:
        if line.held is None:
            line.held = []
        heappush(line.held, entry.sequence)
        self.held.add(entry.sequence)
        Lines.add_in_flight(self, line, entry)

    def remove_in_flight(self, line: GroupLine, entry: Entry) -> None:
        self.held.discard(entry.sequence)
        Lines.remove_in_flight(self, line, entry)

    def lock_of(self, line: GroupLine) -> int:
        """The first entry of the group in flight, by its sequence: nothing after it is delivered. 0 for none."""
        held = line.held
        while held and held[0] not in self.held:
            heappop(held)
        return held[0] if held else 0

    def is_noise(self, _line: GroupLine) -> bool:
        """Never: a locked group lets the others go first anyway."""
        return False

    def place(self, line: GroupLine) -> None:
        """Lets the line be found unless its first entry has to wait: in the order of first entries, but one that came
        back stands after all groups that were there then. What always fails must not keep out the others."""
        first = line.first()
        if first:
            self.watch_first(line)
        if line.is_coming or (line.in_flight and 0 < self.lock_of(line) < first):
            first = 0
        blocked = 0 if first else line.visible
        self.blocked += blocked - line.blocked
        line.blocked = blocked
        if first and line.turn:
            entry = line.peek()
            first = line.turn if entry.first_taken_at else first
        self.register(line, first)

    def watch_first(self, line: GroupLine) -> None:
        """Has the first entry of a line expire in time: it may be older than that of a line whose turn is earlier."""
        entry = line.peek()
        if not self.is_noted(entry):
            self.note(entry, line)
            self.queue.watch(entry)

    def counts_for_age(self, _entry: Entry) -> bool:
        """Always: nothing may be passed over."""
        return True


class FifoQueue(PolledQueue):
    """A FIFO queue. `identify` it before anything else."""

    role = "fifo"
    pages_its_line = False

    __slots__ = ("deduplicates_by_content", "deduplication")

    lines: FifoLines

    def __init__(self, host: PollHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        self.deduplication = Deduplication(ledger, 0, False)
        PolledQueue.__init__(self, host, ledger, name, number, durable)

    def new_lines(self) -> Lines:
        """Lines without anything in them. Those of a deleted queue lock nothing, and do not keep it."""
        return Lines(self.ledger) if self.is_deleted else FifoLines(self)

    def identify(self, number: int) -> None:
        """The number under which the journal keeps the deduplication ids."""
        self.deduplication = Deduplication(self.ledger, number, self.is_recorded)
        self.deduplication.configure(self.settings_of_polling.deduplicates_by_group)

    def renumber(self, next_number: Callable[[], int]) -> None:
        """The same; and so do the deduplication ids."""
        PolledQueue.renumber(self, next_number)
        self.ledger.forget(self.deduplication.number)
        self.identify(next_number())

    def set_up(self, settings: PollSettings) -> None:
        PolledQueue.set_up(self, settings)
        self.deduplicates_by_content = settings.deduplicates_by_content
        self.deduplication.configure(settings.deduplicates_by_group)

    def apply(self, settings: PollSettings, now: int) -> None:
        self.deduplication.expire(now, _PORTION)
        PolledQueue.apply(self, settings, now)

    def empty(self) -> "list[Container]":
        return [*PolledQueue.empty(self), *self.deduplication.let_go()]

    def purge(self, _now: int, done: Done) -> int:
        """The same; the deduplication ids count no more, so that what a test or an operator has cleared can be sent
        again."""
        count: int = self.lines.total()
        if count or len(self.deduplication):
            self.start_over()
        self.counts.purged += count
        telling.purged(self, count)
        self.host.schedule(Purge(self.ledger, [], done))
        return count

    def forget(self) -> None:
        self.ledger.forget(self.deduplication.number)
        PolledQueue.forget(self)

    def restore_deduplication(self, markers: list[Entry], now: int) -> None:
        """Takes over the deduplication ids that the journal kept."""
        self.next_sequence = max(self.next_sequence, self.deduplication.restore(markers, now) + 1)

    # --- coming in --------------------------------------------------------------------------------------------------

    def send(self, message: Message, now: int, delay_ms: int = -1) -> Entry:
        """The same; but a message with a deduplication id that counts still is not taken. Then the result is a stand-in
        for the original: an entry with its sequence, whose message's properties know its message id."""
        name = deduplication_id_of(message, self.deduplicates_by_content)
        if not name:
            return PolledQueue.send(self, message, now, delay_ms)
        group = group_of(message.properties)
        original = self.deduplication.find(group, name, now)
        if original is not None:
            self.deduplicated_count += 1
            return original
        entry = PolledQueue.send(self, message, now, delay_ms)
        self.deduplication.note(group, name, entry, now)
        self.rearm()
        return entry

    def enter(self, message: Message, line: GroupLine, now: int, delay_ms: int, ttl_ms: int) -> Entry:
        """Never visible before an older message of its group, although the queue's delay may have been made shorter."""
        if line.delayed:
            delay_ms = max(delay_ms, line.delayed_until - now)
        return PolledQueue.enter(self, message, line, now, delay_ms, ttl_ms)

    def redriven_sent_at(self, _entry: Entry, now: int) -> int:
        """From when on a dead letter is kept: since it was moved."""
        return now

    # --- lines ------------------------------------------------------------------------------------------------------

    def receive_from(self, line: GroupLine, found: list[Entry], count_max: int, held_until: int, now: int) -> None:
        """Takes as many of the group as are wanted, in order."""
        lock = self.lines.lock_of(line)
        while len(found) < count_max and self.lines.in_flight_total < self.in_flight_max:
            first = line.first()
            if not first or 0 < lock < first or is_absent(line.peek()):
                break
            PolledQueue.receive_from(self, line, found, count_max, held_until, now)

    def bring_back(self, entry: Entry) -> None:
        """The same; a group whose first entry it is goes after the others."""
        line = self.lines.line_of(entry)
        first = line.first()
        if not first or entry.sequence < first:
            line.turn = self.next_sequence
            self.next_sequence = line.turn + 1
        PolledQueue.bring_back(self, entry)

    # --- deadlines --------------------------------------------------------------------------------------------------

    def do_due(self, now: int, most: int) -> int:
        done = self.deduplication.expire(now, most)
        return done + PolledQueue.do_due(self, now, most - done)

    def next_deadline(self) -> int:
        found = PolledQueue.next_deadline(self)
        deduplication = self.deduplication.next_deadline()
        return min(found, deduplication) if found and deduplication else found or deduplication
