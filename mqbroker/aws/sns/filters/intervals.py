"""Which of many intervals a number is in, without asking each of them.

A tree: each node has a middle, and the intervals that the middle is in, once by where they begin and once by where they
end. All that lie before it or after it are in nodes of their own.
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Generic, TypeVar

T = TypeVar("T")


class Intervals(Generic[T]):
    """Intervals that end no sooner than they begin, with something for each."""

    __slots__ = ("after", "before", "by_high", "by_low", "middle")

    def __init__(self, found: Sequence[tuple[float, float, T]]) -> None:
        ends = sorted(end for low, high, _ in found for end in (low, high) if isfinite(end))
        self.middle = middle = ends[len(ends) // 2] if ends else 0.0
        earlier = [each for each in found if each[1] < middle] if ends else []
        later = [each for each in found if each[0] > middle] if ends else []
        here = [each for each in found if each[0] <= middle <= each[1]] if ends else found
        self.by_low = sorted(here, key=lambda each: each[0])
        self.by_high = sorted(here, key=lambda each: each[1], reverse=True)
        self.before = Intervals(earlier) if earlier else None
        self.after = Intervals(later) if later else None

    def around(self, value: float) -> Iterator[T]:
        """What those have that the number is in; and maybe some that begin or end at infinity only."""
        node: Intervals[T] | None = self
        while node is not None:
            if value < node.middle:
                for low, _, kept in node.by_low:
                    if low > value:
                        break
                    yield kept
                node = node.before
            else:
                for _, high, kept in node.by_high:
                    if high < value:
                        break
                    yield kept
                node = node.after
