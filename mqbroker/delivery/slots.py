"""How many deliveries may be under way at once, of all lanes together, and whose turn it is when there is room."""

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
        self._waiting: OrderedDict[Waiting, None] = OrderedDict()

    def take(self, lane: Waiting) -> bool:
        """Takes room for one delivery; if there is none, the lane is told as soon as it is its turn."""
        if self.taken < self.most:
            self.taken += 1
            return True
        self._waiting[lane] = None
        return False

    def give_back(self) -> None:
        """A delivery has ended. A lane whose turn it is may want nothing any more: then it is the next one's."""
        self.taken -= 1
        while self._waiting and self.taken < self.most:
            self._waiting.popitem(last=False)[0].room_again()

    def close(self) -> None:
        """There is no room any more."""
        self.most = 0

    def forget(self, lane: Waiting) -> None:
        """The lane wants none any more."""
        self._waiting.pop(lane, None)
