"""Alarms: made, shown, raised, told to topics, and there after a restart."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.aws.cloudwatch.conftest import speaking
from tests.support.aws_clients import aws, client
from tests.support.broker_process import BrokerProcess


def alarm(name: str, **more: Any) -> dict[str, Any]:
    """The parameters of an alarm on a metric of clients."""
    return {
        "AlarmName": name, "Namespace": name, "MetricName": "m", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 10.0, "ComparisonOperator": "GreaterThanThreshold", **more,
    }  # fmt: skip


def put(cloudwatch: Any, name: str, value: float) -> None:
    """A value in the minute that has just ended, which is the first that alarms look at."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Value": value, "Timestamp": at}])


def state(cloudwatch: Any, name: str) -> dict[str, Any]:
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def test_an_alarm_is_as_it_was_made(cloudwatch: Any, name: str) -> None:
    dimensions = [{"Name": "QueueName", "Value": "q"}]
    given = alarm(
        name, AlarmDescription="é", Dimensions=dimensions, Unit="Count", DatapointsToAlarm=2, EvaluationPeriods=3,
        TreatMissingData="notBreaching", ActionsEnabled=False,
    )  # fmt: skip
    cloudwatch.put_metric_alarm(**given, Tags=[{"Key": "team", "Value": "a"}])
    found = state(cloudwatch, name)
    assert {key: found[key] for key in given} == given
    arn = f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"
    assert (found["AlarmArn"], found["StateValue"]) == (arn, "OK")
    assert datetime.now(UTC) - found["AlarmConfigurationUpdatedTimestamp"] < timedelta(minutes=1)
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    cloudwatch.enable_alarm_actions(AlarmNames=[name])
    assert state(cloudwatch, name)["ActionsEnabled"] is True
    (same,) = cloudwatch.describe_alarms_for_metric(MetricName="m", Namespace=name, Dimensions=dimensions)[
        "MetricAlarms"
    ]
    assert same["AlarmName"] == name
    cloudwatch.delete_alarms(AlarmNames=[name, "never-there"])
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


def test_a_topic_is_told_of_an_alarm(cloudwatch: Any, sns: Any, sqs: Any, name: str) -> None:
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    put(cloudwatch, name, 11)
    cloudwatch.put_metric_alarm(**alarm(name), AlarmActions=[topic], OKActions=[topic])
    found = state(cloudwatch, name)
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"] == "Threshold Crossed: 1 datapoint [11.0] was greater than the threshold (10.0)."
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    envelope = json.loads(message["Body"])
    assert envelope["Subject"] == f'ALARM: "{name}" in us-east-1'
    text = json.loads(envelope["Message"])
    assert (text["AlarmName"], text["NewStateValue"], text["OldStateValue"]) == (name, "ALARM", "INSUFFICIENT_DATA")
    assert text["NewStateReason"] == found["StateReason"]
    assert text["Trigger"]["Statistic"] == "SUM"
    assert text["Trigger"]["Threshold"] == 10.0
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="looked at", StateReasonData='{"a": 1}')
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(json.loads(message["Body"])["Message"])["NewStateReason"] == "looked at"
    assert state(cloudwatch, name)["StateReasonData"] == '{"a": 1}'
    history = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in history] == [
        "ConfigurationUpdate", "StateUpdate", "Action", "StateUpdate", "Action",
    ]  # fmt: skip
    assert history[1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    assert history[2]["HistorySummary"] == f"Successfully executed action {topic}"
    (newest,) = cloudwatch.describe_alarm_history(AlarmName=name, MaxRecords=1)["AlarmHistoryItems"]
    assert newest["HistoryItemType"] == "Action"


@pytest.mark.timeout(120)
def test_an_alarm_on_a_queue_goes_by_what_is_in_it(broker: BrokerProcess, sqs: Any, name: str) -> None:
    """The minute that ends would be lost, and the alarm with it: the one test that waits for a minute of the clock."""
    cloudwatch = client(broker, "cloudwatch")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    dimensions = [{"Name": "QueueName", "Value": name}]
    given = alarm(name, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", Dimensions=dimensions)
    given |= {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum"}
    cloudwatch.put_metric_alarm(**given)
    until = time.monotonic() + 100
    while state(cloudwatch, name)["StateValue"] != "ALARM" and time.monotonic() < until:
        time.sleep(1)
    assert state(cloudwatch, name)["StateValue"] == "ALARM"
    cloudwatch.close()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "ValidationError"),
        ({"AlarmActions": ["arn:aws:sns:us-east-1:000000000000:never-there"]}, "NotFound"),
        ({"AlarmActions": ["arn:aws:sns:eu-west-1:000000000000:elsewhere"]}, "InvalidParameter"),
        ({"Period": 30}, "ValidationError"),
        ({"Period": 3600, "EvaluationPeriods": 25}, "ValidationError"),
        ({"DatapointsToAlarm": 2}, "ValidationError"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ValidationError"),
        ({"TreatMissingData": "panic"}, "ValidationError"),
        ({"Statistic": "Median"}, "ValidationError"),
        ({"ExtendedStatistic": "p99"}, "ValidationError"),
        ({"Unit": "Miles"}, "InvalidParameterValue"),
        ({"AlarmName": "x" * 256}, "InvalidParameterValue"),
        ({"Metrics": [{"Id": "a", "Expression": "1+1"}]}, "ValidationError"),
    ],
)  # fmt: skip
def test_alarms_that_could_not_be_kept_are_refused(
    cloudwatch: Any, name: str, changes: dict[str, Any], code: str
) -> None:
    """An alarm that is taken and never raised is worse than none."""
    with pytest.raises(ClientError) as caught:
        cloudwatch.put_metric_alarm(**alarm(name) | changes)
    assert caught.value.response["Error"]["Code"] == code
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


def test_the_command_line_knows_alarms(broker: BrokerProcess, name: str) -> None:
    place = ("--endpoint-url", f"http://127.0.0.1:{broker.ports['aws']}")
    aws(
        "cloudwatch", "put-metric-alarm", "--alarm-name", name, "--namespace", name, "--metric-name", "m",
        "--statistic", "Sum", "--period", "60", "--evaluation-periods", "1", "--threshold", "1",
        "--comparison-operator", "LessThanThreshold", *place,
    )  # fmt: skip
    found = aws("cloudwatch", "describe-alarms", "--alarm-names", name, *place)
    assert found["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"
    aws("cloudwatch", "delete-alarms", "--alarm-names", name, *place)
    assert aws("cloudwatch", "describe-alarms", "--alarm-names", name, *place)["MetricAlarms"] == []


def test_alarms_outlive_a_kill(tmp_path: Path) -> None:
    """An alarm that is known to be raised would be told of once more."""
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "fsync", schemes=("aws",)) as broker:
        made = client(broker, "cloudwatch")
        put(made, "a", 11)
        made.put_metric_alarm(**alarm("a", TreatMissingData="ignore"))
        made.put_metric_alarm(**alarm("gone"))
        made.delete_alarms(AlarmNames=["gone"])
        before = state(made, "a")
        assert before["StateValue"] == "ALARM"
        made.close()
        broker.kill()
        broker.start()
        made = client(broker, "cloudwatch")
        (found,) = made.describe_alarms()["MetricAlarms"]
        assert found == before
        made.close()


USERS = """
[aws]
auth = "sigv4"
[[users]]
name = "owner"
[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"
[[users.access_keys]]
id = "AKIAOWNER0000000"
secret = "owner-secret"
[[users]]
name = "reader"
[[users.permissions]]
vhost = "/"
configure = "^$"
write = "^$"
read = ".*"
[[users.access_keys]]
id = "AKIAREADER000000"
secret = "reader-secret"
[[users]]
name = "watcher"
tags = ["monitoring"]
[[users.permissions]]
vhost = "/"
configure = "^cloudwatch/"
write = "^cloudwatch/mine$"
read = "^$"
[[users.access_keys]]
id = "AKIAWATCHER00000"
secret = "watcher-secret"
"""


@pytest.mark.parametrize("wire", ["json", "smithy-rpc-v2-cbor", "query"])
def test_who_may_what(tmp_path: Path, wire: str) -> None:
    with BrokerProcess(tmp_path / "data", schemes=("aws",), config=USERS) as broker:
        owner, reader, watcher = (
            speaking(wire, tmp_path / "models", broker, key, secret)
            for key, secret in (
                ("AKIAOWNER0000000", "owner-secret"),
                ("AKIAREADER000000", "reader-secret"),
                ("AKIAWATCHER00000", "watcher-secret"),
            )
        )
        sns = client(broker, "sns", "AKIAOWNER0000000", "owner-secret")
        topic = sns.create_topic(Name="t")["TopicArn"]
        owner.put_metric_alarm(**alarm("a"), AlarmActions=[topic])
        assert len(reader.describe_alarms()["MetricAlarms"]) == 1
        _refused(reader, "put_metric_alarm", **alarm("b"))
        _refused(reader, "delete_alarms", AlarmNames=["a"])
        _refused(reader, "put_metric_data", Namespace="mine", MetricData=[{"MetricName": "m", "Value": 1}])
        watcher.put_metric_data(Namespace="mine", MetricData=[{"MetricName": "m", "Value": 1}])
        _refused(watcher, "put_metric_data", Namespace="others", MetricData=[{"MetricName": "m", "Value": 1}])
        watcher.put_metric_alarm(**alarm("c"))
        _refused(watcher, "put_metric_alarm", **alarm("d"), AlarmActions=[topic])
        # What concerns the whole broker is not for everybody.
        assert watcher.list_metrics(Namespace="AWS/AmazonMQ")["Metrics"]
        assert owner.list_metrics(Namespace="AWS/AmazonMQ")["Metrics"] == []
        _refused(owner, "put_metric_alarm", **alarm("e") | {"Namespace": "AWS/AmazonMQ"})
        stranger = speaking(wire, tmp_path / "models", broker, "AKIAOWNER0000000", "wrong")
        _refused(stranger, "describe_alarms")
        for each in (owner, reader, watcher, stranger, sns):
            each.close()


def _refused(made: Any, action: str, **given: Any) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(made, action)(**given)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
