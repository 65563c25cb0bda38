"""The index of a segment: which of its batches hold how much of which queue, so that a part of a queue is found again.

A segment is divided into stretches, some successive frames each, about as much as is read at once. The encoder notes in
the open stretch what each batch holds, and ends it when it is large enough; when little room is left in the segment the
index becomes a record of the batch with which that ends (facts.py). So it is as durable, checked, encrypted and copied
as the log itself. What has nothing alive by then is left out. The index of a segment that was not ended in order, such
as the one that a crash has left, is made from its records (extents.py) and stands in a newer segment.
"""

from collections.abc import Iterable, Mapping
from struct import Struct

from mqbroker.core.queues.extent import Extent, Place, extent_key
from mqbroker.limits import QUEUE_WINDOW, STRETCH_BYTES, STRETCH_ENTRIES_MIN
from mqbroker.storage.liveness import Share

_STRETCH = Struct("<QQQQI4x")
_EXTENT = Struct("<IIqqqqII")


class Stretch:
    """Successive frames of a segment, from `start` to `end`, and what they hold of each queue and lane."""

    __slots__ = ("end", "entries", "extents", "first_lsn", "last_lsn", "segment", "start")

    def __init__(self, segment: int, start: int, first_lsn: int) -> None:
        self.segment = segment
        """The first batch of the segment, which names it."""
        self.start = start
        self.end = start
        self.first_lsn = first_lsn
        self.last_lsn = first_lsn
        self.extents: dict[int, Extent] = {}
        self.entries = 0

    def add(self, lsn: int, end: int, extents: Mapping[int, Extent]) -> None:
        """One more frame, which ends there."""
        self.last_lsn = lsn
        self.end = end
        for key, extent in extents.items():
            known = self.extents.get(key)
            self.entries += extent.count
            if known is None:
                self.extents[key] = extent
            else:
                known.add(extent.count, extent.byte_count, extent.first, extent.last, extent.expires_at)

    def first_of(self, extent: Extent) -> int:
        """The first sequence of the extent's queue, in whatever lane."""
        return min(each.first for each in self.extents.values() if each.queue_number == extent.queue_number)

    def last_of(self, extent: Extent) -> int:
        """The last one."""
        return max(each.last for each in self.extents.values() if each.queue_number == extent.queue_number)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.segment, self.start, self.end, self.first_lsn, self.last_lsn)

    @property
    def packed_bytes(self) -> int:
        """How long it is in a record, with all its extents."""
        return _STRETCH.size + _EXTENT.size * len(self.extents)


class OpenIndex:
    """The index of the segment that is being written. Small stretches are for queues that keep little in memory."""

    def __init__(self, segment: int, window: int) -> None:
        """`window` is how many messages a queue keeps in memory at least."""
        self.segment = segment
        self.stretches: list[Stretch] = []
        self.bytes_max = _STRETCH.size
        """How long the stretches are in a record at most, with another one: it is looked at for each batch."""
        self.has_news = False
        """Whether a stretch has ended since the last call of `news`."""
        self._size = (window - 1) * STRETCH_BYTES // QUEUE_WINDOW
        self._entries_min = (window - 1) * STRETCH_ENTRIES_MIN // QUEUE_WINDOW
        self._open: Stretch | None = None
        self._told = 0
        """How many of the stretches the log has been told of."""

    def add(self, lsn: int, start: int, end: int, extents: Mapping[int, Extent]) -> Stretch | None:
        """A frame was added to the segment. The stretch that ends with it, if one does."""
        stretch = self._open
        if stretch is None:
            if not extents:
                return None
            stretch = self._open = Stretch(self.segment, start, lsn)
            self.stretches.append(stretch)
            self.bytes_max += _STRETCH.size
        known = len(stretch.extents)
        stretch.add(lsn, end, extents)
        # A part of a queue is read with all that stands between, so it should be more than a few small messages.
        extents_count, size = len(stretch.extents), end - stretch.start
        self.bytes_max += _EXTENT.size * (extents_count - known)
        is_coarse = stretch.entries >= self._entries_min * extents_count or size >= self._size // 4 * extents_count
        if size < self._size or not is_coarse:
            return None
        return self.end()

    def end(self) -> Stretch | None:
        """No other frame is added. The stretch that ends so, if one does."""
        stretch, self._open = self._open, None
        self.has_news = self.has_news or stretch is not None
        return stretch

    @property
    def ended(self) -> list[Stretch]:
        """The stretches that have ended."""
        return self.stretches if self._open is None else self.stretches[:-1]

    def news(self) -> list[Stretch]:
        """The stretches that have ended since the last call."""
        end = len(self.stretches) - (self._open is not None)
        news, self._told, self.has_news = self.stretches[self._told : end], end, False
        return news

    def extend(self, end: int) -> None:
        """The last frame has become longer."""
        self.stretches[-1].end = end

    def alive(self, shares: Mapping[int, Share]) -> list[Stretch]:
        """The stretches with what has not been settled as a whole; without those that hold nothing else."""
        found = []
        for each in self.stretches:
            extents = {key: extent for key, extent in each.extents.items() if _is_alive(extent, shares)}
            if extents:
                stretch = Stretch(each.segment, each.start, each.first_lsn)
                stretch.add(each.last_lsn, each.end, extents)
                found.append(stretch)
        return found

    def alive_about(self, shares: Mapping[int, Share]) -> list[Stretch]:
        """All stretches, with what has been settled too, unless nothing at all is alive."""
        return self.stretches if any(share.live > 0 for share in shares.values()) else []

    @property
    def parts(self) -> int:
        """How many extents there are."""
        return sum(len(stretch.extents) for stretch in self.stretches)

    def record_bytes(self, more: Mapping[int, Extent]) -> int:
        """How long the stretches are in a record at most, with one more batch."""
        return self.bytes_max + _EXTENT.size * len(more)


def _is_alive(extent: Extent, shares: Mapping[int, Share]) -> bool:
    """Whether something of the extent may be alive."""
    share = shares.get(extent.queue_number)
    return share is not None and share.live > 0 and not is_settled(extent, share)


def is_settled(extent: Extent, share: Share) -> bool:
    """Whether all of the extent is settled."""
    is_gone, _, end = share.settled.span(extent.first)
    return is_gone and end >= extent.last


def packed_bytes(stretches: Iterable[Stretch]) -> int:
    """How long they are in a record."""
    return sum(stretch.packed_bytes for stretch in stretches)


def pack_stretches(stretches: Iterable[Stretch]) -> bytes:
    """The stretches in a record."""
    parts = []
    for each in stretches:
        parts.append(_STRETCH.pack(each.start, each.end, each.first_lsn, each.last_lsn, len(each.extents)))
        parts += map(_pack_extent, each.extents.values())
    return b"".join(parts)


def _pack_extent(extent: Extent) -> bytes:
    return _EXTENT.pack(
        extent.queue_number, extent.count, extent.first, extent.last, extent.byte_count, extent.expires_at,
        extent.lane, extent.top,
    )  # fmt: skip


def read_stretches(segment: int, count: int, data: bytes, position: int) -> tuple[list[Stretch], int]:
    """The reverse, and where the record goes on."""
    stretches = []
    for _ in range(count):
        start, end, first_lsn, last_lsn, extents = _STRETCH.unpack_from(data, position)
        position += _STRETCH.size
        stretch = Stretch(segment, start, first_lsn)
        found = {}
        for _ in range(extents):
            queue, number, first, last, byte_count, expires_at, lane, top = _EXTENT.unpack_from(data, position)
            position += _EXTENT.size
            found[extent_key(queue, lane)] = Extent(queue, lane, number, byte_count, first, last, expires_at, top)
        stretch.add(last_lsn, end, found)
        stretches.append(stretch)
    return stretches, position
