"""Prints a journal as text, one line per segment, batch and record. Bodies, properties and values are not shown."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mqbroker.core.queues.extent import FLEETING
from mqbroker.storage.intervals import NUMBER_MAX
from mqbroker.storage.liveness import Change, SegmentLiveness, Share
from mqbroker.storage.log.facts import read_facts
from mqbroker.storage.log.frame import FLAG_CLOSED, FLAG_FILLER, Frame
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.log.records import (
    ENQUEUED,
    ENQUEUED_BYTES,
    ENQUEUED_LAYOUT,
    HELD_STEP,
    PUBLISHED_BYTES,
    PUBLISHED_LAYOUT,
    REPEATED,
    REPEATED_BYTES,
    REPEATED_LAYOUT,
    STATE_BYTES,
    STATE_LAYOUT,
)
from mqbroker.storage.log.scan import Scan

_FLAGS = {FLAG_CLOSED: "stopped in order", FLAG_FILLER: "put here by a repair"}


def list_segment(scan: Scan) -> Iterator[str]:
    """The lines of one segment."""
    header = scan.header
    if header is None:
        yield f"{scan.name}: no readable header"
        return
    cluster = header.cluster_id.hex()
    key = "" if header.key_block is None else f", encrypted with the key {header.key_block.key_id}"
    yield f"{scan.name}: {header.size_bytes} bytes, cluster {cluster}, after batch {header.previous_lsn}{key}"
    for frame in scan.frames:
        yield _batch_line(frame)
        if not frame.flags & FLAG_FILLER:
            yield from _entry_lines(scan.content, frame)
            facts = FactLines()
            read_facts(scan.content, frame.start + frame.entries_bytes, frame.content_end, facts)
            yield from facts.lines
    yield f"  from byte {scan.end}: {scan.tail.value}"


def _batch_line(frame: Frame) -> str:
    flags = "".join(f", {text}" for bit, text in _FLAGS.items() if frame.flags & bit)
    return (
        f"  batch {frame.lsn} at {frame.offset}: {frame.payload_bytes} bytes, {frame.entries} entries, "
        f"{frame.facts} facts, committed {frame.committed}{flags}"
    )


def _entry_lines(data: bytes, frame: Frame) -> Iterator[str]:
    position, end = frame.start, frame.start + frame.entries_bytes
    while position < end:
        at = position - frame.start
        kind = data[position]
        is_held = kind > ENQUEUED
        if is_held:
            kind -= HELD_STEP
        if kind == ENQUEUED:
            _, _, _, carrier, queue, _, sequence, _ = ENQUEUED_LAYOUT.unpack_from(data, position)
            position += ENQUEUED_BYTES
            yield f"    {at}: enqueued queue {_queue(queue)} sequence {sequence}, the message of {carrier}"
        elif kind == REPEATED:
            _, _, _, names_at, length, queue, _, sequence, _, received = REPEATED_LAYOUT.unpack_from(data, position)
            position += REPEATED_BYTES + length
            place = f"queue {_queue(queue)} sequence {sequence}"
            yield f"    {at}: published {place}, {_time(received)}, {length} bytes, names of {names_at}"
        else:
            fields = PUBLISHED_LAYOUT.unpack_from(data, position)
            _, _, exchange_bytes, key_bytes, _, raw_bytes, length, queue, _, sequence, _, received = fields
            exchange, key = _texts(data, position + PUBLISHED_BYTES, exchange_bytes, key_bytes)
            position += PUBLISHED_BYTES + exchange_bytes + key_bytes + raw_bytes + length
            yield (
                f"    {at}: published queue {_queue(queue)} sequence {sequence}, {_time(received)}, {length} bytes, "
                f"exchange {exchange!r} key {key!r}"
            )
        if is_held:
            held_until, first_taken_at = STATE_LAYOUT.unpack_from(data, position)
            position += STATE_BYTES
            yield f"      held until {held_until}, first taken at {first_taken_at}"


def _queue(number: int) -> str:
    return f"{number & ~FLEETING} (not kept)" if number & FLEETING else str(number)


def _texts(data: bytes, at: int, first: int, second: int) -> tuple[str, str]:
    text = data[at : at + first + second]
    return text[:first].decode("utf-8", "surrogateescape"), text[first:].decode("utf-8", "surrogateescape")


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FactLines:
    """One line for each fact. A `facts.FactSink`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._held_up_to: dict[int, int] = {}

    def checkpoint(self) -> None:
        self.lines.append("    checkpoint")

    def settled(self, first_lsn: int, queue: int, numbers: tuple[int, ...]) -> None:
        runs = ", ".join(f"{start} to {end}" for start, end in zip(numbers[::2], numbers[1::2], strict=True))
        self.lines.append(f"    settled segment {first_lsn:x} queue {_queue(queue)}: {runs}")

    def attempted(self, first_lsn: int, queue: int, sequence: int, attempts: int, is_redelivered: bool) -> None:
        self.lines.append(
            f"    attempted segment {first_lsn:x} queue {_queue(queue)} sequence {sequence}: attempts {attempts}, "
            f"redelivered {is_redelivered}"
        )

    def deferred(self, first_lsn: int, queue: int, sequence: int, change: Change) -> None:
        attempts, is_redelivered, held_until, first_taken_at = change
        self.lines.append(
            f"    deferred segment {first_lsn:x} queue {_queue(queue)} sequence {sequence}: attempts {attempts}, "
            f"redelivered {is_redelivered}, held until {held_until}, first taken at {first_taken_at}"
        )

    def defined(self, key: str, value: bytes | None) -> None:
        self.lines.append(f"    defined {key!r}: {'gone' if value is None else f'{len(value)} bytes'}")

    def forgotten(self, queue: int) -> None:
        self.lines.append(f"    forgotten queue {_queue(queue)}")

    def held(self, segment: SegmentLiveness) -> None:
        self._held_up_to[segment.first_lsn] = segment.last_lsn

    def share(self, first_lsn: int, queue: int, share: Share) -> None:
        settled = sum(end - start + 1 for start, end in share.settled if end < NUMBER_MAX)
        self.lines.append(
            f"    held segment {first_lsn:x} up to batch {self._held_up_to[first_lsn]}, queue {queue}: "
            f"{share.live} live, {settled} settled, {len(share.attempts)} attempted"
        )

    def indexed(self, first_lsn: int, entries: int, stretches: list[Stretch], record: bytes) -> None:
        self.lines.append(
            f"    index of segment {first_lsn:x}: {len(stretches)} stretches, {entries} entries, {len(record)} bytes"
        )
        self._add_stretches(stretches)

    def _add_stretches(self, stretches: list[Stretch]) -> None:
        for each in stretches:
            self.lines.append(f"      bytes {each.start} to {each.end}, batches {each.first_lsn} to {each.last_lsn}")
            self.lines += [
                f"        queue {_queue(one.queue_number)} lane {one.lane}: {one.count} entries, "
                f"{one.first} to {one.last}, {one.byte_count} bytes"
                for one in each.extents.values()
            ]

    def index_at(self, first_lsn: int, offset: int) -> None:
        self.lines.append(f"    index of segment {first_lsn:x} is in its batch at {offset}")

    def index_part(self, stretches: list[Stretch]) -> None:
        self.lines.append(f"    {len(stretches)} stretches of this segment have ended")
        self._add_stretches(stretches)
