"""The looks at alarms, without a clock."""

from typing import Any

import pytest

from mqbroker.aws.cloudwatch.alarm import Alarm, Place
from mqbroker.aws.cloudwatch.alarm_checks import check_alarm
from mqbroker.aws.cloudwatch.alarms import Alarms
from mqbroker.aws.cloudwatch.custom import Custom
from mqbroker.aws.cloudwatch.kinds import ALARM
from mqbroker.aws.cloudwatch.recorder import Recorder
from mqbroker.aws.cloudwatch.series import MINUTE_MS, Point, Things
from mqbroker.aws.cloudwatch.service import CloudWatchService
from mqbroker.aws.front.accounts import Accounts
from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AwsError

MINUTE = 30_000_000
NOW = MINUTE * MINUTE_MS
ACCOUNT, REGION = "000000000000", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold", **changes,
    }  # fmt: skip


class House:
    """Alarms of one account, and what they have told."""

    def __init__(self) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.broker.add_vhost("/")
        accounts = Accounts(self.broker, {ACCOUNT: "/"}, makes_vhosts=True)
        things = Things()
        self.custom = Custom()
        recorder = Recorder(self.broker, [], things, self.custom)
        self.told: list[str] = []
        service = CloudWatchService(self.broker, accounts, things, self.custom, recorder)
        self.alarms = Alarms(self.broker, service, self.announce)

    def announce(self, arn: str, account: str, subject: str, text: str, now: int) -> bool:
        if subject.startswith('ALARM: "bad"'):
            raise RuntimeError("a fault")
        self.told.append(subject)
        return True

    def put(self, name: str, **changes: Any) -> None:
        self.alarms.put(Place(ACCOUNT, REGION, name), settings(**changes), NOW)

    def measure(self, value: float) -> None:
        metric = ACCOUNT, REGION, "n", (), "m"
        self.custom.put(ACCOUNT, [(metric, "None", Point(MINUTE - 1, 1, value, value, value))])


def test_alarms_that_look_far_back_cost_more() -> None:
    """Five thousand alarms on a day of minutes held everybody up for seconds: they were taken to cost what one of a
    minute does."""
    house = House()
    for number in range(50):
        house.put(f"short-{number}")
    house.alarms.look(NOW)
    assert not house.alarms.run(NOW, 50 * 23)
    for number in range(50):
        house.put(f"short-{number}", EvaluationPeriods=1440)
    house.alarms.look(NOW)
    looks = 1
    while house.alarms.run(NOW, 50 * 23):
        looks += 1
    assert looks == 50


def test_an_alarm_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The broker stopped, and at the next start it did so again."""
    house = House()
    for name in ("bad", "good"):
        house.put(name, AlarmActions=[TOPIC])
    house.measure(2)
    house.alarms.look(NOW)
    house.broker.scheduler.finish(NOW)
    assert house.told == ['ALARM: "good" in us-east-1']
    assert "alarm:bad could not be looked at" in caplog.text


def tags(count: int) -> list[dict[str, str]]:
    return [{"Key": f"k{number}", "Value": "v"} for number in range(count)]


def test_an_alarm_that_is_given_other_parameters_keeps_its_tags() -> None:
    """Every deployment that put its alarms in again deleted the tags that something else had set."""
    house = House()
    house.put("a", Tags=tags(2))
    (alarm,) = house.alarms.by_place.values()
    for changes in ({}, {"Tags": tags(1)}):
        house.put("a", Threshold=5.0, **changes)
        assert alarm.settings["Tags"] == tags(2)
        assert alarm.settings["Threshold"] == 5.0


def test_tags_of_a_new_alarm_are_bounded() -> None:
    """An alarm could have more tags than may be added to it afterwards."""
    check_alarm(settings(Tags=tags(50)))
    with pytest.raises(AwsError, match="at most 50 tags"):
        check_alarm(settings(Tags=tags(51)))


def test_alarms_that_are_there_are_not_checked_again() -> None:
    """A broker whose journal has an alarm that would be refused today could not start."""
    house = House()
    given = settings(Dimensions=[{"Name": "b", "Value": "\U0001f600"}, {"Name": "a", "Value": "1"}])
    with pytest.raises(AwsError):
        check_alarm(given)
    packed = Alarm(Place(ACCOUNT, REGION, "a"), given, NOW).packed()
    house.alarms.restore({definitions.key(ALARM, ACCOUNT, REGION, "a"): definitions.pack(packed)})
    (alarm,) = house.alarms.by_place.values()
    assert alarm.metric.dimensions == (("a", "1"), ("b", "\U0001f600"))
