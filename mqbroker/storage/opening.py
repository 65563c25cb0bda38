"""Finds space for the first segment of a run, also on a full disk: a broker that does not start cannot be drained.

A run needs room for a checkpoint and for the acknowledgements that free older segments. When there is no space for a
whole segment, space is taken from earlier ones: the unused end of the newest one, and segments without live messages.
Nothing that recovery needs is touched before the new segment lasts.
"""

from collections.abc import Iterator

from mqbroker.errors import DiskFailed, StorageError
from mqbroker.limits import OPENING_ROOM_BYTES_MIN
from mqbroker.storage.log.appender import NO_SPACE
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.segment import SPARE, segment_name
from mqbroker.storage.recovery import Recovery


def prepare_first(disk: Disk, recovery: Recovery, segment_bytes: int, needed: int) -> int:
    """Prepares the spare that becomes the first segment of this run; returns its size.

    `needed` is the size of its first batch. StorageError when there is no space even for that.
    """
    wanted = max(segment_bytes, needed)
    try:
        if _is_prepared(disk, wanted):
            return wanted
        _make_room(disk, recovery)
        for size in _sizes(min(wanted, disk.free_bytes()), needed + OPENING_ROOM_BYTES_MIN):
            if _is_prepared(disk, size):
                return size
    except OSError as error:
        raise DiskFailed(f"the journal {disk.path} could not be written: {error}") from error
    raise StorageError(f"there is no space for the next segment of the journal {disk.path}: {needed} bytes at least")


def _is_prepared(disk: Disk, size: int) -> bool:
    try:
        disk.prepare(SPARE, size)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        return False
    return True


def _make_room(disk: Disk, recovery: Recovery) -> None:
    # Cutting the newest segment also syncs it, so its checkpoint lasts before the segments it does without are deleted.
    if recovery.newest:
        disk.finish(recovery.newest, recovery.bytes_needed)
    for first in recovery.obsolete:
        disk.delete(segment_name(first))
    for name, end in recovery.unfinished.items():
        if name != recovery.newest:
            disk.finish(name, end)


def _sizes(most: int, least: int) -> Iterator[int]:
    """The sizes to try, largest first: space that is left over may be taken by others before the next start."""
    size = most
    while size > least:
        yield size
        size -= size // 8
    yield least
