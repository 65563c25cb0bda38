"""FIFO topics: order, numbers, deduplication, and what standard and FIFO queues get of it."""

import json
from typing import Any

import pytest

from tests.aws.sns.conftest import Queues


def make(sns: Any, name: str, **attributes: str) -> str:
    given = {"FifoTopic": "true", **attributes}
    return str(sns.create_topic(Name=f"{name}.fifo", Attributes=given)["TopicArn"])


def test_a_fifo_queue_gets_everything_once_and_in_order(sns: Any, name: str, queues: Queues) -> None:
    topic = make(sns, name, ContentBasedDeduplication="true")
    url = queues.subscribed(topic, fifo=True)
    answers = [sns.publish(TopicArn=topic, Message=str(n), MessageGroupId="g") for n in (1, 2, 1, 3)]
    assert answers[2]["SequenceNumber"] == answers[0]["SequenceNumber"]
    assert answers[2]["MessageId"] == answers[0]["MessageId"]
    assert len(answers[0]["SequenceNumber"]) == 20
    messages = queues.take(url)
    notices = [json.loads(message["Body"]) for message in messages]
    assert [notice["Message"] for notice in notices] == ["1", "2", "3"]
    assert [notice["SequenceNumber"] for notice in notices] == [answers[n]["SequenceNumber"] for n in (0, 1, 3)]
    assert list(notices[0]) == [
        "Type", "MessageId", "SequenceNumber", "TopicArn", "Message", "Timestamp", "UnsubscribeURL",
    ]  # fmt: skip
    attributes = messages[0]["Attributes"]
    assert attributes["MessageGroupId"] == "g"
    assert attributes["MessageDeduplicationId"] == ("6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")


def test_a_standard_queue_may_subscribe_to_a_fifo_topic(sns: Any, name: str, queues: Queues) -> None:
    topic = make(sns, name)
    plain = queues.subscribed(topic)
    raw = queues.subscribed(topic, RawMessageDelivery="true")
    sent = sns.publish(TopicArn=topic, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    for url in (plain, raw):
        (message,) = queues.take(url)
        assert "MessageGroupId" not in message["Attributes"]
        if url == plain:
            assert json.loads(message["Body"])["SequenceNumber"] == sent["SequenceNumber"]


def test_the_scope_of_ids_may_be_the_group(sns: Any, name: str, queues: Queues) -> None:
    topic = make(sns, name, FifoThroughputScope="MessageGroup")
    url = queues.subscribed(topic)
    for group in "ab":
        sns.publish(TopicArn=topic, Message=group, MessageGroupId=group, MessageDeduplicationId="same")
    assert sorted(queues.texts(url)) == ["a", "b"]
    other = make(sns, f"{name}-topic", FifoThroughputScope="Topic")
    url = queues.subscribed(other)
    for group in "ab":
        sns.publish(TopicArn=other, Message=group, MessageGroupId=group, MessageDeduplicationId="same")
    assert queues.texts(url) == ["a"]


@pytest.mark.parametrize("raw", ["false", "true"])
def test_what_a_fifo_queue_does_not_take_keeps_its_order_and_its_ids(
    sns: Any, name: str, queues: Queues, raw: str
) -> None:
    """A FIFO queue takes nothing without them, the dead-letter queue neither."""
    topic, dead = make(sns, name), queues.make(fifo=True)
    redrive = json.dumps({"deadLetterTargetArn": queues.arn(dead)})
    url = queues.subscribed(topic, fifo=True, RedrivePolicy=redrive, RawMessageDelivery=raw)
    queues.sqs.delete_queue(QueueUrl=url)
    entries = [{"Id": n, "Message": n, "MessageGroupId": "g", "MessageDeduplicationId": f"d{n}"} for n in "123"]
    sent = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]
    found = queues.take(dead)
    ids = [(each["Attributes"]["MessageGroupId"], each["Attributes"]["MessageDeduplicationId"]) for each in found]
    assert ids == [("g", "d1"), ("g", "d2"), ("g", "d3")]
    if raw == "true":
        assert [each["Body"] for each in found] == ["1", "2", "3"]
    else:
        shown = [json.loads(each["Body"]) for each in found]
        assert [each["SequenceNumber"] for each in shown] == [each["SequenceNumber"] for each in sent]


def test_batches_are_numbered_and_deduplicated(sns: Any, name: str, queues: Queues) -> None:
    """moto forgets about deduplication in batches."""
    topic = make(sns, name, ContentBasedDeduplication="true")
    url = queues.subscribed(topic, fifo=True, RawMessageDelivery="true")
    entries = [{"Id": str(n), "Message": text, "MessageGroupId": "g"} for n, text in enumerate(("x", "y", "x"))]
    sent = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]
    assert sent[0]["SequenceNumber"] == sent[2]["SequenceNumber"] < sent[1]["SequenceNumber"]
    assert [message["Body"] for message in queues.take(url)] == ["x", "y"]


def test_an_archive_is_replayed(sns: Any, name: str, queues: Queues) -> None:
    """Nobody else has it."""
    archive = json.dumps({"MessageRetentionPeriod": "30"})
    topic = make(sns, name, ArchivePolicy=archive, ContentBasedDeduplication="true")
    for number in range(5):
        attributes = {"odd": {"DataType": "String", "StringValue": str(number % 2)}}
        sns.publish(TopicArn=topic, Message=str(number), MessageGroupId="g", MessageAttributes=attributes)
    assert "BeginningArchiveTime" in sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    replay = json.dumps({"PointType": "Timestamp", "StartingPoint": "2020-01-01T00:00:00Z"})
    url = queues.subscribed(topic, fifo=True, ReplayPolicy=replay, FilterPolicy='{"odd": ["1"]}')
    assert queues.texts(url, 10) == ["1", "3"]
    plain = queues.make()
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues.arn(plain))["SubscriptionArn"]
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=replay)
    assert queues.texts(plain, 10) == ["0", "1", "2", "3", "4"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["ReplayStatus"] == "Completed"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="")
    sns.delete_topic(TopicArn=topic)


def test_an_empty_archive_policy_is_none(sns: Any, name: str) -> None:
    """It was an internal error: `{}` is what AWS's guide turns an archive off with."""
    topic = make(sns, name, ArchivePolicy='{"MessageRetentionPeriod": "30"}')
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    assert "ArchivePolicy" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    sns.delete_topic(TopicArn=topic)
    make(sns, name, ArchivePolicy="{}")
