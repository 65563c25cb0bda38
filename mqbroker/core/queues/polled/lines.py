"""Where every entry of a polled queue is, and which is next: the part of the queue that knows no time.

Entries stand in lines, one for each message group, and one for all that have no group. `choose` finds the line whose
first entry is the oldest, in a heap of the places of first entries; what the heap holds beyond that is recognised by
having no line in `heads`. An entry that was received, or is delayed, is known by its sequence (`noted`) until it is
settled; an entry that nobody has received yet stands in its line only.

Groups are fair (SQS fair queues): a group is noisy when it has more than a tenth of what is in flight, and thirty
messages at least. It is served when no quiet group has anything, so lines of noisy groups stand aside in `noisy`. There
are never more than nine that really are; those that have become quiet because others took more are found by
`release_quiet`.
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush, nsmallest
from itertools import chain
from operator import methodcaller
from typing import TYPE_CHECKING

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import GONE, Entry
from mqbroker.core.queues.polled.group_lines import GroupLine
from mqbroker.core.queues.polled.settings import GroupCounts
from mqbroker.limits import NOISY_GROUP_IN_FLIGHT_MIN, NOISY_GROUP_SHARE, RECEIVES_IN_PLACE

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container

# C integers when compiled
_NOISY_SHARE = NOISY_GROUP_SHARE
_NOISY_MIN = NOISY_GROUP_IN_FLIGHT_MIN
_RECEIVES_IN_PLACE = RECEIVES_IN_PLACE
_GONE = GONE
_SLACK = 64  # items beyond twice the needed ones before a heap is made anew


class Lines:
    """The lines of one queue. `byte_count` is what the bodies of all visible entries amount to."""

    __slots__ = (
        "byte_count", "coming", "coming_total", "delayed_total", "groups", "groups_in_flight", "heads",
        "in_flight_total", "ledger", "noisy", "noted", "places", "ready", "taken", "ungrouped", "visible_total",
    )  # fmt: skip

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ungrouped = GroupLine("")
        self.groups: dict[str, GroupLine] = {"": self.ungrouped}
        self.heads: dict[int, GroupLine] = {}
        """Per place of a first entry its line, for the quiet lines that may deliver."""
        self.ready: list[int] = []
        """A heap of these places, and of places that mean nothing any more."""
        self.noisy: dict[GroupLine, None] = {}
        self.noted: dict[int, Entry] = {}
        """Per sequence the entries that were received, are delayed, or expire out of turn."""
        self.places: dict[int, GroupLine] = {}
        """Per sequence the line of those of them that have a group."""
        self.taken: list[int] = []
        """A heap of the sequences that were received, for the age of the oldest; some of them are settled."""
        self.coming: dict[GroupLine, None] = {}
        """Lines that stand aside because what is next in them is not in memory."""
        self.coming_total = 0
        """The visible entries of these."""
        self.visible_total = 0
        self.in_flight_total = 0
        self.delayed_total = 0
        self.groups_in_flight = 0
        self.byte_count = 0

    def let_go(self) -> "list[Container]":
        """What holds it all, to be freed by the caller. It is not used any more."""
        return [self.groups, self.heads, self.ready, self.noisy, self.noted, self.places, self.taken, self.coming]

    def total(self) -> int:
        """How many entries there are, visible, in flight, and delayed."""
        return self.visible_total + self.in_flight_total + self.delayed_total

    def deliverable(self) -> int:
        """How many entries may be delivered now."""
        return self.visible_total - self.coming_total

    # --- lines ------------------------------------------------------------------------------------------------------

    def line_for(self, group: str) -> GroupLine:
        """The line of a group, made when there is none."""
        line = self.groups.get(group)
        if line is None:
            line = self.groups[group] = GroupLine(group)
        return line

    def line_of(self, entry: Entry) -> GroupLine:
        """The line of an entry that is noted."""
        line = self.places.get(entry.sequence)
        return self.ungrouped if line is None else line

    def show(self, entry: Entry, line: GroupLine, place: int) -> None:
        """An entry is visible from now on."""
        line.add(place, entry)
        self.visible_total += 1
        self.byte_count += entry.message.size
        if not line.key or place < line.key:
            self.place(line)

    def show_again(self, entry: Entry, line: GroupLine, place: int) -> None:
        """An entry that was taken or held is visible."""
        line.bring_back(place, entry)
        self.visible_total += 1
        self.byte_count += entry.message.size
        if not line.key or place < line.key:
            self.place(line)

    def hide(self, entry: Entry, _line: GroupLine) -> None:
        """A visible entry was taken out of its line (`GroupLine.pop`)."""
        self.visible_total -= 1
        self.byte_count -= entry.message.size

    def add_delayed(self, entry: Entry, line: GroupLine) -> None:
        """An entry is kept back."""
        held_until = entry.held_until
        line.delayed_until = max(line.delayed_until, held_until) if line.delayed else held_until
        line.delayed += 1
        self.delayed_total += 1

    def end_delay(self, entry: Entry) -> GroupLine:
        """It is kept back no longer, and stands in its line only, which has to be told."""
        line = self.line_of(entry)
        self.delayed_total -= 1
        line.delayed -= 1
        entry.held_until = 0
        self.noted.pop(entry.sequence)
        self.places.pop(entry.sequence, None)
        return line

    def add_in_flight(self, line: GroupLine, _entry: Entry) -> None:
        """One more entry of the line is in flight."""
        self.in_flight_total += 1
        line.in_flight += 1
        if line.in_flight == 1 and line.name:
            self.groups_in_flight += 1

    def remove_in_flight(self, line: GroupLine, _entry: Entry) -> None:
        """One entry less of the line is in flight."""
        self.in_flight_total -= 1
        line.in_flight -= 1
        if line.in_flight == 0 and line.name:
            self.groups_in_flight -= 1

    def place(self, line: GroupLine) -> None:
        """Lets the line be found under its first entry, or stand aside; called after every change of it."""
        place = line.first()
        if line.is_coming or line.away:
            self.put_aside(line)
            if line.is_coming:
                place = 0
        if not line.is_coming and self.is_noise(line):
            self.noisy[line] = None
            place = 0
        elif self.noisy:
            self.noisy.pop(line, None)
        self.register(line, place)

    def put_aside(self, line: GroupLine) -> None:
        """Counts a line that waits for what is next in it, or does not any more."""
        away = line.visible if line.is_coming else 0
        self.coming_total += away - line.away
        line.away = away
        if line.is_coming:
            self.coming[line] = None
        else:
            self.coming.pop(line, None)

    def register(self, line: GroupLine, place: int) -> None:
        """Lets `choose` find the line under a place; under none for 0."""
        if place == line.key:
            return
        heads = self.heads
        if line.key:
            del heads[line.key]
        line.key = place
        if place:
            heads[place] = line
            heappush(self.ready, place)
            if len(self.ready) > 2 * len(heads) + _SLACK:
                self.ready = list(heads)
                heapify(self.ready)

    def choose(self) -> GroupLine | None:
        """The line whose first entry is the next to be delivered, or None when nothing may be."""
        ready = self.ready
        while ready:
            line = self.heads.get(ready[0])
            if line is None:
                heappop(ready)
            elif line.in_flight >= _NOISY_MIN and self.is_noise(line):  # since others came, or settled theirs
                self.place(line)
            else:
                return line
        return self.least_noisy() if self.noisy else None

    def place_or_drop(self, line: GroupLine) -> None:
        """After an entry has left: places the line, and drops it when nothing is left of its group."""
        self.place(line)
        if not line.visible and not line.in_flight and not line.delayed and line is not self.ungrouped:
            del self.groups[line.name]

    # --- noise ------------------------------------------------------------------------------------------------------

    def is_noise(self, line: GroupLine) -> bool:
        """Whether a group has so much in flight that others go first. There must be others."""
        if line.in_flight < _NOISY_MIN or line.in_flight * _NOISY_SHARE <= self.in_flight_total or not line.name:
            return False
        return len(self.groups) > 2 or self.ungrouped.visible > 0 or self.ungrouped.in_flight > 0

    def release_quiet(self) -> None:
        """Puts back the lines that have become quiet."""
        for line in list(self.noisy):
            if not self.is_noise(line):
                self.place(line)

    def least_noisy(self) -> GroupLine | None:
        """Of the noisy lines the one with the oldest first entry."""
        found, lowest = None, 0
        for line in self.noisy:
            place = line.first()
            if place and (not lowest or place < lowest):
                found, lowest = line, place
        return found

    # --- entries ----------------------------------------------------------------------------------------------------

    def note(self, entry: Entry, line: GroupLine) -> None:
        """The entry has to be found by its sequence."""
        self.noted[entry.sequence] = entry
        if line is not self.ungrouped:
            self.places[entry.sequence] = line

    def is_noted(self, entry: Entry) -> bool:
        """Whether the entry is in the queue, for one that was noted at some time."""
        return self.noted.get(entry.sequence) is entry

    def leave(self, entry: Entry) -> None:
        """The entry is settled. Its line has to be told by the caller, before it is tidied."""
        self.noted.pop(entry.sequence, None)
        if self.places:
            self.places.pop(entry.sequence, None)
        entry.held_until = _GONE
        if entry.lsn:
            self.ledger.settle(entry)

    def restore(self, entry: Entry, line: GroupLine) -> None:
        """Takes over an entry that is noted, as it was: delayed, in flight, or visible again."""
        self.note(entry, line)
        if not entry.first_taken_at:
            self.add_delayed(entry, line)
            return
        self.note_taken(entry)
        if entry.held_until:
            self.add_in_flight(line, entry)
        else:
            self.show_again(entry, line, entry.sequence)

    def remove_held(self, entry: Entry) -> None:
        """An entry that a consumer holds is settled."""
        line = self.line_of(entry)
        self.remove_in_flight(line, entry)
        self.leave(entry)
        self.place_or_drop(line)

    def drop_first(self, line: GroupLine) -> None:
        """The first entry of a line has expired, and is settled."""
        entry = line.pop()
        self.hide(entry, line)
        self.leave(entry)
        self.place_or_drop(line)

    def remove_noted(self, entry: Entry) -> None:
        """An entry that is in flight, delayed, or visible again is settled, wherever it is."""
        line = self.line_of(entry)
        if entry.held_until == 0 and entry.consumer is None:
            line.visible -= 1  # it stays in the line, GONE
            self.hide(entry, line)
        elif entry.first_taken_at:
            self.remove_in_flight(line, entry)
        else:
            self.delayed_total -= 1
            line.delayed -= 1
        self.leave(entry)
        self.place_or_drop(line)

    # --- what is known ----------------------------------------------------------------------------------------------

    def find(self, sequence: int) -> Entry | None:
        """The entry of that sequence if it was received and is not settled: in flight or visible again."""
        entry = self.noted.get(sequence)
        return entry if entry is not None and entry.first_taken_at else None

    def is_in_flight(self, entry: Entry) -> bool:
        """Whether somebody has the entry."""
        return bool(entry.held_until > 0 or entry.consumer is not None) and self.is_noted(entry)

    def first_entries(self, count_max: int) -> list[Entry]:
        """The first visible entries, as they would be received if no group stood in another's way."""
        found = chain.from_iterable(map(methodcaller("entries", count_max), self.groups.values()))
        return [entry for _, entry in nsmallest(count_max, found)]

    def counts_for_age(self, entry: Entry) -> bool:
        """Whether an entry is not yet known to fail again and again, and to be passed over."""
        return entry.attempts < _RECEIVES_IN_PLACE

    def oldest_sent_at(self) -> int:
        """When the oldest message that is visible or in flight was sent, in milliseconds; 0 for none.

        Those that failed too often do not count.
        """
        return _least([self._sent_at(line) for line in self.groups.values()])

    def _sent_at(self, line: GroupLine) -> int:
        untouched = line.oldest_sent_at()
        return _least((untouched, self._taken_at())) if line is self.ungrouped else untouched

    def _taken_at(self) -> int:
        """When the oldest message that was received was sent; in whatever line it is."""
        while self.taken:
            entry = self.noted.get(self.taken[0])
            if entry is not None and self.counts_for_age(entry):
                return entry.message.received_at
            heappop(self.taken)
        return 0

    def note_taken(self, entry: Entry) -> None:
        """The entry is received for the first time."""
        heappush(self.taken, entry.sequence)
        if len(self.taken) > 2 * len(self.noted) + _SLACK:
            self.taken = sorted([sequence for sequence in self.taken if sequence in self.noted])

    def group_counts(self) -> GroupCounts:
        """What the groups amount to."""
        noisy = [line for line in self.groups.values() if self.is_noise(line)]
        return GroupCounts(
            in_flight=self.groups_in_flight,
            noisy=len(noisy),
            visible_in_quiet=self.visible_total - sum([line.visible for line in noisy]),
            in_flight_in_quiet=self.in_flight_total - sum([line.in_flight for line in noisy]),
            delayed_in_quiet=self.delayed_total - sum([line.delayed for line in noisy]),
            oldest_sent_at_in_quiet=_least([self._sent_at(line) for line in self.groups.values() if line not in noisy]),
        )


def _least(times: Iterable[int]) -> int:
    return min([time for time in times if time], default=0)
