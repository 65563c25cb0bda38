"""Which way a log went: what two nodes need to know to find the last batch that both of them have.

A segment is written by one run of one node, and its header holds random octets: two segments with the same first batch
and the same header checksum are the same one, and of such two one is the beginning of the other. So the last common
batch stands in the newest segment that both have. Epochs are not needed for that, and a node that ran alone in between,
in its old epoch, is found out too.
"""

from typing import NamedTuple

from mqbroker.errors import JournalCorrupt
from mqbroker.limits import PAIR_COURSE_SEGMENTS_MAX
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.pieces import Appended
from mqbroker.storage.log.segment import (
    SEGMENT_HEADER_BYTES,
    SegmentHeader,
    first_lsn_of,
    read_segment_header,
    segment_name,
    segment_names,
)


class Stretch(NamedTuple):
    """A segment, as another node knows it again."""

    first: int
    previous: int
    """The last batch of the log before it."""
    epoch: int
    crc: int

    @property
    def identity(self) -> tuple[int, int]:
        """Equal for the same segment on two nodes."""
        return self.first, self.crc


class Course(NamedTuple):
    """The segments of a log, oldest first; some between them may be deleted. `end` is its last batch."""

    stretches: tuple[Stretch, ...]
    end: int

    def end_of(self, stretch: Stretch) -> int:
        """The last batch of the log before the segment after that one."""
        following = (each.previous for each in self.stretches if each.first > stretch.first)
        return next(following, self.end)


def stretch_of(header: SegmentHeader) -> Stretch:
    """The segment with that header."""
    return Stretch(header.first_lsn, header.previous_lsn, header.epoch, header.crc)


def begun_by(piece: Appended) -> Stretch | None:
    """The segment that the piece begins, if it does."""
    if piece.offset:
        return None
    header = read_segment_header(segment_name(piece.segment), piece.octets)
    return None if header is None else stretch_of(header)


def course_of(disk: Disk, end: int) -> Course:
    """The course of the log on that disk, whose last batch is `end`. JournalCorrupt for a damaged header."""
    found = (_stretch(disk, name) for name in segment_names(disk.names()))
    return Course(tuple(each for each in found if each is not None), end)


def _stretch(disk: Disk, name: str) -> Stretch | None:
    try:
        opening = disk.read(name, 0, SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES)
    except FileNotFoundError:
        return None  # deleted at this moment
    header = read_segment_header(name, opening)
    if header is None:
        raise JournalCorrupt(name, 0, len(opening), "its header is not readable")
    return stretch_of(header)


class History:
    """What the node that writes knows of its own course: also segments that are deleted by now, and the one that is on
    its way to the disk. Whoever was sent something is never asked to drop it."""

    def __init__(self, course: Course) -> None:
        """Begins with what is on the disk, where segments between may have been deleted."""
        self._known = {each.first: each for each in course.stretches}
        self._ends: dict[int, int] = {}
        self._newest = course.stretches[-1].first if course.stretches else 0

    def note(self, stretch: Stretch) -> None:
        """A segment begins at the end of the log."""
        self._ends[self._newest] = stretch.previous
        self._known[stretch.first] = stretch
        self._newest = stretch.first
        if len(self._known) > PAIR_COURSE_SEGMENTS_MAX:
            oldest = min(self._known)
            del self._known[oldest]
            self._ends.pop(oldest, None)

    @property
    def newest(self) -> Stretch:
        """The segment that is being written."""
        return self._known[self._newest]

    def has(self, stretch: Stretch) -> bool:
        """Whether it is part of this course."""
        known = self._known.get(stretch.first)
        return known is not None and known.identity == stretch.identity

    def end_of(self, stretch: Stretch, disk: Disk, end: int) -> int:
        """The last batch of that segment, which is part of this course; `end` is that of the log. 0 when it is
        deleted, and nobody remembers."""
        if stretch.first == self._newest:
            return end
        known = self._ends.get(stretch.first)
        if known is not None:
            return known
        try:
            segment = SegmentReader(disk, segment_name(stretch.first))
            segment.pass_over(min(first for first in self._known if first > stretch.first) - 1)
        except FileNotFoundError:
            return 0
        return segment.chain.lsn


class Meeting(NamedTuple):
    """Where a follower goes on."""

    keep: int
    """The last batch that both have; 0 for none: it begins anew."""
    is_whole: bool
    """Whether the follower keeps all that could have been confirmed. Else it must not be promoted before it has caught
    up."""
    missing: tuple[int, ...] = ()
    """Older segments that it lacks, by their first batches."""


ANEW = Meeting(0, False)


def meeting(history: History, disk: Disk, end: int, follower: Course) -> Meeting:
    """Where the follower's log leaves the one on the disk, whose newest batch, perhaps on its way there, is `end`.

        the newest segment that both know            | the follower keeps
        ---------------------------------------------+--------------------------------------------------
        there is none, or nobody knows where it ends | nothing
        there is one                                 | up to where the first of both leaves it
        there is one, and older ones are missing     | the same; the missing ones are copied first

    What it drops was never confirmed if it is not in the history. That is certain for what comes after the beginning
    of the newest segment only: the history does not know what was deleted before this run.
    """
    shared = [each for each in follower.stretches if history.has(each)]
    if not shared:
        return ANEW
    keep = min(history.end_of(shared[-1], disk, end), follower.end_of(shared[-1]))
    here = {each.first for each in shared}
    needed = map(first_lsn_of, segment_names(disk.names()))
    missing = tuple(first for first in needed if first <= keep and first not in here)
    is_whole = not missing and (keep == follower.end or keep >= history.newest.previous)
    return Meeting(keep, is_whole, missing) if keep else ANEW
