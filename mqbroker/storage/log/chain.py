"""The chain of a segment's frames as far as it is known, read without a key.

Checksums, numbers, cipher and epoch tell whether a frame is whole and the next one. Whether an encrypted one was
written with the key is known only to who has it (scan.py).
"""

import os

from mqbroker.errors import JournalCorrupt
from mqbroker.limits import JOURNAL_READ_BYTES
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.frame import FLAG_FILLER, FRAME_BYTES, Frame, announced_end
from mqbroker.storage.log.pieces import Appended
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, SegmentHeader, read_segment_header


class Chain:
    """Where the frames of one segment end, and what the next one has to say."""

    def __init__(self, header: SegmentHeader) -> None:
        self.header = header
        self.end = header.frames_at
        """Where the next frame begins in the file."""
        self.lsn = header.previous_lsn
        """The last batch of the log up to there."""
        self.crc = header.crc
        """The checksum that the next frame is chained to."""
        self._flags = 0

    def next(self, data: bytes, offset: int) -> Frame | None:
        """The frame at `offset` of `data`, if it is whole and continues the chain; not counted yet."""
        frame = self.header.read_frame(data, offset)
        if frame is None or frame.previous_lsn != self.lsn:
            return None
        # After a filler, which a repair has put in the place of lost frames, the chain starts anew.
        is_chained = frame.previous_crc == self.crc or self._flags & FLAG_FILLER
        return frame if is_chained else None

    def add(self, frame: Frame) -> None:
        """The frame is part of the chain."""
        self.end += FRAME_BYTES + frame.payload_bytes
        self.lsn, self.crc, self._flags = frame.lsn, frame.crc, frame.flags


class SegmentReader:
    """Reads a segment frame by frame, a bounded piece of the file at a time; also while it is being written."""

    def __init__(self, disk: Disk, name: str) -> None:
        """FileNotFoundError when it is gone, JournalCorrupt when its header is damaged, StorageError when it is of
        another version."""
        self.name = name
        self._disk = disk
        opening = disk.read(name, 0, SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES)
        header = read_segment_header(name, opening)
        if header is None:
            raise JournalCorrupt(os.path.join(disk.path, name), 0, len(opening), "its header is not readable")
        self.chain = Chain(header)
        self._opening = opening[: header.frames_at]
        self._chunk = b""
        self._chunk_at = 0

    def next(self) -> Appended | None:
        """The next frame, the first one with the segment's opening; None when there is no good one (yet)."""
        frame = self.peek()
        if frame is None:
            return None
        chain, start = self.chain, self.chain.end
        parts = [self._chunk[frame.offset : frame.end]]
        if start == chain.header.frames_at:
            parts.insert(0, self._opening)
            start = 0
        chain.add(frame)
        return Appended(chain.header.first_lsn, start, frame.lsn, parts)

    def pass_over(self, lsn: int) -> None:
        """Goes on to where the batches up to that one end."""
        while (frame := self.peek()) and frame.lsn <= lsn:
            self.chain.add(frame)

    def peek(self) -> Frame | None:
        """The frame that `next` gives, with its place in what was read of the file."""
        return self.chain.next(self._chunk, self.chain.end - self._chunk_at) or self._load()

    def _load(self) -> Frame | None:
        """Reads on from the end of the chain, as far as the next frame needs."""
        chain = self.chain
        chunk = self._disk.read(self.name, chain.end, JOURNAL_READ_BYTES)
        size = announced_end(chunk, 0, chain.header.seed)
        if size > len(chunk):
            chunk = self._disk.read(self.name, chain.end, size)
        self._chunk, self._chunk_at = chunk, chain.end
        return chain.next(chunk, 0)
