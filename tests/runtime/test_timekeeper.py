"""The journal's time over restarts: the decision table of timekeeper.py, row by row."""

from collections.abc import Callable

import pytest

from mqbroker.clock import Clock, Sample
from mqbroker.limits import CLOCK_CORRECTION_MS_MAX, CLOCK_DOWNTIME_MS_MAX, CLOCK_SAMPLE_AGE_MS_MAX
from mqbroker.runtime.timekeeper import resumed

T = 1_700_000_000_000
SECOND, HOUR, DAY, YEAR = 1000, 3_600_000, 86_400_000, 365 * 86_400_000
KNOWN = Sample(T, T, "this boot", 5 * HOUR)


def after(passed: int, set_by: int = 0, known: Sample = KNOWN) -> Sample:
    """What a machine that was not started anew shows later, if its clock was set by so much meanwhile."""
    return Sample(0, known.wall + passed + set_by, known.boot, known.uptime + passed)


def after_boot(passed: int, set_by: int = 0, known: Sample = KNOWN) -> Sample:
    """The same for one that was started anew."""
    return Sample(0, known.wall + passed + set_by, "another boot", 30 * SECOND)


def test_without_anybody_setting_a_clock_the_time_is_the_wall_clocks() -> None:
    for passed in (CLOCK_SAMPLE_AGE_MS_MAX, HOUR, 20 * DAY):
        assert resumed(KNOWN, after(passed), False) == T + passed
        assert resumed(KNOWN, after_boot(passed), False) == T + passed


@pytest.mark.parametrize("set_by", [HOUR, DAY, 56 * YEAR])
def test_a_clock_that_was_late_and_is_corrected_between_two_runs_takes_nothing_from_deadlines(set_by: int) -> None:
    """Everything with a TTL, SQS messages and sessions had expired at the restart."""
    now = resumed(KNOWN, after(90 * SECOND, set_by), False)
    assert now == T + 90 * SECOND + CLOCK_CORRECTION_MS_MAX


@pytest.mark.parametrize("set_by", [-10 * SECOND, -HOUR, -56 * YEAR])
@pytest.mark.parametrize("later", [after, after_boot])
def test_a_clock_that_is_set_back_never_takes_the_time_back(later: Callable[[int, int], Sample], set_by: int) -> None:
    now = resumed(KNOWN, later(60 * SECOND, set_by), False)
    assert T + CLOCK_SAMPLE_AGE_MS_MAX <= now <= T + 60 * SECOND


def test_a_clock_that_was_corrected_within_a_run_is_known_as_ahead_ever_after() -> None:
    known = Sample(T, T + 56 * YEAR, "this boot", HOUR)
    for later in (after, after_boot):
        assert resumed(known, later(HOUR, 0, known), False) == T + HOUR + CLOCK_CORRECTION_MS_MAX


def test_a_small_difference_is_made_up_for_at_once() -> None:
    assert resumed(KNOWN, after(HOUR, 5 * SECOND), False) == T + HOUR + 5 * SECOND


def test_a_machine_is_not_off_for_years() -> None:
    assert resumed(KNOWN, after_boot(CLOCK_DOWNTIME_MS_MAX), False) == T + CLOCK_DOWNTIME_MS_MAX
    now = resumed(KNOWN, after_boot(CLOCK_DOWNTIME_MS_MAX + 1), False)
    assert now == T + CLOCK_SAMPLE_AGE_MS_MAX + CLOCK_CORRECTION_MS_MAX


def test_where_the_uptime_is_not_known_the_wall_clock_counts() -> None:
    known = KNOWN._replace(boot="")
    assert resumed(known, after(HOUR, DAY, known), False) == T + HOUR + DAY


def test_where_nothing_has_a_deadline_the_time_is_set_right() -> None:
    assert resumed(KNOWN, after(HOUR, 56 * YEAR), True) == T + HOUR + 56 * YEAR
    assert resumed(KNOWN, after(HOUR, -DAY), True) >= T


def test_a_clock_that_was_set_goes_on_from_there() -> None:
    clock = Clock()
    before = clock.sample()
    clock.set(T)
    assert T <= clock.now() <= T + HOUR
    assert clock.wall() - before.wall < HOUR
    assert before.boot
    assert before.uptime > 0
