"""A set of numbers kept as closed intervals: which entries of a queue are settled.

Acknowledgements come nearly in order, so a hundred thousand of them are usually one interval. It knows nothing of
queues or segments.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

NUMBER_MAX = (1 << 63) - 1


class Intervals:
    """Disjoint, ascending, never touching closed intervals `[start, end]`."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.starts, self.ends, strict=True)

    def __len__(self) -> int:
        return len(self.starts)

    def add(self, start: int, end: int) -> int:
        """Adds `[start, end]`; returns how many of its numbers were new."""
        ends = self.ends
        if not ends or start > ends[-1]:
            self._append(start, end)
            return end - start + 1
        return self._merge(start, end)

    def _append(self, start: int, end: int) -> None:
        if self.ends and self.ends[-1] + 1 == start:
            self.ends[-1] = end
        else:
            self.starts.append(start)
            self.ends.append(end)

    def _merge(self, start: int, end: int) -> int:
        starts, ends = self.starts, self.ends
        first = bisect_right(ends, start - 2)  # the first interval that overlaps or touches
        last = bisect_right(starts, end + 1)  # one past the last such interval
        fresh = end - start + 1
        for index in range(first, last):
            fresh -= max(0, min(end, ends[index]) - max(start, starts[index]) + 1)
        if first < last:
            start, end = min(start, starts[first]), max(end, ends[last - 1])
        starts[first:last] = [start]
        ends[first:last] = [end]
        return fresh

    def span(self, number: int) -> tuple[bool, int, int]:
        """Whether `number` is in the set, and the widest `[start, end]` around it of which the same is true."""
        index = bisect_right(self.starts, number) - 1
        if index >= 0 and number <= self.ends[index]:
            return True, self.starts[index], self.ends[index]
        start = self.ends[index] + 1 if index >= 0 else -NUMBER_MAX
        end = self.starts[index + 1] - 1 if index + 1 < len(self.starts) else NUMBER_MAX
        return False, start, end

    def narrowed(self, start: int, end: int) -> "Intervals":
        """A copy that has everything outside of `[start, end]` too."""
        found = Intervals()
        first, last = bisect_left(self.ends, start), bisect_right(self.starts, end)
        starts, ends = self.starts[first:last], self.ends[first:last]
        # Put together as it is, for `add` cannot reckon with both ends of what a C integer holds.
        if starts and starts[0] <= start:
            starts[0] = -NUMBER_MAX
        else:
            starts.insert(0, -NUMBER_MAX)
            ends.insert(0, start - 1)
        if ends[-1] >= end:
            ends[-1] = NUMBER_MAX
        else:
            starts.append(end + 1)
            ends.append(NUMBER_MAX)
        found.starts, found.ends = starts, ends
        return found
