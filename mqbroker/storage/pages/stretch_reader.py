"""Reads parts of queues back from the journal: a stretch of a segment, and of what it holds the entries of one lane.

It checks every batch that it reads, as recovery does, and opens it where the journal is encrypted. Neighbours are often
read one after the other, and by several queues, so the octets of the last stretches are kept. It may be used from any
thread, and changes nothing.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from mqbroker.core.message import Entry
from mqbroker.core.properties import Formats
from mqbroker.core.queues.extent import Place
from mqbroker.core.queues.lanes import lane_of
from mqbroker.core.queues.page import Page, sequence_of
from mqbroker.errors import JournalCorrupt
from mqbroker.limits import REST_BYTES, STRETCHES_KEPT_BYTES
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES, Keyring
from mqbroker.storage.liveness import LogLiveness, SegmentLiveness, Share
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.facts import Facts, index_in, read_facts
from mqbroker.storage.log.frame import FLAG_FILLER, FRAME_BYTES, TAG_BYTES, Frame, announced_end
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.log.records import EntryDecoder
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, SegmentHeader, read_segment_header, segment_name

HEADERS_KEPT = 1024
FORGED = "a batch was written by somebody without the key"


class Wanted(NamedTuple):
    """The entries of one lane of a queue, as far as its share in the segment says that they are alive."""

    place: Place
    queue_number: int
    lane: int
    top: int
    """The highest lane of the queue."""
    share: Share
    """What the queue has in the segment, as far as it is wanted."""
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
        self.cluster_id = b""
        """Whose journal it is."""
        self._lock = Lock()
        self._segments: OrderedDict[int, tuple[SegmentHeader, DataKey | None]] = OrderedDict()
        self._kept: OrderedDict[Place, Octets] = OrderedDict()
        self._kept_bytes = 0

    def entries(self, wanted: Wanted) -> list[Entry]:
        """The entries, by sequence. JournalCorrupt when the stretch is damaged, OSError when it cannot be read."""
        queue, top, lane = wanted.queue_number, wanted.top, wanted.lane
        found = self.lists(wanted.place, {queue: wanted.share}, wanted.is_redelivered).get(queue, [])
        if top:
            found = [entry for entry in found if lane_of(entry, top) == lane]
        found.sort(key=sequence_of)
        return found

    def lists(
        self, place: Place, shares: dict[int, Share], is_redelivered: bool, rest: Callable[[], None] | None = None
    ) -> dict[int, list[Entry]]:
        """The entries of several queues, in the order of the journal, as far as these shares say that they live. `rest`
        is called now and then for who is in no hurry: until then other threads wait for the interpreter."""
        octets = self._octets(place)
        decoder = EntryDecoder(octets.content, self._formats, shares, True, is_redelivered)
        rested_at = 0
        for frame in octets.frames:
            decoder.decode(frame.lsn, frame.start, frame.start + frame.entries_bytes)
            if rest is not None and frame.end - rested_at >= REST_BYTES:
                rested_at = frame.end
                rest()
        return decoder.lists

    def index_of(self, segment: SegmentLiveness) -> list[Stretch]:
        """The index of a segment; empty when it has none that is good."""
        return self.counted_index_of(segment)[1]

    def counted_index_of(self, segment: SegmentLiveness) -> tuple[int, list[Stretch]]:
        """How many entries the segment has, alive or not; and its index."""
        if segment.index:
            return index_in(segment.index)
        facts = Facts(segment.first_lsn)
        if segment.index_at:
            self._read_facts(segment, facts)
        return facts.entries, facts.index

    def _read_facts(self, segment: SegmentLiveness, facts: Facts) -> None:
        """Reads the facts of the batch with which a segment ends."""
        name, at = segment_name(segment.first_lsn), segment.index_at
        place = Place(segment.first_lsn, at, at, segment.last_lsn, segment.last_lsn)
        header = self.header(segment.first_lsn)
        end = announced_end(self._disk.read(name, at, FRAME_BYTES), 0, header.seed)
        if end < 0 or header.cluster_id != self.cluster_id:
            return
        octets = self._read(place._replace(end=at + end))
        for frame in octets.frames:
            read_facts(octets.content, frame.start + frame.entries_bytes, frame.content_end, facts)

    def end_of(self, segment: SegmentLiveness) -> int:
        """Where the last batch of a segment ends."""
        reader = SegmentReader(self._disk, segment_name(segment.first_lsn))
        reader.pass_over(segment.last_lsn)
        return reader.chain.end

    def refusal(self, place: Place, reason: str) -> JournalCorrupt:
        """The error for a stretch that is not what it should be."""
        return JournalCorrupt(self.path(place.segment), place.start, place.end, reason)

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
        header, key = self._segment(place.segment)
        data = self._disk.read(segment_name(place.segment), place.start, place.end - place.start)
        frames: list[Frame] = []
        at, lsn = 0, 0
        while lsn != place.last_lsn:
            frame = header.read_frame(data, at)
            if frame is None or not place.first_lsn <= frame.lsn <= place.last_lsn:
                raise self.refusal(place._replace(start=place.start + at), "a batch there is not whole")
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
                damaged = place._replace(start=place.start + frame.offset, end=place.start + frame.end)
                raise self.refusal(damaged, FORGED)
            parts += (view[frame.offset : frame.start], payload, bytes(TAG_BYTES))
        return b"".join(parts)

    def header(self, segment: int) -> SegmentHeader:
        """The header of a segment."""
        return self._segment(segment)[0]

    def key(self, segment: int) -> DataKey | None:
        """What opens the batches of a segment; None for one that is not encrypted."""
        return self._segment(segment)[1]

    def _segment(self, segment: int) -> tuple[SegmentHeader, DataKey | None]:
        known = self._segments.get(segment)
        if known is None:
            known = self._open_segment(segment)
            with self._lock:
                self._segments[segment] = known
                if len(self._segments) > HEADERS_KEPT:
                    self._segments.popitem(last=False)
        return known

    def _open_segment(self, segment: int) -> tuple[SegmentHeader, DataKey | None]:
        name = segment_name(segment)
        opening = self._disk.read(name, 0, SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES)
        header = read_segment_header(name, opening)
        if header is None:
            raise JournalCorrupt(self.path(segment), 0, len(opening), "its header is not readable")
        if header.key_block is None:
            return header, None
        key = None
        if self._keyring is not None:
            key = self._keyring.unwrap(name, opening[:SEGMENT_HEADER_BYTES], header.key_block)
        if key is None:
            raise JournalCorrupt(self.path(segment), 0, len(opening), "its key does not belong to it")
        return header, key

    def path(self, segment: int) -> str:
        """Where the file of a segment is, for messages."""
        return os.path.join(self._disk.path, segment_name(segment))


def wanted(liveness: LogLiveness, page: Page) -> Wanted:
    """What to read for a page, as things are now: it may be read in another thread."""
    assert page.place is not None
    place, was_redelivered = liveness.moved.readable(page.place)
    there = liveness.by_first.get(place.segment)
    # What is settled is known of where it is by now, though that may not be on the disk yet.
    counted = liveness.find(page.place.first_lsn)
    share = None if counted is None else counted.shares.get(page.queue_number)
    return Wanted(
        place,
        page.queue_number,
        page.lane,
        page.top,
        share_between(share or Share(), page.first, page.last),
        was_redelivered or (there is not None and there.is_redelivered),
    )


def share_between(share: Share, first: int, last: int) -> Share:
    """What a share says of the entries `first` to `last`; with all others as settled. A copy."""
    found = Share()
    found.settled = share.settled.narrowed(first, last)
    if share.attempts:
        found.attempts = {at: change for at, change in share.attempts.items() if first <= at <= last}
    return found
