"""Turns batches into frames for the disk, and decides when a new segment begins. It does no I/O.

It owns the state of the whole log (the definitions, and what is alive in each segment), because a new segment opens
with all of it: its checkpoint. So older segments are needed for their live messages only, and each is deleted when it
has none left.
"""

from collections.abc import Callable

from mqbroker.core.message import GONE, Entry
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.liveness import LogLiveness, SegmentLiveness
from mqbroker.storage.log.batch import Batch, Job
from mqbroker.storage.log.facts import (
    CHECKPOINT_BYTES,
    pack_attempted,
    pack_checkpoint,
    pack_deferred,
    pack_defined,
    pack_forgotten,
    pack_settled,
    pack_shares,
    shares_bytes,
)
from mqbroker.storage.log.frame import FIRST_EPOCH, FRAME_BYTES, PLAIN, SEALED, TAG_BYTES, Frame
from mqbroker.storage.log.records import EntryEncoder
from mqbroker.storage.log.segment import ID_BYTES, SegmentHeader, encrypted, opening_bytes, segment_name

Entropy = Callable[[int], bytes]


class BatchEncoder:
    """Encodes batches in their order. `last_lsn` is the last batch of the log so far.

    With a keyring every segment that it begins is encrypted. `epoch` stands in all that it begins: another one takes
    another encoder, and so a new segment.
    """

    def __init__(
        self, liveness: LogLiveness, definitions: dict[str, bytes], last_lsn: int, cluster_id: bytes, entropy: Entropy,
        segment_bytes: int, keyring: Keyring | None = None, epoch: int = FIRST_EPOCH,
    ) -> None:  # fmt: skip
        self.liveness = liveness
        self.last_lsn = last_lsn
        self._records = {key: pack_defined(key, value) for key, value in definitions.items()}
        self._cluster_id = cluster_id
        self._entropy = entropy
        self.segment_bytes = segment_bytes
        """How large segments are, unless one batch needs more."""
        self._keyring = keyring
        self._epoch = epoch
        self._cipher = PLAIN if keyring is None else SEALED
        self._frame_bytes = FRAME_BYTES + TAG_BYTES * self._cipher
        self._name = ""
        self._end = 0
        self._size = 0

    def opening_bytes(self) -> int:
        """How large a segment must be that begins with an empty batch."""
        definitions = CHECKPOINT_BYTES + sum(map(len, self._records.values()))
        shares = shares_bytes(self.liveness.by_first.values())
        return opening_bytes(self._cipher) + self._frame_bytes + definitions + shares + 1

    def has_room_for(self, facts_bytes: int) -> bool:
        """Whether a batch of so many bytes fits into the segment."""
        return self._end + self._frame_bytes + facts_bytes < self._size

    def encode(self, batch: Batch, committed: int) -> Job:
        """The frame of the batch. From here on the batch is part of the log."""
        encoder = EntryEncoder(batch.lsn)
        encoder.encode(batch.entries)
        facts = self._apply(batch)
        needed = self._frame_bytes + encoder.size + sum(map(len, facts))
        segment, key, finished = None, None, None
        if self._end + needed >= self._size:
            finished = (self._name, self._end) if self._name else None
            self.liveness.add(SegmentLiveness(batch.lsn, batch.lsn, is_encrypted=self._keyring is not None))
            facts = self._checkpoint() + [pack_forgotten(queue) for queue in batch.forgotten if queue in encoder.counts]
            needed = self._frame_bytes + encoder.size + sum(map(len, facts))
            segment, key = self._open_segment(batch.lsn, needed)
        self._count(encoder, batch)
        self._end += needed
        frame = Frame(
            batch.lsn, self.last_lsn, committed, batch.flags, encoder.size, encoder.count, len(facts),
            cipher=self._cipher, epoch=self._epoch,
        )  # fmt: skip
        self.last_lsn = batch.lsn
        return Job(frame, b"".join(encoder.pieces + facts), segment, key, finished)

    def _apply(self, batch: Batch) -> list[bytes]:
        """Applies the batch to the state of the log; returns the records of it."""
        facts = [record for entry in batch.attempted if (record := self._attempt(entry))]
        facts += [record for entry in batch.deferred if (record := self._defer(entry))]
        facts += pack_settled(self.liveness.settle(batch.settled))
        for queue in batch.forgotten:
            self.liveness.forget(queue)
            facts.append(pack_forgotten(queue))
        for key, value in batch.defined:
            record = pack_defined(key, value)
            facts.append(record)
            if value is None:
                self._records.pop(key, None)
            else:
                self._records[key] = record
        return facts

    def _attempt(self, entry: Entry) -> bytes | None:
        segment = self.liveness.find(entry.lsn)
        if segment is None:
            return None
        segment.change(entry.queue_number, entry.sequence, (entry.attempts, entry.is_redelivered, 0, 0))
        return pack_attempted(
            segment.first_lsn, entry.queue_number, entry.sequence, entry.attempts, entry.is_redelivered
        )  # fmt: skip

    def _defer(self, entry: Entry) -> bytes | None:
        # What is GONE is settled after this, in this batch or a later one.
        segment = None if entry.held_until == GONE else self.liveness.find(entry.lsn)
        if segment is None:
            return None
        change = (entry.attempts, entry.is_redelivered, entry.held_until, entry.first_taken_at)
        segment.change(entry.queue_number, entry.sequence, change)
        return pack_deferred(segment.first_lsn, entry.queue_number, entry.sequence, change)

    def _checkpoint(self) -> list[bytes]:
        shares = pack_shares(self.liveness.closed())
        return [pack_checkpoint(len(self._records), len(shares)), *self._records.values(), *shares]

    def _open_segment(self, lsn: int, needed: int) -> tuple[SegmentHeader, DataKey | None]:
        self._name = segment_name(lsn)
        self._end = opening_bytes(self._cipher)
        # Never filled to its last byte: a file that ends with its last frame shows that another one has followed.
        self._size = max(self.segment_bytes, self._end + needed + 1)
        header = SegmentHeader(
            self._size, lsn, self.last_lsn, self._cluster_id, self._entropy(ID_BYTES), epoch=self._epoch
        )
        if self._keyring is None:
            return header, None
        return encrypted(header, self._keyring, self._entropy)

    def _count(self, encoder: EntryEncoder, batch: Batch) -> None:
        segment = self.liveness.current()
        segment.last_lsn = batch.lsn
        for queue, live in encoder.counts.items():
            # A consumer may hold entries of a queue that was deleted in the batch that brought them.
            if queue not in batch.forgotten:
                segment.count(queue, live)
