"""Makes the indexes that are missing: of the segment in which a run ended, of those of earlier versions, and of those
that were left without one.

It reads one segment after the other in the background, a step at a time. Its result is a fact of the log, which later
checkpoints repeat for as long as the segment is needed (log/index.py); and queues can let go of what is there.
"""

from collections.abc import Callable

from mqbroker.limits import INDEX_SORTED_MAX, WALK_STEP_BYTES
from mqbroker.storage.liveness import LogLiveness
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.executors import Executor
from mqbroker.storage.log.extents import ExtentReader
from mqbroker.storage.log.facts import pack_index
from mqbroker.storage.log.index import OpenIndex, Stretch
from mqbroker.storage.pages.stretch_reader import StretchReader
from mqbroker.storage.pages.walk import Walk

Indexed = Callable[[int, bytes, list[Stretch]], object]
"""Told a segment, the record of its index, and the stretches."""


class Indexer:
    """Indexes segments of one journal."""

    def __init__(
        self,
        disk: Disk,
        reader: StretchReader,
        extents: ExtentReader,
        executor: Executor,
        liveness: LogLiveness,
        window: int,
        fail: Callable[[Exception], object],
    ) -> None:
        self._disk = disk
        self._reader = reader
        self._extents = extents
        self._executor = executor
        self._liveness = liveness
        self._window = window
        self._fail = fail
        self._waiting: list[int] = []
        self._walk: Walk | None = None
        self._index = OpenIndex(0, window)
        self._entries = 0
        self._record = b""
        """The whole index, if it has very many parts."""
        self._is_stopped = False
        self.indexed: Indexed = lambda *_: None

    def begin(self) -> None:
        """Indexes every segment that needs it."""
        if self._window:
            closed = self._liveness.closed()
            self._waiting = [each.first_lsn for each in closed if each.shares and not each.index and not each.index_at]
            if self._walk is None:
                self._next()

    def add(self, segments: list[int]) -> None:
        """Indexes these closed segments too."""
        if not self._is_stopped:
            self._waiting += segments
            if self._walk is None:
                self._next()

    def stop(self) -> None:
        """Nothing more is begun: the journal is being closed. What is missing is indexed after the next start."""
        self._waiting.clear()
        self._is_stopped = True

    def _next(self) -> None:
        self._walk = None
        while self._waiting:
            segment = self._liveness.by_first.get(self._waiting.pop())
            if segment is not None:
                self._walk = Walk(self._disk, self._reader, segment.first_lsn, segment.last_lsn)
                self._index = OpenIndex(segment.first_lsn, self._window)
                self._entries = 0
                self._record = b""
                self._executor.submit(self._step, self._stepped)
                return

    def _step(self) -> None:
        """In the background: takes up the next batches of the segment."""
        assert self._walk is not None
        for batch in self._walk.step(WALK_STEP_BYTES):
            self._entries += batch.frame.entries
            extents = self._extents.read(batch.payload, batch.frame.entries_bytes)
            self._index.add(batch.frame.lsn, batch.start, batch.end, extents)
        if self._walk.is_at_end and self._index.parts > INDEX_SORTED_MAX:
            self._record = pack_index(self._walk.segment, self._entries, self._index.stretches)

    def _stepped(self, error: Exception | None) -> None:
        walk = self._walk
        assert walk is not None
        segment = self._liveness.by_first.get(walk.segment)
        if segment is None or self._is_stopped:
            self._next()  # it is gone, and perhaps its file too
        elif error is not None:
            self._fail(error)
        elif not walk.is_at_end:
            self._executor.submit(self._step, self._stepped)
        else:
            stretches = self._index.stretches if self._record else self._index.alive(segment.shares)
            record = self._record or pack_index(walk.segment, self._entries, stretches)
            self.indexed(walk.segment, record, stretches)
            self._next()
