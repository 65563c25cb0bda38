"""Reads the frames of one segment and says how it ends. It judges nothing: what an end means is recovery's matter."""

from enum import Enum

from mqbroker.storage.frame import FLAG_CLOSED, FLAG_FILLER, MAGIC, Frame, read_frame
from mqbroker.storage.segment import SEGMENT_HEADER_BYTES, SegmentHeader, read_segment_header


class Tail(Enum):
    """What follows the last good frame of a segment."""

    ZERO = "zeros"
    """Zeros, or the end of the file where it was prepared to end: nothing was written there."""
    JUNK = "junk"
    """Bytes that are no frame, and no good frame behind them."""
    CUT = "cut"
    """The file ends before it was prepared to, and not in zeros: something is gone."""
    GAP = "gap"
    """Damage, and a good frame behind it."""
    NOTHING = "nothing"
    """There is no good header or no good first frame."""


class Scan:
    """The good frames of one segment. `end` is where they end; `resume` where the next good one begins, for a GAP."""

    __slots__ = ("data", "end", "frames", "header", "name", "resume", "tail")

    def __init__(self, name: str, data: bytes, last_lsn: int = -1) -> None:
        """Scans up to the batch `last_lsn`, or the end."""
        self.name = name
        self.data = data
        self.header: SegmentHeader | None = read_segment_header(name, data)
        self.frames: list[Frame] = []
        self.end = 0
        self.resume = -1
        self.tail = Tail.NOTHING
        if self.header is not None:
            self.end = SEGMENT_HEADER_BYTES
            self._scan(self.header, last_lsn)

    def _scan(self, header: SegmentHeader, last_lsn: int) -> None:
        crc, lsn, flags = header.crc, header.previous_lsn, 0
        while lsn != last_lsn and (frame := read_frame(self.data, self.end, header.seed)):
            is_chained = frame.previous_crc == crc or bool(flags & FLAG_FILLER)
            if not is_chained or frame.previous_lsn != lsn:
                break
            self.frames.append(frame)
            crc, lsn, flags = frame.crc, frame.lsn, frame.flags
            self.end = frame.end
        if lsn != last_lsn:
            self.resume = self._find_frame(header, lsn)
        self.tail = self._judge(header)

    def _find_frame(self, header: SegmentHeader, lsn: int) -> int:
        """Where the next good frame with a higher number begins, -1 for nowhere."""
        at = self.data.find(MAGIC, self.end)
        while at >= 0:
            frame = read_frame(self.data, at, header.seed)
            if frame is not None and frame.lsn > lsn:
                return at
            at = self.data.find(MAGIC, at + 1)
        return -1

    def _judge(self, header: SegmentHeader) -> Tail:
        data, end = self.data, self.end
        if not self.frames:
            return Tail.NOTHING
        if self.resume >= 0:
            return Tail.GAP
        is_short = len(data) < header.size_bytes and not self.is_closed
        if is_short and data[end : end + 1] != b"\0":
            return Tail.CUT
        return Tail.ZERO if len(data.rstrip(b"\0")) <= end else Tail.JUNK

    @property
    def batches(self) -> list[Frame]:
        """The good frames that hold batches: all but what a repair put there."""
        return [frame for frame in self.frames if not frame.flags & FLAG_FILLER]

    @property
    def is_closed(self) -> bool:
        """Whether the broker stopped in order behind the last good frame."""
        return bool(self.frames) and bool(self.frames[-1].flags & FLAG_CLOSED)

    @property
    def last_lsn(self) -> int:
        """The number of the last good batch, 0 for none."""
        return self.frames[-1].lsn if self.frames else 0

    @property
    def damage_end(self) -> int:
        """Where the damage behind the last good frame ends."""
        return self.resume if self.resume >= 0 else len(self.data)
