"""The actions about alarms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.cloudwatch.alarm import ACTIONS, STATES, Alarm, Place
from mqbroker.aws.cloudwatch.alarm_checks import check_alarm, check_tags
from mqbroker.aws.cloudwatch.alarms import Alarms
from mqbroker.aws.cloudwatch.checks import checked_text, dimensions_of, place_of, token_of
from mqbroker.aws.cloudwatch.history import KINDS, Item
from mqbroker.aws.cloudwatch.service import CloudWatchService
from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import (
    CLOUDWATCH_ALARMS_SHOWN_MAX,
    CLOUDWATCH_REASON_CHARS_MAX,
    CLOUDWATCH_REASON_DATA_CHARS_MAX,
)
from mqbroker.aws.sns.sns import Sns
from mqbroker.errors import AwsError

_Any = TypeVar("_Any")


class AlarmActions:
    """The actions about alarms."""

    def __init__(self, service: CloudWatchService, alarms: Alarms, sns: Sns) -> None:
        self._service = service
        self._alarms = alarms
        self._sns = sns

    # --- making and changing ----------------------------------------------------------------------------------------

    def put(self, call: Call) -> None:
        """PutMetricAlarm. The caller must have the right to publish to the topics that are to be told."""
        place = self._place(call)
        settings = check_alarm(call.parameters)
        if not self._service.sees(call.caller, settings["Namespace"]):
            raise refusals.denied(f"{call.caller.arn} may not see metrics of {settings['Namespace']}.")
        for name in ACTIONS.values():
            for arn in settings.get(name) or ():
                self._sns.check_publish(call, arn)
        self._alarms.put(place, settings, call.now)
        self._service.answer_when_safe(call)

    def delete(self, call: Call) -> None:
        """DeleteAlarms: those that are there."""
        for place in self._places(call):
            if place in self._alarms.by_place:
                self._alarms.delete(place, call.now)
        self._service.answer_when_safe(call)

    def enable(self, call: Call) -> None:
        """EnableAlarmActions."""
        self._enable(call, True)

    def disable(self, call: Call) -> None:
        """DisableAlarmActions."""
        self._enable(call, False)

    def _enable(self, call: Call, is_enabled: bool) -> None:
        for place in self._places(call):
            alarm = self._alarms.by_place.get(place)
            if alarm is not None:
                self._alarms.reconfigure(alarm, {"ActionsEnabled": is_enabled}, call.now)
        self._service.answer_when_safe(call)

    def set_state(self, call: Call) -> None:
        """SetAlarmState: until it is looked at again, within a minute."""
        alarm, given = self._required(self._place(call)), call.parameters
        if given["StateValue"] not in STATES:
            raise refusals.unfit(f"The parameter StateValue must be of {', '.join(STATES)}.")
        reason, data = given["StateReason"], given.get("StateReasonData", "")
        if len(reason) > CLOUDWATCH_REASON_CHARS_MAX or len(data) > CLOUDWATCH_REASON_DATA_CHARS_MAX:
            raise refusals.unfit("The parameter StateReason or StateReasonData is too long.")
        if data:
            _check_json(data)
        self._alarms.move(alarm, given["StateValue"], reason, data, call.now)
        self._service.answer_when_safe(call)

    # --- tags -------------------------------------------------------------------------------------------------------

    def list_tags(self, call: Call) -> None:
        """ListTagsForResource."""
        tags = self._by_arn(call).settings.get("Tags") or []
        call.answer({"Tags": tags})

    def tag(self, call: Call) -> None:
        """TagResource."""
        self._retag(call, {each["Key"]: each["Value"] for each in call.parameters["Tags"]}, ())

    def untag(self, call: Call) -> None:
        """UntagResource."""
        self._retag(call, {}, call.parameters["TagKeys"])

    def _retag(self, call: Call, added: Mapping[str, str], removed: Iterable[str]) -> None:
        alarm = self._by_arn(call)
        tags = {each["Key"]: each["Value"] for each in alarm.settings.get("Tags") or []} | dict(added)
        for key in removed:
            tags.pop(key, None)
        check_tags(tags)
        self._alarms.reconfigure(alarm, {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}, call.now)
        self._service.answer_when_safe(call, {})

    # --- looking ----------------------------------------------------------------------------------------------------

    def describe(self, call: Call) -> None:
        """DescribeAlarms."""
        self._service.check(call)
        given = call.parameters
        names, prefix = given.get("AlarmNames"), given.get("AlarmNamePrefix")
        if names and prefix:
            raise refusals.combination("AlarmNames and AlarmNamePrefix cannot be given together.")
        _check_count(names or ())
        is_of_metrics = "MetricAlarm" in (given.get("AlarmTypes") or ["MetricAlarm"])
        wanted = given if names is None else {**given, "AlarmNames": frozenset(names)}
        found = [alarm for alarm in self._own(call) if is_of_metrics and _is_wanted(alarm, wanted)]
        shown, token = _page(found, given)
        call.answer({"MetricAlarms": [alarm.shown() for alarm in shown], "CompositeAlarms": [], **token})

    def describe_for_metric(self, call: Call) -> None:
        """DescribeAlarmsForMetric."""
        self._service.check(call)
        given = call.parameters
        wanted = given["Namespace"], given["MetricName"], dimensions_of(given.get("Dimensions"))
        chosen = ("Statistic", "ExtendedStatistic", "Period", "Unit")
        found = [
            alarm.shown()
            for alarm in self._own(call)
            if alarm.metric[:3] == wanted
            and all(given.get(name) in (None, alarm.settings.get(name)) for name in chosen)
        ]
        call.answer({"MetricAlarms": found})

    def describe_history(self, call: Call) -> None:
        """DescribeAlarmHistory."""
        self._service.check(call)
        given, caller = call.parameters, call.caller
        kind, name = given.get("HistoryItemType"), given.get("AlarmName")
        if kind not in (None, *KINDS):
            raise refusals.unfit(f"The parameter HistoryItemType must be of {', '.join(KINDS)}.")
        start, end = given.get("StartDate", 0), given.get("EndDate", call.now)
        found = [
            item
            for item in self._alarms.history
            if item.place[:2] == (caller.account, caller.region)
            and name in (None, item.place.name)
            and kind in (None, item.kind)
            and start <= item.at <= end
        ]
        if given.get("ScanBy") != "TimestampAscending":
            found.reverse()
        shown, token = _page(found, given)
        call.answer({"AlarmHistoryItems": [_shown_item(item) for item in shown], **token})

    # --- finding ----------------------------------------------------------------------------------------------------

    def _own(self, call: Call) -> list[Alarm]:
        return self._alarms.of(call.caller.account, call.caller.region)

    def _place(self, call: Call) -> Place:
        name = checked_text(call.parameters, "AlarmName")
        self._service.check(call, name, "alarm")
        return Place(call.caller.account, call.caller.region, name)

    def _places(self, call: Call) -> list[Place]:
        names = call.parameters["AlarmNames"]
        _check_count(names)
        for name in names:
            self._service.check(call, name, "alarm")
        return [Place(call.caller.account, call.caller.region, name) for name in names]

    def _required(self, place: Place) -> Alarm:
        alarm = self._alarms.by_place.get(place)
        if alarm is None:
            raise refusals.unknown_alarm(place.name)
        return alarm

    def _by_arn(self, call: Call) -> Alarm:
        parts = call.parameters["ResourceARN"].split(":", 6)
        if parts[:3] != ["arn", "aws", "cloudwatch"] or len(parts) != 7 or parts[5] != "alarm":
            raise refusals.invalid("The parameter ResourceARN must be that of an alarm.")
        place = Place(parts[4], parts[3], parts[6])
        if place[:2] != (call.caller.account, call.caller.region):
            raise refusals.unknown_alarm(place.name)
        self._service.check(call, place.name, "alarm")
        return self._required(place)


def _check_count(names: Sequence[str]) -> None:
    if len(names) > CLOUDWATCH_ALARMS_SHOWN_MAX:
        raise refusals.unfit(f"The parameter AlarmNames must have at most {CLOUDWATCH_ALARMS_SHOWN_MAX} members.")


def _is_wanted(alarm: Alarm, given: Mapping[str, Any]) -> bool:
    names, prefix = given.get("AlarmNames"), given.get("ActionPrefix")
    actions = [arn for each in ACTIONS.values() for arn in alarm.settings.get(each) or ()]
    return (
        (not names or alarm.place.name in names)
        and alarm.place.name.startswith(given.get("AlarmNamePrefix", ""))
        and given.get("StateValue") in (None, alarm.state)
        and (not prefix or any(arn.startswith(prefix) for arn in actions))
    )


def _page(found: list[_Any], given: Mapping[str, Any]) -> tuple[list[_Any], dict[str, str]]:
    start = place_of(given.get("NextToken"))
    most = given.get("MaxRecords", CLOUDWATCH_ALARMS_SHOWN_MAX)
    if not 1 <= most <= CLOUDWATCH_ALARMS_SHOWN_MAX:
        raise refusals.unfit(f"The parameter MaxRecords must be 1 to {CLOUDWATCH_ALARMS_SHOWN_MAX}.")
    end = start + most
    return found[start:end], {"NextToken": token_of(end)} if end < len(found) else {}


def _shown_item(item: Item) -> dict[str, object]:
    return {
        "AlarmName": item.place.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": item.at,
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }


def _check_json(text: str) -> None:
    try:
        orjson.loads(text)
    except ValueError:
        raise AwsError("InvalidFormatFault", "StateReasonData was not valid JSON", "InvalidFormat") from None
