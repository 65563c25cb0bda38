"""When a message is to be delivered that is not to be delivered at once, as its headers say.

    header                  property
    AMQ_SCHEDULED_DELAY     delivery_delay     milliseconds before the first delivery
    AMQ_SCHEDULED_PERIOD    delivery_period    milliseconds between a delivery and the next
    AMQ_SCHEDULED_REPEAT    delivery_repeat    how many more there are after the first; -1 is for ever
    AMQ_SCHEDULED_CRON      delivery_cron      a line of a crontab: delivered at each of its times, and the others mean
                                               nothing
                            delivery_time      when the first delivery is, in milliseconds, instead of a delay

What is due next follows from these and from the time that was due last, so nothing else has to be kept.
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


class Schedule(NamedTuple):
    """One message's."""

    delay_ms: int
    period_ms: int
    repeat: int
    cron: Cron | None

    def first_after(self, now: int, published_at: int) -> int:
        """When it is due first; 0 for never. A delay begins when the message was sent (JMS 2.0 §7.9)."""
        return self.cron.after(now) if self.cron is not None else published_at + self.delay_ms

    def next_after(self, due: int, published_at: int) -> int:
        """When it is due after it was due then; 0 for never."""
        if self.cron is not None:
            return self.cron.after(due)
        if not self.period_ms or not self.repeat:
            return 0
        done = (due - published_at - self.delay_ms) // self.period_ms + 1
        return due + self.period_ms if self.repeat == _FOR_EVER or done <= self.repeat else 0


def schedule_of(message: Message) -> Schedule | None:
    """The schedule that the headers or properties of a message ask for, if they do. Raises PreconditionFailed."""
    found = dict(message.properties.headers())
    for header, name in PROPERTIES.items():
        text = message.properties.text(name)
        if text is not None:
            found.setdefault(header, text)
    time = message.properties.text(TIME)
    if time is not None:
        found.setdefault(DELAY, str(max(0, _whole(time, TIME) - message.received_at)))
    return schedule_in(found)


def schedule_in(headers: Mapping[str, object]) -> Schedule | None:
    """The schedule that headers ask for, if they do. Raises PreconditionFailed."""
    cron = headers.get(CRON)
    delay_ms, period_ms = _number(headers, DELAY, 0), _number(headers, PERIOD, 0)
    repeat = _number(headers, REPEAT, _FOR_EVER)
    if isinstance(cron, str) and cron.strip():
        return Schedule(delay_ms, period_ms, repeat, Cron(cron))
    return Schedule(delay_ms, period_ms, repeat, None) if delay_ms or period_ms or repeat else None


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
