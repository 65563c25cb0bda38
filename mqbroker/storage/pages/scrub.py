"""Checks in the background what a restart has left unread, at a bounded rate: damage is found before it is needed.

It checks every batch as recovery does, and where it finds damage the broker stops with the file and the range.
"""

from collections.abc import Callable

from mqbroker.limits import SCRUB_BYTES_PER_S
from mqbroker.storage.liveness import LogLiveness
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.executors import Executor
from mqbroker.storage.pages.stretch_reader import StretchReader
from mqbroker.storage.pages.walk import Walk


class Scrub:
    """One look at the segments that there were at the start, oldest first."""

    def __init__(
        self,
        disk: Disk,
        reader: StretchReader,
        executor: Executor,
        liveness: LogLiveness,
        segments: list[int],
        fail: Callable[[Exception], object],
    ) -> None:
        self.bytes_checked = 0
        self._disk = disk
        self._reader = reader
        self._executor = executor
        self._liveness = liveness
        self._waiting = sorted(segments, reverse=True)
        self._fail = fail
        self._walk: Walk | None = None
        self._is_under_way = False

    @property
    def is_over(self) -> bool:
        """Whether everything was checked."""
        return self._walk is None and not self._waiting

    def go_on(self) -> None:
        """Called about once a second: checks as much as is due."""
        if self._is_under_way or not self._begin():
            return
        self._is_under_way = True
        self._executor.submit(self._step, self._stepped)

    def _begin(self) -> bool:
        while self._walk is None and self._waiting:
            segment = self._liveness.by_first.get(self._waiting.pop())
            if segment is not None:
                self._walk = Walk(self._disk, self._reader, segment.first_lsn, segment.last_lsn)
        return self._walk is not None

    def _step(self) -> None:
        assert self._walk is not None
        for batch in self._walk.step(SCRUB_BYTES_PER_S):
            self.bytes_checked += batch.end - batch.start

    def _stepped(self, error: Exception | None) -> None:
        walk = self._walk
        assert walk is not None
        self._is_under_way = False
        if walk.segment not in self._liveness.by_first:
            self._walk = None  # what was deleted meanwhile is no damage
        elif error is not None:
            self._fail(error)
        elif walk.is_at_end:
            self._walk = None
