"""How much of a queue, or of one lane of it, stands in some successive batches of the journal.

The journal adds it up while it encodes a batch, and keeps it in the index of each segment; a queue lets go of what it
says that the disk has (page.py). It knows neither queues nor files.
"""

from typing import NamedTuple

LANE_BITS = 8  # priorities go up to 255
POLLED_TOP = 1 << LANE_BITS  # in `Extent.top`: a polled queue, whose entries have no priorities (lanes.py)
FLEETING = 1 << 30  # in a number of a queue: of what the journal has there a restart knows nothing (spill.py)


class Place(NamedTuple):
    """Successive batches of one segment of the journal, and the octets that they take there."""

    segment: int
    """Its first batch, which names it."""
    start: int
    end: int
    first_lsn: int
    last_lsn: int


class Extent:
    """The entries `first` to `last` of one lane, by sequence: there may be others between them, and gaps."""

    __slots__ = ("byte_count", "count", "expires_at", "first", "lane", "last", "queue_number", "top")

    def __init__(
        self,
        queue_number: int,
        lane: int,
        count: int,
        byte_count: int,
        first: int,
        last: int,
        expires_at: int,
        top: int = 0,
    ) -> None:
        self.queue_number = queue_number
        self.lane = lane
        """Queues with priorities have a lane for each up to `top`, others only lane 0."""
        self.top = top
        self.count = count
        self.byte_count = byte_count
        """Octets of the bodies."""
        self.first = first
        self.last = last
        self.expires_at = expires_at
        """The earliest of their deadlines, in milliseconds; 0 when none has one. In the line of a polled queue: when
        the first of them was sent, for how long they are kept may change."""

    def add(self, count: int, byte_count: int, first: int, last: int, expires_at: int) -> None:
        """There are more of them."""
        self.count += count
        self.byte_count += byte_count
        if first < self.first:
            self.first = first
        if last > self.last:
            self.last = last
        self.expires_at = earlier(self.expires_at, expires_at)

    @property
    def key(self) -> int:
        """Tells queue and lane."""
        return extent_key(self.queue_number, self.lane)


def extent_key(queue_number: int, lane: int) -> int:
    """One number for queue and lane."""
    return queue_number << LANE_BITS | lane


def earlier(left: int, right: int) -> int:
    """The earlier one of two deadlines, where 0 is none."""
    if not left or not right:
        return left or right
    return min(left, right)
