"""What is still alive in each segment: the counts that decide when it is deleted, and the content of checkpoints.

A `Share` is what one queue has in one segment, a `SegmentLiveness` all shares of one segment, `LogLiveness` all
segments. None knows files. A queue without a share in a segment has nothing left there.
"""

from bisect import bisect_right

from mqbroker.core.message import GONE, Entry
from mqbroker.core.queues.page import Page
from mqbroker.storage.intervals import Intervals
from mqbroker.storage.moved import Moved

QUEUES_TOGETHER_BITS = 8  # queues whose shares stand together in a checkpoint, by the rest of their numbers
_TOGETHER_BITS = QUEUES_TOGETHER_BITS  # C integers when compiled
_GONE = GONE

Change = tuple[int, bool, int, int]
"""How an entry looks now: attempts, whether it was delivered before, until when it is held, when it was first taken."""

Changed = tuple[int, int, int, Change]
"""The first batch of the segment, the queue, the sequence of an entry, and how it looks now."""


class Share:
    """One queue's entries in one segment: how many live, which are settled, and how the live ones changed since."""

    __slots__ = ("attempts", "live", "settled")

    def __init__(self, live: int = 0) -> None:
        self.live = live
        self.settled = Intervals()
        self.attempts: dict[int, Change] = {}
        """Per sequence."""

    def settle(self, start: int, end: int) -> None:
        """The entries `start` to `end` are gone."""
        self.live -= self.settled.add(start, end)
        if self.attempts:
            self._drop_attempts(start, end)

    def _drop_attempts(self, start: int, end: int) -> None:
        if end - start < len(self.attempts):
            for sequence in range(start, end + 1):
                self.attempts.pop(sequence, None)
        else:
            for sequence in [known for known in self.attempts if start <= known <= end]:
                del self.attempts[sequence]


class SegmentLiveness:
    """One segment. `last_lsn` is its newest batch, `is_redelivered` that a crash made all its entries suspect,
    `is_encrypted` that its batches are sealed.

    While it is being written (`is_open`) it keeps the share of a queue that has nothing alive in it: more of the queue
    may come, and what was settled must be remembered.
    """

    __slots__ = (
        "entry_bytes", "first_lsn", "index", "index_at", "is_encrypted", "is_open", "is_redelivered", "last_lsn",
        "packed", "shares", "size", "stale",
    )  # fmt: skip

    def __init__(self, first_lsn: int, last_lsn: int, is_redelivered: bool = False, is_encrypted: bool = False) -> None:
        self.first_lsn = first_lsn
        self.last_lsn = last_lsn
        self.is_redelivered = is_redelivered
        self.is_encrypted = is_encrypted
        self.is_open = True
        self.index = b""
        """The record of its index (log/facts.py), for as long as the segment is needed, if it does not hold one itself;
        else `index_at` is where the frame is that does."""
        self.index_at = 0
        self.size = 0
        """How long its file is, and how much of it one entry takes: 0 while that is not known."""
        self.entry_bytes = 0.0
        self.shares: dict[int, Share] = {}
        self.packed: dict[int, bytes] = {}
        """Its shares as they stand in a checkpoint, some queues together (log/checkpoint.py)."""
        self.stale: dict[int, None] = {}
        """Of which of these the octets are to be made, because something has changed; what was made last comes last."""

    def close(self) -> None:
        """Nothing more will be written to the segment."""
        self.is_open = False
        for queue in [queue for queue, share in self.shares.items() if share.live <= 0]:
            del self.shares[queue]

    def count(self, queue: int, live: int) -> None:
        """`live` more entries of the queue are in this segment."""
        share = self.shares.get(queue)
        if share is None:
            share = self.shares[queue] = Share()
        share.live += live
        self.stale[queue >> _TOGETHER_BITS] = None

    def settle(self, queue: int, start: int, end: int) -> None:
        """Entries of the queue are gone."""
        share = self.shares.get(queue)
        if share is not None:
            self.stale[queue >> _TOGETHER_BITS] = None
            share.settle(start, end)
            if share.live <= 0 and not self.is_open:
                del self.shares[queue]

    def change(self, queue: int, sequence: int, change: Change) -> None:
        """An entry came back to its queue, or was taken or held."""
        share = self.shares.get(queue)
        if share is not None:
            self.stale[queue >> _TOGETHER_BITS] = None
            share.attempts[sequence] = change

    def forget(self, queue: int) -> bool:
        """The queue is gone. Whether it had something here."""
        if self.shares.pop(queue, None) is None:
            return False
        self.stale[queue >> _TOGETHER_BITS] = None
        return True

    @property
    def live_bytes(self) -> float:
        """About how much of the file that is."""
        return self.live * self.entry_bytes

    @property
    def live(self) -> int:
        """How many entries live here."""
        return sum([share.live for share in self.shares.values()])


LSN_MAX = (1 << 63) - 1


class Run:
    """Successive settled entries of one queue in one segment, whose batches are `first` to `beyond`, without that."""

    __slots__ = ("beyond", "end", "first", "queue", "segment", "start")

    def __init__(self, segment: SegmentLiveness | None, queue: int, sequence: int) -> None:
        self.segment = segment
        self.queue = queue
        self.start = sequence
        self.end = sequence
        self.first = 1
        self.beyond = 0
        if segment is not None:
            self.first = segment.first_lsn
            self.beyond = LSN_MAX if segment.is_open else segment.last_lsn + 1


Runs = dict[tuple[int, int], list[int]]
"""Settled entries: per (first batch of the segment, queue) the numbers start, end, start, end, ..."""


class LogLiveness:
    """Every segment, oldest first; the last one is being written."""

    __slots__ = ("by_first", "dead", "firsts", "moved")

    def __init__(self) -> None:
        self.by_first: dict[int, SegmentLiveness] = {}
        self.firsts: list[int] = []
        self.dead: list[int] = []
        """The first batches of the closed segments in which nothing lives any more, until they are taken."""
        self.moved = Moved()
        """Where what was alive in some batches has gone."""

    def add(self, segment: SegmentLiveness) -> None:
        """A newer segment begins; the one before it is closed."""
        assert not self.firsts or segment.first_lsn > self.firsts[-1]
        before = self.current() if self.firsts else None
        self.by_first[segment.first_lsn] = segment
        self.firsts.append(segment.first_lsn)
        if before is not None:
            before.close()
            self._drop_if_dead(before)

    def current(self) -> SegmentLiveness:
        """The segment being written."""
        return self.by_first[self.firsts[-1]]

    def closed(self) -> list[SegmentLiveness]:
        """All other segments, oldest first."""
        return [self.by_first[first] for first in self.firsts[:-1]]

    def find(self, lsn: int) -> SegmentLiveness | None:
        """The segment that holds the batch, or what was alive in it; None when it is gone."""
        if self.moved.starts:
            place = self.moved.place_of(lsn)
            if place is not None:
                lsn = place.first_lsn
        index = bisect_right(self.firsts, lsn) - 1
        if index < 0:
            return None
        segment = self.by_first[self.firsts[index]]
        return segment if segment.is_open or lsn <= segment.last_lsn else None

    def settle(self, entries: list[Entry]) -> Runs:
        """Takes settled entries off their segments; returns them as runs for the journal."""
        runs: Runs = {}
        open_runs: dict[int, Run] = {}
        run: Run | None = None
        queue = -1
        has_moved = len(self.moved) > 0
        for entry in entries:
            if entry.queue_number != queue:
                queue = entry.queue_number
                run = open_runs.get(queue)
            if run is not None:
                # Of a segment that is there still, some batches may have been moved.
                if (
                    entry.sequence == run.end + 1
                    and run.first <= entry.lsn < run.beyond
                    and (not has_moved or self.find(entry.lsn) is run.segment)
                ):
                    run.end += 1
                    continue
                self._settle_run(runs, run)
            run = Run(self.find(entry.lsn), queue, entry.sequence)
            open_runs[queue] = run
        for run in open_runs.values():
            self._settle_run(runs, run)
        return runs

    def defer(self, entries: list[Entry]) -> list[Changed]:
        """Notes how entries look that were taken or held; returns that for the journal."""
        found: list[Changed] = []
        for entry in entries:
            # What is GONE is settled after this, in this batch or a later one.
            segment = None if entry.held_until == _GONE else self.find(entry.lsn)
            if segment is not None:
                change = (entry.attempts, entry.is_redelivered, entry.held_until, entry.first_taken_at)
                segment.change(entry.queue_number, entry.sequence, change)
                found.append((segment.first_lsn, entry.queue_number, entry.sequence, change))
        return found

    def settle_pages(self, pages: list[Page], runs: Runs) -> None:
        """Takes pages, each one run of sequences, off their segments; adds them to the runs."""
        for page in pages:
            assert page.place is not None
            run = Run(self.find(page.place.first_lsn), page.queue_number, page.first)
            run.end = page.last
            self._settle_run(runs, run)

    def _settle_run(self, runs: Runs, run: Run) -> None:
        segment = run.segment
        if segment is None:
            return
        numbers = runs.setdefault((segment.first_lsn, run.queue), [])
        numbers.append(run.start)
        numbers.append(run.end)
        segment.settle(run.queue, run.start, run.end)
        self._drop_if_dead(segment)

    def forget(self, queue: int) -> None:
        """The queue is gone with all its entries."""
        for segment in list(self.by_first.values()):
            if segment.forget(queue):
                self._drop_if_dead(segment)

    def _drop_if_dead(self, segment: SegmentLiveness) -> None:
        if not segment.shares and not segment.is_open and self.by_first.get(segment.first_lsn) is segment:
            del self.by_first[segment.first_lsn]
            self.firsts.remove(segment.first_lsn)
            self.dead.append(segment.first_lsn)

    def take_dead(self) -> list[int]:
        """The segments to delete, each once."""
        dead = self.dead
        self.dead = []
        # Not as each of them dies: what was in one that is being emptied is not known yet to be somewhere else.
        if dead and self.moved:
            self.moved.drop(dead)
        return dead
