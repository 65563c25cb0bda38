"""Makes the octets of the log: seals what the encoder made of a batch, chains it to the frame before, and places it.

It does no I/O and knows no thread. It runs beside the loop because sealing and checksums take time, and holds what only
the end of the log is: place, chain and key of the segment that is being written.
"""

from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.log.batch import Job
from mqbroker.storage.log.frame import pack_frame
from mqbroker.storage.log.pieces import Appended
from mqbroker.storage.log.segment import SegmentHeader, opening_crc, pack_segment_header


class Framer:
    """The end of the log. `frame` takes jobs in their order, the first one with a segment."""

    def __init__(self) -> None:
        self._segment = 0
        self._seed = 0
        self._key: DataKey | None = None
        self._end = 0
        self._crc = 0

    def frame(self, job: Job) -> Appended:
        """The octets of the job, and where they belong."""
        opening = b"" if job.segment is None else self._begin(job.segment, job.key)
        payload = job.payload if job.late is None else job.payload + job.late()
        if self._key is not None:
            payload = self._key.seal(job.frame, payload, self._crc)
        header, self._crc = pack_frame(job.frame, payload, self._crc, self._seed)
        start = self._end
        self._end = start + len(opening) + len(header) + len(payload)
        return Appended(self._segment, start, job.frame.lsn, [opening + header, payload])

    def _begin(self, segment: SegmentHeader, key: DataKey | None) -> bytes:
        opening = pack_segment_header(segment)
        self._segment = segment.first_lsn
        self._seed = segment.seed
        self._key = key
        self._end = 0
        self._crc = opening_crc(opening)
        return opening
