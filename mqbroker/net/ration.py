"""How much of a turn of the loop the input of one connection may take.

A socket that always has more to read would be read thirty times in a row, and what a chunk of it leads to may take
long: ten thousand declarations, or messages for a thousand queues each. So a connection reads in slices of about a
millisecond's work, as it turns out, and is not read any more when it has had its share of the turn.
"""

from mqbroker.limits import (
    INPUT_BYTES,
    INPUT_SHARE_US_MIN,
    INPUT_SLICE_BYTES_MIN,
    INPUT_TURN_US,
)

SLICE_NS = 1_000_000
_TURN_NS = INPUT_TURN_US * 1000
_SHARE_NS_MIN = INPUT_SHARE_US_MIN * 1000


def share_ns(others: int) -> int:
    """How long each may take when so many have had their share in the turn before."""
    return max(_SHARE_NS_MIN, _TURN_NS // max(1, others))


def next_slice(slice_bytes: int, size: int, spent_ns: int) -> int:
    """How much to read at once after so many octets took so long, where it was `slice_bytes` before."""
    if spent_ns > 2 * SLICE_NS:
        return max(INPUT_SLICE_BYTES_MIN, size * SLICE_NS // spent_ns)
    if spent_ns < SLICE_NS and size >= slice_bytes:
        return min(INPUT_BYTES, 2 * slice_bytes)
    return slice_bytes
