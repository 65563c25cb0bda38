"""How much of a turn of the loop the input of one connection may take.

A socket that always has more to read would be read thirty times in a row, and what a chunk of it leads to may take
long: ten thousand declarations, or messages for a thousand queues each. So a connection reads in slices of about a
millisecond's work, as it turns out, and is not read any more when it has had its share of the turn.
"""

from mqbroker.limits import (
    INPUT_BYTES,
    INPUT_SHARE_US_MIN,
    INPUT_SLICE_BYTES_FIRST,
    INPUT_SLICE_BYTES_MIN,
    INPUT_TURN_US,
)

# C integers when compiled
_SLICE_NS = 1_000_000
_SLICE_BYTES_MIN = INPUT_SLICE_BYTES_MIN
_BYTES_MAX = INPUT_BYTES

_TURN_NS = INPUT_TURN_US * 1000
_SHARE_NS_MIN = INPUT_SHARE_US_MIN * 1000


def share_ns(others: int) -> int:
    """How long each may take when so many have had their share in the turn before."""
    return max(_SHARE_NS_MIN, _TURN_NS // max(1, others))


class Ration:
    """What one connection reads at once, and what it has taken of this turn."""

    __slots__ = ("_spent_ns", "_turn", "slice_bytes")

    def __init__(self) -> None:
        self.slice_bytes = INPUT_SLICE_BYTES_FIRST
        """How much to read at once."""
        self._spent_ns = 0
        self._turn = 0

    def spend(self, size: int, spent_ns: int, turn: int, share_ns: int) -> bool:
        """So many octets took so long, in a turn of that number. True when that was its share of it."""
        if turn != self._turn:
            self._turn = turn
            self._spent_ns = 0
        self._spent_ns += spent_ns
        if spent_ns > 2 * _SLICE_NS:
            self.slice_bytes = max(_SLICE_BYTES_MIN, size * _SLICE_NS // spent_ns)
        elif spent_ns < _SLICE_NS and size >= self.slice_bytes:
            self.slice_bytes = min(_BYTES_MAX, 2 * self.slice_bytes)
        return self._spent_ns >= share_ns
