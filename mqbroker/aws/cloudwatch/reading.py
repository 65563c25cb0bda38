"""Where the points of a metric are, whoever has put them in."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.cloudwatch.checks import Dimensions, check_unit, checked_text, dimensions_of
from mqbroker.aws.cloudwatch.series import Point
from mqbroker.aws.cloudwatch.service import CloudWatchService


class Wanted(NamedTuple):
    """A metric that somebody asks for; without a unit in every unit that there is."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str


def wanted_of(given: Mapping[str, Any], unit: str | None) -> Wanted:
    """The metric that parameters name. Raises AwsError."""
    return Wanted(
        checked_text(given, "Namespace"), checked_text(given, "MetricName"), dimensions_of(given.get("Dimensions")),
        check_unit(unit),
    )  # fmt: skip


def find(
    service: CloudWatchService, caller: Caller, wanted: Wanted, start: int, end: int
) -> Iterator[tuple[str, Iterator[Point]]]:
    """The points of a metric of the caller's account by unit, from one minute until before another."""
    if service.sees(caller, wanted.namespace):
        yield from find_of(service, caller.account, caller.region, wanted, start, end)


def find_of(
    service: CloudWatchService, account: str, region: str, wanted: Wanted, start: int, end: int
) -> Iterator[tuple[str, Iterator[Point]]]:
    """The same of any account."""
    thing = service.things.by_key.get((account, region, wanted.namespace, wanted.dimensions))
    if thing is not None and wanted.name in thing.family.names:
        unit = thing.family.units[thing.family.names.index(wanted.name)]
        if wanted.unit in ("", unit):
            yield unit, thing.points(wanted.name, start, end)
        return
    metric = account, region, wanted.namespace, wanted.dimensions, wanted.name
    for unit in service.custom.units(metric):
        if wanted.unit in ("", unit):
            yield unit, service.custom.points(metric, unit, start, end)


def looked_through(service: CloudWatchService, caller: Caller, wanted: Wanted, start: int, end: int) -> int:
    """How many minutes are looked through for them, those in which nothing is found too."""
    metric = caller.account, caller.region, wanted.namespace, wanted.dimensions, wanted.name
    return sum(
        service.custom.looked_through(metric, unit, start, end)
        for unit in service.custom.units(metric)
        if wanted.unit in ("", unit)
    )
