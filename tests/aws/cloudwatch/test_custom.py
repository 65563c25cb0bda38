"""What is kept of the metrics that clients put in, without a clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.cloudwatch import custom as module
from mqbroker.aws.cloudwatch.custom import Custom, Datum, Metric
from mqbroker.aws.cloudwatch.series import Point
from mqbroker.aws.limits import CLOUDWATCH_KEPT_MINUTES
from mqbroker.errors import AwsError

NOW = 30_000_000  # a minute
ACCOUNT = "000000000000"


def metric(name: str, account: str = ACCOUNT) -> Metric:
    return account, "us-east-1", "n", (), name


def datum(name: str, minute: int, account: str = ACCOUNT) -> Datum:
    return metric(name, account), "None", Point(minute, 1, 1, 1, 1)


@pytest.fixture
def custom(monkeypatch: pytest.MonkeyPatch) -> Custom:
    """With room for few."""
    monkeypatch.setattr(module, "CLOUDWATCH_CUSTOM_POINTS_MAX", 100)
    monkeypatch.setattr(module, "CLOUDWATCH_ACCOUNT_METRICS_MAX", 10)
    monkeypatch.setattr(module, "CLOUDWATCH_CUSTOM_METRICS_MAX", 15)
    return Custom()


def size(custom: Custom) -> int:
    return sum(len(minutes) for units in custom.by_metric.values() for minutes in units.values())


def test_points_between_two_minutes_are_bounded(custom: Custom) -> None:
    """A client that put in years of minutes at once used up the memory before anybody looked."""
    custom.put(ACCOUNT, [datum("m", NOW - each) for each in range(200)])
    with pytest.raises(AwsError, match="too many data points"):
        custom.put(ACCOUNT, [datum("m", NOW - 300)])
    custom.bound(NOW)
    assert size(custom) == 75
    assert min(custom.by_metric[metric("m")]["None"]) == NOW - 74
    custom.put(ACCOUNT, [datum("m", NOW - 300)])


def test_a_call_is_taken_whole_or_not_at_all(custom: Custom) -> None:
    """Half of a call was there, and the client, who was told of an error, put all of it in again."""
    custom.put(ACCOUNT, [datum(f"m{each}", NOW) for each in range(9)])
    with pytest.raises(AwsError, match="at most 10 metrics"):
        custom.put(ACCOUNT, [datum("m0", NOW), datum("a", NOW), datum("b", NOW)])
    assert custom.by_metric[metric("m0")]["None"][NOW].samples == 1
    assert size(custom) == 9


def test_accounts_do_not_take_each_other_s_room(custom: Custom) -> None:
    """One account could keep all others from putting metrics in."""
    custom.put(ACCOUNT, [datum(f"m{each}", NOW) for each in range(10)])
    custom.put("1", [datum("m", NOW, "1")])
    custom.bound(NOW + CLOUDWATCH_KEPT_MINUTES + 1)
    assert not custom.by_metric
    custom.put(ACCOUNT, [datum(f"n{each}", NOW) for each in range(10)])


def test_all_accounts_together_are_bounded(custom: Custom) -> None:
    """With an account for each metric there would be no end."""
    for number in range(15):
        custom.put(str(number), [datum("m", NOW, str(number))])
    with pytest.raises(AwsError, match="at most 15"):
        custom.put("15", [datum("m", NOW, "15")])


def test_bounds_are_looked_at_once_a_minute(custom: Custom) -> None:
    """All points were copied whenever somebody listed metrics."""
    custom.bound(NOW)
    custom.put(ACCOUNT, [datum("m", NOW - each) for each in range(150)])
    custom.bound(NOW)
    assert size(custom) == 150
    custom.bound(NOW + 1)
    assert size(custom) == 75


@given(
    st.sets(st.integers(NOW - 50, NOW + 50), min_size=1),
    st.integers(NOW - 60, NOW + 60),
    st.integers(0, 120) | st.just(10**9),
)
def test_points_of_any_span_are_in_order(minutes: set[int], start: int, length: int) -> None:
    """An alarm on a metric of fifteen days sorted all of them every minute, to look at the last one."""
    custom = Custom()
    custom.put(ACCOUNT, [datum("m", each) for each in minutes])
    found = [point.minute for point in custom.points(metric("m"), "None", start, start + length)]
    assert found == sorted(each for each in minutes if start <= each < start + length)
