"""What clients have put in by PutMetricData: a set of statistics for each minute of each of their metrics."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.series import Point
from mqbroker.aws.limits import (
    CLOUDWATCH_ACCOUNT_METRICS_MAX,
    CLOUDWATCH_CUSTOM_METRICS_MAX,
    CLOUDWATCH_CUSTOM_POINTS_MAX,
    CLOUDWATCH_KEPT_MINUTES,
)

Metric = tuple[str, str, str, tuple[tuple[str, str], ...], str]
"""Account, region, namespace, dimensions, name."""

Datum = tuple[Metric, str, Point]
"""A metric, a unit, and what was measured."""


class Custom:
    """The metrics of clients of one broker."""

    def __init__(self) -> None:
        self.by_metric: dict[Metric, dict[str, dict[int, Point]]] = {}
        """By unit and minute."""
        self._size = 0
        self._owned: Counter[str] = Counter()
        """How many metrics each account has."""
        self._bounded_at = 0

    def put(self, account: str, data: Sequence[Datum]) -> None:
        """Adds all of an account's data to their minutes. Raises AwsError, and adds none, when there is no room."""
        self._check_room(account, data)
        for metric, unit, point in data:
            units = self.by_metric.get(metric)
            if units is None:
                units = self.by_metric[metric] = {}
                self._owned[account] += 1
            minutes = units.setdefault(unit, {})
            found = minutes.get(point.minute)
            self._size += found is None
            minutes[point.minute] = point if found is None else _joined(found, point)

    def _check_room(self, account: str, data: Sequence[Datum]) -> None:
        new = len({metric for metric, _, _ in data if metric not in self.by_metric})
        if new and self._owned[account] + new > CLOUDWATCH_ACCOUNT_METRICS_MAX:
            raise refusals.too_many(f"An account has at most {CLOUDWATCH_ACCOUNT_METRICS_MAX} metrics of clients.")
        if new and len(self.by_metric) + new > CLOUDWATCH_CUSTOM_METRICS_MAX:
            raise refusals.too_many(f"There are at most {CLOUDWATCH_CUSTOM_METRICS_MAX} metrics of clients.")
        # Every minute the oldest go; until then there may be twice as many.
        if self._size + len(data) > 2 * CLOUDWATCH_CUSTOM_POINTS_MAX:
            raise refusals.too_many("There are too many data points of clients: in a minute there is room again.")

    def units(self, metric: Metric) -> list[str]:
        """The units that a metric was given in."""
        return list(self.by_metric.get(metric, ()))

    def points(self, metric: Metric, unit: str, start: int, end: int) -> Iterator[Point]:
        """Its points in a unit, in the order of their minutes."""
        minutes = self.by_metric[metric][unit]
        if end - start < len(minutes):
            return (minutes[minute] for minute in range(start, end) if minute in minutes)
        return (minutes[minute] for minute in sorted(minutes) if start <= minute < end)

    def looked_through(self, metric: Metric, unit: str, start: int, end: int) -> int:
        """How many minutes it takes to find those points."""
        return min(end - start, len(self.by_metric[metric][unit]))

    def bound(self, minute: int) -> None:
        """Forgets what is too old, or too much: once a minute."""
        if minute == self._bounded_at:
            return
        self._bounded_at = minute
        oldest = minute - CLOUDWATCH_KEPT_MINUTES
        if self._size > CLOUDWATCH_CUSTOM_POINTS_MAX:
            oldest = max(oldest, self._first_kept())
        for metric, units in list(self.by_metric.items()):
            for unit, minutes in list(units.items()):
                if min(minutes) < oldest:
                    self._drop_before(units, unit, oldest)
            if not units:
                del self.by_metric[metric]
                self._owned[metric[0]] -= 1
        self._owned = +self._owned

    def _first_kept(self) -> int:
        """From which minute on there are few enough points: at least a quarter of all goes."""
        counts: Counter[int] = Counter()
        for units in self.by_metric.values():
            for minutes in units.values():
                counts.update(minutes.keys())
        surplus = max(self._size // 4, self._size - CLOUDWATCH_CUSTOM_POINTS_MAX * 3 // 4)
        ordered = iter(sorted(counts))
        minute = next(ordered)
        while (surplus := surplus - counts[minute]) > 0:
            minute = next(ordered)
        return minute + 1

    def _drop_before(self, units: dict[str, dict[int, Point]], unit: str, oldest: int) -> None:
        before = units[unit]
        kept = {at: point for at, point in before.items() if at >= oldest}
        self._size -= len(before) - len(kept)
        if kept:
            units[unit] = kept
        else:
            del units[unit]


def _joined(one: Point, other: Point) -> Point:
    return Point(
        one.minute, one.samples + other.samples, one.total + other.total, min(one.least, other.least),
        max(one.most, other.most),
    )  # fmt: skip
