"""Reads parts of queues back from the journal: a stretch of a segment, and of what it holds the entries of one lane.

It checks every batch that it reads, as recovery does, and opens it where the journal is encrypted. Neighbours are often
read one after the other, and by several queues, so the octets of the last stretches are kept. It may be used from any
thread, and changes nothing.
"""

import os
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from mqbroker.core.message import Entry
from mqbroker.core.properties import Formats
from mqbroker.core.queues.extent import Place
from mqbroker.errors import JournalCorrupt
from mqbroker.limits import STRETCHES_KEPT_BYTES
from mqbroker.storage.intervals import NUMBER_MAX, Intervals
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES, Keyring
from mqbroker.storage.liveness import Share
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.frame import FLAG_FILLER, TAG_BYTES, Frame
from mqbroker.storage.log.records import EntryDecoder
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, SegmentHeader, read_segment_header, segment_name

HEADERS_KEPT = 1024


class Wanted(NamedTuple):
    """The entries of one lane of a queue from `first` to `last`, as far as they are alive."""

    place: Place
    queue_number: int
    lane: int
    top: int
    """The highest lane of the queue."""
    first: int
    last: int
    share: Share
    """What the queue has in the segment, a copy of what matters of it."""
    is_redelivered: bool


class Octets(NamedTuple):
    """A stretch as it was read, with its payloads opened, and the frames in it."""

    content: bytes
    frames: list[Frame]


class StretchReader:
    """Reads stretches of the segments of one journal."""

    def __init__(self, disk: Disk, formats: Formats, keyring: Keyring | None) -> None:
        self._disk = disk
        self._formats = formats
        self._keyring = keyring
        self._lock = Lock()
        self._segments: OrderedDict[int, tuple[SegmentHeader, DataKey | None]] = OrderedDict()
        self._kept: OrderedDict[Place, Octets] = OrderedDict()
        self._kept_bytes = 0

    def entries(self, wanted: Wanted) -> list[Entry]:
        """The entries, by sequence. JournalCorrupt when the stretch is damaged, OSError when it cannot be read."""
        octets = self._octets(wanted.place)
        queue = wanted.queue_number
        shares = {queue: wanted.share}
        decoder = EntryDecoder(octets.content, self._formats, shares, True, wanted.is_redelivered)
        for frame in octets.frames:
            decoder.decode(frame.lsn, frame.start, frame.start + frame.entries_bytes)
        found = decoder.lists.get(queue, [])
        if wanted.top:
            top, lane = wanted.top, wanted.lane
            found = [entry for entry in found if min(entry.message.properties.priority, top) == lane]
        found.sort(key=lambda entry: entry.sequence)
        return found

    def refusal(self, place: Place, reason: str) -> JournalCorrupt:
        """The error for a stretch that is not what it should be."""
        return JournalCorrupt(self._path(place), place.start, place.end, reason)

    def _octets(self, place: Place) -> Octets:
        with self._lock:
            kept = self._kept.get(place)
            if kept is not None:
                self._kept.move_to_end(place)
                return kept
        octets = self._read(place)
        with self._lock:
            if place not in self._kept:
                self._kept[place] = octets
                self._kept_bytes += len(octets.content)
            while self._kept_bytes > STRETCHES_KEPT_BYTES and len(self._kept) > 1:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1].content)
        return octets

    def _read(self, place: Place) -> Octets:
        header, key = self._segment(place)
        data = self._disk.read(segment_name(place.segment), place.start, place.end - place.start)
        frames: list[Frame] = []
        at, lsn = 0, 0
        while lsn != place.last_lsn:
            frame = header.read_frame(data, at)
            if frame is None or not place.first_lsn <= frame.lsn <= place.last_lsn:
                raise JournalCorrupt(self._path(place), place.start + at, place.end, "a batch there is not whole")
            frames.append(frame)
            at, lsn = frame.end, frame.lsn
        content = data if key is None else self._opened(place, key, data, frames)
        return Octets(content, [frame for frame in frames if not frame.flags & FLAG_FILLER])

    def _opened(self, place: Place, key: DataKey, data: bytes, frames: list[Frame]) -> bytes:
        view = memoryview(data)
        parts: list[bytes | memoryview] = []
        for frame in frames:
            payload = key.open(frame, view[frame.start : frame.end])
            if payload is None:
                start, end = place.start + frame.offset, place.start + frame.end
                raise JournalCorrupt(self._path(place), start, end, "a batch was written by somebody without the key")
            parts += (view[frame.offset : frame.start], payload, bytes(TAG_BYTES))
        return b"".join(parts)

    def _segment(self, place: Place) -> tuple[SegmentHeader, DataKey | None]:
        known = self._segments.get(place.segment)
        if known is None:
            known = self._open_segment(place)
            with self._lock:
                self._segments[place.segment] = known
                if len(self._segments) > HEADERS_KEPT:
                    self._segments.popitem(last=False)
        return known

    def _open_segment(self, place: Place) -> tuple[SegmentHeader, DataKey | None]:
        name = segment_name(place.segment)
        opening = self._disk.read(name, 0, SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES)
        header = read_segment_header(name, opening)
        if header is None:
            raise JournalCorrupt(self._path(place), 0, len(opening), "its header is not readable")
        if header.key_block is None:
            return header, None
        key = None
        if self._keyring is not None:
            key = self._keyring.unwrap(name, opening[:SEGMENT_HEADER_BYTES], header.key_block)
        if key is None:
            raise JournalCorrupt(self._path(place), 0, len(opening), "its key does not belong to it")
        return header, key

    def _path(self, place: Place) -> str:
        return os.path.join(self._disk.path, segment_name(place.segment))


def share_between(share: Share, first: int, last: int) -> Share:
    """What a share says of the entries `first` to `last`; with all others as settled. A copy."""
    found = Share()
    found.settled = share.settled.between(first, last)
    found.settled.add(-NUMBER_MAX, first - 1)
    found.settled.add(last + 1, NUMBER_MAX)
    if share.attempts:
        found.attempts = {at: change for at, change in share.attempts.items() if first <= at <= last}
    return found


def is_untouched(settled: Intervals, first: int, last: int) -> bool:
    """Whether none of these numbers is in the set."""
    found, _, end = settled.span(first)
    return not found and end >= last
