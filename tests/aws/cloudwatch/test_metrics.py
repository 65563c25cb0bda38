"""What boto3 and the aws command line are told of metrics, on every wire."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.aws.cloudwatch.conftest import around_now, values
from tests.support.aws_clients import aws
from tests.support.broker_process import BrokerProcess


def test_metrics_of_a_queue_count_what_is_done_with_it(cloudwatch: Any, sqs: Any, name: str) -> None:
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="four")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def read(metric: str, stat: str = "Sum") -> float:
        # A minute may end meanwhile.
        return sum(values(cloudwatch, "AWS/SQS", metric, stat, QueueName=name))

    assert read("NumberOfMessagesSent") == 3
    assert read("NumberOfMessagesReceived") == 1
    assert read("NumberOfMessagesDeleted") == 1
    assert read("SentMessageSize") == 12
    assert values(cloudwatch, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", QueueName=name)[0] == 2
    listed = cloudwatch.list_metrics(Namespace="AWS/SQS", Dimensions=[{"Name": "QueueName", "Value": name}])
    names = {metric["MetricName"] for metric in listed["Metrics"]}
    assert len(names) == 16
    assert "ApproximateAgeOfOldestMessage" in names


def test_metrics_of_a_topic(cloudwatch: Any, sns: Any, name: str) -> None:
    arn = sns.create_topic(Name=name)["TopicArn"]
    sns.publish(TopicArn=arn, Message="hello")
    assert sum(values(cloudwatch, "AWS/SNS", "NumberOfMessagesPublished", TopicName=name)) == 1
    assert sum(values(cloudwatch, "AWS/SNS", "PublishSize", TopicName=name)) == 5


def test_metrics_of_amazon_mq(cloudwatch: Any, broker: BrokerProcess, name: str) -> None:
    """Alarms and dashboards made for Amazon MQ would have nothing to show."""
    with pika.BlockingConnection(pika.ConnectionParameters(port=broker.ports["amqp"])) as connection:
        channel = connection.channel()
        channel.queue_declare(name)
        channel.confirm_delivery()
        channel.basic_publish("", name, b"x")
        found = {"Broker": "mqbroker", "VirtualHost": "/", "Queue": name}
        assert values(cloudwatch, "AWS/AmazonMQ", "MessageReadyCount", "Maximum", **found)[0] == 1
        assert values(cloudwatch, "AWS/AmazonMQ", "ConnectionCount", "Maximum", Broker="mqbroker")[0] >= 1
        assert values(cloudwatch, "AWS/AmazonMQ", "ChannelCount", "Maximum", Broker="mqbroker")[0] >= 1
        assert sum(values(cloudwatch, "AWS/AmazonMQ", "EnqueueCount", Broker="mqbroker-1", Queue=name)) == 1
        listed = cloudwatch.list_metrics(Namespace="AWS/AmazonMQ")["Metrics"]
    of_broker = {
        metric["MetricName"] for metric in listed if metric["Dimensions"] == [{"Name": "Broker", "Value": "mqbroker"}]
    }
    assert of_broker == {
        "ExchangeCount", "QueueCount", "ConnectionCount", "ChannelCount", "ConsumerCount", "MessageCount",
        "MessageReadyCount", "MessageUnacknowledgedCount", "PublishRate", "ConfirmRate", "AckRate",
        "SystemCpuUtilization", "RabbitMQMemLimit", "RabbitMQMemUsed", "RabbitMQDiskFreeLimit", "RabbitMQDiskFree",
        "RabbitMQFdUsed",
    }  # fmt: skip


def test_what_clients_put_in_is_added_up(cloudwatch: Any, name: str) -> None:
    at = datetime.now(UTC) - timedelta(minutes=3)
    dimensions = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    common = {"MetricName": "m", "Dimensions": dimensions, "Timestamp": at, "Unit": "Seconds"}
    data = [
        {**common, "Value": 2.5},
        {**common, "Values": [1, 4], "Counts": [2, 1]},
        {**common, "StatisticValues": {"SampleCount": 2, "Sum": 10, "Minimum": 0.5, "Maximum": 9.5}},
    ]
    cloudwatch.put_metric_data(Namespace=name, MetricData=data)
    answer = cloudwatch.get_metric_statistics(
        Namespace=name, MetricName="m", Dimensions=dimensions[::-1], Period=300,
        Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"], **around_now(),
    )  # fmt: skip
    (point,) = answer["Datapoints"]
    assert answer["Label"] == "m"
    assert point.pop("Timestamp") <= at
    assert point == {
        "SampleCount": 6, "Sum": 18.5, "Average": 18.5 / 6, "Minimum": 0.5, "Maximum": 9.5, "Unit": "Seconds",
    }  # fmt: skip
    assert values(cloudwatch, name, "m", "Maximum", a="1", b="2") == [9.5]
    assert values(cloudwatch, name, "m", "Maximum", a="1") == []


def test_percentiles_of_what_is_known_one_by_one(cloudwatch: Any, name: str) -> None:
    now = datetime.now(UTC)
    data = [
        {"MetricName": "m", "Timestamp": now - timedelta(minutes=1 + number), "Value": float(number)}
        for number in range(5)
    ]
    cloudwatch.put_metric_data(Namespace=name, MetricData=data)
    answer = cloudwatch.get_metric_statistics(
        Namespace=name, MetricName="m", Period=600, ExtendedStatistics=["p50", "p99.9"],
        StartTime=now - timedelta(minutes=9), EndTime=now + timedelta(minutes=1),
    )  # fmt: skip
    (point,) = answer["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 2.0, "p99.9": 4.0}


def test_pages_of_data_and_of_metrics(cloudwatch: Any, name: str) -> None:
    now = datetime.now(UTC)
    for start in range(0, 600, 300):  # so many that their request is compressed
        data = [{"MetricName": f"m{number:03}", "Value": 1.0} for number in range(start, start + 300)]
        cloudwatch.put_metric_data(Namespace=name, MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=name))
    assert [len(page["Metrics"]) for page in pages] == [500, 100]
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {"Metric": {"Namespace": name, "MetricName": f"m{number:03}"}, "Period": 60, "Stat": "Sum"},
        }
        for number in range(10)
    ]
    pages = list(
        cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=2),
            MaxDatapoints=4,
        )
    )  # fmt: skip
    results = [result for page in pages for result in page["MetricDataResults"]]
    assert len(pages) == 3
    assert [result["Id"] for result in results] == [query["Id"] for query in queries]
    assert all(result["Values"] == [1.0] for result in results)


def test_a_page_is_over_when_much_was_looked_through(cloudwatch: Any, name: str) -> None:
    """A page in which nothing was found cost as much time as there are minutes of five hundred metrics."""
    now = datetime.now(UTC)
    old = [now - timedelta(days=5, minutes=number) for number in range(20)]
    data = [{"MetricName": f"m{each}", "Value": 1.0, "Timestamp": at} for each in range(3) for at in old]
    cloudwatch.put_metric_data(Namespace=name, MetricData=data)
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {"Metric": {"Namespace": name, "MetricName": f"m{number}"}, "Period": 60, "Stat": "Sum"},
        }
        for number in range(3)
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - timedelta(minutes=30), EndTime=now - timedelta(minutes=1),
        MaxDatapoints=10,
    )  # fmt: skip
    assert [[result["Id"] for result in page["MetricDataResults"]] for page in pages] == [["q0"], ["q1"], ["q2"]]


VALUE, COMBINATION, VALIDATION = "InvalidParameterValue", "InvalidParameterCombination", "ValidationError"
A_MINUTE = {"Namespace": "n", "MetricName": "m", "Period": 60}
SUM = {"Id": "a", "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}


def one(**datum: Any) -> dict[str, Any]:
    """One datum for PutMetricData."""
    return {"Namespace": "n", "MetricData": [{"MetricName": "m", **datum}]}


@pytest.mark.parametrize(
    ("action", "given", "code"),
    [
        ("put_metric_data", {**one(Value=1), "Namespace": "AWS/SQS"}, VALUE),
        ("put_metric_data", {"Namespace": "n", "MetricData": []}, VALUE),
        ("put_metric_data", one(), COMBINATION),
        ("put_metric_data", one(Value=float("inf")), "*"),
        ("put_metric_data", one(Value=1e200), VALUE),
        ("put_metric_data", one(Value=1, Unit="Miles"), VALUE),
        ("put_metric_data", one(Values=[1.0], Counts=[1.0, 2.0]), VALUE),
        ("put_metric_data", one(Value=1, Timestamp=datetime(2020, 1, 1, tzinfo=UTC)), VALUE),
        ("list_metrics", {"NextToken": "!!"}, "InvalidNextToken"),
        ("get_metric_statistics", {**A_MINUTE, "Period": 61, "Statistics": ["Sum"], **around_now()}, VALUE),
        ("get_metric_statistics", {**A_MINUTE, **around_now()}, COMBINATION),
        ("get_metric_statistics", {**A_MINUTE, "ExtendedStatistics": ["tm99"], **around_now()}, VALUE),
        ("get_metric_statistics", {**A_MINUTE, "Statistics": ["Sum"], "StartTime": 0, "EndTime": 9999999}, COMBINATION),
        ("get_metric_data", {"MetricDataQueries": [{"Id": "a", "Expression": "1+1"}], **around_now()}, VALIDATION),
        ("get_metric_data", {"MetricDataQueries": [{"Id": "A"}], **around_now()}, VALIDATION),
        ("get_metric_data", {"MetricDataQueries": [], **around_now()}, VALIDATION),
        ("get_metric_data", {"MetricDataQueries": [SUM], "MaxDatapoints": 0, **around_now()}, VALIDATION),
        ("get_metric_data", {"MetricDataQueries": [SUM], "MaxDatapoints": -1, **around_now()}, VALIDATION),
        ("list_metrics", {"Dimensions": [{"Name": "a"}] * 11}, VALUE),
        ("describe_alarms", {"AlarmNames": ["a"] * 101}, VALIDATION),
        ("put_metric_data", one(Value=1, Dimensions=[{"Name": "a", "Value": "é"}]), VALUE),
    ],
)  # fmt: skip
def test_what_is_refused(cloudwatch: Any, action: str, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloudwatch, action)(**given)
    found = caught.value.response
    assert 400 <= found["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert code in ("*", found["Error"]["Code"])
    # JSON that cannot be read has no message, as on AWS: older SDKs write Infinity.
    assert found["Error"]["Message"] or found["Error"]["Code"] == "SerializationException"


def test_the_command_line(broker: BrokerProcess, name: str) -> None:
    place = ("--endpoint-url", f"http://127.0.0.1:{broker.ports['aws']}")
    aws("cloudwatch", "put-metric-data", "--namespace", name, "--metric-name", "m", "--value", "7", *place)
    listed = aws("cloudwatch", "list-metrics", "--namespace", name, *place)
    assert listed["Metrics"] == [{"Namespace": name, "MetricName": "m", "Dimensions": []}]
    query = [{"Id": "a", "MetricStat": {"Metric": {"Namespace": name, "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}]
    times = {key: value.isoformat() for key, value in around_now().items()}
    found = aws(
        "cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(query),
        "--start-time", times["StartTime"], "--end-time", times["EndTime"], *place,
    )  # fmt: skip
    assert found["MetricDataResults"][0]["Values"] == [7.0]
