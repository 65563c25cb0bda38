"""Applies the pieces of a followed log to a directory of this node, so that its segments are the same octets.

It needs no key: it checks what can be checked without one (place, chain of checksums, numbers, epoch, cluster), and
what does not continue its log is refused and changes nothing. When `apply` returns, the piece is as durable as the mode
promises. An epoch older than that of its log is refused for ever: a node that was replaced cannot write here.

After a crash it goes on where its last good frame ends, and refuses damage like recovery does. What a torn write left
is overwritten with the next frame.
"""

import os

from mqbroker.errors import JournalCorrupt, LogRefused, StaleEpoch
from mqbroker.storage.log.chain import Chain, SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.pieces import Appended, Deleted, Piece
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import (
    SPARE,
    SegmentHeader,
    first_lsn_of,
    is_too_long,
    read_segment_header,
    segment_name,
    segment_names,
)
from mqbroker.storage.log.segment_file import SegmentFile

SOUND = (Tail.ZERO, Tail.TORN, Tail.FINISHED)
"""How the newest segment may end. It is finished when a newer one is gone: then this node has less than it had, and
follows from there. It is not to be promoted like that, and recovery refuses it."""


class Applier:
    """A log that another node writes. After an OSError it is not to be used any more."""

    def __init__(self, disk: Disk, sync: bool, epoch: int = 0) -> None:
        """With `sync` what was applied lasts. What is older than `epoch` is refused, whatever the log says.

        JournalCorrupt when the newest segment is damaged.
        """
        self.lsn = 0
        """The last batch that is here."""
        self.epoch = epoch
        """The newest one seen."""
        self.cluster_id = b""
        """Whose log it is; empty before the first piece."""
        self._disk = disk
        self._file = SegmentFile(disk, sync)
        self._chain: Chain | None = None
        self._is_open = False
        self._spare_bytes = 0
        self._resume()

    @property
    def segments(self) -> list[int]:
        """The first batches of all segments, oldest first."""
        return list(map(first_lsn_of, self._names()))

    def apply(self, piece: Piece) -> None:
        """Does what the writing node did. LogRefused when the piece does not continue the log, OSError of the disk."""
        if isinstance(piece, Deleted):
            self._delete(piece.segment)
        elif not isinstance(piece, Appended):
            self.lsn = max(self.lsn, piece.lsn)
        elif piece.offset == 0:
            self._begin(piece)
        else:
            self._append(piece)

    def prepare_next(self) -> None:
        """Prepares the file of the next segment, which then begins as fast as a batch is written. `apply` may go on in
        another thread, but not with the beginning of a segment."""
        chain = self._chain
        if chain is not None and self._spare_bytes != chain.header.size_bytes:
            self._disk.prepare(SPARE, chain.header.size_bytes)
            self._spare_bytes = chain.header.size_bytes

    def truncate(self, lsn: int) -> None:
        """Drops every batch after that one: they belong to a course that the log did not take.

        LogRefused when the log never passed that batch.
        """
        names = self._names()
        kept = [name for name in names if first_lsn_of(name) <= lsn]
        dropped = names[len(kept) :]
        chain = self._chain_up_to(kept[-1], lsn) if kept else None
        if lsn and lsn not in (chain and chain.lsn, dropped and SegmentReader(self._disk, dropped[0]).chain.lsn):
            raise LogRefused(f"the journal {self._disk.path} cannot be cut after batch {lsn}: it does not have that")
        for name in reversed(dropped):
            self._disk.delete(name)
            self._disk.sync_names()
        self.lsn, self._chain, self._is_open = lsn, chain, False
        if chain is not None:
            self._open(chain)

    def _names(self) -> list[str]:
        return segment_names(self._disk.names())

    def _chain_up_to(self, name: str, lsn: int) -> Chain:
        segment = SegmentReader(self._disk, name)
        segment.pass_over(lsn)
        return segment.chain

    def _resume(self) -> None:
        """Takes up the log as it is on the disk."""
        names = self._names()
        if not names:
            return
        name = names[-1]
        scan = Scan(name, self._disk.read(name), opens=False)
        if scan.header is None or scan.tail not in SOUND:
            reason = f"{scan.tail.value}: have the writing node send this segment again"
            raise JournalCorrupt(os.path.join(self._disk.path, name), scan.end, scan.damage_end, reason)
        self._chain = Chain(scan.header)
        for frame in scan.frames:
            self._chain.add(frame)
        self.lsn, self.cluster_id = self._chain.lsn, scan.header.cluster_id
        self.epoch = max(self.epoch, scan.header.epoch)
        if len(names) > 1:
            self._finish_before(names[-2], scan.header)

    def _finish_before(self, name: str, newest: SegmentHeader) -> None:
        """Cuts the segment before the newest one, if a crash came between its beginning and that."""
        chain = self._chain_up_to(name, newest.previous_lsn)
        if self._disk.size(name) >= chain.header.size_bytes:
            self._disk.finish(name, chain.end)

    def _begin(self, piece: Appended) -> None:
        octets = piece.octets
        header = self._checked_header(piece, octets)
        chain = Chain(header)
        self._check_room(chain, piece, octets)
        frame = chain.next(octets, header.frames_at)
        if frame is None or frame.end != len(octets) or frame.lsn != piece.lsn:
            raise self._refusal(piece, "its first frame is not good")
        if self._spare_bytes != header.size_bytes:
            self._disk.prepare(SPARE, header.size_bytes)
        self._spare_bytes = 0
        self._file.begin(header.name, header.size_bytes, [octets])
        if self._chain is not None:
            self._disk.finish(self._chain.header.name, self._chain.end)
        chain.add(frame)
        self._chain, self._is_open = chain, True
        self.lsn, self.epoch, self.cluster_id = frame.lsn, header.epoch, header.cluster_id

    def _checked_header(self, piece: Appended, octets: bytes) -> SegmentHeader:
        header = read_segment_header(segment_name(piece.segment), octets)
        if header is None:
            raise self._refusal(piece, "its header is not good")
        if self.cluster_id not in (b"", header.cluster_id):
            raise self._refusal(piece, "it belongs to the journal of another broker")
        if header.epoch < self.epoch:
            raise StaleEpoch(f"a segment of the epoch {header.epoch} is refused: the epoch {self.epoch} has begun")
        if header.previous_lsn != self.lsn or header.first_lsn <= self.lsn:
            raise self._refusal(piece, f"it follows batch {header.previous_lsn}")
        if is_too_long(header, len(octets)):
            raise self._refusal(piece, f"its header asks for {header.size_bytes} bytes of disk")
        return header

    def _append(self, piece: Appended) -> None:
        octets = piece.octets
        chain = self._chain
        if chain is None or (piece.segment, piece.offset) != (chain.header.first_lsn, chain.end):
            raise self._refusal(piece, "its place is not the end of the newest segment")
        self._check_room(chain, piece, octets)
        frame = chain.next(octets, 0)
        if frame is None or frame.end != len(octets) or frame.lsn != piece.lsn or chain.lsn != self.lsn:
            raise self._refusal(piece, "it is not the next good frame")
        if not self._is_open:
            self._open(chain)
        self._file.append([octets], piece.offset)
        chain.add(frame)
        self.lsn = frame.lsn

    def _check_room(self, chain: Chain, piece: Appended, octets: bytes) -> None:
        if piece.offset + len(octets) >= chain.header.size_bytes:
            raise self._refusal(piece, "its segment has no room for it")

    def _open(self, chain: Chain) -> None:
        """Makes the segment as long again as it was made, with zeros after its last frame, and goes on in it."""
        self._disk.truncate(chain.header.name, chain.end, chain.header.size_bytes)
        self._file.go_on(chain.header.name, chain.header.size_bytes)
        self._is_open = True

    def _delete(self, segment: int) -> None:
        self._disk.delete(segment_name(segment))
        self._disk.sync_names()
        if self._chain is not None and self._chain.header.first_lsn == segment:
            self._chain, self._is_open = None, False

    def _refusal(self, piece: Appended, reason: str) -> LogRefused:
        where = f"batch {piece.lsn} at {piece.offset} of segment {piece.segment}"
        return LogRefused(f"the journal {self._disk.path}, which ends with batch {self.lsn}, refuses {where}: {reason}")
