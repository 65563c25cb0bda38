"""Older segments that a standby has lost (a damaged disk, a file that somebody has deleted), brought back one by one.

The active node sends a lost segment frame by frame, before what comes after the last batch of the standby, which writes
a file of another name that nothing takes for a segment, and gives it its own name once all of it is there and synced.
So a link that ends in between costs one segment at most. Until none is missing its log is not whole, and it is not
promoted.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from mqbroker.errors import LogRefused
from mqbroker.storage.log.chain import Chain, SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.segment import is_too_long, read_segment_header, segment_name

SUFFIX = ".copy"


class Copied(NamedTuple):
    """A frame of a segment that the standby lacks, as in Appended; without octets the segment is complete."""

    segment: int
    offset: int
    lsn: int
    parts: list[bytes]

    @property
    def size(self) -> int:
        """How many octets there are."""
        return sum(map(len, self.parts))


class Copies:
    """What the active node sends of them. One that is deleted meanwhile is left out: it is not needed any more."""

    def __init__(self, disk: Disk, segments: Iterable[int]) -> None:
        self._disk = disk
        self._left = deque(segments)
        self._reader: SegmentReader | None = None

    @property
    def is_done(self) -> bool:
        """Whether all are sent."""
        return not self._left

    def next(self, size: int) -> list[Copied]:
        """The next frames, about so many octets. JournalCorrupt when the segment is damaged here."""
        pieces: list[Copied] = []
        while size > 0 and self._left:
            try:
                pieces.append(self._next(self._left[0]))
                size -= pieces[-1].size
            except FileNotFoundError:
                self._end()
        return pieces

    def _next(self, segment: int) -> Copied:
        if self._reader is None:
            self._reader = SegmentReader(self._disk, segment_name(segment))
        frame = self._reader.next()
        if frame is not None:
            return Copied(*frame)
        lsn = self._reader.chain.lsn
        self._end()
        return Copied(segment, 0, lsn, [])

    def _end(self) -> None:
        self._left.popleft()
        self._reader = None


class Filling:
    """The segment that a standby gets at the moment. LogRefused for what does not fit, OSError of the disk."""

    def __init__(self, disk: Disk, cluster_id: bytes) -> None:
        self._disk = disk
        self._cluster_id = cluster_id
        self._chain: Chain | None = None

    def take(self, piece: Copied) -> bool:
        """Writes what has come. Whether the segment is there now."""
        if not piece.parts:
            self._finish(piece)
            return True
        octets = b"".join(piece.parts)
        if piece.offset == 0:
            self._begin(piece, octets)
        self._append(piece, octets)
        return False

    def _begin(self, piece: Copied, octets: bytes) -> None:
        header = read_segment_header(segment_name(piece.segment), octets)
        if header is None or header.cluster_id != self._cluster_id:
            raise self._refusal(piece, "its header is not good")
        if is_too_long(header, len(octets)):
            raise self._refusal(piece, f"its header asks for {header.size_bytes} bytes of disk")
        self._chain = Chain(header)
        self._disk.prepare(header.name + SUFFIX, header.size_bytes)

    def _append(self, piece: Copied, octets: bytes) -> None:
        chain = self._chain
        if chain is None or piece.segment != chain.header.first_lsn:
            raise self._refusal(piece, "its segment has not begun")
        at = chain.end if piece.offset else 0
        frame = chain.next(octets, chain.end - at)
        is_next = frame is not None and piece.offset == at and frame.end == len(octets)
        if frame is None or not is_next or at + len(octets) > chain.header.size_bytes:
            raise self._refusal(piece, "it is not the next good frame")
        self._disk.write(chain.header.name + SUFFIX, [octets], at, False)
        chain.add(frame)

    def _finish(self, piece: Copied) -> None:
        chain, self._chain = self._chain, None
        if chain is None or (piece.segment, piece.lsn) != (chain.header.first_lsn, chain.lsn):
            raise self._refusal(piece, "some of it is missing")
        name = chain.header.name
        self._disk.finish(name + SUFFIX, chain.end)
        self._disk.rename(name + SUFFIX, name)
        self._disk.sync_names()

    def _refusal(self, piece: Copied, reason: str) -> LogRefused:
        name = segment_name(piece.segment)
        return LogRefused(f"{self._disk.path}/{name} refuses batch {piece.lsn} at {piece.offset}: {reason}")


def remove_unfinished(disk: Disk) -> None:
    """Deletes what links that ended have left."""
    for name in disk.names():
        if name.endswith(SUFFIX):
            disk.delete(name)
