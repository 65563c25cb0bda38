"""Reads the frames of one segment and says how it ends. What that end means is for recovery to judge.

In an encrypted segment it opens every batch: nothing else tells what was written with the key from a forgery.
"""

from enum import Enum

from mqbroker.errors import KeyMissing
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.frame import FLAG_CLOSED, FLAG_FILLER, MAGIC, TAG_BYTES, Frame, announced_end
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, SegmentHeader, read_segment_header
from mqbroker.storage.log.torn import is_torn


class Tail(Enum):
    """What follows the last good frame of a segment."""

    ZERO = "zeros"
    """Zeros, or the end of the file where it was prepared to end: nothing was written there."""
    TORN = "a write that was cut off"
    """The rest of one write that was cut off, and no good frame after it."""
    DAMAGE = "damage"
    """Octets that no single write leaves, and no good frame after them."""
    CUT = "cut"
    """The file is shorter than it was prepared, and does not end in zeros: something is gone."""
    FINISHED = "finished"
    """The file ends with the last good frame, and was prepared longer: it was cut there when the next one began."""
    GAP = "gap"
    """Damage, and a good frame after it."""
    FORGED = "a batch that was not written with the key"
    """A whole frame that does not open: no accident, somebody without the key wrote it."""
    NOTHING = "nothing"
    """There is no good header or no good first frame."""


class Scan:
    """The good frames of one segment. `end` is where they end; `resume` where the next good one begins after damage.

    `data` is what is on the disk; `content` the same with the payloads opened, each at its own place.
    """

    __slots__ = ("_keyring", "content", "data", "end", "frames", "header", "key", "name", "resume", "tail")

    def __init__(
        self, name: str, data: bytes, last_lsn: int = -1, keyring: Keyring | None = None, opens: bool = True
    ) -> None:
        """Scans up to the batch `last_lsn`, or the end. KeyMissing without the key of an encrypted segment, unless
        `opens` is False: then checksums alone tell which frames are good."""
        self.name = name
        self.data = data
        self.content = data
        self.header: SegmentHeader | None = read_segment_header(name, data)
        self.key: DataKey | None = None
        """What opens its frames, if it is encrypted."""
        self._keyring = keyring
        self.frames: list[Frame] = []
        self.end = 0
        self.resume = -1
        self.tail = Tail.NOTHING
        if opens and self.header is not None and self.header.key_block is not None:
            self._unwrap(self.header)
        if self.header is not None:
            self.end = self.header.frames_at
            self._scan(self.header, last_lsn)

    def _unwrap(self, header: SegmentHeader) -> None:
        block = header.key_block
        assert block is not None
        if self._keyring is None:
            raise KeyMissing(self.name, block.key_id, "no key is given")
        self.key = self._keyring.unwrap(self.name, self.data[:SEGMENT_HEADER_BYTES], block)
        if self.key is None:
            self.header = None

    def _scan(self, header: SegmentHeader, last_lsn: int) -> None:
        crc, lsn, flags = header.crc, header.previous_lsn, 0
        opened: list[bytes | memoryview] = []
        is_forged = False
        while lsn != last_lsn and (frame := header.read_frame(self.data, self.end)):
            is_chained = frame.previous_crc == crc or bool(flags & FLAG_FILLER)
            if not is_chained or frame.previous_lsn != lsn:
                break
            if self.key is not None and not self._open(self.key, frame, opened):
                is_forged = True
                break
            self.frames.append(frame)
            crc, lsn, flags = frame.crc, frame.lsn, frame.flags
            self.end = frame.end
        if lsn != last_lsn:
            self.resume = self._find_frame(header, lsn, self.end + is_forged)
        self.tail = Tail.FORGED if is_forged else self._judge(header)
        if opened:
            view = memoryview(self.data)
            self.content = b"".join([view[: header.frames_at], *opened, view[self.end :]])

    def _open(self, key: DataKey, frame: Frame, opened: list[bytes | memoryview]) -> bool:
        """Adds the frame with its payload opened; False when it does not open."""
        view = memoryview(self.data)
        payload = key.open(frame, view[frame.start : frame.end])
        if payload is None:
            return False
        opened += (view[frame.offset : frame.start], payload, bytes(TAG_BYTES))
        return True

    def _find_frame(self, header: SegmentHeader, lsn: int, start: int) -> int:
        """Where the next good frame with a higher number begins, from `start` on; -1 for nowhere."""
        at = self.data.find(MAGIC, start)
        while at >= 0:
            frame = header.read_frame(self.data, at)
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
        if len(data) == end < header.size_bytes:
            return Tail.FINISHED
        if len(data) < header.size_bytes and not self._ends_in_zeros(header):
            return Tail.CUT
        if len(data.rstrip(b"\0")) <= end:
            return Tail.ZERO
        return Tail.TORN if not self.is_closed and is_torn(data, end, header.seed) else Tail.DAMAGE

    def _ends_in_zeros(self, header: SegmentHeader) -> bool:
        """Whether a file that was cut still has a zero after all that was written: then nothing else was cut."""
        return self.data[self.end] == 0 or self.end < announced_end(self.data, self.end, header.seed) < len(self.data)

    @property
    def bytes_needed(self) -> int:
        """To how many bytes the file can be cut without changing how its end is judged: one zero shows that nothing
        followed."""
        written = max(len(self.data.rstrip(b"\0")), self.end)
        if self.tail is Tail.TORN and self.header is not None:
            written = max(written, announced_end(self.data, self.end, self.header.seed))
        return min(written + 1, len(self.data))

    def changed(self, data: bytes, last_lsn: int) -> "Scan":
        """A scan of the same segment with other content, up to the batch `last_lsn`."""
        return Scan(self.name, data, last_lsn, self._keyring)

    @property
    def is_encrypted(self) -> bool:
        """Whether there is a good header, of an encrypted segment."""
        return self.key is not None

    @property
    def is_plain(self) -> bool:
        """Whether there is a good header, of a plain segment."""
        return self.header is not None and self.key is None

    @property
    def batches(self) -> list[Frame]:
        """The good frames that hold batches: all but the fillers of a repair."""
        return [frame for frame in self.frames if not frame.flags & FLAG_FILLER]

    @property
    def is_closed(self) -> bool:
        """Whether the broker stopped in order after the last good frame."""
        return bool(self.frames) and bool(self.frames[-1].flags & FLAG_CLOSED)

    @property
    def last_lsn(self) -> int:
        """The number of the last good batch, 0 for none."""
        return self.frames[-1].lsn if self.frames else 0

    @property
    def damage_end(self) -> int:
        """Where the damage after the last good frame ends."""
        if self.tail is Tail.DAMAGE:
            return len(self.data.rstrip(b"\0"))
        return self.resume if self.resume >= 0 else len(self.data)
