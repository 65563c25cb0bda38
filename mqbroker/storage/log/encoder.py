"""Turns batches into frames for the disk, and decides when a new segment begins. It does no I/O.

It owns the state of the whole log (the definitions, and what is alive in each segment), because a new segment opens
with all of it: its checkpoint. So older segments are needed for their live messages only, and each is deleted when it
has none left. A segment in which something is alive ends with its index, as soon as the next batch might not fit.
"""

from collections.abc import Callable
from functools import partial

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import Place
from mqbroker.limits import (
    BATCH_BYTES_MAX,
    CARRIED_INDEX_SHARE,
    CHECKPOINT_SHARE,
    INDEX_SORTED_MAX,
    SEGMENT_BYTES_CEILING,
    SEGMENT_BYTES_MIN,
    SEGMENT_END_SHARE,
)
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.liveness import LogLiveness, SegmentLiveness
from mqbroker.storage.log.batch import Batch, Job, Moving
from mqbroker.storage.log.checkpoint import Checkpoint
from mqbroker.storage.log.facts import (
    INDEX_BYTES,
    pack_attempted,
    pack_deferred,
    pack_defined,
    pack_forgotten,
    pack_index,
    pack_index_part,
    pack_settled,
)
from mqbroker.storage.log.frame import FIRST_EPOCH, FRAME_BYTES, PLAIN, SEALED, TAG_BYTES, Frame
from mqbroker.storage.log.index import OpenIndex, Stretch, packed_bytes
from mqbroker.storage.log.records import EntryEncoder
from mqbroker.storage.log.segment import ID_BYTES, SegmentHeader, encrypted, opening_bytes, segment_name

Entropy = Callable[[int], bytes]


class BatchEncoder:
    """Encodes batches in their order. `last_lsn` is the last batch of the log so far.

    With a keyring every segment that it begins is encrypted. `epoch` stands in all that it begins: another one takes
    another encoder, and so a new segment. `window` is how many messages a queue keeps in memory at least; with 0
    nothing leaves it, and segments have no index.
    """

    def __init__(
        self, liveness: LogLiveness, definitions: dict[str, bytes], last_lsn: int, cluster_id: bytes, entropy: Entropy,
        segment_bytes: int, keyring: Keyring | None = None, epoch: int = FIRST_EPOCH, window: int = 0,
    ) -> None:  # fmt: skip
        self.liveness = liveness
        self.last_lsn = last_lsn
        self._checkpoint = Checkpoint(liveness, definitions)
        self._cluster_id = cluster_id
        self._entropy = entropy
        self.segment_bytes = segment_bytes
        """How large segments are, unless one batch needs more."""
        self.may_grow = True
        """Whether they become larger where checkpoints are too large a part of them."""
        self._keyring = keyring
        self._epoch = epoch
        self._cipher = PLAIN if keyring is None else SEALED
        self._frame_bytes = FRAME_BYTES + TAG_BYTES * self._cipher
        self._name = ""
        self._end = 0
        self._size = 0
        self._entries = 0
        """How many there are in the segment."""
        self._is_ended = False
        """Whether the segment has its index already: the next batch begins another one."""
        self._late: Callable[[], bytes] | None = None
        """Makes the index with which the batch ends, if that takes long."""
        self._window = window
        self._index = OpenIndex(0, window)
        self.tops: dict[int, int] = {}
        """The queues that have a lane for each priority, up to this one."""
        self.ended: list[Stretch] = []
        """Stretches that are complete, until they are taken."""
        self.unindexed: list[int] = []
        """Segments that were left without an index because making it takes long, until they are taken."""

    def opening_bytes(self) -> int:
        """How large a segment must be that begins with an empty batch."""
        checkpoint = self._checkpoint.size(self.liveness.by_first.values())
        index = INDEX_BYTES + self._index.record_bytes({}) if self._window else 0
        return opening_bytes(self._cipher) + self._frame_bytes + checkpoint + index + 1

    def grow(self, opening: int) -> None:
        """Segments that open with so much are to be longer, from the next one on, if it is too large a part of them."""
        while SEGMENT_BYTES_MIN <= self.segment_bytes < min(opening * CHECKPOINT_SHARE, SEGMENT_BYTES_CEILING):
            self.segment_bytes = min(self.segment_bytes * 2, SEGMENT_BYTES_CEILING)

    def has_room_for(self, facts_bytes: int) -> bool:
        """Whether a batch of so many bytes fits into the segment."""
        return not self._is_ended and self._end + self._frame_bytes + facts_bytes < self._size

    @property
    def stretches(self) -> list[Stretch]:
        """Those of the newest segment that have ended, oldest first."""
        return self._index.ended

    def take_ended(self) -> list[Stretch]:
        """The stretches that have ended since the last call."""
        ended, self.ended = self.ended, []
        return ended

    def take_unindexed(self) -> list[int]:
        """The segments that were left without an index since the last call."""
        unindexed, self.unindexed = self.unindexed, []
        return unindexed

    def encode(self, batch: Batch, committed: int) -> Job:
        """The frame of the batch. From here on the batch is part of the log."""
        encoder = EntryEncoder(batch.lsn, self.tops)
        facts = self._apply(batch)
        moving = batch.moving
        were_redelivered = moving is not None and self._is_redelivered(moving.first_lsn)
        encoder.encode(batch.entries if moving is None else self._move(moving, facts))
        if self._index.has_news and not self._is_ended and (encoder.count or facts):
            facts.append(pack_index_part(self._index.segment, self._index.news()))
        needed = self._frame_bytes + encoder.size + sum(map(len, facts))
        segment, key, finished = None, None, None
        if self._is_ended or self._end + needed >= self._size:
            finished = (self._name, self._end) if self._name else None
            if self._name:
                self._leave_segment()
            self.liveness.add(SegmentLiveness(batch.lsn, batch.lsn, is_encrypted=self._keyring is not None))
            present = {extent.queue_number for extent in encoder.extents.values()}
            facts = self._checkpoint.records(self.liveness.closed())
            facts += [pack_forgotten(queue) for queue in batch.forgotten if queue in present]
            needed = self._frame_bytes + encoder.size + sum(map(len, facts))
            segment, key = self._open_segment(batch.lsn, needed + self._index_bytes(encoder))
            # Only now: this segment has a file already, and there may be no space for a longer one.
            if self.may_grow:
                self.grow(needed - encoder.size)
        self._count(encoder, batch)
        start = self._end
        self._add_to_index(encoder, batch, needed, facts)
        if moving is not None and encoder.count:
            self._index.end()
            place = Place(self.liveness.firsts[-1], start, self._end, batch.lsn, batch.lsn)
            self.liveness.moved.add(moving.first_lsn, moving.last_lsn, place, were_redelivered)
        late, self._late = self._late, None
        frame = Frame(
            batch.lsn, self.last_lsn, committed, batch.flags, encoder.size, encoder.count,
            len(facts) + (late is not None), cipher=self._cipher, epoch=self._epoch,
        )  # fmt: skip
        self.last_lsn = batch.lsn
        self._prepare(needed)
        return Job(frame, b"".join(encoder.pieces + facts), segment, key, finished, late)

    def _apply(self, batch: Batch) -> list[bytes]:
        """Applies the batch to the state of the log; returns the records of it."""
        facts: list[bytes] = []
        if batch.attempted:
            facts += [record for entry in batch.attempted if (record := self._attempt(entry))]
        if batch.deferred:
            facts += pack_deferred(self.liveness.defer(batch.deferred))
        if batch.settled or batch.pages:
            runs = self.liveness.settle(batch.settled)
            self.liveness.settle_pages(batch.pages, runs)
            facts += pack_settled(runs)
        for first_lsn, record in batch.indexes:
            indexed = self.liveness.by_first.get(first_lsn)
            if indexed is not None:
                indexed.index = record
                facts.append(record)
        for queue in batch.forgotten:
            self.liveness.forget(queue)
            facts.append(pack_forgotten(queue))
        for key, value in batch.defined:
            record = pack_defined(key, value)
            facts.append(record)
            if value is None:
                self._checkpoint.definitions.remove(key)
            else:
                self._checkpoint.definitions.define(key, record)
        return facts

    def _attempt(self, entry: Entry) -> bytes | None:
        segment = self.liveness.find(entry.lsn)
        if segment is None:
            return None
        segment.change(entry.queue_number, entry.sequence, (entry.attempts, entry.is_redelivered, 0, 0))
        return pack_attempted(
            segment.first_lsn, entry.queue_number, entry.sequence, entry.attempts, entry.is_redelivered
        )  # fmt: skip

    def _prepare(self, written: int) -> None:
        """Makes some of the next checkpoint, in the second half of a segment: all of it by the end."""
        left = self._size - self._end - self._index.bytes_max - self._size // SEGMENT_END_SHARE
        if left < self._size // 2 and not self._is_ended:
            self._checkpoint.prepare(min(1.0, written / max(1, left)))

    def _open_segment(self, lsn: int, needed: int) -> tuple[SegmentHeader, DataKey | None]:
        self._name = segment_name(lsn)
        self._end = opening_bytes(self._cipher)
        # Never filled to its last byte: a file that ends with its last frame shows that another one has followed.
        self._size = max(self.segment_bytes, self._end + needed + 1)
        self._is_ended = False
        self._index = OpenIndex(lsn, self._window)
        header = SegmentHeader(
            self._size, lsn, self.last_lsn, self._cluster_id, self._entropy(ID_BYTES), epoch=self._epoch
        )
        if self._keyring is None:
            return header, None
        return encrypted(header, self._keyring, self._entropy)

    def _count(self, encoder: EntryEncoder, batch: Batch) -> None:
        segment = self.liveness.current()
        segment.last_lsn = batch.lsn
        for extent in encoder.extents.values():
            # A consumer may hold entries of a queue that was deleted in the batch that brought them.
            if extent.queue_number not in batch.forgotten:
                segment.count(extent.queue_number, extent.count)

    def _index_bytes(self, encoder: EntryEncoder) -> int:
        """How long the record of the index is at most, with this batch."""
        if not self._window:
            return 0
        return INDEX_BYTES + self._index.record_bytes(encoder.extents)

    def _add_to_index(self, encoder: EntryEncoder, batch: Batch, needed: int, facts: list[bytes]) -> None:
        """Notes the batch in the index of its segment, and moves the segment's end. If no other batch may fit after
        this one, adds the index to the facts."""
        start, most = self._end, self._index_bytes(encoder)
        self._end += needed
        self._entries += encoder.count
        if not self._window:
            return
        if batch.moving is not None:
            self._take_ended(self._index.end())  # its entries are older than those around it
        stretch = self._index.add(batch.lsn, start, self._end, encoder.extents)
        room = min(BATCH_BYTES_MAX, self._size // SEGMENT_END_SHARE)
        if self._end + most + room >= self._size > self._end + most:
            stretch = stretch or self._index.end()
            self._end_segment(start, facts)
        if batch.moving is None:
            self._take_ended(stretch)

    def _take_ended(self, stretch: Stretch | None) -> None:
        if stretch is not None:
            self.ended.append(stretch)

    def _is_redelivered(self, lsn: int) -> bool:
        segment = self.liveness.find(lsn)
        return segment is not None and segment.is_redelivered

    def _move(self, moving: Moving, facts: list[bytes]) -> list[Entry | None]:
        """The entries to be written again, as they are now; adds to the facts that they are settled where they were."""
        alive: list[Entry] = []
        for entry in moving.entries:
            segment = self.liveness.find(entry.lsn)
            share = None if segment is None else segment.shares.get(entry.queue_number)
            if share is not None and not share.settled.span(entry.sequence)[0]:
                known = share.attempts.get(entry.sequence)
                if known is not None:
                    entry.attempts, was_delivered, entry.held_until, entry.first_taken_at = known
                    entry.is_redelivered = entry.is_redelivered or was_delivered
                alive.append(entry)
        facts += pack_settled(self.liveness.settle(alive))
        return list(alive)

    def _end_segment(self, start: int, facts: list[bytes]) -> None:
        """Adds the index of the segment, if it needs one, to the facts of its last batch, which begins there."""
        segment = self.liveness.current()
        is_large = self._index.parts > INDEX_SORTED_MAX
        find = self._index.alive_about if is_large else self._index.alive
        stretches = find(segment.shares)
        if not stretches:
            return
        self._end += INDEX_BYTES + packed_bytes(stretches)
        self._index.extend(self._end)
        record = partial(pack_index, segment.first_lsn, self._entries, find(segment.shares))
        if is_large:
            self._late = record
        else:
            facts.append(record())
        segment.index_at = start
        self._is_ended = True

    def _leave_segment(self) -> None:
        """The next batch does not fit into the segment. If that has no index, it goes to where its successor begins."""
        segment = self.liveness.current()
        entries, self._entries = self._entries, 0
        segment.size, segment.entry_bytes = self._end, self._end / max(1, entries)
        if not self._window or self._is_ended:
            return
        self._take_ended(self._index.end())
        if self._index.parts > INDEX_SORTED_MAX:
            self.unindexed.append(segment.first_lsn)
            return
        stretches = self._index.alive(segment.shares)
        if stretches and INDEX_BYTES + packed_bytes(stretches) <= self._size // CARRIED_INDEX_SHARE:
            segment.index = pack_index(segment.first_lsn, entries, stretches)
