"""How many deliveries may be under way at once, of all lanes together, and whose turn it is when there is room.

Endpoints that hang must not keep the others waiting, however many there are. So those that have answered last time are
trusted, and have their turn first; the others, of which nothing is known or nothing good, share a half of the room.
While more than a half is taken, nobody begins a second delivery: endpoints that begin to hang take little along.
"""

from collections import OrderedDict
from typing import Protocol


class Waiting(Protocol):
    """Somebody who waits for room."""

    def room_again(self) -> None:
        """There is room for one delivery."""


class Slots:
    """The room of one broker."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0
        self._doubtful = 0
        """How much of it those have that are not trusted."""
        self._doubtful_most = max(1, most // 2)
        self._trusted: OrderedDict[Waiting, None] = OrderedDict()
        self._others: OrderedDict[Waiting, None] = OrderedDict()

    def take(self, lane: Waiting, is_trusted: bool, running: int) -> bool:
        """Takes room for one delivery of a lane that has so many under way.

        If there is none, a lane without any is told as soon as it is its turn; others ask again when one has ended.
        """
        if running and self.taken * 2 >= self.most:
            return False
        if self._has_room(is_trusted):
            self.taken += 1
            self._doubtful += not is_trusted
            return True
        if not running:
            (self._trusted if is_trusted else self._others)[lane] = None
        return False

    def give_back(self, is_trusted: bool) -> None:
        """A delivery has ended that was begun as a trusted one or not.

        A lane whose turn it is may want nothing any more: then it is the next one's.
        """
        self.taken -= 1
        self._doubtful -= not is_trusted
        while (waiting := self._next()) is not None:
            waiting.popitem(last=False)[0].room_again()

    def _has_room(self, is_trusted: bool) -> bool:
        return self.taken < self.most and (is_trusted or self._doubtful < self._doubtful_most)

    def _next(self) -> OrderedDict[Waiting, None] | None:
        """The line of whose turn it is; None if it is nobody's."""
        if self._trusted and self._has_room(True):
            return self._trusted
        return self._others if self._others and self._has_room(False) else None

    def close(self) -> None:
        """There is no room any more."""
        self.most = 0

    def forget(self, lane: Waiting) -> None:
        """The lane wants none any more."""
        self._trusted.pop(lane, None)
        self._others.pop(lane, None)
