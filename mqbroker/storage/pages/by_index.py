"""What is alive in an older segment, by its index: pages, without reading what no consumer has come to yet.

    an extent of the index, with what its queue has settled since | becomes
    --------------------------------------------------------------+--------------------------------------------------
    all of it is settled                                          | nothing
    nothing of it is settled, and nothing came back               | a page that is exactly the extent
    anything else                                                 | is read, so that the page is exactly what is left

So at a restart the stretches are read with which consumers were busy, and no others.
"""

from collections.abc import Iterable, Mapping

from mqbroker.core.queues.extent import POLLED_TOP, Extent, extent_key
from mqbroker.core.queues.lanes import KNOWN, LINE, lane_of
from mqbroker.core.queues.page import Page, page_on_disk, sequence_of
from mqbroker.storage.liveness import SegmentLiveness, Share
from mqbroker.storage.log.index import Stretch, is_settled
from mqbroker.storage.pages.stretch_reader import StretchReader


def pages_in(segment: SegmentLiveness, stretches: Iterable[Stretch], reader: StretchReader) -> list[Page] | None:
    """The pages of all queues in a segment; None when the index does not say what the checkpoint does.

    JournalCorrupt when what has to be read is damaged.
    """
    pages = pages_of(segment.shares, segment.is_redelivered, stretches, reader)
    return pages if _agree(pages, segment) else None


def pages_of(
    shares: Mapping[int, Share], is_redelivered: bool, stretches: Iterable[Stretch], reader: StretchReader
) -> list[Page]:
    """The pages of all queues that have something in these stretches, as these shares tell it. Raises as well."""
    pages: list[Page] = []
    for stretch in stretches:
        left = [
            (extent, share)
            for extent in stretch.extents.values()
            if (share := shares.get(extent.queue_number)) is not None and not is_settled(extent, share)
        ]
        untouched: list[Extent] = []
        touched: list[Extent] = []
        for extent, share in left:
            (untouched if _is_untouched(extent, share) else touched).append(extent)
        # Of a polled queue what was received stands in another lane since.
        polled = {extent.queue_number for extent in touched if extent.top == POLLED_TOP}
        pages += [page_on_disk(extent, stretch.place) for extent in untouched if extent.queue_number not in polled]
        if touched:
            pages += _read(stretch, touched, shares, is_redelivered, reader)
    return pages


def _is_untouched(extent: Extent, share: Share) -> bool:
    is_gone, _, end = share.settled.span(extent.first)
    if is_gone or end < extent.last:
        return False
    return not any(extent.first <= sequence <= extent.last for sequence in share.attempts)


def _read(
    stretch: Stretch, touched: list[Extent], known: Mapping[int, Share], is_redelivered: bool, reader: StretchReader
) -> list[Page]:
    """The pages of extents of which not all is left as it was."""
    shares = {extent.queue_number: known[extent.queue_number] for extent in touched}
    lists = reader.lists(stretch.place, shares, is_redelivered)
    pages: dict[int, Page] = {}
    for extent in touched:
        for lane in (LINE, KNOWN) if extent.top == POLLED_TOP else (extent.lane,):
            key = extent_key(extent.queue_number, lane)
            pages[key] = Page(extent.queue_number, lane, extent.top, stretch.place)
    tops = {extent.queue_number: extent.top for extent in touched}
    for queue, found in lists.items():
        top = tops.get(queue, 0)
        for entry in sorted(found, key=sequence_of):
            page = pages.get(extent_key(queue, lane_of(entry, top) if top else 0))
            if page is not None:  # else it is in an extent of which all is left
                page.add(entry)
    return [page for page in pages.values() if page.count]


def _agree(pages: list[Page], segment: SegmentLiveness) -> bool:
    """Whether the pages hold as much of each queue as is alive in the segment."""
    alive = {queue: share.live for queue, share in segment.shares.items() if share.live > 0}
    counts = dict.fromkeys(alive, 0)
    for page in pages:
        counts[page.queue_number] = counts.get(page.queue_number, 0) + page.count
    return counts == alive
