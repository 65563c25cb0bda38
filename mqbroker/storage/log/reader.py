"""Reads the log from a batch on, as the octets in the files, for whoever is not as far and follows it (applier.py).

It goes from segment to segment, holds little memory, needs no key, and may work beside the broker that writes: what is
deleted meanwhile is told as such. Where it finds no further frame it says that it is at the end: then follow the tap,
ask what is `gone`, read on up to the batch that the tap names, and go on with what the tap gives that is newer.

    previous batch of the next segment | this segment                  | then
    -----------------------------------+-------------------------------+--------------------------------------
    the last one read                  | any                           | it goes on there
    a later one                        | has another frame by now      | it goes on here
    a later one                        | ends with the last one read   | segments between were deleted: told
    a later one                        | was deleted itself            | told
    a later one                        | has something else after it   | is damaged: refused
    an earlier one                     | any                           | is damaged: refused
"""

import os
from collections.abc import Iterable

from mqbroker.errors import JournalCorrupt, StorageError
from mqbroker.limits import JOURNAL_READ_BYTES
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.pieces import Appended, Deleted, Piece, Skipped
from mqbroker.storage.log.segment import first_lsn_of, segment_names


class Reader:
    """The log after the batch `lsn`, which must be one of its batches; 0 for all of it."""

    def __init__(self, disk: Disk, lsn: int = 0) -> None:
        """StorageError when the log does not have that batch: it took another course."""
        self.lsn = lsn
        """The last batch that was read, or told to be gone."""
        self.is_at_end = False
        """Whether there was nothing more, or nothing whole, when `read` was called last."""
        self._disk = disk
        self._segment: SegmentReader | None = None
        self._name = ""
        self._is_found = lsn == 0
        self._pieces: list[Piece] = []
        self._begin()

    def read(self, size: int = JOURNAL_READ_BYTES) -> list[Piece]:
        """The next pieces, until they hold so many bytes; fewer, or none, at the end. JournalCorrupt for damage."""
        pieces: list[Piece] = []
        while size > 0 and (piece := self._next()):
            pieces.append(piece)
            size -= piece.size if isinstance(piece, Appended) else 1
        self.is_at_end = size > 0
        return pieces

    def gone(self, segments: Iterable[int]) -> list[Deleted]:
        """Which of these segments, named by their first batches, are not here. Once a follower has begun with the tap,
        it is told of every later one."""
        here = set(map(first_lsn_of, self._names()))
        return [Deleted(segment) for segment in segments if segment not in here]

    def _names(self) -> list[str]:
        return segment_names(self._disk.names())

    def _begin(self) -> None:
        """Goes to the place of the batch, in the last segment that begins before it."""
        names = [name for name in self._names() if first_lsn_of(name) <= self.lsn]
        if not names:
            return
        self._name = names[-1]
        try:
            segment = SegmentReader(self._disk, self._name)
            segment.pass_over(self.lsn)
            follows = segment.peek()
        except FileNotFoundError:
            return
        self._is_found = segment.chain.lsn == self.lsn
        if not self._is_found and follows:
            raise self._unknown()
        self._segment = segment

    def _open(self, name: str) -> SegmentReader | None:
        try:
            return SegmentReader(self._disk, name)
        except FileNotFoundError:
            return None

    def _next(self) -> Piece | None:
        while not self._pieces:
            frame = self._next_frame()
            if frame is not None:
                self.lsn = frame.lsn
                return frame
            if not self._move_on():
                return None
        piece = self._pieces.pop(0)
        if isinstance(piece, Skipped):
            self.lsn = piece.lsn
        return piece

    def _next_frame(self) -> Appended | None:
        if self._segment is None:
            return None
        try:
            return self._segment.next()
        except FileNotFoundError:
            self._forget_segment()
            return None

    def _forget_segment(self) -> None:
        self._segment = None
        self._pieces.append(Deleted(first_lsn_of(self._name)))

    def _move_on(self) -> bool:
        """Goes on with the next segment. False when there is none."""
        name = next((name for name in self._names() if name > self._name), None)
        if name is None:
            if not self._is_found:
                raise self._unknown()
            return False
        segment = self._open(name)
        if segment is None:
            return True  # deleted at this moment: look again
        previous = segment.chain.lsn
        if previous != self.lsn and self._goes_on(previous):
            return True
        if previous > self.lsn:
            self._pieces.append(Skipped(previous))
        self._is_found = True
        self._segment, self._name = segment, name
        return True

    def _goes_on(self, previous: int) -> bool:
        """Whether this segment has more by now, though the next one, which follows the batch `previous`, has begun."""
        if previous < self.lsn and not self._is_found:
            raise self._unknown()
        try:
            return self._segment is not None and self._has_more(self._segment, previous)
        except FileNotFoundError:
            self._forget_segment()
            return False

    def _has_more(self, segment: SegmentReader, previous: int) -> bool:
        if previous > self.lsn and segment.peek():
            return True
        end, size = segment.chain.end, self._disk.size(segment.name)
        if previous < self.lsn or size > end:
            path = os.path.join(self._disk.path, segment.name)
            raise JournalCorrupt(path, end, size, "good batches follow")
        return False

    def _unknown(self) -> StorageError:
        return StorageError(f"the journal {self._disk.path} has no batch {self.lsn}: its course was another one")
