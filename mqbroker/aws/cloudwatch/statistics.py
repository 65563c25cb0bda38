"""Statistics of periods, from what is known of minutes."""

import re
from collections.abc import Iterable, Iterator

from mqbroker.aws.cloudwatch.series import Point

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")

_PERCENTILE = re.compile(r"p([0-9]{1,2}(\.[0-9]{1,10})?|100)")


def is_statistic(name: str) -> bool:
    """Whether it is one of the five, or a percentile such as p99.9."""
    return name in STATISTICS or _PERCENTILE.fullmatch(name) is not None


def by_period(points: Iterable[Point], start: int, length: int) -> Iterator[tuple[int, list[Point]]]:
    """The points of each period of so many minutes from a minute on, where there are any."""
    found: dict[int, list[Point]] = {}
    for point in points:
        found.setdefault(start + (point.minute - start) // length * length, []).append(point)
    return iter(sorted(found.items()))


def value_of(name: str, points: list[Point]) -> float | None:
    """A statistic of some points; None for a percentile of points of which only the sum is known."""
    count, total = sum(point.samples for point in points), sum(point.total for point in points)
    if name == "SampleCount":
        return float(count)
    if name == "Sum":
        return float(total)
    if name == "Average":
        return total / count if count else None
    if name == "Minimum":
        return float(min(point.least for point in points))
    if name == "Maximum":
        return float(max(point.most for point in points))
    return _percentile(float(name[1:]), points)


def _percentile(percent: float, points: list[Point]) -> float | None:
    """The least value that so many of all are not above."""
    if any(point.least != point.most for point in points):
        return None
    wanted = percent / 100 * sum(point.samples for point in points)
    seen = 0.0
    for point in sorted(points, key=lambda each: each.most):
        seen += point.samples
        if seen >= wanted:
            return float(point.most)
    return None
