"""GetMetricData: several metrics at once, in pages of whole metrics.

Expressions (metric math, SEARCH and SQL) are refused: what is asked for would otherwise be missing without a word.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.checks import check_period, place_of, token_of
from mqbroker.aws.cloudwatch.reading import Wanted, find, looked_through, wanted_of
from mqbroker.aws.cloudwatch.series import MINUTE_MS
from mqbroker.aws.cloudwatch.service import CloudWatchService
from mqbroker.aws.cloudwatch.statistics import by_period, is_statistic, value_of
from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import CLOUDWATCH_PAGE_POINTS_MAX, CLOUDWATCH_QUERIES_MAX

_ID = re.compile(r"[a-z][a-zA-Z0-9_]{0,254}")


class _Query(NamedTuple):
    id: str
    label: str
    metric: Wanted
    period: int
    statistic: str


class DataAction:
    """The action."""

    def __init__(self, service: CloudWatchService) -> None:
        self._service = service

    def get_metric_data(self, call: Call) -> None:
        """GetMetricData."""
        self._service.check(call)
        given = call.parameters
        queries = _queries(given["MetricDataQueries"])
        if given["StartTime"] >= given["EndTime"]:
            raise refusals.unfit("The parameter StartTime must be less than the parameter EndTime.")
        if given.get("ScanBy") not in (None, "TimestampAscending", "TimestampDescending"):
            raise refusals.unfit("The parameter ScanBy must be TimestampDescending or TimestampAscending.")
        if given.get("MaxDatapoints", 1) < 1:
            raise refusals.unfit("The parameter MaxDatapoints must be greater than or equal to 1.")
        first = place_of(given.get("NextToken"))
        self._service.after_look(call, given["EndTime"], lambda: self._answer(call, queries, first))

    def _answer(self, call: Call, queries: list[_Query], first: int) -> None:
        given = call.parameters
        start, end = given["StartTime"] // MINUTE_MS, -(-given["EndTime"] // MINUTE_MS)
        left = min(given.get("MaxDatapoints", CLOUDWATCH_PAGE_POINTS_MAX), CLOUDWATCH_PAGE_POINTS_MAX)
        results: list[dict[str, object]] = []
        answer: dict[str, object] = {"MetricDataResults": results, "Messages": []}
        for place, query in enumerate(queries[first:], first):
            if left <= 0:
                answer["NextToken"] = token_of(place)
                break
            found, read = self._values(call, query, start, end)
            left -= max(1, read)
            if given.get("ScanBy") != "TimestampAscending":
                found.reverse()
            results.append(
                {
                    "Id": query.id,
                    "Label": query.label,
                    "Timestamps": [at for at, _ in found],
                    "Values": [value for _, value in found],
                    "StatusCode": "Complete",
                }
            )
        call.answer(answer)

    def _values(self, call: Call, query: _Query, start: int, end: int) -> tuple[list[tuple[int, float]], int]:
        """Times and values, and how many minutes had to be looked at."""
        found: list[tuple[int, float]] = []
        read = 0
        for _, points in find(self._service, call.caller, query.metric, start, end):
            for minute, inner in by_period(points, start, query.period):
                read += len(inner)
                value = value_of(query.statistic, inner)
                if value is not None:
                    found.append((minute * MINUTE_MS, value))
        found.sort()
        return found, max(read, looked_through(self._service, call.caller, query.metric, start, end))


def _queries(given: list[Mapping[str, Any]]) -> list[_Query]:
    if not 0 < len(given) <= CLOUDWATCH_QUERIES_MAX:
        raise refusals.unfit(f"The parameter MetricDataQueries must have 1 to {CLOUDWATCH_QUERIES_MAX} members.")
    queries = [_query(each) for each in given]
    ids = {each.get("Id") for each in given}
    if len(ids) < len(given):
        raise refusals.unfit("The values for parameter id in MetricDataQueries are not unique.")
    return [query for query, each in zip(queries, given, strict=True) if each.get("ReturnData", True)]


def _query(given: Mapping[str, Any]) -> _Query:
    name = str(given.get("Id"))
    if not _ID.fullmatch(name):
        raise refusals.unfit("The value for parameter Id must begin with a small letter, and be letters, digits and _.")
    if given.get("Expression") is not None:
        raise refusals.unfit(f"Error in expression '{name}': expressions are not supported.")
    stat = given.get("MetricStat")
    if stat is None:
        raise refusals.unfit("The parameter MetricStat is required.")
    statistic = stat["Stat"]
    if not is_statistic(statistic):
        raise refusals.unfit(f"The value {statistic} for parameter Stat is not supported.")
    wanted = wanted_of(stat["Metric"], stat.get("Unit"))
    return _Query(name, given.get("Label") or wanted.name, wanted, check_period(stat["Period"]), statistic)
