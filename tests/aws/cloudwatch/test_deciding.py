"""Which state an alarm has, by what is known of its last periods: the table of CloudWatch's User Guide, and more."""

from typing import Any

import pytest

from mqbroker.aws.cloudwatch.alarm import Alarm, Place
from mqbroker.aws.cloudwatch.series import Point, Thing, Things
from mqbroker.aws.cloudwatch.statistics import by_period, value_of
from mqbroker.aws.limits import CLOUDWATCH_KEPT_MINUTES, CLOUDWATCH_REASON_CHARS_MAX, CLOUDWATCH_VALUES_MAX
from mqbroker.aws.measures import UNKNOWN, Measure, MetricFamily

START = 30_000_000  # a minute


def made(**changes: Any) -> Alarm:
    settings = {
        "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 3,
        "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold", **changes,
    }  # fmt: skip
    return Alarm(Place("000000000000", "us-east-1", "a"), settings, 0)


def parsed(text: str) -> list[float | None]:
    return [{"-": None, "0": 0.0, "X": 1.0}[each] for each in text.split()]


# "Configuring how CloudWatch alarms treat missing data", three of three: missing, ignore, breaching, notBreaching.
@pytest.mark.parametrize(
    ("periods", "states"),
    [
        ("0 - X - X", ("OK", "OK", "OK", "OK")),
        ("- - - - 0", ("OK", "OK", "OK", "OK")),
        ("- - - - -", ("INSUFFICIENT_DATA", "same", "ALARM", "OK")),
        ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - X - -", ("ALARM", "same", "ALARM", "OK")),
        ("X X X X X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("X X 0 0 X", ("OK", "OK", "OK", "OK")),
    ],
)
def test_what_missing_periods_mean(periods: str, states: tuple[str, ...]) -> None:
    for treatment, state in zip(("missing", "ignore", "breaching", "notBreaching"), states, strict=True):
        alarm = made(TreatMissingData=treatment)
        alarm.set_state("same", "as before", "", 0)
        assert alarm.decide(parsed(periods))[0] == state, treatment


@pytest.mark.parametrize(
    ("periods", "state"), [("0 0 X 0 X", "ALARM"), ("0 0 X 0 0", "OK"), ("X X 0 0 0", "OK"), ("- - X X 0", "ALARM")]
)
def test_some_of_the_periods_are_enough(periods: str, state: str) -> None:
    assert made(DatapointsToAlarm=2).decide(parsed(periods))[0] == state


@pytest.mark.parametrize(
    ("operator", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", (False, True, True)),
        ("GreaterThanThreshold", (False, False, True)),
        ("LessThanThreshold", (True, False, False)),
        ("LessThanOrEqualToThreshold", (True, True, False)),
    ],
)
def test_the_four_comparisons(operator: str, breaching: tuple[bool, ...]) -> None:
    alarm = made(ComparisonOperator=operator, EvaluationPeriods=1)
    assert tuple(alarm.decide([value])[0] == "ALARM" for value in (0.0, 1.0, 2.0)) == breaching


def test_reasons_are_in_the_words_of_cloudwatch() -> None:
    alarm = made(EvaluationPeriods=2)
    assert alarm.decide([2.0, 3.0])[1] == (
        "Threshold Crossed: 2 datapoints [2.0, 3.0] were greater than or equal to the threshold (1.0)."
    )
    assert alarm.decide([0.0, 0.0])[1] == (
        "Threshold Crossed: 2 datapoints [0.0, 0.0] were not greater than or equal to the threshold (1.0)."
    )
    assert alarm.decide([None, None])[1] == "Insufficient Data: 2 datapoints were unknown."


def test_reasons_have_the_last_values_only() -> None:
    """The reason of an alarm on a day of minutes was longer than CloudWatch's, and in every message and item."""
    reason = made(EvaluationPeriods=1440).decide(
        [-1.2345678901234567e-300] * 1430 + [float(each) for each in range(10)]
    )[1]
    assert reason.startswith("Threshold Crossed: 1440 datapoints [..., 0.0, 1.0, 2.0,")
    assert "9.0] were not" in reason
    assert len(made(EvaluationPeriods=1440).decide([-1.2345678901234567e-300] * 1440)[1]) < CLOUDWATCH_REASON_CHARS_MAX


FAMILY = MetricFamily("N", ("gauge", "counter"), frozenset(("counter",)), ("None", "Count"))


def measure(gauge: float, counter: float, name: str = "x") -> Measure:
    return Measure(FAMILY, "0", "r", (("Name", name),), (gauge, counter))


def of(things: Things, metric: str, start: int = 0) -> list[tuple[int, float]]:
    (thing,) = things.by_key.values()
    return [(point.minute - START, point.total) for point in thing.points(metric, start, 1 << 31)]


def test_counters_are_what_came_in_a_minute() -> None:
    """A message at the end of a minute would be counted twice, or not at all."""
    things = Things()
    things.record(measure(1, 5), START)
    assert of(things, "counter") == [(0, 5)]
    things.record(measure(2, 7), START)
    assert of(things, "counter") == [(0, 7)]
    things.record(measure(3, 8), START + 1)  # the end of the first minute
    assert of(things, "counter") == [(0, 8)]
    assert of(things, "gauge") == [(0, 3)]
    things.record(measure(3, 8), START + 1)
    things.record(measure(UNKNOWN, 9), START + 2)
    assert of(things, "counter") == [(0, 8), (1, 1)]
    assert of(things, "gauge") == [(0, 3)]


def test_a_thing_that_is_new_at_the_end_of_a_minute_belongs_to_it() -> None:
    """The first minute of a queue would be missing, and an alarm on it a minute late."""
    things = Things()
    things.record(measure(1, 5), START + 1, is_first=True)
    assert of(things, "counter") == [(0, 5)]


def test_idle_things_are_not_written_down() -> None:
    """Thousands of queues that nobody uses would fill the memory with zeros."""
    things = Things()
    for minute in range(400):
        things.record(measure(0, 0), START + minute)
    assert not of(things, "gauge")
    things.record(measure(1, 0), START + 400)
    for minute in range(401, 900):
        things.record(measure(0, 0), START + minute)
    assert 355 <= len(of(things, "gauge")) <= 365


def test_the_oldest_minutes_make_room() -> None:
    wide = MetricFamily("N", tuple(f"m{number}" for number in range(1000)), frozenset(), ("None",) * 1000)
    things = Things()
    rows = CLOUDWATCH_VALUES_MAX // 1000 + 10
    for minute in range(rows):
        things.record(Measure(wide, "0", "r", (), (1.0,) * 1000), START + minute)
        things.bound(START + minute)
    (thing,) = things.by_key.values()
    assert thing.size <= CLOUDWATCH_VALUES_MAX + 1000
    assert rows // 2 < len(thing.minutes) < rows
    things.bound(START + rows + CLOUDWATCH_KEPT_MINUTES)
    things.bound(START + rows + CLOUDWATCH_KEPT_MINUTES + 360)
    assert not things.by_key


def test_periods_and_their_statistics() -> None:
    points = [Point(minute, 2, minute, minute - 1, minute + 1) for minute in (10, 11, 14)]
    assert [(start, len(found)) for start, found in by_period(points, 9, 3)] == [(9, 2), (12, 1)]
    found = {name: value_of(name, points) for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50")}
    assert found == {"SampleCount": 6, "Sum": 35, "Average": 35 / 6, "Minimum": 9, "Maximum": 15, "p50": None}
    single = [Point(minute, 1, minute, minute, minute) for minute in range(1, 101)]
    assert [value_of(name, single) for name in ("p0", "p50", "p99", "p99.5", "p100")] == [1, 50, 99, 100, 100]


def test_a_thing_has_only_what_lies_between() -> None:
    thing = Thing(FAMILY, START)
    things = Things()
    things.by_key["0", "r", "N", ()] = thing
    for minute in range(5):
        things.record(Measure(FAMILY, "0", "r", (), (1.0, 0.0)), START + minute)
    assert [point.minute - START for point in thing.points("gauge", START + 1, START + 3)] == [1, 2]
