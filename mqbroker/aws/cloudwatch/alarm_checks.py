"""The parameters of PutMetricAlarm, checked: what CloudWatch refuses, and what there is none of here."""

from collections.abc import Collection, Mapping
from typing import Any

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.alarm import ACTIONS, COMPARISONS, TREATMENTS
from mqbroker.aws.cloudwatch.checks import check_number
from mqbroker.aws.cloudwatch.reading import wanted_of
from mqbroker.aws.cloudwatch.statistics import STATISTICS, is_statistic
from mqbroker.aws.limits import (
    CLOUDWATCH_ALARM_ACTIONS_MAX,
    CLOUDWATCH_PERIODS_S_MAX,
    CLOUDWATCH_TAGS_MAX,
    CLOUDWATCH_TEXT_CHARS_MAX,
)

_UNSUPPORTED = (
    "Metrics", "ThresholdMetricId", "EvaluationCriteria", "EvaluationInterval", "EvaluationWindow",
    "WarmUpConfiguration", "ActionConfiguration", "EvaluateLowSampleCountPercentile",
)  # fmt: skip
_REQUIRED = ("Namespace", "MetricName", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator")


def check_alarm(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an alarm. Raises AwsError."""
    for name in _UNSUPPORTED:
        if given.get(name):
            raise refusals.unfit(f"{name} is not supported: an alarm is on one metric.")
    for name in _REQUIRED:
        if given.get(name) is None:
            raise refusals.unfit(f"The parameter {name} is required.")
    wanted_of(given, given.get("Unit"))
    check_number(given["Threshold"], "Threshold")
    _check_statistic(given)
    _check_periods(given)
    _check_words(given)
    check_tags({each["Key"] for each in given.get("Tags") or ()})
    return {name: value for name, value in given.items() if name != "AlarmName"}


def check_tags(keys: Collection[str]) -> None:
    """Raises AwsError for more tags than an alarm may have."""
    if len(keys) > CLOUDWATCH_TAGS_MAX:
        raise refusals.invalid(f"An alarm has at most {CLOUDWATCH_TAGS_MAX} tags.")


def _check_statistic(given: Mapping[str, Any]) -> None:
    plain, extended = given.get("Statistic"), given.get("ExtendedStatistic")
    if (plain is None) == (extended is None):
        raise refusals.unfit("Exactly one of Statistic and ExtendedStatistic must be specified.")
    if plain is not None and plain not in STATISTICS:
        raise refusals.unfit(f"The parameter Statistic must be of {', '.join(STATISTICS)}, not {plain!r}.")
    if extended is not None and (extended in STATISTICS or not is_statistic(extended)):
        raise refusals.unfit(f"The value {extended} for parameter ExtendedStatistic is not supported.")


def _check_periods(given: Mapping[str, Any]) -> None:
    period, counted = given["Period"], given["EvaluationPeriods"]
    if period < 60 or period % 60:
        raise refusals.unfit("The parameter Period must be a multiple of 60: values are kept by the minute.")
    if counted < 1 or period * counted > CLOUDWATCH_PERIODS_S_MAX:
        raise refusals.unfit("Metrics cannot be checked across more than a day (EvaluationPeriods * Period).")
    if not 1 <= given.get("DatapointsToAlarm", counted) <= counted:
        raise refusals.unfit("The parameter DatapointsToAlarm must be 1 to EvaluationPeriods.")


def _check_words(given: Mapping[str, Any]) -> None:
    if given["ComparisonOperator"] not in COMPARISONS:
        raise refusals.unfit(f"The parameter ComparisonOperator must be of {', '.join(COMPARISONS)}.")
    if given.get("TreatMissingData", "missing") not in TREATMENTS:
        raise refusals.unfit(f"The parameter TreatMissingData must be of {', '.join(TREATMENTS)}.")
    if len(given.get("AlarmDescription", "")) > CLOUDWATCH_TEXT_CHARS_MAX:
        raise refusals.unfit(f"AlarmDescription must have at most {CLOUDWATCH_TEXT_CHARS_MAX} characters.")
    for name in ACTIONS.values():
        actions = given.get(name) or ()
        if len(actions) > CLOUDWATCH_ALARM_ACTIONS_MAX:
            raise refusals.unfit(f"The parameter {name} must have at most {CLOUDWATCH_ALARM_ACTIONS_MAX} members.")
        for arn in actions:
            if not arn.startswith("arn:aws:sns:"):
                raise refusals.unfit(f"The parameter {name} takes topics of SNS only, not {arn!r}.")
