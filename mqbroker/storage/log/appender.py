"""Gets frames onto the disk: appends, keeps the next segment prepared, and deletes what is not needed any more.

Appending has one executor and everything else another, so that preparing 64 MiB delays no batch. One append is under
way at a time: a batch is written only when the one before it is durable, so only the last one of the log can be torn.
Any failure is fatal, except that of space for the *next* segment: nothing was promised for it.
"""

import errno
from collections.abc import Callable
from functools import partial

from mqbroker.errors import DiskFailed
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.log.batch import Job
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.executors import Executor
from mqbroker.storage.log.frame import FRAME_BYTES, pack_frame
from mqbroker.storage.log.segment import SPARE, pack_segment_header, segment_name

ZERO_AHEAD_BYTES = 1 << 20
"""A synced write into blocks that were never written has to change the file's metadata too, which takes about twice as
long. So once in a while a write takes zeros along, and those after it find their blocks written."""
_ZEROS = bytes(ZERO_AHEAD_BYTES)
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Appender:
    """The end of the log, as the appending executor sees it: the only code that seals and writes frames."""

    def __init__(self, disk: Disk, sync: bool) -> None:
        self._disk = disk
        self._sync = sync
        self._name = ""
        self._size = 0
        self._end = 0
        self._zeroed = 0
        self._seed = 0
        self._crc = 0
        self._key: DataKey | None = None

    def append(self, job: Job) -> None:
        """Writes the job's frame; returns once it is as durable as the mode promises. OSError when it is not."""
        if job.segment is not None:
            self._begin(job)
            return
        header, payload = self._framed(job)
        start = self._end
        self._end += FRAME_BYTES + len(payload)
        self._disk.write(self._name, [header, payload, self._zeros_ahead()], start, self._sync)

    def _begin(self, job: Job) -> None:
        # Always synced, and before the spare gets the segment's name: then a named segment without a good header and
        # first batch is damage, in every mode.
        assert job.segment is not None
        opening = pack_segment_header(job.segment)
        self._seed = job.segment.seed
        self._key = job.key
        self._crc = int.from_bytes(opening[8:12], "little")
        header, payload = self._framed(job)
        self._name = job.segment.name
        self._size = job.segment.size_bytes
        self._end = len(opening) + FRAME_BYTES + len(payload)
        self._zeroed = 0
        self._disk.write(SPARE, [opening, header, payload, self._zeros_ahead()], 0, True)
        self._disk.rename(SPARE, self._name)
        self._disk.sync_names()

    def _framed(self, job: Job) -> tuple[bytes, bytes]:
        """The header and the payload of the next frame, as they go to the disk."""
        payload = job.payload if self._key is None else self._key.seal(job.frame, job.payload, self._crc)
        header, self._crc = pack_frame(job.frame, payload, self._crc, self._seed)
        return header, payload

    def _zeros_ahead(self) -> bytes:
        """What to write behind the frame that ends at `_end`."""
        if not self._sync or self._end <= self._zeroed:
            return b""
        pieces = -(-self._end // ZERO_AHEAD_BYTES)
        self._zeroed = min(pieces * ZERO_AHEAD_BYTES, self._size)
        return _ZEROS[: self._zeroed - self._end]


class Append:
    """The work of appending one job."""

    __slots__ = ("_appender", "_job", "is_long")

    def __init__(self, appender: Appender, job: Job) -> None:
        self._appender = appender
        self._job = job
        self.is_long = job.segment is not None
        """A new segment is synced in every mode."""

    def __call__(self) -> None:
        self._appender.append(self._job)


class Writer:
    """Runs the two executors. `done(lsn)` is called when a batch is durable, `fatal` once when the disk failed."""

    def __init__(self, disk: Disk, appends: Executor, background: Executor, sync: bool, segment_bytes: int) -> None:
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
        self._appender = Appender(disk, sync)
        self._spare_bytes = 0
        self._is_preparing = False
        self._used_bytes = 0
        self._current_bytes = segment_bytes
        self._held: Job | None = None

    @property
    def has_spare(self) -> bool:
        """Whether the next segment is prepared."""
        return self._spare_bytes > 0

    def has_prepared(self, size_bytes: int) -> None:
        """A spare of that size is there; a small one because there was no space for more."""
        self._spare_bytes = size_bytes
        self._set_full(size_bytes < self.segment_bytes)

    def append(self, job: Job) -> None:
        """Has the batch written. One at a time: wait for `done`."""
        assert not self.is_busy
        self.is_busy = True
        if self._has_room(job):
            self._submit(job)
            return
        self._held = job
        self.tend()

    def _has_room(self, job: Job) -> bool:
        """Whether the batch may be written now.

        Where there is no space for a next segment, what is left of the newest one has to do for the acknowledgements
        that make room. So its second half is not begun before that is known.
        """
        if job.segment is not None:
            return job.segment.size_bytes <= self._spare_bytes
        return not self._is_preparing or self._used_bytes < self._current_bytes // 2

    def tend(self) -> None:
        """Tries to have a spare segment again, if there is none. To be called now and then while `is_full`."""
        needed = self._held.segment.size_bytes if self._held and self._held.segment else self.segment_bytes
        if self._spare_bytes >= needed or self._is_preparing or self.failure:
            return
        self._is_preparing = True
        self._spare_bytes = 0
        self._background.submit(partial(self._disk.prepare, SPARE, needed), partial(self._prepared, needed))

    def delete(self, firsts: list[int]) -> None:
        """Deletes the segments that begin with these batches."""
        if firsts:
            self._background.submit(partial(self._delete, [segment_name(first) for first in firsts]), self._deleted)

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
        if job.segment is not None:
            self._spare_bytes = self._used_bytes = 0
            self._current_bytes = job.segment.size_bytes
        self._used_bytes += FRAME_BYTES + len(job.payload)
        self._appends.submit(Append(self._appender, job), partial(self._appended, job))

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
        held = self._held
        if held is None:
            return
        if self._has_room(held):
            self._held = None
            self._submit(held)
        elif not self.is_full:
            self.tend()

    def _set_full(self, is_full: bool) -> None:
        if is_full != self.is_full:
            self.is_full = is_full
            self.space_changed(is_full)

    def _delete(self, names: list[str]) -> None:
        for name in names:
            self._disk.delete(name)
        self._disk.sync_names()

    def _deleted(self, error: Exception | None) -> None:
        if self._check(error) and self.is_full:
            self.tend()

    def _check(self, error: Exception | None) -> bool:
        if error is None:
            return True
        if self.failure is None:
            self.failure = DiskFailed(f"the journal {self._disk.path} could not be written: {error}")
            self.failure.__cause__ = error
            self.fatal(self.failure)
        return False


def _ignore(_: object) -> None:
    """Stands in until somebody wants to know."""
