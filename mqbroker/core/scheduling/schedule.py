"""When a message is to be delivered that is not to be delivered at once, as its headers say.

    AMQ_SCHEDULED_DELAY    x-opt-delivery-delay    milliseconds before the first delivery
    AMQ_SCHEDULED_PERIOD   x-opt-delivery-period   milliseconds between a delivery and the next
    AMQ_SCHEDULED_REPEAT   x-opt-delivery-repeat   how many more there are after the first; -1 is for ever
    AMQ_SCHEDULED_CRON     x-opt-delivery-cron     a line of a crontab: delivered at each of its times, and the others
                                                   mean nothing
                           x-opt-delivery-time     when the first delivery is, instead of a delay

What is due next follows from these and from the time that was due last, so nothing else has to be kept.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mqbroker.core.scheduling.cron import Cron
from mqbroker.core.values import Timestamp
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import DELAY_MS_MAX

DELAY = "AMQ_SCHEDULED_DELAY"
PERIOD = "AMQ_SCHEDULED_PERIOD"
REPEAT = "AMQ_SCHEDULED_REPEAT"
CRON = "AMQ_SCHEDULED_CRON"
NAMES = (DELAY, PERIOD, REPEAT, CRON)
ANNOTATION_PREFIX = "x-opt-delivery-"
"""What the same begins with in annotations: messages keep those when they are delivered."""
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


def schedule_in(headers: Mapping[str, object], published_at: int) -> Schedule | None:
    """The schedule that the headers of a message ask for, if they do. Raises PreconditionFailed."""
    cron = _value(headers, CRON)
    delay_ms, period_ms = _number(headers, DELAY, 0), _number(headers, PERIOD, 0)
    repeat = _number(headers, REPEAT, _FOR_EVER)
    at_ms = _time(headers.get(f"{ANNOTATION_PREFIX}time", 0))
    if at_ms:
        delay_ms = max(0, at_ms - published_at)
        if delay_ms > DELAY_MS_MAX:
            raise PreconditionFailed(f"{ANNOTATION_PREFIX}time is out of range: {at_ms}")
    if isinstance(cron, str) and cron.strip():
        return Schedule(delay_ms, period_ms, repeat, Cron(cron))
    return Schedule(delay_ms, period_ms, repeat, None) if delay_ms or period_ms or repeat else None


def _value(headers: Mapping[str, object], name: str) -> object:
    """What a header says, or the annotation that says the same."""
    annotation = ANNOTATION_PREFIX + name.rpartition("_")[2].lower()
    return headers.get(name, headers.get(annotation, 0))


def _time(value: object) -> int:
    """Milliseconds since 1970. A timestamp of the neutral view has lost those within its second: not before its end."""
    if isinstance(value, Timestamp):
        return int(value) * 1000 + 999
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PreconditionFailed(f"{ANNOTATION_PREFIX}time is no time: {value!r}")
    return int(value)


def _number(headers: Mapping[str, object], name: str, least: int) -> int:
    value = _value(headers, name)
    digits = str(value).strip()
    if isinstance(value, bool) or not digits.removeprefix("-").isdigit() or not digits.isascii() or len(digits) > 18:
        raise PreconditionFailed(f"{name} is no number: {value!r}")
    if not least <= int(digits) <= DELAY_MS_MAX:
        raise PreconditionFailed(f"{name} is out of range: {value}")
    return int(digits)
