"""Bodies that have left memory for the journal: for those who know every entry of theirs, and only must not have all
bodies in memory.

An entry whose body has left has a message of its own without one (`is_absent`); whoever wants to deliver it has it
fetched first. What stands in one stretch of the journal leaves together, as a parcel, and comes back together.

    note(entry) --> page_out: in a parcel, absent --> fetch(entry, done): read in a thread --> done()
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import GONE, Entry, give_body, is_absent, without_body
from mqbroker.core.queues.extent import Extent, Place
from mqbroker.core.queues.lanes import KNOWN
from mqbroker.core.queues.page import Loaded, Page, sequence_of
from mqbroker.limits import BODIES_KEPT_MIN, BODY_BYTES_MIN, QUEUE_WINDOW_BYTES

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container

Came = Callable[[], object]
Measure = Callable[[], tuple[int, int]]
"""How many entries there are, and the octets of their bodies."""


class Parcel:
    """Entries whose bodies stand at one place."""

    __slots__ = ("entries", "is_coming", "number", "place", "waiting")

    def __init__(self, number: int, place: Place) -> None:
        self.number = number
        self.place = place
        self.entries: list[Entry] = []
        self.is_coming = False
        self.waiting: list[Came] = []


class Bodies:
    """The bodies of one queue, as far as they are known one by one. A `Pageable` for what has no queue of its own."""

    __slots__ = ("_fresh", "_last", "_ledger", "_numbers", "_parcels", "lane", "measure", "number")

    def __init__(self, ledger: Ledger, number: int, measure: Measure, lane: int = KNOWN) -> None:
        """`lane` is the one in which its entries stand."""
        self.number = number
        self.lane = lane
        self._ledger = ledger
        self.measure = measure
        self._fresh: list[Entry] = []
        """Those whose bodies have not been asked for yet, in order."""
        self._parcels: dict[int, Parcel] = {}
        self._numbers: dict[Place, int] = {}
        self._last = 0

    def note(self, entry: Entry) -> None:
        """The journal is being told of an entry: its body may leave memory one day."""
        if entry.message.size >= BODY_BYTES_MIN:
            self._fresh.append(entry)

    def page_out(self, extent: Extent, place: Place, window: int, _least: int) -> int:
        """Lets go of the bodies that the journal has at that place; how many that were."""
        if extent.lane != self.lane:
            return 0
        fresh = self._fresh
        begin = bisect_left(fresh, extent.first, key=sequence_of)
        end = bisect_right(fresh, extent.last, begin, key=sequence_of)
        here = fresh[begin:end]
        del fresh[begin:end]
        self._tidy()
        count, byte_count = self.measure()
        is_short = count <= max(window, BODIES_KEPT_MIN) and byte_count <= QUEUE_WINDOW_BYTES
        if is_short and window >= self._ledger.window:
            return 0  # it is the head
        return self.let_go(place, here)

    def _tidy(self) -> None:
        """The oldest parcel goes when nobody can ask for it."""
        parcel = next(iter(self._parcels.values()), None)
        if parcel is not None and not any(entry.held_until != GONE for entry in parcel.entries):
            self._drop(parcel)

    def let_go(self, place: Place, entries: list[Entry]) -> int:
        """Lets go of the bodies of these entries, as far as they stand there; how many that were."""
        first, last = place.first_lsn, place.last_lsn
        here = [each for each in entries if first <= each.lsn <= last and each.held_until != GONE]
        here = [each for each in here if each.message.size >= BODY_BYTES_MIN and not is_absent(each)]
        parcel = self._parcel_at(place)
        if not here or parcel.is_coming:
            return 0
        for entry in here:
            entry.message = without_body(entry.message, parcel.number)
        parcel.entries += here
        self._parcels[parcel.number] = parcel
        self._numbers[place] = parcel.number
        return len(here)

    def _parcel_at(self, place: Place) -> Parcel:
        number = self._numbers.get(place)
        if number is not None:
            return self._parcels[number]
        self._last += 1
        return Parcel(self._last, place)

    def fetch(self, entry: Entry, done: Came) -> None:
        """Has the body of an entry brought, and those around it; calls `done` then."""
        parcel = self._parcels[entry.message.slot]
        parcel.waiting.append(done)
        if not parcel.is_coming:
            parcel.is_coming = True
            self._ledger.load(self._page(parcel), partial(self._came, parcel))

    def borrow(self, entry: Entry, done: Loaded) -> None:
        """Has an entry and those around it read for somebody who keeps none of them; all stay where they are."""
        self._ledger.load(self._page(self._parcels[entry.message.slot]), done)

    def read(self, entry: Entry) -> None:
        """Brings the body of an entry, and those around it, at once."""
        parcel = self._parcels[entry.message.slot]
        self._came(parcel, self._ledger.read(self._page(parcel)))

    def _page(self, parcel: Parcel) -> Page:
        page = Page(self.number, self.lane, 0, parcel.place)
        page.first = min(entry.sequence for entry in parcel.entries)
        page.last = max(entry.sequence for entry in parcel.entries)
        return page

    def _came(self, parcel: Parcel, entries: list[Entry]) -> None:
        read = {entry.sequence: entry for entry in entries}
        for entry in parcel.entries:
            found = read.get(entry.sequence)
            if found is not None:
                give_body(entry, found)
            elif is_absent(entry) and entry.held_until != GONE:
                self._ledger.refuse(self._page(parcel), f"the message {entry.sequence} is not there")
                return
        self._drop(parcel)
        waiting, parcel.waiting = parcel.waiting, []
        for done in waiting:
            done()

    def _drop(self, parcel: Parcel) -> None:
        self._parcels.pop(parcel.number, None)
        self._numbers.pop(parcel.place, None)
        parcel.entries = []

    def drop(self) -> "list[Container]":
        """Nobody asks for any of them any more: what held them, to be freed by the caller. The journal may forget them,
        also while some are on their way."""
        held: list[Container] = [self._fresh]
        self._fresh = []
        for parcel in list(self._parcels.values()):
            held.append(parcel.entries)
            self._drop(parcel)
        return held
