"""The records of everything but messages: settled, came back, defined, forgotten, and what a checkpoint holds.

They follow the entry records of a payload, and speak of entries of earlier batches only. Little endian.

    SETTLED     | 16 | 0 0 0 | queue u32 | runs u32    | segment's first lsn u64 | runs x (start i64, end i64)
    ATTEMPTED   | 17 | flags, 0 0 | queue u32 | attempts u32 | segment's first lsn u64 | sequence i64
    DEFINED     | 18 | flags | key bytes u16 | value bytes u32 | key | value
    FORGOTTEN   | 19 | 0 0 0 | queue u32
    SHARE_ONCE  | 20 | flags | 0 0 | queue u32 | live u32 | runs u32 | changed u32 | segment's first, last lsn u64
                | runs x (start i64, end i64) | changed x (sequence i64, attempts u32, flags u32)
    CHECKPOINT  | 21 | 0 0 0 | definitions u32 | shares u32
    DEFERRED    | 22 | flags, 0 0 | queue u32 | attempts u32 | segment's first lsn u64 | sequence i64
                | held until i64 | first taken at i64
    SHARE       | 23 | as SHARE_ONCE, but
                | changed x (sequence i64, attempts u32, flags u32, held until i64, first taken at i64)
    INDEX       | 24 | 0 0 0 | stretches u32 | segment's first lsn u64 | entries u64 | stretches (index.py)
    INDEX_AT    | 25 | 7 x 0 | segment's first lsn u64 | offset u64 of the frame there that holds its index
    INDEX_PART  | 26 | 0 0 0 | stretches u32 | segment's first lsn u64 | stretches (index.py)
    HELD        | 27 | flags | 6 x 0 | segment's first, last lsn u64
    SHARES      | 28 | 0 0 0 | shares u32 | segment's first lsn u64
                | shares x (queue u32, live u32, runs u32, changed u32 | runs and changed as in SHARE)
    PACKED      | 29 | 0 0 0 | bytes of records u32 | compressed bytes u32 | records, compressed (zlib, RFC 1950)

flags: 1 = delivered before (ATTEMPTED, SHARE, DEFERRED), or has a value (DEFINED); 2 = the segment is encrypted
(SHARE, HELD), so that no plain one can take its place. The first batch of a segment holds CHECKPOINT, every definition
as DEFINED, and for each older segment that is still needed HELD, and as SHARES what each queue has there; a segment or
queue not named there has nothing left. Some of these together are PACKED where that is shorter. For each of these
segments INDEX_AT follows, or INDEX where the segment itself has none. Until a segment has an index, INDEX_PART tells of
each of its stretches as it ends, so that a restart need not read them. A changed layout takes a new first byte; old
ones (SHARE_ONCE, SHARE) are read.
"""

import zlib
from collections.abc import Callable, Iterable
from struct import Struct, pack, unpack_from
from typing import Protocol

from mqbroker.storage.liveness import QUEUES_TOGETHER_BITS, Change, Changed, Runs, SegmentLiveness, Share
from mqbroker.storage.log.index import Stretch, pack_stretches, read_stretches

SETTLED = 16
ATTEMPTED = 17
DEFINED = 18
FORGOTTEN = 19
SHARE_ONCE = 20
CHECKPOINT = 21
DEFERRED = 22
SHARE = 23
INDEX = 24
INDEX_AT = 25
INDEX_PART = 26
HELD = 27
SHARES = 28
PACKED = 29

_SETTLED = Struct("<B3xIIQ")
_ATTEMPTED = Struct("<BB2xIIQq")
_DEFINED = Struct("<BBHI")
_FORGOTTEN = Struct("<B3xI")
_SHARE = Struct("<BB2xIIIIQQ")
_CHANGED_ONCE = Struct("<qII")
_CHANGED = Struct("<qIIqq")
_CHECKPOINT = Struct("<B3xII")
_DEFERRED = Struct("<BB2xIIQqqq")
_INDEX = Struct("<B3xIQQ")
_INDEX_AT = Struct("<B7xQQ")
_INDEX_PART = Struct("<B3xIQ")
_HELD = Struct("<BB6xQQ")
_SHARES = Struct("<B3xIQ")
_SHARES_ONE = Struct("<IIII")
_PACKED = Struct("<B3xII")
DEFERRED_BYTES = _DEFERRED.size
INDEX_BYTES = _INDEX.size
CHECKPOINT_BYTES = _CHECKPOINT.size


def pack_settled(runs: Runs) -> list[bytes]:
    """One record per segment and queue."""
    return [
        _SETTLED.pack(SETTLED, queue, len(numbers) // 2, first_lsn) + pack(f"<{len(numbers)}q", *numbers)
        for (first_lsn, queue), numbers in runs.items()
    ]


def pack_attempted(first_lsn: int, queue: int, sequence: int, attempts: int, is_redelivered: bool) -> bytes:
    """An entry came back to its queue and looks like this now."""
    return _ATTEMPTED.pack(ATTEMPTED, is_redelivered, queue, attempts, first_lsn, sequence)


def pack_deferred(deferred: Iterable[Changed]) -> list[bytes]:
    """Entries were taken or held and look like this now."""
    return [
        _DEFERRED.pack(DEFERRED, is_redelivered, queue, attempts, first_lsn, sequence, held_until, first_taken_at)
        for first_lsn, queue, sequence, (attempts, is_redelivered, held_until, first_taken_at) in deferred
    ]


def pack_defined(key: str, value: bytes | None) -> bytes:
    """A definition has this value, or is gone (None)."""
    name = key.encode("utf-8", "surrogateescape")
    return _DEFINED.pack(DEFINED, value is not None, len(name), len(value or b"")) + name + (value or b"")


def pack_forgotten(queue: int) -> bytes:
    """A queue is gone with all its entries."""
    return _FORGOTTEN.pack(FORGOTTEN, queue)


def packed(records: bytes) -> bytes:
    """Records as one that is shorter, where there is one."""
    octets = zlib.compress(records, 1)
    if len(octets) + _PACKED.size >= len(records):
        return records
    return _PACKED.pack(PACKED, len(records), len(octets)) + octets


def pack_held(segment: SegmentLiveness) -> bytes:
    """A segment that is still needed."""
    flags = segment.is_redelivered | segment.is_encrypted << 1
    return _HELD.pack(HELD, flags, segment.first_lsn, segment.last_lsn)


def pack_shares(segment: SegmentLiveness, together: int) -> bytes:
    """What the queues of these numbers (liveness.py) have in a segment; empty if they have nothing."""
    shares, parts, count = segment.shares, [], 0
    numbers: list[int] = []
    for queue in range(together << QUEUES_TOGETHER_BITS, together + 1 << QUEUES_TOGETHER_BITS):
        share = shares.get(queue)
        if share is None or share.live <= 0:
            continue
        count += 1
        numbers += (queue, share.live, len(share.settled), len(share.attempts))
        if share.settled or share.attempts:
            parts.append(pack(f"<{len(numbers)}I", *numbers))
            parts.append(_pack_changes(share))
            numbers = []
    if not count:
        return b""
    parts.append(pack(f"<{len(numbers)}I", *numbers))
    return packed(_SHARES.pack(SHARES, count, segment.first_lsn) + b"".join(parts))


def _pack_changes(share: Share) -> bytes:
    numbers = [number for run in share.settled for number in run]
    changed = [_CHANGED.pack(sequence, *state) for sequence, state in share.attempts.items()]
    return pack(f"<{len(numbers)}q", *numbers) + b"".join(changed)


def pack_checkpoint(definitions: int, shares: int) -> bytes:
    """The opening of a checkpoint."""
    return _CHECKPOINT.pack(CHECKPOINT, definitions, shares)


def pack_index(first_lsn: int, entries: int, stretches: list[Stretch]) -> bytes:
    """The index of a segment with so many entries, alive or not."""
    return _INDEX.pack(INDEX, len(stretches), first_lsn, entries) + pack_stretches(stretches)


def pack_index_part(first_lsn: int, stretches: list[Stretch]) -> bytes:
    """Stretches of the segment that is being written, which have ended."""
    return _INDEX_PART.pack(INDEX_PART, len(stretches), first_lsn) + pack_stretches(stretches)


def pack_indexes(segments: Iterable[SegmentLiveness]) -> list[bytes]:
    """Where the indexes of these segments are, as far as they have one."""
    found = []
    for segment in segments:
        if segment.index_at:
            found.append(_INDEX_AT.pack(INDEX_AT, segment.first_lsn, segment.index_at))
        elif segment.index:
            found.append(segment.index)
    return found


class FactSink(Protocol):
    """Takes facts as they are read. A segment is named by its first batch."""

    def checkpoint(self) -> None:
        """A checkpoint begins."""

    def settled(self, first_lsn: int, queue: int, numbers: tuple[int, ...]) -> None:
        """Entries are gone: `numbers` are start, end, start, end, ..."""

    def attempted(self, first_lsn: int, queue: int, sequence: int, attempts: int, is_redelivered: bool) -> None:
        """An entry came back."""

    def deferred(self, first_lsn: int, queue: int, sequence: int, change: Change) -> None:
        """An entry was taken or held."""

    def defined(self, key: str, value: bytes | None) -> None:
        """A definition changed."""

    def forgotten(self, queue: int) -> None:
        """A queue is gone."""

    def held(self, segment: SegmentLiveness) -> None:
        """An older segment, without its shares. It may be told of again."""

    def share(self, first_lsn: int, queue: int, share: Share) -> None:
        """What a queue has in such a segment."""

    def indexed(self, first_lsn: int, entries: int, stretches: list[Stretch], record: bytes) -> None:
        """The index of a segment with so many entries, and the record that says so."""

    def index_at(self, first_lsn: int, offset: int) -> None:
        """Where a segment has its index."""

    def index_part(self, stretches: list[Stretch]) -> None:
        """More stretches of this segment, in which all that is in them was alive once."""


def read_facts(data: bytes, start: int, end: int, sink: FactSink) -> None:
    """Tells `sink` the fact records in `data[start:end]`. ValueError for one that is not known."""
    position = start
    while position < end:
        reader = _READERS.get(data[position])
        if reader is None:
            raise ValueError(f"record type {data[position]} is not known")
        position = reader(data, position, sink)


def _read_settled(data: bytes, position: int, sink: FactSink) -> int:
    fields: tuple[int, int, int, int] = _SETTLED.unpack_from(data, position)
    _, queue, runs, first_lsn = fields
    position += _SETTLED.size
    sink.settled(first_lsn, queue, unpack_from(f"<{2 * runs}q", data, position))
    return position + 16 * runs


def _read_attempted(data: bytes, position: int, sink: FactSink) -> int:
    _, flags, queue, attempts, first_lsn, sequence = _ATTEMPTED.unpack_from(data, position)
    sink.attempted(first_lsn, queue, sequence, attempts, flags & 1 == 1)
    return position + _ATTEMPTED.size


def _read_deferred(data: bytes, position: int, sink: FactSink) -> int:
    _, flags, queue, attempts, first_lsn, sequence, held_until, first_taken_at = _DEFERRED.unpack_from(data, position)
    sink.deferred(first_lsn, queue, sequence, (attempts, flags & 1 == 1, held_until, first_taken_at))
    return position + _DEFERRED.size


def _read_defined(data: bytes, position: int, sink: FactSink) -> int:
    fields: tuple[int, int, int, int] = _DEFINED.unpack_from(data, position)
    _, flags, key_bytes, value_bytes = fields
    value_at = position + _DEFINED.size + key_bytes
    key = data[position + _DEFINED.size : value_at].decode("utf-8", "surrogateescape")
    sink.defined(key, data[value_at : value_at + value_bytes] if flags & 1 else None)
    return value_at + value_bytes


def _read_forgotten(data: bytes, position: int, sink: FactSink) -> int:
    _, queue = _FORGOTTEN.unpack_from(data, position)
    sink.forgotten(queue)
    return position + _FORGOTTEN.size


def _read_share(data: bytes, position: int, sink: FactSink) -> int:
    fields: tuple[int, ...] = _SHARE.unpack_from(data, position)
    kind, flags, queue, live, runs, changed, first_lsn, last_lsn = fields
    share = Share(live)
    layout = _CHANGED if kind == SHARE else _CHANGED_ONCE
    end = _read_changes(data, position + _SHARE.size, share, runs, changed, layout)
    sink.held(SegmentLiveness(first_lsn, last_lsn, flags & 1 == 1, flags & 2 == 2))
    sink.share(first_lsn, queue, share)
    return end


def _read_changes(data: bytes, position: int, share: Share, runs: int, changed: int, layout: Struct) -> int:
    numbers = unpack_from(f"<{2 * runs}q", data, position)
    for index in range(0, 2 * runs, 2):
        share.settled.add(numbers[index], numbers[index + 1])
    position += 16 * runs
    for _ in range(changed):
        sequence, attempts, state, *held = layout.unpack_from(data, position)
        held_until, first_taken_at = held or (0, 0)
        share.attempts[sequence] = (attempts, state & 1 == 1, held_until, first_taken_at)
        position += layout.size
    return position


def _read_held(data: bytes, position: int, sink: FactSink) -> int:
    _, flags, first_lsn, last_lsn = _HELD.unpack_from(data, position)
    sink.held(SegmentLiveness(first_lsn, last_lsn, flags & 1 == 1, flags & 2 == 2))
    return position + _HELD.size


def _read_shares(data: bytes, position: int, sink: FactSink) -> int:
    fields: tuple[int, int, int] = _SHARES.unpack_from(data, position)
    _, count, first_lsn = fields
    position += _SHARES.size
    for _ in range(count):
        queue, live, runs, changed = _SHARES_ONE.unpack_from(data, position)
        position += _SHARES_ONE.size
        share = Share(live)
        if runs or changed:
            position = _read_changes(data, position, share, runs, changed, _CHANGED)
        sink.share(first_lsn, queue, share)
    return position


def _read_packed(data: bytes, position: int, sink: FactSink) -> int:
    fields: tuple[int, int, int] = _PACKED.unpack_from(data, position)
    _, size, packed_bytes = fields
    start = position + _PACKED.size
    try:
        # No more than it says, whatever comes out of it.
        records = zlib.decompressobj().decompress(data[start : start + packed_bytes], max(1, size))
    except zlib.error as error:
        raise ValueError(f"a compressed record is damaged: {error}") from error
    read_facts(records, 0, len(records), sink)
    return start + packed_bytes


def _read_checkpoint(_: bytes, position: int, sink: FactSink) -> int:
    sink.checkpoint()
    return position + _CHECKPOINT.size


def _read_index(data: bytes, position: int, sink: FactSink) -> int:
    _, count, first_lsn, entries = _INDEX.unpack_from(data, position)
    stretches, end = read_stretches(first_lsn, count, data, position + _INDEX.size)
    sink.indexed(first_lsn, entries, stretches, data[position:end])
    return end


def index_in(record: bytes) -> tuple[int, list[Stretch]]:
    """The number of entries and the stretches in a record of an index."""
    _, count, first_lsn, entries = _INDEX.unpack_from(record, 0)
    return entries, read_stretches(first_lsn, count, record, _INDEX.size)[0]


def _read_index_at(data: bytes, position: int, sink: FactSink) -> int:
    _, first_lsn, offset = _INDEX_AT.unpack_from(data, position)
    sink.index_at(first_lsn, offset)
    return position + _INDEX_AT.size


def _read_index_part(data: bytes, position: int, sink: FactSink) -> int:
    _, count, first_lsn = _INDEX_PART.unpack_from(data, position)
    stretches, end = read_stretches(first_lsn, count, data, position + _INDEX_PART.size)
    sink.index_part(stretches)
    return end


_READERS: dict[int, Callable[[bytes, int, FactSink], int]] = {
    SETTLED: _read_settled, ATTEMPTED: _read_attempted, DEFINED: _read_defined, FORGOTTEN: _read_forgotten,
    SHARE_ONCE: _read_share, CHECKPOINT: _read_checkpoint, DEFERRED: _read_deferred, SHARE: _read_share,
    INDEX: _read_index, INDEX_AT: _read_index_at, INDEX_PART: _read_index_part,
    HELD: _read_held, SHARES: _read_shares, PACKED: _read_packed,
}  # fmt: skip


class Facts:
    """What the facts of one segment, which begins with `first_lsn`, come to. A `FactSink`."""

    def __init__(self, first_lsn: int) -> None:
        self.first_lsn = first_lsn
        self.is_checkpointed = False
        self.definitions: dict[str, bytes] = {}
        self.older: dict[int, SegmentLiveness] = {}
        """Per first batch: the older segments that the checkpoint names, as they are at the end of this one."""
        self.own: dict[int, Share] = {}
        """Per queue: what is settled of, and changed in, this very segment. `live` is not known here."""
        self.gone: set[int] = set()
        """The queues that were forgotten."""
        self.index: list[Stretch] = []
        """Of this very segment, empty if it does not end with one."""
        self.entries = 0
        """How many entries the segment has, if it does."""
        self.parts: list[Stretch] = []
        """Its first stretches, in order."""

    def checkpoint(self) -> None:
        self.is_checkpointed = True

    def settled(self, first_lsn: int, queue: int, numbers: tuple[int, ...]) -> None:
        for index in range(0, len(numbers), 2):
            if first_lsn == self.first_lsn:
                self._own(queue).settle(numbers[index], numbers[index + 1])
            elif first_lsn in self.older:
                self.older[first_lsn].settle(queue, numbers[index], numbers[index + 1])

    def attempted(self, first_lsn: int, queue: int, sequence: int, attempts: int, is_redelivered: bool) -> None:
        self.deferred(first_lsn, queue, sequence, (attempts, is_redelivered, 0, 0))

    def deferred(self, first_lsn: int, queue: int, sequence: int, change: Change) -> None:
        if first_lsn == self.first_lsn:
            self._own(queue).attempts[sequence] = change
        elif first_lsn in self.older:
            self.older[first_lsn].change(queue, sequence, change)

    def _own(self, queue: int) -> Share:
        return self.own.setdefault(queue, Share())

    def defined(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.definitions.pop(key, None)
        else:
            self.definitions[key] = value

    def forgotten(self, queue: int) -> None:
        self.gone.add(queue)
        for segment in self.older.values():
            segment.shares.pop(queue, None)

    def held(self, segment: SegmentLiveness) -> None:
        segment.is_open = False
        self.older.setdefault(segment.first_lsn, segment)

    def share(self, first_lsn: int, queue: int, share: Share) -> None:
        self.older[first_lsn].shares[queue] = share

    def indexed(self, first_lsn: int, entries: int, stretches: list[Stretch], record: bytes) -> None:
        if first_lsn == self.first_lsn:
            self.index, self.entries = stretches, entries
        elif first_lsn in self.older:
            self.older[first_lsn].index = record

    def index_at(self, first_lsn: int, offset: int) -> None:
        if first_lsn in self.older:
            self.older[first_lsn].index_at = offset

    def index_part(self, stretches: list[Stretch]) -> None:
        self.parts += stretches
