"""Times of a crontab: minute, hour, day of the month, month and day of the week, in UTC.

    field   *   5   1-5   1,15   */10   1-30/5        days of the week: 0 to 7, Sunday is both

As in Vixie's cron, a day fits when either of the two fields for days does, unless one of them is `*`. The calendar is
counted here: whoever calls says what time it is.
"""

from typing import NamedTuple

from mqbroker.errors import PreconditionFailed

_MINUTE_MS = 60_000
_DAY_MINUTES = 1440
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_DAYS_AHEAD_MAX = 366 * 8 + 2  # 29 February comes again after eight years at most


class Date(NamedTuple):
    """A day of the calendar; `weekday` 0 is Sunday."""

    month: int
    day: int
    weekday: int


class Cron:
    """The times that one line of a crontab means."""

    __slots__ = ("_days", "_either_day", "_hours", "_minutes", "_months", "_weekdays")

    def __init__(self, text: str) -> None:
        """Raises PreconditionFailed."""
        fields = text.split()
        if len(fields) != len(_FIELDS):
            raise PreconditionFailed(f"a cron entry has five fields: {text!r}")
        found = [_values(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
        self._minutes, self._hours, self._days, self._months, weekdays = found
        self._weekdays = {each % 7 for each in weekdays}
        self._either_day = fields[2] != "*" and fields[4] != "*"

    def after(self, now_ms: int) -> int:
        """The first of its times after that one, in milliseconds; 0 if there is none."""
        minute = now_ms // _MINUTE_MS + 1
        day, within = divmod(minute, _DAY_MINUTES)
        for each in range(day, day + _DAYS_AHEAD_MAX):
            if self._fits(date_of(each)):
                found = self._time_from(within if each == day else 0)
                if found >= 0:
                    return (each * _DAY_MINUTES + found) * _MINUTE_MS
        return 0

    def _fits(self, date: Date) -> bool:
        if date.month not in self._months:
            return False
        in_month, in_week = date.day in self._days, date.weekday in self._weekdays
        return in_month or in_week if self._either_day else in_month and in_week

    def _time_from(self, minute: int) -> int:
        """The first minute of the day that fits, from that one on; -1 if there is none."""
        for hour in range(minute // 60, 24):
            if hour in self._hours:
                for each in range(minute % 60 if hour == minute // 60 else 0, 60):
                    if each in self._minutes:
                        return hour * 60 + each
        return -1


def date_of(day: int) -> Date:
    """The date of a day since 1 January 1970. Counted in eras of 400 years that begin with March, so that the day that
    a leap year adds is the last of its year."""
    of_era = (day + 719_468) % 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    since_march = (5 * of_year + 2) // 153
    month = since_march + 3 if since_march < 10 else since_march - 9
    return Date(month, of_year - (153 * since_march + 2) // 5 + 1, (day + 4) % 7)


def _values(field: str, name: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = str(least), str(most)
        numbers = [first, last or (str(most) if step else first), step or "1"]
        if not all(each.isascii() and each.isdigit() and len(each) < 4 for each in numbers):
            raise PreconditionFailed(f"{field!r} is no {name} of a cron entry")
        low, high, stride = map(int, numbers)
        if not least <= low <= high <= most or not stride:
            raise PreconditionFailed(f"{field!r} is no {name} of a cron entry")
        found.update(range(low, high + 1, stride))
    return found
