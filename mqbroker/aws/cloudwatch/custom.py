"""What clients have put in by PutMetricData: a set of statistics for each minute of each of their metrics."""

from collections.abc import Iterator

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.series import Point
from mqbroker.aws.limits import CLOUDWATCH_CUSTOM_METRICS_MAX, CLOUDWATCH_CUSTOM_POINTS_MAX, CLOUDWATCH_KEPT_MINUTES

Metric = tuple[str, str, str, tuple[tuple[str, str], ...], str]
"""Account, region, namespace, dimensions, name."""


class Custom:
    """The metrics of clients of one broker."""

    def __init__(self) -> None:
        self.by_metric: dict[Metric, dict[str, dict[int, Point]]] = {}
        """By unit and minute."""
        self._size = 0

    def put(self, metric: Metric, unit: str, point: Point) -> None:
        """Adds to a minute. Raises AwsError when there are too many metrics."""
        units = self.by_metric.get(metric)
        if units is None:
            if len(self.by_metric) >= CLOUDWATCH_CUSTOM_METRICS_MAX:
                raise refusals.too_many(f"There are {CLOUDWATCH_CUSTOM_METRICS_MAX} metrics of clients.")
            units = self.by_metric[metric] = {}
        minutes = units.setdefault(unit, {})
        found = minutes.get(point.minute)
        if found is None:
            self._size += 1
            minutes[point.minute] = point
        else:
            minutes[point.minute] = _joined(found, point)

    def units(self, metric: Metric) -> list[str]:
        """The units that a metric was given in."""
        return list(self.by_metric.get(metric, ()))

    def points(self, metric: Metric, unit: str, start: int, end: int) -> Iterator[Point]:
        """Its points in a unit, in the order of their minutes."""
        minutes = self.by_metric[metric][unit]
        return (minutes[minute] for minute in sorted(minutes) if start <= minute < end)

    def bound(self, minute: int) -> None:
        """Forgets what is too old, or too much."""
        oldest = minute - CLOUDWATCH_KEPT_MINUTES
        if self._size > CLOUDWATCH_CUSTOM_POINTS_MAX:
            every = sorted(at for units in self.by_metric.values() for minutes in units.values() for at in minutes)
            oldest = max(oldest, every[len(every) // 4] + 1)
        for metric, units in list(self.by_metric.items()):
            for unit, minutes in list(units.items()):
                units[unit] = {at: point for at, point in minutes.items() if at >= oldest}
                if not units[unit]:
                    del units[unit]
            if not units:
                del self.by_metric[metric]
        self._size = sum(len(minutes) for units in self.by_metric.values() for minutes in units.values())


def _joined(one: Point, other: Point) -> Point:
    return Point(
        one.minute, one.samples + other.samples, one.total + other.total, min(one.least, other.least),
        max(one.most, other.most),
    )  # fmt: skip
