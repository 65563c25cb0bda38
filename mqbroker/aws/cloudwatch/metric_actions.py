"""The actions that put metrics in, list them and read them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.checks import (
    Dimensions,
    check_number,
    check_period,
    check_unit,
    checked_text,
    dimensions_of,
    place_of,
    shown_dimensions,
    token_of,
)
from mqbroker.aws.cloudwatch.reading import find, wanted_of
from mqbroker.aws.cloudwatch.series import MINUTE_MS, Point
from mqbroker.aws.cloudwatch.service import AMAZON_MQ, CloudWatchService
from mqbroker.aws.cloudwatch.statistics import STATISTICS, by_period, is_statistic, value_of
from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import (
    CLOUDWATCH_DATA_MAX,
    CLOUDWATCH_DATAPOINTS_MAX,
    CLOUDWATCH_DATUM_VALUES_MAX,
    CLOUDWATCH_FILTERS_MAX,
    CLOUDWATCH_KEPT_MINUTES,
    CLOUDWATCH_PAGE_METRICS_MAX,
)

_AHEAD_MS = 7_200_000  # AWS takes values of the next two hours


class _Metric(NamedTuple):
    namespace: str
    name: str
    dimensions: Dimensions


class MetricActions:
    """The actions about metrics but for GetMetricData."""

    def __init__(self, service: CloudWatchService) -> None:
        self._service = service

    # --- putting in -------------------------------------------------------------------------------------------------

    def put_metric_data(self, call: Call) -> None:
        """PutMetricData: all of it, or nothing."""
        given = call.parameters
        namespace = checked_text(given, "Namespace")
        if namespace.startswith("AWS/"):
            raise refusals.invalid("The value AWS/ for parameter Namespace is invalid.")
        if given.get("EntityMetricData"):
            raise refusals.unfit("EntityMetricData is not supported.")
        self._service.check(call, namespace)
        data = given.get("MetricData") or []
        if not 0 < len(data) <= CLOUDWATCH_DATA_MAX:
            raise refusals.invalid(f"The parameter MetricData must have 1 to {CLOUDWATCH_DATA_MAX} members.")
        caller = call.caller
        checked = [_checked_datum(datum, call.now) for datum in data]
        made = [
            ((caller.account, caller.region, namespace, dimensions, name), unit, point)
            for name, dimensions, unit, point in checked
        ]
        self._service.custom.put(caller.account, made)
        call.answer(None)

    # --- listing ----------------------------------------------------------------------------------------------------

    def list_metrics(self, call: Call) -> None:
        """ListMetrics."""
        self._service.check(call)
        if len(call.parameters.get("Dimensions") or ()) > CLOUDWATCH_FILTERS_MAX:
            raise refusals.invalid(f"The parameter Dimensions must have at most {CLOUDWATCH_FILTERS_MAX} members.")
        start = place_of(call.parameters.get("NextToken"))
        self._service.after_look(call, call.now, lambda: self._list(call, start))

    def _list(self, call: Call, start: int) -> None:
        page: list[dict[str, object]] = []
        end = start + CLOUDWATCH_PAGE_METRICS_MAX
        result: dict[str, object] = {"Metrics": page}
        for place, metric in enumerate(self._metrics(call)):
            if place >= end:
                result["NextToken"] = token_of(end)
                break
            if place >= start:
                shown = shown_dimensions(metric.dimensions)
                page.append({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": shown})
        call.answer(result)

    def _metrics(self, call: Call) -> Iterator[_Metric]:
        """Those that the call asks for."""
        given, caller = call.parameters, call.caller
        namespace, name = given.get("Namespace"), given.get("MetricName")
        filters = [(each.get("Name"), each.get("Value")) for each in given.get("Dimensions") or ()]
        sees_all = self._service.sees(caller, AMAZON_MQ)
        place = caller.account, caller.region
        for account, region, found, dimensions, names in self._groups():
            if (account, region) != place or namespace not in (None, found) or (found == AMAZON_MQ and not sees_all):
                continue
            if _fits(dimensions, filters):
                for each in names:
                    if name in (None, each):
                        yield _Metric(found, each, dimensions)

    def _groups(self) -> Iterator[tuple[str, str, str, Dimensions, tuple[str, ...]]]:
        for key, thing in self._service.things.by_key.items():
            if thing.minutes:
                yield (*key, thing.family.names)
        for account, region, namespace, dimensions, name in self._service.custom.by_metric:
            yield account, region, namespace, dimensions, (name,)

    # --- reading ----------------------------------------------------------------------------------------------------

    def get_metric_statistics(self, call: Call) -> None:
        """GetMetricStatistics."""
        given = call.parameters
        wanted = wanted_of(given, given.get("Unit"))
        self._service.check(call)
        span = _span(given)
        names = _statistics(given)
        period = check_period(given["Period"])
        if (span[1] - span[0]) // period > CLOUDWATCH_DATAPOINTS_MAX:
            raise refusals.combination(
                f"You have requested up to {(span[1] - span[0]) // period:,} datapoints, which exceeds the limit of "
                f"{CLOUDWATCH_DATAPOINTS_MAX:,}. You may reduce the datapoints requested by increasing Period, or "
                "decreasing the time range."
            )

        def answer() -> None:
            points = [
                datapoint
                for unit, series in find(self._service, call.caller, wanted, *span)
                for datapoint in _datapoints(series, unit, span[0], period, names)
            ]
            call.answer({"Label": wanted.name, "Datapoints": points})

        self._service.after_look(call, given["EndTime"], answer)


def _checked_datum(datum: Mapping[str, Any], now: int) -> tuple[str, Dimensions, str, Point]:
    name = checked_text(datum, "MetricName")
    at = datum.get("Timestamp", now)
    if not now - CLOUDWATCH_KEPT_MINUTES * MINUTE_MS <= at <= now + _AHEAD_MS:
        raise refusals.invalid("The parameter MetricData.member.Timestamp must be of the last 15 days, or two hours.")
    dimensions, unit = dimensions_of(datum.get("Dimensions")), check_unit(datum.get("Unit")) or "None"
    return name, dimensions, unit, Point(at // MINUTE_MS, *_statistics_of(datum))


def _statistics_of(datum: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Count, sum, minimum and maximum."""
    forms = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if len(forms) != 1:
        text = "MetricData.member.Value, MetricData.member.Values and MetricData.member.StatisticValues"
        raise refusals.combination(f"Of the parameters {text} one must be given.")
    if forms[0] == "Value":
        value = check_number(datum["Value"], "MetricData.member.Value")
        return 1.0, value, value, value
    if forms[0] == "StatisticValues":
        given = datum["StatisticValues"]
        count, total, least, most = (
            check_number(given[name], f"MetricData.member.StatisticValues.{name}")
            for name in ("SampleCount", "Sum", "Minimum", "Maximum")
        )
        if count <= 0 or least > most:
            raise refusals.invalid("MetricData.member.StatisticValues must have a count, and no minimum above it.")
        return count, total, least, most
    return _of_values(datum["Values"], datum.get("Counts"))


def _of_values(values: list[float], counts: list[float] | None) -> tuple[float, float, float, float]:
    counts = [1.0] * len(values) if counts is None else counts
    if len(values) != len(counts) or not 0 < len(values) <= CLOUDWATCH_DATUM_VALUES_MAX or min(counts) <= 0:
        raise refusals.invalid(
            f"MetricData.member.Values must have 1 to {CLOUDWATCH_DATUM_VALUES_MAX} values, and Counts as many."
        )
    for value in (*values, *counts):
        check_number(value, "MetricData.member.Values")
    total = sum(value * count for value, count in zip(values, counts, strict=True))
    return sum(counts), total, min(values), max(values)


def _fits(dimensions: Dimensions, filters: list[tuple[str | None, str | None]]) -> bool:
    found = dict(dimensions)
    return all(name in found and value in (None, found[name]) for name, value in filters)


def _span(given: Mapping[str, Any]) -> tuple[int, int]:
    """From which minute until before which one."""
    start, end = given["StartTime"] // MINUTE_MS, -(-given["EndTime"] // MINUTE_MS)
    if given["StartTime"] >= given["EndTime"]:
        raise refusals.combination("The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _statistics(given: Mapping[str, Any]) -> list[str]:
    plain, extended = given.get("Statistics") or [], given.get("ExtendedStatistics") or []
    if bool(plain) == bool(extended):
        text = "Either of the parameters Statistics and ExtendedStatistics must be specified, and not both."
        raise refusals.combination(text)
    for name in plain:
        if name not in STATISTICS:
            raise refusals.invalid(f"The parameter Statistics must be of {', '.join(STATISTICS)}, not {name!r}.")
    for name in extended:
        if name in STATISTICS or not is_statistic(name):
            raise refusals.invalid(f"The value {name} for parameter ExtendedStatistics is not supported.")
    return [*plain, *extended]


def _datapoints(
    points: Iterator[Point], unit: str, start: int, period: int, names: list[str]
) -> Iterator[dict[str, object]]:
    for minute, found in by_period(points, start, period):
        values = {name: value for name in names if (value := value_of(name, found)) is not None}
        if values:
            plain: dict[str, object] = {name: value for name, value in values.items() if name in STATISTICS}
            others = {name: value for name, value in values.items() if name not in STATISTICS}
            shown = {"ExtendedStatistics": others} if others else {}
            yield {"Timestamp": minute * MINUTE_MS, **plain, "Unit": unit, **shown}
