"""One alarm on one metric: what it was made with, its state, and how the state follows from the last periods."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mqbroker.aws.cloudwatch.reading import Wanted

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
STATES = (OK, ALARM, INSUFFICIENT_DATA)
ACTIONS = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT_DATA: "InsufficientDataActions"}

COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (lambda value, threshold: value >= threshold, "greater than or equal to"),
    "GreaterThanThreshold": (lambda value, threshold: value > threshold, "greater than"),
    "LessThanThreshold": (lambda value, threshold: value < threshold, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, threshold: value <= threshold, "less than or equal to"),
}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

MORE_PERIODS = 2
"""How many periods before those that count are looked at too, for those of which nothing is known."""

_SHOWN_MAX = 10  # values in a reason, which may have 1,023 characters


class Place(NamedTuple):
    """Where an alarm is; its name is its own there."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.name}"


class Alarm:
    """An alarm. `settings` are the checked parameters of PutMetricAlarm."""

    __slots__ = ("configured_at", "metric", "place", "reason", "reason_data", "settings", "state", "updated_at")

    def __init__(self, place: Place, settings: Mapping[str, Any], now: int) -> None:
        self.place = place
        self.configure(settings, now)
        self.set_state(INSUFFICIENT_DATA, "Unchecked: Initial alarm creation", "", now)

    def configure(self, settings: Mapping[str, Any], now: int) -> None:
        """Takes over other parameters; the state stays."""
        self.settings = dict(settings)
        self.configured_at = now
        dimensions = tuple(sorted((each["Name"], each["Value"]) for each in settings.get("Dimensions") or ()))
        self.metric = Wanted(settings["Namespace"], settings["MetricName"], dimensions, settings.get("Unit", ""))

    def set_state(self, state: str, reason: str, data: str, now: int) -> None:
        """It has a state from now on."""
        self.state, self.reason, self.reason_data, self.updated_at = state, reason, data, now

    @property
    def period(self) -> int:
        """Minutes of a period."""
        return int(self.settings["Period"]) // 60

    @property
    def minutes(self) -> int:
        """How many minutes before now are looked at."""
        return (int(self.settings["EvaluationPeriods"]) + MORE_PERIODS) * self.period

    @property
    def statistic(self) -> str:
        """What is compared."""
        return str(self.settings.get("Statistic") or self.settings["ExtendedStatistic"])

    @property
    def actions(self) -> list[str]:
        """What is to be told of the state that it has."""
        if not self.settings.get("ActionsEnabled", True):
            return []
        return list(self.settings.get(ACTIONS[self.state]) or ())

    def packed(self) -> dict[str, Any]:
        """What the journal keeps."""
        return {
            "settings": self.settings,
            "configured_at": self.configured_at,
            "state": [self.state, self.reason, self.reason_data, self.updated_at],
        }

    def shown(self) -> dict[str, object]:
        """As DescribeAlarms has it."""
        lists = {name: self.settings.get(name) or [] for name in (*ACTIONS.values(), "Dimensions")}
        kept = {name: value for name, value in self.settings.items() if name != "Tags"}
        return {
            "ActionsEnabled": True,
            **kept,
            **lists,
            "AlarmName": self.place.name,
            "AlarmArn": self.place.arn,
            "AlarmConfigurationUpdatedTimestamp": self.configured_at,
            "StateValue": self.state,
            "StateReason": self.reason,
            "StateUpdatedTimestamp": self.updated_at,
            "StateTransitionedTimestamp": self.updated_at,
            **({"StateReasonData": self.reason_data} if self.reason_data else {}),
        }

    # --- deciding ---------------------------------------------------------------------------------------------------

    def decide(self, values: Sequence[float | None]) -> tuple[str, str]:
        """The state and its reason, by the values of the periods that are looked at, the oldest first.

        The newest `EvaluationPeriods` count of which something is known. Where they are too few, `TreatMissingData`
        says what to take for the others, or that the state stays; if it says neither, what is known has to do.
        """
        settings = self.settings
        counted = int(settings["EvaluationPeriods"])
        wanted = int(settings.get("DatapointsToAlarm") or counted)
        treatment = settings.get("TreatMissingData", "missing")
        used = [value for value in values if value is not None][-counted:]
        missing = counted - len(used)
        breaches = sum(1 for value in used if self._breaches(value))
        if not used and treatment == "missing":
            return self._unknown(counted)
        if treatment == "ignore" and breaches < wanted <= breaches + missing:
            return self.state, self.reason
        if treatment == "breaching":
            breaches += missing
        elif treatment == "missing":
            wanted = min(wanted, len(used))
        return self._said(breaches >= wanted, used, missing)

    def _breaches(self, value: float) -> bool:
        return COMPARISONS[self.settings["ComparisonOperator"]][0](value, self.settings["Threshold"])

    def _said(self, is_alarm: bool, used: list[float], missing: int) -> tuple[str, str]:
        threshold = self.settings["Threshold"]
        words = COMPARISONS[self.settings["ComparisonOperator"]][1]
        shown = [str(value) for value in used[-_SHOWN_MAX:]]
        listed = ", ".join(["...", *shown] if len(used) > _SHOWN_MAX else shown)
        found = f"{len(used)} datapoint{'s' if len(used) != 1 else ''} [{listed}]"
        were = f"{'were' if is_alarm else 'were not'} {words} the threshold ({threshold})"
        more = f" {missing} missing." if missing else ""
        text = f"Threshold Crossed: {found} {were}.{more}"
        if len(used) == 1:
            text = text.replace(" were", " was", 1)
        return ALARM if is_alarm else OK, text

    def _unknown(self, counted: int) -> tuple[str, str]:
        text = f"Insufficient Data: {counted} datapoint{'s were' if counted > 1 else ' was'} unknown."
        return INSUFFICIENT_DATA, text


def unpacked(place: Place, data: Mapping[str, Any]) -> Alarm:
    """An alarm from what the journal has kept."""
    alarm = Alarm(place, data["settings"], int(data["configured_at"]))
    state, reason, reason_data, at = data["state"]
    alarm.set_state(state, reason, reason_data, at)
    return alarm
