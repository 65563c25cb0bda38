"""When a message is to be delivered that is not to be delivered at once, as its headers say.

    header                  property
    AMQ_SCHEDULED_DELAY     delivery_delay     milliseconds from the start to the first delivery
    AMQ_SCHEDULED_PERIOD    delivery_period    milliseconds between a delivery and the next; and before the first one
                                               where there is no delay
    AMQ_SCHEDULED_REPEAT    delivery_repeat    how many more there are after the first; -1 is for ever
    AMQ_SCHEDULED_CRON      delivery_cron      a line of a crontab: each of its times is a start, without it the time of
                                               the SEND is the only one
                            delivery_time      when the first delivery is, in milliseconds, instead of a delay

As in ActiveMQ a crontab without REPEAT means its own times, whatever the delay is. Its deliveries are repeated until
those of the next start begin. What is due next follows from these, from the last start and from the time that was due
last, so nothing else has to be kept.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mqbroker.core.message import Message
from mqbroker.core.scheduling.cron import Cron
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import DELAY_MS_MAX

PREFIX = "AMQ_SCHEDULED_"
DELAY = f"{PREFIX}DELAY"
PERIOD = f"{PREFIX}PERIOD"
REPEAT = f"{PREFIX}REPEAT"
CRON = f"{PREFIX}CRON"
NAMES = (DELAY, PERIOD, REPEAT, CRON)
TIME = "delivery_time"
PROPERTIES = {DELAY: "delivery_delay", PERIOD: "delivery_period", REPEAT: "delivery_repeat", CRON: "delivery_cron"}
"""What says the same in protocols that have properties for it, which messages keep when they are delivered."""
JOB_ID = "scheduledJobId"
"""What a delivered copy has instead."""

_FOR_EVER = -1


class Due(NamedTuple):
    """When a message is due, and from which start on that was counted; `at` 0 is never."""

    start: int
    at: int


_NEVER = Due(0, 0)


class Schedule(NamedTuple):
    """One message's."""

    delay_ms: int
    period_ms: int
    repeat: int
    cron: Cron | None

    @property
    def wait_ms(self) -> int:
        """How long it is from a start to the first delivery."""
        if self.cron is not None and not self.repeat:
            return 0
        return self.delay_ms or self.period_ms

    def first(self, now: int, published_at: int) -> Due:
        """When it is due first. A delay begins when the message was sent (JMS 2.0 §7.9)."""
        if self.cron is not None:
            return self._from(self.cron.after(now))
        return Due(published_at, published_at + self.wait_ms)

    def next(self, last: Due, now: int) -> Due:
        """When it is due after it was due then. What nobody has counted and is over is left out."""
        again = self._again(last, now)
        if self.cron is None:
            return again
        following = self._from(self.cron.after(last.start))
        if again.at and (not following.at or again.at < following.at):
            return again
        return following if following.at > now else self._from(self.cron.after(now - self.wait_ms))

    def _from(self, start: int) -> Due:
        return Due(start, start + self.wait_ms) if start else _NEVER

    def _again(self, last: Due, now: int) -> Due:
        """The next delivery from the same start."""
        period = self.period_ms
        if not period or not self.repeat:
            return _NEVER
        if self.repeat == _FOR_EVER:
            return Due(last.start, last.at + period * (max(0, now - last.at) // period + 1))
        done = (last.at - last.start - self.wait_ms) // period + 1
        return Due(last.start, last.at + period) if done <= self.repeat else _NEVER


def schedule_of(message: Message) -> Schedule | None:
    """The schedule that the headers or properties of a message ask for, if they do. Raises PreconditionFailed."""
    found = dict(message.properties.headers())
    for header, name in PROPERTIES.items():
        text = message.properties.text(name)
        if text is not None:
            found.setdefault(header, text)
    time = message.properties.text(TIME)
    if time is not None and CRON not in found:
        found.setdefault(DELAY, str(max(0, _whole(time, TIME) - message.received_at)))
    return schedule_in(found)


def schedule_in(headers: Mapping[str, object]) -> Schedule | None:
    """The schedule that headers ask for, if they do. Raises PreconditionFailed."""
    cron = headers.get(CRON)
    delay_ms, period_ms = _number(headers, DELAY, 0), _number(headers, PERIOD, 0)
    repeat = _number(headers, REPEAT, _FOR_EVER)
    if isinstance(cron, str) and cron.strip():
        return Schedule(delay_ms, period_ms, repeat, Cron(cron))
    return Schedule(delay_ms, period_ms, repeat, None) if delay_ms or period_ms else None


def _number(headers: Mapping[str, object], name: str, least: int) -> int:
    found = _whole(headers.get(name, 0), name)
    if not least <= found <= DELAY_MS_MAX:
        raise PreconditionFailed(f"{name} is out of range: {found}")
    return found


def _whole(value: object, name: str) -> int:
    digits = str(value).strip()
    if isinstance(value, bool) or not digits.removeprefix("-").isdigit() or not digits.isascii() or len(digits) > 18:
        raise PreconditionFailed(f"{name} is no number: {value!r}")
    return int(digits)
