"""The records of everything but messages: settled, came back, defined, forgotten, and what a checkpoint holds.

They stand behind the entry records of a payload, and speak of entries of earlier batches only. Little endian.

    SETTLED     | 16 | 0 0 0 | queue u32 | runs u32    | segment's first lsn u64 | runs x (start i64, end i64)
    ATTEMPTED   | 17 | flags, 0 0 | queue u32 | attempts u32 | segment's first lsn u64 | sequence i64
    DEFINED     | 18 | flags | key bytes u16 | value bytes u32 | key | value
    FORGOTTEN   | 19 | 0 0 0 | queue u32
    HELD        | 20 | flags | 0 0 | queue u32 | live u32 | runs u32 | changed u32 | segment's first, last lsn u64
                | runs x (start i64, end i64) | changed x (sequence i64, attempts u32, flags u32)
    CHECKPOINT  | 21 | 0 0 0 | definitions u32 | shares u32

flags: 1 = delivered before (ATTEMPTED, HELD), or has a value (DEFINED). The first batch of a segment holds CHECKPOINT,
every definition as DEFINED, and as HELD what each queue has in each older segment that is still needed; a segment or
queue not named there has nothing left. A changed layout takes a new first byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct, pack, unpack_from

from mqbroker.storage.tally import Runs, Share, Tally

SETTLED = 16
ATTEMPTED = 17
DEFINED = 18
FORGOTTEN = 19
HELD = 20
CHECKPOINT = 21

KIND_NAMES = {
    SETTLED: "settled", ATTEMPTED: "attempted", DEFINED: "defined", FORGOTTEN: "forgotten", HELD: "held",
    CHECKPOINT: "checkpoint",
}  # fmt: skip

_SETTLED = Struct("<B3xIIQ")
_ATTEMPTED = Struct("<BB2xIIQq")
_DEFINED = Struct("<BBHI")
_FORGOTTEN = Struct("<B3xI")
_HELD = Struct("<BB2xIIIIQQ")
_CHANGED = Struct("<qII")
_CHECKPOINT = Struct("<B3xII")


def pack_settled(runs: Runs) -> list[bytes]:
    """One record per segment and queue."""
    return [
        _SETTLED.pack(SETTLED, queue, len(numbers) // 2, first_lsn) + pack(f"<{len(numbers)}q", *numbers)
        for (first_lsn, queue), numbers in runs.items()
    ]


def pack_attempted(first_lsn: int, queue: int, sequence: int, attempts: int, is_redelivered: bool) -> bytes:
    """An entry came back to its queue and looks like this now."""
    return _ATTEMPTED.pack(ATTEMPTED, is_redelivered, queue, attempts, first_lsn, sequence)


def pack_defined(key: str, value: bytes | None) -> bytes:
    """A definition has this value, or is gone (None)."""
    name = key.encode("utf-8", "surrogateescape")
    return _DEFINED.pack(DEFINED, value is not None, len(name), len(value or b"")) + name + (value or b"")


def pack_forgotten(queue: int) -> bytes:
    """A queue is gone with all its entries."""
    return _FORGOTTEN.pack(FORGOTTEN, queue)


def pack_held(tallies: Iterable[Tally]) -> list[bytes]:
    """What every queue has in every one of these segments."""
    return [_pack_share(tally, queue, share) for tally in tallies for queue, share in tally.shares.items()]


def _pack_share(tally: Tally, queue: int, share: Share) -> bytes:
    head = _HELD.pack(
        HELD, tally.is_redelivered, queue, share.live, len(share.settled), len(share.attempts), tally.first_lsn,
        tally.last_lsn,
    )  # fmt: skip
    numbers = [number for run in share.settled for number in run]
    changed = [_CHANGED.pack(sequence, *state) for sequence, state in share.attempts.items()]
    return head + pack(f"<{len(numbers)}q", *numbers) + b"".join(changed)


def pack_checkpoint(definitions: int, shares: int) -> bytes:
    """The opening of a checkpoint."""
    return _CHECKPOINT.pack(CHECKPOINT, definitions, shares)


@dataclass(slots=True)
class Held:
    """What a checkpoint says of one queue in one segment."""

    tally: Tally
    queue: int
    share: Share


@dataclass(slots=True)
class Facts:
    """The facts of one segment, in the order of the journal."""

    is_checkpointed: bool = False
    definitions: dict[str, bytes] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    """Per first batch: the older segments that the checkpoint names, as they are at the end of this one."""
    own: dict[int, Share] = field(default_factory=dict)
    """Per queue: what is settled of, and changed in, this very segment. `live` is not known here."""
    forgotten: set[int] = field(default_factory=set)


class FactReader:
    """Reads fact records into `facts`, which start empty. `first_lsn` is that of the segment that they stand in."""

    def __init__(self, first_lsn: int) -> None:
        self.first_lsn = first_lsn
        self.facts = Facts()

    def read(self, data: bytes, start: int, end: int) -> None:
        """Reads the records in `data[start:end]`; ValueError for one that is not known."""
        position = start
        while position < end:
            kind = data[position]
            if kind == SETTLED:
                position = self._read_settled(data, position)
            elif kind == ATTEMPTED:
                position = self._read_attempted(data, position)
            elif kind == DEFINED:
                position = self._read_defined(data, position)
            elif kind == FORGOTTEN:
                position = self._read_forgotten(data, position)
            elif kind == HELD:
                position = self._read_held(data, position)
            elif kind == CHECKPOINT:
                self.facts.is_checkpointed = True
                position += _CHECKPOINT.size
            else:
                raise ValueError(f"record type {kind} is not known")

    def _read_settled(self, data: bytes, position: int) -> int:
        fields: tuple[int, int, int, int] = _SETTLED.unpack_from(data, position)
        _, queue, runs, first_lsn = fields
        position += _SETTLED.size
        numbers = unpack_from(f"<{2 * runs}q", data, position)
        for index in range(0, 2 * runs, 2):
            self._settle(first_lsn, queue, numbers[index], numbers[index + 1])
        return position + 16 * runs

    def _settle(self, first_lsn: int, queue: int, start: int, end: int) -> None:
        if first_lsn == self.first_lsn:
            self._own(queue).settle(start, end)
        elif first_lsn in self.facts.tallies:
            self.facts.tallies[first_lsn].settle(queue, start, end)

    def _own(self, queue: int) -> Share:
        return self.facts.own.setdefault(queue, Share())

    def _read_attempted(self, data: bytes, position: int) -> int:
        _, flags, queue, attempts, first_lsn, sequence = _ATTEMPTED.unpack_from(data, position)
        if first_lsn == self.first_lsn:
            self._own(queue).attempts[sequence] = (attempts, flags & 1 == 1)
        elif first_lsn in self.facts.tallies:
            self.facts.tallies[first_lsn].attempt(queue, sequence, attempts, flags & 1 == 1)
        return position + _ATTEMPTED.size

    def _read_defined(self, data: bytes, position: int) -> int:
        fields: tuple[int, int, int, int] = _DEFINED.unpack_from(data, position)
        _, flags, key_bytes, value_bytes = fields
        value_at = position + _DEFINED.size + key_bytes
        key = data[position + _DEFINED.size : value_at].decode("utf-8", "surrogateescape")
        if flags & 1:
            self.facts.definitions[key] = data[value_at : value_at + value_bytes]
        else:
            self.facts.definitions.pop(key, None)
        return value_at + value_bytes

    def _read_forgotten(self, data: bytes, position: int) -> int:
        _, queue = _FORGOTTEN.unpack_from(data, position)
        self.facts.forgotten.add(queue)
        for tally in self.facts.tallies.values():
            tally.shares.pop(queue, None)
        return position + _FORGOTTEN.size

    def _read_held(self, data: bytes, position: int) -> int:
        _, flags, queue, live, runs, changed, first_lsn, last_lsn = _HELD.unpack_from(data, position)
        position += _HELD.size
        tally = self.facts.tallies.get(first_lsn)
        if tally is None:
            tally = self.facts.tallies[first_lsn] = Tally(first_lsn, last_lsn, flags & 1 == 1)
            tally.is_open = False
        share = tally.shares[queue] = Share()
        numbers = unpack_from(f"<{2 * runs}q", data, position)
        for index in range(0, 2 * runs, 2):
            share.settled.add(numbers[index], numbers[index + 1])
        share.live = live
        position += 16 * runs
        for _ in range(changed):
            sequence, attempts, state = _CHANGED.unpack_from(data, position)
            share.attempts[sequence] = (attempts, state & 1 == 1)
            position += _CHANGED.size
        return position
