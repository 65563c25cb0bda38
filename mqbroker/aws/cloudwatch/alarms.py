"""The alarms of one broker: kept in the journal, looked at every minute, and what they tell topics.

A change of state and the messages about it are in one batch of the journal, so that neither is there without the other.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.alarm import Alarm, Place, unpacked
from mqbroker.aws.cloudwatch.history import History
from mqbroker.aws.cloudwatch.kinds import ALARM
from mqbroker.aws.cloudwatch.notice import subject_of, text_of
from mqbroker.aws.cloudwatch.reading import find_of
from mqbroker.aws.cloudwatch.series import MINUTE_MS
from mqbroker.aws.cloudwatch.service import CloudWatchService
from mqbroker.aws.cloudwatch.statistics import by_period, value_of
from mqbroker.aws.limits import CLOUDWATCH_ALARMS_MAX
from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.scheduler import Task

log = logging.getLogger(__name__)

_COST = 20  # of an alarm, in messages; a minute that it looks at costs one more

Announce = Callable[[str, str, str, str, int], bool]
"""Publishes to a topic: its ARN, for which account, subject, text, now. False if that could not be done."""


class Alarms(Task):
    """All of them, by where they are."""

    __slots__ = ("_announce", "_broker", "_rest", "_service", "by_place", "history")

    def __init__(self, broker: Broker, service: CloudWatchService, announce: Announce) -> None:
        Task.__init__(self)
        self.by_place: dict[Place, Alarm] = {}
        self.history = History()
        self._broker = broker
        self._service = service
        self._announce = announce
        self._rest: deque[Alarm] = deque()

    # --- keeping ----------------------------------------------------------------------------------------------------

    def of(self, account: str, region: str) -> list[Alarm]:
        """Those of an account in a region, by name."""
        found = [alarm for place, alarm in self.by_place.items() if place[:2] == (account, region)]
        return sorted(found, key=lambda alarm: alarm.place.name)

    def put(self, place: Place, settings: Mapping[str, Any], now: int) -> None:
        """Makes an alarm, or gives it other parameters; it is looked at at once. Raises AwsError."""
        alarm = self.by_place.get(place)
        if alarm is None:
            if sum(1 for each in self.by_place if each[:2] == place[:2]) >= CLOUDWATCH_ALARMS_MAX:
                raise refusals.too_many(f"There are {CLOUDWATCH_ALARMS_MAX} alarms.")
            alarm = self.by_place[place] = Alarm(place, settings, now)
            self.history.configured(place, "created", now)
        else:
            # AWS ignores tags that are given with an alarm that is there.
            alarm.configure({**settings, "Tags": alarm.settings.get("Tags") or []}, now)
            self.history.configured(place, "updated", now)
        self._note(alarm)
        self._look_at(alarm, now)

    def reconfigure(self, alarm: Alarm, changes: Mapping[str, Any], now: int) -> None:
        """Changes some of an alarm's parameters."""
        alarm.configure({**alarm.settings, **changes}, now)
        self.history.configured(alarm.place, "updated", now)
        self._note(alarm)

    def delete(self, place: Place, now: int) -> None:
        """Deletes an alarm."""
        del self.by_place[place]
        self.history.configured(place, "deleted", now)
        self._broker.ledger.define(definitions.key(ALARM, *place), None)

    def restore(self, found: Mapping[str, bytes]) -> None:
        """Takes over what the journal kept."""
        for names, data in definitions.of_kinds(found, (ALARM,))[ALARM]:
            place = Place(*names)
            self.by_place[place] = unpacked(place, definitions.unpack(data))

    def _note(self, alarm: Alarm) -> None:
        self._broker.ledger.define(definitions.key(ALARM, *alarm.place), definitions.pack(alarm.packed()))

    # --- looking ----------------------------------------------------------------------------------------------------

    def look(self, _now: int) -> None:
        """A minute is over."""
        if not self._rest and self.by_place:
            self._rest = deque(self.by_place.values())
            self._broker.scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Task: looks at a portion of the alarms. One that fails does not stop the others, nor the broker."""
        while self._rest and portion > 0:
            alarm = self._rest.popleft()
            if self.by_place.get(alarm.place) is alarm:
                portion -= _COST + alarm.minutes
                try:
                    self._look_at(alarm, now)
                except Exception:
                    log.exception("the alarm %s could not be looked at: internal error", alarm.place.arn)
        return bool(self._rest)

    def _look_at(self, alarm: Alarm, now: int) -> None:
        state, reason = alarm.decide(self._values(alarm, now // MINUTE_MS))
        if state != alarm.state:
            self.move(alarm, state, reason, "", now)

    def _values(self, alarm: Alarm, end: int) -> list[float | None]:
        """The values of the periods until now, without the minute that runs; the oldest first."""
        period = alarm.period
        start = end - alarm.minutes
        account, region, _ = alarm.place
        found: dict[int, float] = {}
        for _, points in find_of(self._service, account, region, alarm.metric, start, end):
            for minute, inner in by_period(points, start, period):
                value = value_of(alarm.statistic, inner)
                if value is not None:
                    found[minute] = value
        return [found.get(minute) for minute in range(start, end, period)]

    def move(self, alarm: Alarm, state: str, reason: str, data: str, now: int) -> None:
        """An alarm has this state from now on: whoever is to be told is told, if it had another one."""
        old = alarm.state
        alarm.set_state(state, reason, data, now)
        self._note(alarm)
        if old == state:
            return
        self.history.moved(alarm, old, now)
        subject, text = subject_of(alarm), text_of(alarm, old)
        for arn in alarm.actions:
            is_done = self._announce(arn, alarm.place.account, subject, text, now)
            self.history.acted(alarm.place, arn, is_done, now)
