"""Keeps the disk bounded: the live rest of segments that are mostly dead is written again, and they can be deleted.

As long as the journal takes little more than what is alive in it, nothing is moved: a queue that is consumed in order
frees its segments by itself. Otherwise the segment with the least alive goes first, stretch by stretch and at a bounded
rate. A stretch becomes one batch: the same entries of the same queues, and that they are settled where they were. So
they are never lost and never doubled, and whoever follows the log moves them too.
"""

from collections.abc import Callable

from mqbroker.core.message import Entry
from mqbroker.limits import DISK_SLACK_SEGMENTS, DISK_USE_MAX, RELOCATED_BYTES_PER_S
from mqbroker.storage.liveness import LogLiveness, SegmentLiveness, Share
from mqbroker.storage.log.executors import Executor
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.pages.stretch_reader import StretchReader, share_between

Move = Callable[[Stretch, list[Entry]], object]
"""Has the entries of a stretch written again."""


class Relocator:
    """Moves the live rest of segments of one journal."""

    def __init__(
        self,
        reader: StretchReader,
        executor: Executor,
        liveness: LogLiveness,
        segment_bytes: int,
        move: Move,
        fail: Callable[[Exception], object],
        rest: Callable[[], None] | None = None,
    ) -> None:
        """`rest` lets other threads go on; it is called again and again in the executor."""
        self._rest = rest
        self._reader = reader
        self._executor = executor
        self._liveness = liveness
        self._segment_bytes = segment_bytes
        self._move = move
        self._fail = fail
        self._segment: SegmentLiveness | None = None
        self._stretches: list[Stretch] = []
        self._read: list[Entry] = []
        self._is_under_way = False
        self._is_looping = False
        self._budget = 0
        self._tried: set[int] = set()
        """Segments that were gone through: what is alive in them all the same stays."""
        self.moved = 0
        """How many entries were written again."""

    def go_on(self) -> None:
        """Called about once a second: moves as much as is due."""
        self._budget = RELOCATED_BYTES_PER_S
        self._next()

    def stop(self) -> None:
        """Nothing more is begun: the journal is being closed."""
        self._budget = 0

    def _next(self) -> None:
        if self._is_looping:
            return
        self._is_looping = True  # an executor may be done before it returns
        while not self._is_under_way and self._budget > 0 and self._begin():
            pass
        self._is_looping = False

    def _begin(self) -> bool:
        if self._stretches:
            self._submit(self._read_stretch, self._has_read)
        elif self._choose():
            self._submit(self._read_index, self._has_index)
        else:
            return False
        return True

    def _submit(self, work: Callable[[], None], done: Callable[[Exception | None], None]) -> None:
        self._is_under_way = True
        self._executor.submit(work, done)

    def _choose(self) -> bool:
        """Takes the segment with the least alive, if the journal takes too much of the disk."""
        closed = [each for each in self._liveness.closed() if each.size]
        live = sum(each.live_bytes for each in closed)
        if sum(each.size for each in closed) <= live * DISK_USE_MAX + DISK_SLACK_SEGMENTS * self._segment_bytes:
            return False
        choice = [each for each in closed if self._is_movable(each)]
        self._segment = min(choice, key=lambda each: each.live_bytes / each.size, default=None)
        return self._segment is not None

    def _is_movable(self, segment: SegmentLiveness) -> bool:
        is_sparse = segment.live_bytes * DISK_USE_MAX < segment.size
        return is_sparse and bool(segment.index or segment.index_at) and segment.first_lsn not in self._tried

    def _read_index(self) -> None:
        assert self._segment is not None
        self._stretches = self._reader.index_of(self._segment)

    def _has_index(self, error: Exception | None) -> None:
        assert self._segment is not None
        self._tried.add(self._segment.first_lsn)
        self._stretches.reverse()
        self._go_on_after(error)

    def _read_stretch(self) -> None:
        assert self._segment is not None
        stretch = self._stretches[-1]
        lists = self._reader.lists(stretch.place, self._shares(stretch), self._segment.is_redelivered, self._rest)
        self._read = [entry for found in lists.values() for entry in found]

    def _shares(self, stretch: Stretch) -> dict[int, Share]:
        """What of the queues in a stretch may be alive there, a copy: more may be settled meanwhile."""
        assert self._segment is not None
        found: dict[int, Share] = {}
        for extent in stretch.extents.values():
            share = self._segment.shares.get(extent.queue_number)
            if share is not None:
                found[extent.queue_number] = share_between(share, stretch.first_of(extent), stretch.last_of(extent))
        return found

    def _has_read(self, error: Exception | None) -> None:
        stretch, entries = self._stretches[-1], self._read
        self._read = []
        if error is None:
            self._stretches.pop()
            self._budget -= stretch.end - stretch.start
            self.moved += len(entries)
            if entries:
                self._move(stretch, entries)
        self._go_on_after(error)

    def _go_on_after(self, error: Exception | None) -> None:
        self._is_under_way = False
        assert self._segment is not None
        if self._segment.first_lsn not in self._liveness.by_first:
            self._stretches = []  # it is gone by itself
        elif error is not None:
            self._stretches = []
            self._budget = 0
            self._fail(error)
        self._next()
