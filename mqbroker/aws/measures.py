"""What a service measures of one of its things, such as a queue, under CloudWatch's names: for whoever keeps it.

A family has the metrics that all things of one kind have, in an order; a measure their values in that order. A gauge
has the value of now, a counter what it has come to since the start; one that is not known is NaN.
"""

from dataclasses import dataclass
from typing import NamedTuple

UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """The metrics of things of one kind."""

    namespace: str
    names: tuple[str, ...]
    counters: frozenset[str]
    units: tuple[str, ...]


class Measure(NamedTuple):
    """One thing, now. Its dimensions are in the order of their names."""

    family: MetricFamily
    account: str
    region: str
    dimensions: tuple[tuple[str, str], ...]
    values: tuple[float, ...]
