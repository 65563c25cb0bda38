"""Goes through the batches of a segment that nothing is appended to, in steps of bounded size."""

from collections.abc import Iterator
from typing import NamedTuple

from mqbroker.errors import JournalCorrupt
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.frame import FLAG_FILLER, FRAME_BYTES, Frame
from mqbroker.storage.log.segment import segment_name
from mqbroker.storage.pages.stretch_reader import FORGED, StretchReader


class Batch(NamedTuple):
    """One batch, with its payload opened."""

    frame: Frame
    start: int
    end: int
    payload: bytes


class Walk:
    """The batches of one segment, up to and with `last_lsn`. It may be gone on with in any thread, in one at a time."""

    def __init__(self, disk: Disk, reader: StretchReader, segment: int, last_lsn: int) -> None:
        self.segment = segment
        self._disk = disk
        self._reader = reader
        self._last_lsn = last_lsn
        self._file: SegmentReader | None = None

    def step(self, size: int) -> Iterator[Batch]:
        """The next batches, of so many bytes about; none at the end. JournalCorrupt where they are not all good."""
        if self._file is None:
            self._file = SegmentReader(self._disk, segment_name(self.segment))
        key = self._reader.key(self.segment)
        file, left = self._file, size
        while left > 0 and file.chain.lsn != self._last_lsn:
            batch = self._next(file, key)
            left -= batch.end - batch.start
            if not batch.frame.flags & FLAG_FILLER:
                yield batch

    @property
    def is_at_end(self) -> bool:
        """Whether there is nothing more."""
        return self._file is not None and self._file.chain.lsn == self._last_lsn

    def _next(self, file: SegmentReader, key: DataKey | None) -> Batch:
        start = file.chain.end
        frame = file.peek()
        appended = file.next()
        if frame is None or appended is None:
            end = self._disk.size(file.name)
            raise self._refusal(start, end, "the batches before the next segment are not all good")
        payload: bytes | None = appended.parts[-1][FRAME_BYTES:]
        if key is not None:
            assert payload is not None
            payload = key.open(frame, memoryview(payload))
        if payload is None:
            raise self._refusal(start, file.chain.end, FORGED)
        return Batch(frame, start, file.chain.end, payload)

    def _refusal(self, start: int, end: int, reason: str) -> JournalCorrupt:
        return JournalCorrupt(self._reader.path(self.segment), start, end, reason)
