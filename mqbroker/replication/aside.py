"""Keeps for the operator what a log has to drop: `*.journal.divergent`, in the same folder, which nothing reads.

Whole segments get another name, newest first, so that what is left after a crash in between is still the beginning of
the log. Of the segment that is cut a copy is kept.
"""

import re

from mqbroker.limits import PAIR_DIVERGENT_FILES_MAX
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.segment import first_lsn_of, segment_names

SUFFIX = ".divergent"
_NAME = re.compile(r"[0-9a-f]{16}\.journal\.divergent")


def set_aside(disk: Disk, keep: int) -> list[str]:
    """Keeps a copy of everything after that batch, and drops the segments that begin after it. Returns the names of
    what was kept. The segment with the batch is still to be cut, by `end_log`."""
    names = segment_names(disk.names())
    kept = [_put(disk, name) for name in reversed(names) if first_lsn_of(name) > keep]
    whole = [name for name in names if first_lsn_of(name) <= keep]
    if whole and _goes_on(disk, whole[-1], keep):
        kept.append(_copy(disk, whole[-1]))
    _bound(disk)
    return kept


def end_log(disk: Disk, keep: int) -> None:
    """Ends the newest segment after that batch, with zeros after it, synced; what comes later is set aside already. The
    log may end before: a power cut takes what was not synced."""
    names = segment_names(disk.names())
    if names:
        segment = SegmentReader(disk, names[-1])
        segment.pass_over(keep)
        disk.truncate(names[-1], segment.chain.end, segment.chain.header.size_bytes)


def _goes_on(disk: Disk, name: str, keep: int) -> bool:
    segment = SegmentReader(disk, name)
    segment.pass_over(keep)
    return segment.peek() is not None


def _put(disk: Disk, name: str) -> str:
    disk.finish(name, disk.size(name))  # closes it
    disk.rename(name, name + SUFFIX)
    disk.sync_names()
    return name + SUFFIX


def _copy(disk: Disk, name: str) -> str:
    octets = disk.read(name)
    disk.prepare(name + SUFFIX, len(octets))
    disk.write(name + SUFFIX, [octets], 0, True)
    disk.finish(name + SUFFIX, len(octets))
    disk.sync_names()
    return name + SUFFIX


def _bound(disk: Disk) -> None:
    there = sorted(name for name in disk.names() if _NAME.fullmatch(name))
    for name in there[:-PAIR_DIVERGENT_FILES_MAX]:
        disk.delete(name)
