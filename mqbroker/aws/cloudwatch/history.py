"""What has happened to alarms: their last changes of all accounts, in this run."""

import json
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from mqbroker.aws.cloudwatch.alarm import Alarm, Place
from mqbroker.aws.limits import CLOUDWATCH_HISTORY_MAX

CONFIGURATION, STATE, ACTION = "ConfigurationUpdate", "StateUpdate", "Action"
KINDS = (CONFIGURATION, STATE, ACTION)


class Item(NamedTuple):
    """One change."""

    place: Place
    at: int
    kind: str
    summary: str
    data: str


class History:
    """The changes, the oldest first."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=CLOUDWATCH_HISTORY_MAX)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def configured(self, place: Place, what: str, now: int) -> None:
        """An alarm was created, updated or deleted."""
        data = json.dumps({"version": "1.0", "type": what.capitalize()})
        self._items.append(Item(place, now, CONFIGURATION, f'Alarm "{place.name}" {what}', data))

    def moved(self, alarm: Alarm, old: str, now: int) -> None:
        """An alarm has another state."""
        data = json.dumps(
            {
                "version": "1.0",
                "oldState": {"stateValue": old},
                "newState": {"stateValue": alarm.state, "stateReason": alarm.reason},
            }
        )
        self._items.append(Item(alarm.place, now, STATE, f"Alarm updated from {old} to {alarm.state}", data))

    def acted(self, place: Place, arn: str, is_done: bool, now: int) -> None:
        """An action was executed, or could not be."""
        summary = f"{'Successfully executed' if is_done else 'Failed to execute'} action {arn}"
        data = json.dumps({"version": "1.0", "actionState": "Succeeded" if is_done else "Failed", "resource": arn})
        self._items.append(Item(place, now, ACTION, summary, data))
