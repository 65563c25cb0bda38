"""What a polled queue holds: its lines, their deadlines, and what of them has left memory. queue.py is what is done
with it.

In memory are all that were received or wait for a time of their own, those with a group, and of the others the head
and what came last (line_pages.py). What is known one by one may let go of its body (bodies.py). Whoever wants what is
next asks `choose`; what is not here is on its way then.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry, is_absent
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.bodies import Bodies
from mqbroker.core.queues.extent import POLLED_TOP, Extent, Place
from mqbroker.core.queues.lanes import KNOWN, LINE, is_known
from mqbroker.core.queues.page import Page, sequence_of
from mqbroker.core.queues.polled.deadlines import Deadlines
from mqbroker.core.queues.polled.group_lines import GroupLine, group_of
from mqbroker.core.queues.polled.host import PollHost
from mqbroker.core.queues.polled.line_pages import LinePages
from mqbroker.core.queues.polled.lines import Lines
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.limits import QUEUE_WINDOW_BYTES

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger
    from mqbroker.core.queues.leftovers import Container

_PLACES_PER_MS = 1 << 20  # how many places a queue may give away on average, in each millisecond of its life


class PolledContents(Queue):
    """The messages of a polled queue."""

    takes_pages = True
    pages_its_line = True
    """Whether whole messages leave memory, and not only bodies."""

    __slots__ = (
        "bodies", "dead_letter_queue", "deadlines", "delay_ms", "in_flight_max", "lines", "pages", "receive_max",
        "settings_of_polling", "visibility_ms",
    )  # fmt: skip

    host: PollHost

    def __init__(self, host: PollHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        Queue.__init__(self, host, ledger, name, number, durable)
        self.lines = self.new_lines()
        self.deadlines = Deadlines(self.lines)
        self.bodies: Bodies | None = None
        self.pages: LinePages | None = None
        self.set_up(PollSettings())
        self.begin_paging()

    def configure(self, spec: QueueSpec) -> None:
        """Takes over what it is to do, as a queue without messages."""
        Queue.configure(self, spec)
        self.set_up(spec.polling)

    def set_up(self, settings: PollSettings) -> None:
        """Takes over settings. `apply` does it for a queue that has messages."""
        self.settings_of_polling = settings
        self.visibility_ms = settings.visibility_ms
        self.delay_ms = settings.delay_ms
        self.deadlines.retention_ms = settings.retention_ms
        self.in_flight_max = settings.in_flight_max
        self.receive_max = settings.receive_max
        self.dead_letter_queue = settings.dead_letter_queue

    def start_from(self, now: int) -> None:
        """Has places grow over restarts and namesakes too, whatever was settled: they go with the time of the start."""
        self.next_sequence = self.first_sequence = max(self.next_sequence, now * _PLACES_PER_MS)
        if self.lines.ungrouped.pages is not None:
            self.deadlines.newest_at = max(self.deadlines.newest_at, now)  # of what is in pages that is not known

    def restore(self, entries: list[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence. `enforce` does what has become due meanwhile."""
        at_the_back = []
        for entry in entries:
            self.next_sequence = max(self.next_sequence, entry.sequence + 1)
            if self.bodies is not None and entry.lsn and is_known(entry):
                self.bodies.note(entry)
            line = self.lines.line_for(group_of(entry.message.properties))
            if entry.first_taken_at and not entry.held_until and not self.lines.counts_for_age(entry):
                at_the_back.append(entry)
            else:
                self.restore_to(line, entry)
        for entry in at_the_back:
            self.put_to_the_back(entry)
            self.lines.note_taken(entry)
        for line in self.lines.groups.values():
            self.lines.place(line)

    def restore_to(self, line: GroupLine, entry: Entry) -> None:
        """Takes over one entry, as it was: delayed, in flight, visible again, or visible."""
        if not entry.first_taken_at and not entry.held_until:
            self.lines.show(entry, line, entry.sequence)
            self.watch_if_odd(entry, line)
            return
        self.deadlines.note_arrival(entry)
        self.lines.restore(entry, line)
        self.watch(entry)

    def new_lines(self) -> Lines:
        """Lines without anything in them."""
        return Lines(self.ledger)

    def empty(self) -> "list[Container]":
        """Lets go of everything: what held it, to be freed by the caller."""
        held: list[Container] = [self.deadlines.heap, *self.lines.let_go()]
        if self.bodies is not None:
            held += self.bodies.drop()
        self.bodies = self.pages = None
        self.lines = self.new_lines()
        self.deadlines = Deadlines(self.lines, self.deadlines.retention_ms, self.deadlines.newest_at)
        return held

    def renumber(self, next_number: Callable[[], int]) -> None:
        """The journal forgets the entries of the queue, which goes on under another number."""
        self.ledger.forget(self.number)
        self.number = next_number()
        self.begin_paging()

    # --- what is known ----------------------------------------------------------------------------------------------

    @property
    def byte_count(self) -> int:
        """Bytes of the bodies of all visible entries."""
        return self.lines.byte_count

    def waiting_count(self) -> int:
        """How many entries may be delivered now, or once they are in memory."""
        return self.lines.deliverable() + self.lines.coming_total

    def waiting(self) -> list[Entry]:
        """Every visible entry, oldest first."""
        return self.peek(self.lines.visible_total)

    def look(self, offset: int, count: int) -> list[Entry]:
        """So many of these entries, from the one at `offset` on."""
        return self.peek(offset + count)[offset:]

    def peek(self, count_max: int) -> list[Entry]:
        """The first visible entries, as they would be received if no group stood in another's way."""
        found = self.lines.first_entries(count_max)
        for entry in found:
            self.read_body(entry)
        return found

    def read_body(self, entry: Entry) -> None:
        """Brings the body of an entry at once, if it is not in memory."""
        if is_absent(entry):
            assert self.bodies is not None
            self.bodies.read(entry)

    def visible_count(self) -> int:
        """How many entries are neither in flight nor delayed."""
        return self.lines.visible_total

    def in_flight_count(self) -> int:
        """How many entries were received and may still be settled by who has them."""
        return self.lines.in_flight_total

    def delayed_count(self) -> int:
        """How many entries are kept back."""
        return self.lines.delayed_total

    def find(self, sequence: int) -> Entry | None:
        """The entry of that sequence if it was received and is not settled: in flight or visible again."""
        return self.lines.find(sequence)

    # --- pages ------------------------------------------------------------------------------------------------------

    def begin_paging(self) -> None:
        """From here on its messages may leave memory."""
        if self.is_recorded and self.ledger.window:
            self.ledger.watch(self, POLLED_TOP)
            self.bodies = Bodies(self.ledger, self.number, self.measure)
            self.deadlines.pages = self.pages = LinePages(self) if self.pages_its_line else None

    def measure(self) -> tuple[int, int]:
        """How many messages there are, and the octets of those that are visible."""
        return self.lines.total(), self.lines.byte_count

    def page_out(self, extent: Extent, place: Place, window: int, least: int) -> int:
        """Lets go of what the journal has at that place, but for the first; how many that were."""
        if self.is_deleted or extent.top != POLLED_TOP or self.bodies is None:
            return 0
        if extent.lane == KNOWN:
            return self.bodies.page_out(extent, place, window, least)
        if self.pages is None:
            return 0
        count, byte_count = self.lines.ungrouped.visible, self.lines.byte_count
        if byte_count > QUEUE_WINDOW_BYTES:
            window = min(window, max(1, QUEUE_WINDOW_BYTES * count // byte_count))
        return self.pages.page_out(extent, place, window, least) if count > window else 0

    def warm(self, count: int = 1) -> bool:
        """Somebody wants what is next of the line: whether so many are in memory, or all there are."""
        pages = self.pages
        if pages is None or self.lines.ungrouped.pages is None or pages.has(count):
            return True
        pages.read_ahead()
        return pages.has(count)

    @property
    def is_coming(self) -> bool:
        """Whether something that may be delivered is on its way from the disk."""
        return bool(self.lines.coming) or (self.pages is not None and self.pages.reads > 0)

    def choose(self) -> GroupLine | None:
        """The line whose first message is next; None when there is none, or none is in memory."""
        while True:
            line = self.lines.choose()
            if line is None or not is_absent(line.peek()):
                return line
            self.bring(line)

    def bring(self, line: GroupLine) -> None:
        """The body of the first message of a line is not in memory: it stands aside until it is."""
        assert self.bodies is not None
        line.is_coming = True
        self.lines.coming[line] = None
        self.lines.place(line)
        self.bodies.fetch(line.peek(), lambda: self.has_come(line))

    def has_come(self, line: GroupLine) -> None:
        """What is next in a line is in memory again."""
        if line in self.lines.coming:
            line.is_coming = False
            del self.lines.coming[line]
            self.lines.place(line)
            self.host.schedule(self)

    def restore_pages(self, pages: list[Page], entries: list[Entry]) -> None:
        """Takes over what the journal kept, with what was left on the disk."""
        own = []
        for page in pages:
            self.next_sequence = max(self.next_sequence, page.last + 1)
            if page.top == POLLED_TOP and page.lane == LINE and self.pages is not None:
                own.append(page)
                continue
            read = self.ledger.read(page)
            if self.bodies is not None and page.place is not None:
                self.bodies.let_go(page.place, read)
            entries += read
        entries.sort(key=sequence_of)
        if entries:
            self.next_sequence = max(self.next_sequence, entries[-1].sequence + 1)
        if not own:
            self.restore(entries)
            return
        self.restore([entry for entry in entries if not _stands_in_line(entry)])
        self.restore_line(own, [entry for entry in entries if _stands_in_line(entry)])

    def restore_line(self, pages: list[Page], entries: list[Entry]) -> None:
        """The same for those that stand in the line and were not taken."""
        assert self.pages is not None
        lines = self.lines
        self.pages.restore(pages, entries)
        lines.visible_total += len(entries) + sum([page.count for page in pages])
        lines.byte_count += sum([entry.message.size for entry in entries]) + sum([page.byte_count for page in pages])
        for entry in entries:
            self.watch_if_odd(entry, lines.ungrouped)
        lines.place(lines.ungrouped)

    # --- deadlines --------------------------------------------------------------------------------------------------

    def put_to_the_back(self, entry: Entry) -> None:
        """Makes an entry visible after all others of its group."""
        line = self.lines.line_for(group_of(entry.message.properties))
        place = self.next_sequence
        self.next_sequence = place + 1
        self.lines.note(entry, line)
        self.lines.show_again(entry, line, place)
        self.watch(entry)

    def has_expired(self, entry: Entry, now: int) -> bool:
        """Whether an entry has been kept for as long as it is to be."""
        return self.deadlines.expiry(entry) <= now

    def watch(self, entry: Entry) -> None:
        """The next deadline of a noted entry has changed."""
        self.arm(self.deadlines.add(entry))

    def watch_if_odd(self, entry: Entry, line: GroupLine) -> None:
        """A visible entry that may expire before those that stand before it is noted for that."""
        if self.deadlines.is_odd(entry):
            self.lines.note(entry, line)
            self.watch(entry)
        self.deadlines.note_arrival(entry)

    def next_deadline(self) -> int:
        """When something is due next, 0 for never."""
        return self.deadlines.next()

    def rearm(self) -> None:
        """Arms the timer for what is due next, unless it is armed early enough already."""
        deadline = self.next_deadline()
        if deadline:
            self.arm(deadline)


def _stands_in_line(entry: Entry) -> bool:
    """Whether an entry that the journal kept belongs between the pages of the line."""
    return not (entry.held_until or entry.first_taken_at or group_of(entry.message.properties))
