"""What the subscribers of a topic are told of an alarm, in the words and fields of CloudWatch."""

import json
from datetime import UTC, datetime

from mqbroker.aws.cloudwatch.alarm import Alarm
from mqbroker.aws.limits import SNS_SUBJECT_CHARS_MAX


def subject_of(alarm: Alarm) -> str:
    """The subject, as long as one may be."""
    text = f'{alarm.state}: "{alarm.place.name}" in {alarm.place.region}'
    text = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return text[:SNS_SUBJECT_CHARS_MAX]


def text_of(alarm: Alarm, old_state: str) -> str:
    """The message."""
    settings = alarm.settings
    return json.dumps(
        {
            "AlarmName": alarm.place.name,
            "AlarmDescription": settings.get("AlarmDescription"),
            "AWSAccountId": alarm.place.account,
            "AlarmConfigurationUpdatedTimestamp": _time(alarm.configured_at),
            "NewStateValue": alarm.state,
            "NewStateReason": alarm.reason,
            "StateChangeTime": _time(alarm.updated_at),
            "Region": alarm.place.region,
            "AlarmArn": alarm.place.arn,
            "OldStateValue": old_state,
            "OKActions": settings.get("OKActions") or [],
            "AlarmActions": settings.get("AlarmActions") or [],
            "InsufficientDataActions": settings.get("InsufficientDataActions") or [],
            "Trigger": _trigger(alarm),
        }
    )


def _trigger(alarm: Alarm) -> dict[str, object]:
    settings = alarm.settings
    statistic = settings.get("Statistic")
    kind = {"StatisticType": "Statistic", "Statistic": str(statistic).upper()}
    if statistic is None:
        kind = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": settings["ExtendedStatistic"]}
    return {
        "MetricName": alarm.metric.name,
        "Namespace": alarm.metric.namespace,
        **kind,
        "Unit": alarm.metric.unit or None,
        "Dimensions": [{"value": value, "name": name} for name, value in alarm.metric.dimensions],
        "Period": settings["Period"],
        "EvaluationPeriods": settings["EvaluationPeriods"],
        "DatapointsToAlarm": settings.get("DatapointsToAlarm", settings["EvaluationPeriods"]),
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings["Threshold"],
        "TreatMissingData": settings.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": "",
    }


def _time(ms: int) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "+0000")
