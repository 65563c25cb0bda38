"""The values that things had in past minutes: all metrics of a thing in one table, whose rows are minutes.

    minutes   [m, m+1, m+4 ...]            a thing that is idle for long has no rows
    values    [row of m ..., row of m+1 ..., ...]

There is room for so many values of all things together; when it is used up, the oldest quarter of the time goes.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from mqbroker.aws.limits import CLOUDWATCH_KEPT_MINUTES, CLOUDWATCH_VALUES_MAX
from mqbroker.aws.measures import Measure, MetricFamily

MINUTE_MS = 60_000


class Point(NamedTuple):
    """What was measured in a minute."""

    minute: int
    samples: float
    total: float
    least: float
    most: float


class Thing:
    """What is known of one thing."""

    __slots__ = ("_values", "active_at", "base", "family", "minute", "minutes")

    def __init__(self, family: MetricFamily, minute: int) -> None:
        self.family = family
        self.minutes = array("I")
        self.minute = minute
        """The minute that runs."""
        self.base = (0.0,) * len(family.names)
        """What counters had come to when it began."""
        self.active_at = 0
        """The last minute in which anything was in it or happened to it."""
        self._values = array("d")

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self._values)

    def put(self, minute: int, row: "array[float]") -> None:
        """Sets the values of a minute: the newest one's are replaced."""
        width = len(self.family.names)
        if self.minutes and self.minutes[-1] >= minute:
            self._values[-width:] = row
        else:
            self.minutes.append(minute)
            self._values.extend(row)

    def drop_before(self, minute: int) -> None:
        """Forgets what is older."""
        rows = bisect_left(self.minutes, minute)
        del self.minutes[:rows]
        del self._values[: rows * len(self.family.names)]

    def points(self, name: str, start: int, end: int) -> Iterator[Point]:
        """The points of a metric from one minute until before another."""
        width, column = len(self.family.names), self.family.names.index(name)
        for row in range(bisect_left(self.minutes, start), bisect_left(self.minutes, end)):
            value = self._values[row * width + column]
            if value == value:  # NaN is not known
                yield Point(self.minutes[row], 1, value, value, value)


Key = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""Account, region, namespace, dimensions."""


class Things:
    """Those of one broker."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Thing] = {}
        self._size = 0

    def record(self, measure: Measure, minute: int, is_first: bool = False) -> None:
        """Notes what was measured in a minute. The first look of a minute is the end of the one before, of which it is
        known (`is_first`) for what was never seen."""
        key = measure.account, measure.region, measure.family.namespace, measure.dimensions
        thing = self.by_key.get(key)
        if thing is None or thing.family is not measure.family:
            thing = self.by_key[key] = Thing(measure.family, minute - is_first)
        row = _row(thing, measure.values)
        ended = thing.minute < minute
        if any(value > 0 for value in row):
            thing.active_at = minute
        if thing.active_at > minute - _ACTIVE_MINUTES:
            before = thing.size
            thing.put(minute - 1 if ended else minute, row)
            self._size += thing.size - before
        if ended:
            thing.base, thing.minute = measure.values, minute

    def bound(self, minute: int) -> None:
        """Forgets what is too old, or too much. Things of which nothing is left go."""
        oldest = min((thing.minutes[0] for thing in self.by_key.values() if thing.minutes), default=minute)
        start = max(oldest, minute - CLOUDWATCH_KEPT_MINUTES)
        if self._size > CLOUDWATCH_VALUES_MAX:
            start += max(1, (minute - oldest) // 4)
        if start <= oldest and minute % _ACTIVE_MINUTES:
            return
        for key, thing in list(self.by_key.items()):
            thing.drop_before(start)
            if not thing.minutes and thing.minute < minute - 1:
                del self.by_key[key]
        self._size = sum(thing.size for thing in self.by_key.values())


_ACTIVE_MINUTES = 360  # AWS: six hours after anything has happened, nothing more is said of a queue


def _row(thing: Thing, values: tuple[float, ...]) -> "array[float]":
    counters = thing.family.counters
    return array(
        "d",
        [
            max(0.0, value - base) if name in counters else value
            for name, value, base in zip(thing.family.names, values, thing.base, strict=True)
        ],
    )
