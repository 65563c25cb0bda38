"""Pages of queues: lets queues know what of them the journal has, and reads it back when they need it.

It is told of every stretch of the log that is durable (log/index.py), and offers its extents to their queues, which let
go of what is too much for memory (core/queues/page.py). It does so a little later: what a consumer that is not far
behind takes meanwhile need not be read back. It decides neither what a queue keeps nor when something is
read: the queue does. Whatever cannot be read back as it was is damage, and fatal.
"""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from mqbroker.core.ledger import Pageable
from mqbroker.core.message import Entry
from mqbroker.core.queues.page import Loaded, Page
from mqbroker.limits import PAGE_BYTES_MIN, PAGE_ENTRIES_MIN, PRESSED_WINDOW_SHARE, QUEUE_WINDOW, YOUNG_BYTES_MAX
from mqbroker.storage.liveness import LogLiveness, SegmentLiveness
from mqbroker.storage.log.executors import Executor
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.pages.stretch_reader import StretchReader, Wanted, wanted

Fail = Callable[[Exception], object]


class Load:
    """The work of reading one page."""

    __slots__ = ("_reader", "_wanted", "entries", "place")

    def __init__(self, reader: StretchReader, wanted: Wanted) -> None:
        self._reader = reader
        self._wanted = wanted
        self.place = wanted.place
        self.entries: list[Entry] = []

    def __call__(self) -> None:
        self.entries = self._reader.entries(self._wanted)


class Gathering:
    """The entries of a page that stands at several places, as they come."""

    __slots__ = ("_done", "_entries", "_left", "_parts")

    def __init__(self, parts: list[Page], done: Loaded) -> None:
        self._parts = parts
        self._done = done
        self._left = len(parts)
        self._entries: list[Entry] = []

    def begin(self, load: Callable[[Page, Loaded], object]) -> None:
        """Has each of them read."""
        for part in self._parts:
            load(part, self._has_come)

    def _has_come(self, entries: list[Entry]) -> None:
        self._entries += entries
        self._left -= 1
        if not self._left:
            self._done(self._entries)


class LoadIndex:
    """The work of reading the index of one segment."""

    __slots__ = ("_reader", "_segment", "stretches")

    def __init__(self, reader: StretchReader, segment: SegmentLiveness) -> None:
        self._reader = reader
        self._segment = segment
        self.stretches: list[Stretch] = []

    def __call__(self) -> None:
        self.stretches = self._reader.index_of(self._segment)


class Pager:
    """The pages of all queues of one journal. `window` is how many entries each keeps in memory at least."""

    def __init__(
        self,
        reader: StretchReader,
        reads: Executor,
        liveness: LogLiveness,
        tops: dict[int, int],
        window: int,
        fail: Fail,
    ) -> None:
        self.queues: dict[int, Pageable] = {}
        """Those whose entries may leave memory, by number."""
        self.paged_out = 0
        """How many entries have left memory in this run."""
        self.paged_in = 0
        """How many have come back."""
        self._reader = reader
        self._reads = reads
        self._liveness = liveness
        self._tops = tops
        self._window = window
        self._least = max(1, window * PAGE_ENTRIES_MIN // QUEUE_WINDOW)
        self._window_pressed = max(1, window // PRESSED_WINDOW_SHARE)
        self._fail = fail
        self._young = deque[Stretch]()
        """Stretches that queues are not offered yet, oldest first."""
        self._young_bytes = 0
        self._young_bytes_max = (window - 1) * YOUNG_BYTES_MAX // QUEUE_WINDOW
        self._ripe = 0
        """How many of them were there when `go_on` was called last."""
        self.is_pressed = False
        """Whether memory is short."""
        self._sweep: list[int] = []
        """The segments whose queues are still to be asked, the next one last."""

    def watch(self, queue: Pageable, top: int) -> None:
        """The entries of a queue may leave memory."""
        self.queues[queue.number] = queue
        if top:
            self._tops[queue.number] = top

    def forget(self, queue_number: int) -> None:
        """A queue is gone."""
        self.queues.pop(queue_number, None)
        self._tops.pop(queue_number, None)

    @property
    def room(self) -> int:
        """How many entries a queue keeps at present."""
        return self._window_pressed if self.is_pressed else self._window

    def has_ended(self, stretches: Iterable[Stretch]) -> None:
        """These stretches of the newest segment are durable: queues are offered them before long."""
        for stretch in stretches:
            self._young.append(stretch)
            self._young_bytes += stretch.end - stretch.start
        while self._young and (self.is_pressed or self._young_bytes > self._young_bytes_max):
            self._offer_oldest()

    def go_on(self) -> None:
        """Called about once a second: offers the stretches that have ended so long ago."""
        for _ in range(self._ripe):
            self._offer_oldest()
        self._ripe = len(self._young)

    def _offer_oldest(self) -> None:
        stretch = self._young.popleft()
        self._young_bytes -= stretch.end - stretch.start
        self._ripe = max(0, self._ripe - 1)
        self.offer([stretch])

    def offer(self, stretches: Iterable[Stretch]) -> None:
        """Has queues let go of what is in these stretches, which are durable."""
        window, least = self.room, 1 if self.is_pressed else self._least
        for stretch in stretches:
            place = stretch.place
            for extent in stretch.extents.values():
                queue = self.queues.get(extent.queue_number)
                worth = least if extent.byte_count < PAGE_BYTES_MIN else 1
                if queue is not None and extent.count >= worth:
                    self.paged_out += queue.page_out(extent, place, window, worth)

    def press(self, is_pressed: bool, newest: list[Stretch]) -> None:
        """Memory is short, or is not any more. While it is, queues keep less; what they have is offered to them again,
        from the newest on, at each call. `newest` are the stretches of the segment that is being written."""
        self.is_pressed = is_pressed and self._window > 0
        if self.is_pressed and not self._sweep:
            self.offer(reversed(newest))
            self._sweep = [each.first_lsn for each in self._liveness.closed() if each.shares]
            self._sweep_on()

    def _sweep_on(self) -> None:
        while self._sweep:
            segment = self._liveness.by_first.get(self._sweep[-1])
            if segment is not None:
                load = LoadIndex(self._reader, segment)
                self._reads.submit(load, partial(self._swept, load))
                return
            self._sweep.pop()

    def _swept(self, load: "LoadIndex", error: Exception | None) -> None:
        segment = self._sweep.pop() if self._sweep else 0
        if error is not None and segment in self._liveness.by_first:
            self._fail(error)
            return
        if self.is_pressed and error is None:
            self.offer(reversed(load.stretches))
        self._sweep_on()

    def load(self, page: Page, done: Loaded) -> None:
        """Has a page read."""
        if page.others:
            Gathering(page.parts, done).begin(self._load)
        else:
            self._load(page, done)

    def glance(self, page: Page, done: Loaded) -> None:
        """Has what is there of a page by then read, and counts nothing."""
        Gathering(page.parts, done).begin(partial(self._load, is_exact=False))

    def _load(self, page: Page, done: Loaded, is_exact: bool = True) -> None:
        load = Load(self._reader, wanted(self._liveness, page))
        self._reads.submit(load, partial(self._loaded, page, load, done, is_exact))

    def _loaded(self, page: Page, load: Load, done: Loaded, is_exact: bool, error: Exception | None) -> None:
        assert page.place is not None
        if error is None:
            error = self._check(page, load.entries) if is_exact else None
        elif self._liveness.find(page.place.first_lsn) is None:
            done([])  # its queue was deleted or emptied meanwhile, and the file is gone: nobody needs it
            return
        elif load.place != wanted(self._liveness, page).place:
            self._load(page, done, is_exact)  # what it read has been moved meanwhile, and its file may be gone
            return
        if error is not None:
            self._fail(error)
            return
        self.paged_in += page.count if is_exact else 0
        done(_own(page, load.entries))

    def read(self, page: Page) -> list[Entry]:
        """Reads a page at once."""
        return [entry for part in page.parts for entry in self._read(part)]

    def _read(self, page: Page) -> list[Entry]:
        entries = self._reader.entries(wanted(self._liveness, page))
        error = self._check(page, entries)
        if error is not None:
            self._fail(error)
            raise error
        return _own(page, entries)

    def close(self) -> None:
        """Waits for what is under way."""
        while self._reads.wait():
            pass
        self._reads.close()

    def refuse(self, page: Page, reason: str) -> None:
        """What was read of a page is not what it should be."""
        assert page.place is not None
        self._fail(self._reader.refusal(page.place, reason))

    def _check(self, page: Page, entries: list[Entry]) -> Exception | None:
        if not page.count or len(_own(page, entries)) == page.count:
            return None
        assert page.place is not None
        reason = f"{page.count} messages of the queue {page.queue_number} are expected there and {len(entries)} are"
        return self._reader.refusal(page.place, reason)


def _own(page: Page, entries: list[Entry]) -> list[Entry]:
    """Those of the entries that are the page's."""
    return [entry for entry in entries if entry.sequence not in page.besides] if page.besides else entries
