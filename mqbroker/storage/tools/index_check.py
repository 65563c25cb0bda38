"""Whether the index of a segment says what its batches hold: the broker leaves messages on the disk by it."""

from collections.abc import Iterator

from mqbroker.core.queues.extent import Extent, earlier
from mqbroker.storage.log.extents import ExtentReader
from mqbroker.storage.log.facts import Facts, read_facts
from mqbroker.storage.log.frame import Frame
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import first_lsn_of

Sum = tuple[int, int, int, int, int]
"""Count, octets, first and last sequence, earliest deadline."""


def wrong_indexes(scan: Scan) -> Iterator[Frame]:
    """The frames with an index of this segment, or a part of one, that is wrong."""
    reader = ExtentReader({}, {})
    for frame in scan.batches:
        facts = Facts(first_lsn_of(scan.name))
        read_facts(scan.content, frame.start + frame.entries_bytes, frame.content_end, facts)
        if any(not _is_right(stretch, scan, reader) for stretch in facts.index + facts.parts):
            yield frame


def _is_right(stretch: Stretch, scan: Scan, reader: ExtentReader) -> bool:
    frames = [frame for frame in scan.frames if stretch.start <= frame.offset < stretch.end]
    if not frames or (frames[0].offset, frames[-1].end) != (stretch.start, stretch.end):
        return False
    found: dict[int, Sum] = {}
    for frame in frames:
        payload = scan.content[frame.start : frame.content_end]
        for extent in reader.read(payload, frame.entries_bytes).values():
            found[extent.queue_number] = _with(found.get(extent.queue_number), extent)
    said: dict[int, Sum] = {}
    for extent in stretch.extents.values():
        said[extent.queue_number] = _with(said.get(extent.queue_number), extent)
    # Lanes of which nothing was alive are left out, so a queue may have more than the index says.
    return all(_covers(found.get(queue), each) for queue, each in said.items())


def _covers(found: Sum | None, said: Sum) -> bool:
    if found is None or found[0] < said[0] or found[1] < said[1]:
        return False
    return found[2] <= said[2] <= said[3] <= found[3]


def _with(before: Sum | None, extent: Extent) -> Sum:
    count, octets, first, last, expires_at = before or (0, 0, extent.first, extent.last, 0)
    return (
        count + extent.count,
        octets + extent.byte_count,
        min(first, extent.first),
        max(last, extent.last),
        earlier(expires_at, extent.expires_at),
    )
