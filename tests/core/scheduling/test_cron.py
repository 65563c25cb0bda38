"""Times of a crontab, against the calendar of Python."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.scheduling.cron import Cron, date_of
from mqbroker.errors import PreconditionFailed


def milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@given(st.integers(0, 80_000))
def test_days_have_the_dates_of_the_calendar(day: int) -> None:
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    assert date_of(day) == (expected.month, expected.day, expected.isoweekday() % 7)


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("* * * * *", "2026-01-31 23:59:00", "2026-02-01 00:00:00"),
        ("*/15 * * * *", "2026-01-01 10:16:00", "2026-01-01 10:30:00"),
        ("0 9-17/4 * * *", "2026-01-01 13:00:00", "2026-01-01 17:00:00"),
        ("30 8 1,15 * *", "2026-01-02 00:00:00", "2026-01-15 08:30:00"),
        ("0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00"),
        ("0 12 * * 1-5", "2026-01-02 12:00:00", "2026-01-05 12:00:00"),
        ("0 12 13 * 5", "2026-01-02 12:00:00", "2026-01-09 12:00:00"),
        ("0 12 * * 7", "2026-01-02 12:00:00", "2026-01-04 12:00:00"),
        ("5/20 * * * *", "2026-01-01 10:46:00", "2026-01-01 11:05:00"),
    ],
)
def test_the_next_time_is_found(text: str, now: str, expected: str) -> None:
    assert Cron(text).after(milliseconds(now)) == milliseconds(expected)


def test_a_day_that_never_comes_is_none() -> None:
    assert Cron("0 0 31 2 *").after(0) == 0


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "* * 0 * *", "a * * * *", "5-1 * * * *", "*/0 * * * *"])
def test_what_is_no_crontab_is_refused(text: str) -> None:
    with pytest.raises(PreconditionFailed):
        Cron(text)


@given(
    st.tuples(
        st.sampled_from(("*", "0", "*/7", "1,5,30-40")),
        st.sampled_from(("*", "3", "8-18/3")),
        st.sampled_from(("*", "1", "31", "10-20")),
        st.sampled_from(("*", "2", "1-12/5")),
        st.sampled_from(("*", "0", "1-5", "7")),
    ),
    st.integers(0, 4_000_000_000),
)
def test_each_time_fits_and_none_before_it_does(fields: tuple[str, ...], now_s: int) -> None:
    def fits(field: str, value: int, most: int) -> bool:
        for part in field.split(","):
            span, _, step = part.partition("/")
            first, _, last = span.partition("-")
            low, high = (0, most) if span == "*" else (int(first), int(last or first))
            if low <= value <= high and (value - low) % int(step or 1) == 0:
                return True
        return False

    due = Cron(" ".join(fields)).after(now_s * 1000)
    if not due:
        return
    assert due > now_s * 1000
    when = datetime.fromtimestamp(due / 1000, UTC)
    assert fits(fields[0], when.minute, 59)
    assert fits(fields[1], when.hour, 23)
    in_month = fits(fields[2], when.day, 31)
    in_week = fits(fields[4], when.isoweekday() % 7, 7) or fits(fields[4], when.isoweekday(), 7)
    either = fields[2] != "*" and fields[4] != "*"
    assert in_month or in_week if either else in_month and in_week
