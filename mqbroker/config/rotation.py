"""When files of the log are begun anew by date, in RabbitMQ's words (`log.file.rotation.date`), by local time.

$D0        every day at midnight           $W0D23     every Sunday at 23:00
$D23H30    every day at 23:30              $M1D6      on the first of every month at 6:00
$H15       every hour, a quarter past      $MLD0      on the last of every month at midnight
"""

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

_PATTERN = re.compile(r"\$(?:W([0-6])|M([1-9]|[12]\d|3[01]|L))?(?:D(\d|1\d|2[0-3]))?(?:H(\d|[0-5]\d))?")
_DAYS_MAX = 366 * 8 + 1  # there are eight years without a 29th of February
_LAST = -1


class Rotation(NamedTuple):
    """The times."""

    weekday: int | None
    """0 is Sunday."""
    day: int | None
    """Of the month; -1 is the last."""
    hour: int | None
    """None is each."""
    minute: int

    def after(self, seconds: float) -> float:
        """The first time after another one, both in seconds since the epoch."""
        now = datetime.fromtimestamp(seconds).astimezone()
        if self.hour is None and self.weekday is None and self.day is None:
            found = now.replace(minute=self.minute, second=0, microsecond=0)
            return (found if found > now else found + timedelta(hours=1)).timestamp()
        at = time(self.hour or 0, self.minute)
        days = (now.date() + timedelta(each) for each in range(_DAYS_MAX))
        times = (datetime.combine(each, at).timestamp() for each in days if self._is_on(each))
        return next(each for each in times if each > seconds)

    def _is_on(self, found: date) -> bool:
        if self.weekday is not None:
            return found.isoweekday() % 7 == self.weekday
        if self.day == _LAST:
            return (found + timedelta(1)).day == 1
        return self.day is None or found.day == self.day


def parse_rotation(text: str) -> Rotation | None:
    """What an option says; None for an empty text. Raises ValueError."""
    if not text:
        return None
    match = _PATTERN.fullmatch(text)
    if match is None or text == "$":
        raise ValueError(f"must be a time such as $D0, $W0D23 or $M1D0, not {text!r}")
    weekday, day, hour, minute = match.groups()
    is_hourly = hour is None and weekday is None and day is None
    return Rotation(
        None if weekday is None else int(weekday),
        None if day is None else _LAST if day == "L" else int(day),
        None if is_hourly else int(hour or 0),
        int(minute or 0),
    )
