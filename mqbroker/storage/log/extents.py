"""The extents of a batch made from its records, for a segment that has no index. No message is made."""

from collections.abc import Mapping
from typing import NamedTuple

from mqbroker.core.properties import Formats, Properties, restored
from mqbroker.core.queues.extent import POLLED_TOP, Extent, extent_key
from mqbroker.core.queues.lanes import KNOWN, LINE
from mqbroker.core.queues.polled.group_lines import group_of
from mqbroker.storage.log.records import (
    ENQUEUED,
    ENQUEUED_BYTES,
    ENQUEUED_LAYOUT,
    HELD_STEP,
    PUBLISHED,
    PUBLISHED_BYTES,
    PUBLISHED_LAYOUT,
    REPEATED_BYTES,
    REPEATED_LAYOUT,
    STATE_BYTES,
)

Extents = dict[int, Extent]


class ExtentReader:
    """Reads the extents of the batches of a journal."""

    def __init__(self, formats: Formats, tops: Mapping[int, int]) -> None:
        """`tops` are the highest lanes of the queues that have several."""
        self._formats = formats
        self._tops = tops

    def read(self, payload: bytes, end: int) -> Extents:
        """Those of a batch whose entry records end there. ValueError for a record that is not known."""
        return _Records(payload, self._formats, self._tops).read(end)


class _Body(NamedTuple):
    """What a record says of its message."""

    size: int
    names_at: int
    received_at: int


class _Records:
    """The records of one batch."""

    def __init__(self, payload: bytes, formats: Formats, tops: Mapping[int, int]) -> None:
        self._payload = payload
        self._formats = formats
        self._tops = tops
        self._extents: Extents = {}
        self._bodies: dict[int, _Body] = {}
        """Per place of a message's record."""
        self._known: dict[int, Properties] = {}

    def read(self, end: int) -> Extents:
        position = 0
        while position < end:
            kind = self._payload[position]
            is_held = ENQUEUED < kind <= ENQUEUED + HELD_STEP
            position = self._read_one(kind - HELD_STEP * is_held, position, is_held) + STATE_BYTES * is_held
        return self._extents

    def _read_one(self, kind: int, at: int, is_held: bool) -> int:
        payload = self._payload
        if kind == ENQUEUED:
            _, _, _, carrier, queue, _, sequence, expires_at = ENQUEUED_LAYOUT.unpack_from(payload, at)
            end = at + ENQUEUED_BYTES
        elif kind == PUBLISHED:
            (_, _, exchange_bytes, key_bytes, _, raw_bytes, size, queue, _, sequence, expires_at,
             received_at) = PUBLISHED_LAYOUT.unpack_from(payload, at)  # fmt: skip
            carrier, end = at, at + PUBLISHED_BYTES + exchange_bytes + key_bytes + raw_bytes + size
            self._bodies[at] = _Body(size, at, received_at)
        elif kind == PUBLISHED + 1:
            _, _, _, names_at, size, queue, _, sequence, expires_at, received_at = REPEATED_LAYOUT.unpack_from(
                payload, at
            )
            carrier, end = at, at + REPEATED_BYTES + size
            self._bodies[at] = _Body(size, names_at, received_at)
        else:
            raise ValueError(f"record type {kind} is not known")
        self._add(queue, self._bodies[carrier], sequence, expires_at, is_held)
        return end

    def _add(self, queue: int, body: "_Body", sequence: int, expires_at: int, is_held: bool) -> None:
        top = self._tops.get(queue, 0)
        lane, deadline = self._lane(top, body, expires_at, is_held) if top else (0, expires_at)
        key = extent_key(queue, lane)
        extent = self._extents.get(key)
        if extent is None:
            self._extents[key] = Extent(queue, lane, 1, body.size, sequence, sequence, deadline, top)
        else:
            extent.add(1, body.size, sequence, sequence, deadline)

    def _lane(self, top: int, body: "_Body", expires_at: int, is_held: bool) -> tuple[int, int]:
        """Lane and deadline, as lanes.py has them."""
        if top < POLLED_TOP:
            return min(self._properties(body.names_at).priority, top), expires_at
        if is_held or expires_at or group_of(self._properties(body.names_at)):
            return KNOWN, expires_at
        return LINE, body.received_at

    def _properties(self, names_at: int) -> Properties:
        """The properties of a record."""
        found = self._known.get(names_at)
        if found is None:
            _, _, exchange_bytes, key_bytes, code, raw_bytes, *_ = PUBLISHED_LAYOUT.unpack_from(self._payload, names_at)
            start = names_at + PUBLISHED_BYTES + exchange_bytes + key_bytes
            raw = self._payload[start : start + raw_bytes]
            found = self._known[names_at] = restored(self._formats, code, raw)
        return found
