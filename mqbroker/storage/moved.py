"""Where entries are that were written again: what was in some batches of the log is in a later one.

Queues and consumers know an entry by the batch that brought it, and go on doing so. A batch that was moved may be moved
again. It is asked only where entries are settled, changed or read. What was moved counts as being in its new batch at
once, but is read in its old one for as long as the new one may not be on the disk.
"""

from bisect import bisect_right
from collections.abc import Collection

from mqbroker.core.queues.extent import Place


class Moved:
    """Successive batches, and the place of the one that has what was alive in them."""

    __slots__ = ("_ends", "_places", "_were_redelivered", "durable", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        """The first of the batches each time; empty when nothing was moved."""
        self._ends: list[int] = []
        self._places: list[Place] = []
        self._were_redelivered: list[bool] = []
        self.durable = 0
        """The newest batch that is on the disk."""

    def __len__(self) -> int:
        return len(self.starts)

    def add(self, first_lsn: int, last_lsn: int, place: Place, were_redelivered: bool) -> None:
        """What was alive in these batches is there from now on. `were_redelivered`: where they are everything counts as
        delivered before."""
        at = bisect_right(self.starts, first_lsn)
        self.starts.insert(at, first_lsn)
        self._ends.insert(at, last_lsn)
        self._places.insert(at, place)
        self._were_redelivered.insert(at, were_redelivered)

    def drop(self, segments: Collection[int]) -> None:
        """Nothing is alive in these segments any more: nobody asks for what has come to be there."""
        kept = [at for at, start in enumerate(self.starts) if not self._is_in(start, segments)]
        self.starts = [self.starts[at] for at in kept]
        self._ends = [self._ends[at] for at in kept]
        self._places = [self._places[at] for at in kept]
        self._were_redelivered = [self._were_redelivered[at] for at in kept]

    def _is_in(self, lsn: int, segments: Collection[int]) -> bool:
        place = self.place_of(lsn)
        return place is not None and place.segment in segments

    def place_of(self, lsn: int) -> Place | None:
        """Where what that batch had is now; None if it is where it was."""
        found = None
        at = self._index_of(lsn)
        while at >= 0:
            found = self._places[at]
            at = self._index_of(found.first_lsn)
        return found

    def readable(self, place: Place) -> tuple[Place, bool]:
        """Where to read what was at that place; and whether it was moved from there, and counts as delivered before."""
        at = self._index_of(place.first_lsn)
        while at >= 0 and self._places[at].last_lsn <= self.durable:
            place = self._places[at]
            at = self._index_of(place.first_lsn)
        return place, at >= 0 and self._were_redelivered[at]

    def _index_of(self, lsn: int) -> int:
        at = bisect_right(self.starts, lsn) - 1
        return at if at >= 0 and lsn <= self._ends[at] else -1
