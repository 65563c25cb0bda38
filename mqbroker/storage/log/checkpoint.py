"""The checkpoint with which a segment opens: every definition, and what each queue has in each older segment.

With very many queues that is much, and most of it is what the last checkpoint said. So its octets are kept, some
definitions or queues together (a parcel), compressed; what has changed since is made anew, and most of that while the
segment before is being written, a little with each batch or every few. So no batch takes long because a segment begins
with it.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice

from mqbroker.core.queues.extent import FLEETING
from mqbroker.limits import DEFINITIONS_TOGETHER, DEFINITIONS_TOGETHER_BYTES
from mqbroker.storage.liveness import QUEUES_TOGETHER_BITS, LogLiveness, SegmentLiveness
from mqbroker.storage.log.facts import (
    CHECKPOINT_BYTES,
    pack_checkpoint,
    pack_defined,
    pack_held,
    pack_indexes,
    pack_shares,
    packed,
)


class Parcel:
    """Some definitions that became known one after the other."""

    __slots__ = ("octets", "records", "size")

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        """By key."""
        self.size = 0
        """How long they are."""
        self.octets = b""
        """All of them as they stand in a checkpoint; empty while that is to be made."""


class Definitions:
    """All definitions of a log, in the order in which their keys became known."""

    def __init__(self, definitions: Mapping[str, bytes]) -> None:
        self._parcels: dict[str, Parcel] = {}
        """By key."""
        self._all: dict[Parcel, None] = {}
        self._last = Parcel()
        self.stale: dict[Parcel, None] = {}
        """Those whose octets are to be made."""
        for key, value in definitions.items():
            self.define(key, pack_defined(key, value))

    def __len__(self) -> int:
        return len(self._parcels)

    def define(self, key: str, record: bytes) -> None:
        """A definition has this record now."""
        parcel = self._parcels.get(key)
        if parcel is None:
            if len(self._last.records) >= DEFINITIONS_TOGETHER or self._last.size >= DEFINITIONS_TOGETHER_BYTES:
                self._last = Parcel()
            parcel = self._parcels[key] = self._last
            self._all[parcel] = None
        parcel.size += len(record) - len(parcel.records.get(key, b""))
        parcel.records[key] = record
        self._change(parcel)

    def remove(self, key: str) -> None:
        """A definition is gone."""
        parcel = self._parcels.pop(key, None)
        if parcel is None:
            return
        parcel.size -= len(parcel.records.pop(key))
        self._change(parcel)
        if not parcel.records:
            del self._all[parcel]
            del self.stale[parcel]

    def _change(self, parcel: Parcel) -> None:
        parcel.octets = b""
        self.stale[parcel] = None

    def prepare(self, most: int) -> int:
        """Makes the octets of up to so many of those that are stale; of how many."""
        parcels = list(islice(self.stale, most))
        for parcel in parcels:
            parcel.octets = packed(b"".join(parcel.records.values()))
            del self.stale[parcel]
        return len(parcels)

    def octets(self) -> list[bytes]:
        """All of them as they stand in a checkpoint."""
        self.prepare(len(self.stale))
        return [parcel.octets for parcel in self._all]


class Checkpoint:
    """What the next segment opens with."""

    def __init__(self, liveness: LogLiveness, definitions: Mapping[str, bytes]) -> None:
        self.definitions = Definitions(definitions)
        self._liveness = liveness
        self._due = 0.0
        """How many parcels are to be made anew by now, a part of one too."""
        for segment in liveness.by_first.values():
            segment.stale = dict.fromkeys(queue >> QUEUES_TOGETHER_BITS for queue in segment.shares)

    def prepare(self, share: float) -> None:
        """Makes this share of what is to be made anew.

        A share may be less than one parcel: what changes with every batch is not made again with every batch.
        """
        stale = [segment for segment in self._liveness.by_first.values() if segment.stale]
        self._due += share * (len(self.definitions.stale) + sum([len(segment.stale) for segment in stale]))
        self._due -= self.definitions.prepare(int(self._due))
        for segment in stale:
            if self._due < 1:
                break
            self._due -= _prepare(segment, int(self._due))

    def records(self, segments: Iterable[SegmentLiveness]) -> list[bytes]:
        """The whole of it, which names these segments."""
        held = list(chain.from_iterable(_held(segment) for segment in segments))
        opening = pack_checkpoint(len(self.definitions), len(held))
        return [opening, *self.definitions.octets(), *held, *pack_indexes(segments)]

    def size(self, segments: Iterable[SegmentLiveness]) -> int:
        """How long that is."""
        return CHECKPOINT_BYTES + sum(map(len, self.records(segments)[1:]))


def _prepare(segment: SegmentLiveness, most: int) -> int:
    numbers = list(islice(segment.stale, most))
    for number in numbers:
        del segment.stale[number]
        octets = b"" if number & FLEETING >> QUEUES_TOGETHER_BITS else pack_shares(segment, number)
        if octets:
            segment.packed[number] = octets
        else:
            segment.packed.pop(number, None)
    return len(numbers)


def _held(segment: SegmentLiveness) -> Iterator[bytes]:
    """The records of what is alive in a segment."""
    _prepare(segment, len(segment.stale))
    if segment.packed:
        yield pack_held(segment)
        yield from segment.packed.values()
