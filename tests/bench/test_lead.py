"""How far publishers may be ahead, and how long a session may still take."""

from ctypes import c_longlong

import pytest

from bench.driver.jobs import ConsumeJob, Endpoint, Limit, PublishJob, Subscription, Variant
from bench.driver.lead import FIRST_DELIVERIES, Lead, ReceivedCount, deliveries_per_message
from bench.forecast import OVERHEAD_SECONDS, Forecast

ENDPOINT = Endpoint("relay", "127.0.0.1", 0)


def lead(*delivered: int, per_message: float = 1.0) -> Lead:
    counts = (c_longlong * len(delivered))()
    for place, count in enumerate(delivered):
        ReceivedCount(counts, place).tell(count)
    return Lead(counts, per_message, seconds=1.0)


def consuming(*routes: tuple[int, ...], shared: bool = False) -> ConsumeJob:
    published = PublishJob(ENDPOINT, tuple(Variant(str(number)) for number in range(len(routes[0]))), 100, Limit())
    parts = tuple(Subscription(("q",), route) for route in routes)
    return ConsumeJob(ENDPOINT, parts, published, shared=shared)


def test_a_few_messages_may_go_before_any_pace_is_known() -> None:
    assert lead(0).messages(0.0) == FIRST_DELIVERIES
    assert lead(0).messages(0.5) == FIRST_DELIVERIES


def test_what_is_under_way_must_be_deliverable_in_the_rest_of_twice_the_time() -> None:
    """100,000 in half a second: 200,000 each second, and there are one and a half of them left."""
    assert lead(100_000).messages(0.5) == 100_000 + 300_000
    assert lead(60_000, 40_000).messages(0.5) == 400_000


def test_a_message_to_many_counts_as_many() -> None:
    assert lead(100_000, per_message=10.0).messages(0.5) == 40_000


@pytest.mark.parametrize(
    ("jobs", "deliveries"),
    [
        ([consuming((0,))], 1.0),
        ([consuming((0,), (0,), (0,))], 3.0),
        ([consuming((0, -1, -1), (-1, 0, -1))], 2 / 3),
        ([consuming((0,), (0,), shared=True)], 1.0),
        ([consuming((0,)), consuming((0,))], 2.0),
        ([], 0.0),
    ],
)
def test_deliveries_are_counted_from_the_subscriptions(jobs: list[ConsumeJob], deliveries: float) -> None:
    assert deliveries_per_message(jobs) == pytest.approx(deliveries)


def test_a_forecast_learns_what_a_target_takes() -> None:
    forecast = Forecast([(("case", "a"), 0.0), (("case", "b"), 9.0), (("case", "a"), 0.0)], seconds=1.0)
    assert forecast.seconds_left == pytest.approx(9.0 + 2 * (1.0 + OVERHEAD_SECONDS))
    forecast.took(4.0)
    assert forecast.seconds_left == pytest.approx(9.0 + 4.0)
    forecast.took(9.0)
    assert (forecast.done, forecast.total) == (2, 3)
    assert forecast.seconds_left == pytest.approx(4.0)
