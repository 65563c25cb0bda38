"""Gets frames onto the disk: appends, keeps the next segment prepared, and deletes what is not needed any more.

Appending has one executor and everything else another, so that preparing 64 MiB delays no batch. One append is under
way at a time: a batch is written only when the one before it is durable, so only the last one of the log can be torn.
Any failure is fatal, except that of space for the *next* segment: nothing was promised for it.
"""

import errno
from collections.abc import Callable
from functools import partial

from mqbroker.errors import DiskFailed
from mqbroker.limits import JOURNAL_BEHIND_BYTES_MAX, JOURNAL_BEHIND_BYTES_MIN, JOURNAL_BEHIND_BYTES_PER_S
from mqbroker.storage.log.batch import Job
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.executors import Executor, Wake
from mqbroker.storage.log.frame import FRAME_BYTES
from mqbroker.storage.log.framing import Framer
from mqbroker.storage.log.pieces import Deleted
from mqbroker.storage.log.segment import SPARE, segment_name
from mqbroker.storage.log.segment_file import SegmentFile
from mqbroker.storage.log.tap import Followers, Tap

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Appender:
    """What the appending executor does with each job: frame it, tell whoever follows, write it."""

    def __init__(self, disk: Disk, sync: bool, tap: Tap) -> None:
        self.file = SegmentFile(disk, sync)
        self._framer = Framer()
        self._tap = tap

    def append(self, job: Job, followers: Followers) -> None:
        """Writes the job's frame; returns once it is as durable as the mode promises. OSError when it is not."""
        piece = self._framer.frame(job)
        if followers:
            self._tap.tell(followers, piece)
        if job.segment is None:
            self.file.append(piece.parts, piece.offset)
        else:
            self.file.begin(job.segment.name, job.segment.size_bytes, piece.parts)


class Append(partial[None]):
    """The work of appending one job, for those that follow the log when it is submitted."""

    is_long = False


class Writer:
    """Gives the two executors their work. `done(lsn)`: a batch is durable; `fatal`, once: the disk failed."""

    def __init__(
        self, disk: Disk, appends: Executor, background: Executor, sync: bool, segment_bytes: int, wake: Wake
    ) -> None:
        self.tap = Tap(wake)
        self.is_busy = False
        """A batch is under way."""
        self.is_full = False
        """There was no space for the next segment."""
        self.failure: DiskFailed | None = None
        """Why nothing is written any more."""
        self.segment_bytes = segment_bytes
        self.done: Callable[[int], None] = _ignore
        self.fatal: Callable[[DiskFailed], None] = _ignore
        self.space_changed: Callable[[bool], None] = _ignore
        self._disk = disk
        self._appends = appends
        self._background = background
        self._appender = Appender(disk, sync, self.tap)
        self._spare_bytes = 0
        self._is_preparing = False
        self._used_bytes = 0
        self._current_bytes = segment_bytes
        self._delayed: Job | None = None

    @property
    def backlog_max(self) -> int:
        """How much may wait for the disk before it makes small writes wait for long."""
        bytes_ = int(self._appender.file.small_write_s * JOURNAL_BEHIND_BYTES_PER_S)
        if bytes_ <= JOURNAL_BEHIND_BYTES_MIN:
            return JOURNAL_BEHIND_BYTES_MIN
        return min(bytes_, JOURNAL_BEHIND_BYTES_MAX)

    @property
    def has_spare(self) -> bool:
        """Whether the next segment is prepared already."""
        return self._spare_bytes > 0

    def has_prepared(self, size_bytes: int) -> None:
        """A spare of that size is there; a small one because there was no space for more."""
        self._spare_bytes = size_bytes
        self._set_full(size_bytes < self.segment_bytes)

    def append(self, job: Job) -> None:
        """Starts writing the batch. One at a time: wait for `done`."""
        assert not self.is_busy
        self.is_busy = True
        if self._has_room(job):
            self._submit(job)
            return
        self._delayed = job
        self.tend()

    def _has_room(self, job: Job) -> bool:
        """Whether the batch may be written now.

        When there is no space for a next segment, the rest of the newest one must hold the acknowledgements that make
        room. So its second half is not used before that is known.
        """
        if job.segment is not None:
            return job.segment.size_bytes <= self._spare_bytes
        return not self._is_preparing or self._used_bytes < self._current_bytes // 2

    def tend(self) -> None:
        """Prepares a spare segment, if there is none. Called every second or so while `is_full`."""
        needed = self._delayed.segment.size_bytes if self._delayed and self._delayed.segment else self.segment_bytes
        if self._spare_bytes >= needed or self._is_preparing or self.failure:
            return
        self._is_preparing = True
        self._spare_bytes = 0
        self._background.submit(partial(self._disk.prepare, SPARE, needed), partial(self._prepared, needed))

    def delete(self, firsts: list[int]) -> None:
        """Deletes the segments that begin with these batches."""
        if firsts:
            self._background.submit(partial(self._delete, firsts), partial(self._deleted, firsts))

    def finish(self, name: str, size_bytes: int) -> None:
        """Gives back the unused end of a segment that is not written any more."""
        self._background.submit(partial(self._disk.finish, name, size_bytes), self._check)

    def wait(self) -> bool:
        """Blocks until something is done. False when nothing is under way."""
        return self._appends.wait() or self._background.wait()

    def close(self) -> None:
        """Waits for what is under way and closes the disk."""
        while self.wait():
            pass
        self._appends.close()
        self._background.close()
        self._disk.close()

    def _submit(self, job: Job) -> None:
        work = Append(self._appender.append, job, self.tap.followers)
        if job.segment is not None:
            work.is_long = True  # it is synced in every mode
            self._spare_bytes = self._used_bytes = 0
            self._current_bytes = job.segment.size_bytes
        self._used_bytes += FRAME_BYTES + len(job.payload)
        self.tap.last_lsn = job.frame.lsn
        self._appends.submit(work, partial(self._appended, job))

    def _appended(self, job: Job, error: Exception | None) -> None:
        if not self._check(error):
            return
        self.is_busy = False
        if job.segment is not None:
            if job.finished is not None:
                self.finish(*job.finished)
            self.tend()
        self.done(job.frame.lsn)

    def _prepared(self, size_bytes: int, error: Exception | None) -> None:
        self._is_preparing = False
        self._set_full(isinstance(error, OSError) and error.errno in NO_SPACE)
        if not self.is_full:
            if not self._check(error):
                return
            self._spare_bytes = size_bytes
        delayed = self._delayed
        if delayed is None:
            return
        if self._has_room(delayed):
            self._delayed = None
            self._submit(delayed)
        elif not self.is_full:
            self.tend()

    def _set_full(self, is_full: bool) -> None:
        if is_full != self.is_full:
            self.is_full = is_full
            self.space_changed(is_full)

    def _delete(self, firsts: list[int]) -> None:
        for first in firsts:
            self._disk.delete(segment_name(first))
        self._disk.sync_names()

    def _deleted(self, firsts: list[int], error: Exception | None) -> None:
        if not self._check(error):
            return
        # Only now: whoever begins to follow looks for the files that are there, and then misses none that goes.
        for first in firsts:
            self.tap.tell_all(Deleted(first))
        if self.is_full:
            self.tend()

    def _check(self, error: Exception | None) -> bool:
        if error is None:
            return True
        self._fail(DiskFailed(f"the journal {self._disk.path} could not be written: {error}"), error)
        return False

    def unreadable(self, error: Exception) -> None:
        """What was written could not be read back: that is fatal too."""
        self._fail(DiskFailed(f"the journal {self._disk.path} could not be read: {error}"), error)

    def _fail(self, failure: DiskFailed, cause: Exception) -> None:
        if self.failure is None:
            self.failure = failure
            failure.__cause__ = cause
            self.fatal(failure)


def _ignore(_: object) -> None:
    """The default of each callback."""
