"""boto3 with a broker process: topics, queues that are subscribed, and what they get."""

import json
from typing import Any

from tests.aws.sns.conftest import Queues
from tests.support.broker_process import BrokerProcess


def test_a_queue_gets_what_is_published_in_an_envelope(sns: Any, topic: str, queues: Queues) -> None:
    """A subscriber of SNS finds nothing of what it expects in a body that is only the text."""
    url = queues.subscribed(topic)
    answer = sns.publish(
        TopicArn=topic, Message="hello", Subject="news",
        MessageAttributes={"n": {"DataType": "Number", "StringValue": "99.12"}},
    )  # fmt: skip
    (message,) = queues.take(url)
    assert list(json.loads(message["Body"])) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature",
        "SigningCertURL", "UnsubscribeURL", "MessageAttributes",
    ]  # fmt: skip
    notice = json.loads(message["Body"])
    assert notice["Type"] == "Notification"
    assert notice["MessageId"] == answer["MessageId"] != message["MessageId"]
    assert (notice["TopicArn"], notice["Subject"], notice["Message"]) == (topic, "news", "hello")
    assert notice["MessageAttributes"] == {"n": {"Type": "Number", "Value": "99.12"}}
    assert notice["SignatureVersion"] == "1"
    assert "MessageAttributes" not in message


def test_raw_delivery_is_the_message_itself(sns: Any, topic: str, queues: Queues) -> None:
    url = queues.subscribed(topic, RawMessageDelivery="true")
    attributes = {"b": {"DataType": "Binary", "BinaryValue": b"\2\3"}, "s": {"DataType": "String", "StringValue": "x"}}
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)
    (message,) = queues.take(url)
    assert message["Body"] == "hello"
    assert message["MessageAttributes"]["b"]["BinaryValue"] == b"\2\3"
    assert message["MessageAttributes"]["s"]["StringValue"] == "x"


def test_lists_and_ends(sns: Any, topic: str, queues: Queues) -> None:
    url = queues.subscribed(topic)
    listed = [each["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for each in page["Topics"]]
    assert topic in listed
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["Endpoint"] == queues.arn(url)
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sns.publish(TopicArn=topic, Message="nobody")
    assert queues.take(url) == []
    sns.delete_topic(TopicArn=topic)
    sns.delete_topic(TopicArn=topic)
    listed = [each["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for each in page["Topics"]]
    assert topic not in listed


def test_a_fan_out_keeps_one_body_for_all(sns: Any, topic: str, queues: Queues, broker: BrokerProcess) -> None:
    """A message to a hundred queues filled the disk a hundred times."""
    urls = [queues.subscribed(topic) for _ in range(10)]
    body = "one of a kind ".ljust(200_000, "x")
    sns.publish(TopicArn=topic, Message=body)
    files = [path.read_bytes() for path in broker.data_dir.rglob("*") if path.is_file()]
    assert sum(data.count(body.encode()) for data in files) == 1
    assert [len(text) for url in urls for text in queues.texts(url)] == [200_000] * 10
