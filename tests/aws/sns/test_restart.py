"""Restarts and kills: topics, subscriptions and what waits for endpoints come back, and nothing answered is lost."""

import json
import time
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.aws.sns.conftest import Queues
from tests.aws.sns.receiver import WAIT_S, Receiver
from tests.aws.sns.test_http import confirmed, fetch, verify
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

LIVES = 3
MESSAGES_PER_LIFE = 30
ARCHIVED = 2000
PATIENT = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 100}}


def clients(broker: BrokerProcess) -> tuple[Any, Any]:
    return client(broker, "sns"), client(broker, "sqs")


@pytest.mark.timeout(120)
def test_everything_comes_back_after_an_orderly_restart(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("aws",)) as broker:
        sns, sqs = clients(broker)
        topic = sns.create_topic(Name="t", Attributes={"DisplayName": "d"}, Tags=[{"Key": "k", "Value": "v"}])[
            "TopicArn"
        ]
        fifo = sns.create_topic(Name="f.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        queues = Queues(sqs, sns, "q")
        url = queues.subscribed(topic, FilterPolicy='{"a": ["b"]}')
        given = {"TopicArn": fifo, "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
        before = sns.publish(**given)
        attributes = {"a": {"DataType": "String", "StringValue": "b"}}
        sns.publish(TopicArn=topic, Message="1", MessageAttributes=attributes)
        (subscription,) = sns.list_subscriptions()["Subscriptions"]
        shown = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
        application = sns.create_platform_application(Name="a", Platform="GCM", Attributes={"PlatformCredential": "k"})[
            "PlatformApplicationArn"
        ]
        endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
        sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop"})
        assert broker.stop() == 0
        broker.start()
        sns, sqs = clients(broker)
        queues = Queues(sqs, sns, "q")
        (notice,) = queues.notices(url)
        verify(notice)
        sns.publish(TopicArn=topic, Message="2", MessageAttributes=attributes)
        sns.publish(TopicArn=topic, Message="3")
        assert queues.texts(url) == ["2"]
        again = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
        assert again == shown
        assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "d"
        assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "k", "Value": "v"}]
        repeated = sns.publish(**given)
        assert (repeated["MessageId"], repeated["SequenceNumber"]) == (before["MessageId"], before["SequenceNumber"])
        assert sns.publish(**{**given, "MessageDeduplicationId": "e"})["SequenceNumber"] > before["SequenceNumber"]
        assert sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]["Token"] == "t"
        assert sns.get_sms_attributes()["attributes"]["DefaultSenderID"] == "Shop"
        sns.delete_topic(TopicArn=topic)
        assert broker.stop() == 0
        broker.start()
        sns, _ = clients(broker)
        assert [each["TopicArn"] for each in sns.list_topics()["Topics"]] == [fifo]


@pytest.mark.timeout(180)
def test_what_was_answered_arrives_in_spite_of_kills(tmp_path: Path) -> None:
    """SNS answers 200 only when the message is durable, for queues and for endpoints."""
    answered: set[str] = set()
    data_dir = tmp_path / "data"
    with Receiver() as receiver, BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("aws",)) as broker:
        sns, sqs = clients(broker)
        topic = sns.create_topic(Name="t")["TopicArn"]
        url = Queues(sqs, sns, "q").subscribed(topic)
        confirmed(sns, topic, receiver, DeliveryPolicy=PATIENT)
        receiver.answer = lambda _: 503
        for life in range(LIVES):
            for number in range(MESSAGES_PER_LIFE):
                sns.publish(TopicArn=topic, Message=f"{life}-{number}")
                answered.add(f"{life}-{number}")
            broker.kill()
            broker.start()
            sns, sqs = clients(broker)
        queued = Queues(sqs, sns, "q").texts(url)
        assert len(queued) == len(set(queued))
        assert set(queued) == answered
        receiver.answer = lambda _: 200
        while not receiver.arrivals.empty():
            receiver.arrivals.get()
        arrived: set[str] = set()
        while arrived != answered:
            arrived.add(json.loads(receiver.take().body)["Message"])


@pytest.mark.timeout(120)
def test_what_waits_for_an_endpoint_leaves_memory_and_arrives(tmp_path: Path) -> None:
    """Also after a restart, which leaves all bodies on the disk."""
    texts = {str(number).ljust(1000) for number in range(300)}
    config = "[journal]\nqueue_window = 1\n"
    with Receiver() as receiver, BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config) as broker:
        sns, _ = clients(broker)
        topic = sns.create_topic(Name="t")["TopicArn"]
        confirmed(sns, topic, receiver, DeliveryPolicy=PATIENT, RawMessageDelivery="true")
        receiver.answer = lambda _: 503
        for text in texts:
            sns.publish(TopicArn=topic, Message=text)
        assert broker.stop() == 0
        receiver.answer = lambda _: 200
        while not receiver.arrivals.empty():
            receiver.arrivals.get()
        broker.start()
        arrived: set[str] = set()
        while arrived != texts:
            arrived.add(receiver.take().body.decode())


@pytest.mark.timeout(120)
def test_a_link_brings_a_subscription_back_after_a_restart(tmp_path: Path) -> None:
    """It was known only until then."""
    with Receiver() as receiver, BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",)) as broker:
        sns, _ = clients(broker)
        topic = sns.create_topic(Name="t")["TopicArn"]
        arn = confirmed(sns, topic, receiver)
        sns.publish(TopicArn=topic, Message="1")
        fetch(receiver.take().json()["UnsubscribeURL"])
        ended = receiver.take("UnsubscribeConfirmation").json()
        assert broker.stop() == 0
        broker.start()
        sns, _ = clients(broker)
        assert sns.list_subscriptions()["Subscriptions"] == []
        fetch(ended["SubscribeURL"])
        assert [each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]] == [arn]
        sns.publish(TopicArn=topic, Message="2")
        assert receiver.take().json()["Message"] == "2"
        sns.delete_topic(TopicArn=topic)


@pytest.mark.timeout(180)
def test_a_replay_goes_on_after_a_kill(tmp_path: Path) -> None:
    """It ended with the broker, and what it had not sent yet was never sent. The archive has left memory."""
    wanted = [str(number).ljust(1000) for number in range(ARCHIVED)]
    config = "[journal]\nqueue_window = 1\n"
    options = ("--dev", "--durability", "write")
    with BrokerProcess(tmp_path / "data", *options, schemes=("aws",), config=config) as broker:
        sns, sqs = clients(broker)
        archive = json.dumps({"MessageRetentionPeriod": "1"})
        given = {"FifoTopic": "true", "ArchivePolicy": archive, "ContentBasedDeduplication": "true"}
        topic = sns.create_topic(Name="t.fifo", Attributes=given)["TopicArn"]
        for first in range(0, ARCHIVED, 10):
            entries = [
                {"Id": text.strip(), "Message": text, "MessageGroupId": "g"} for text in wanted[first : first + 10]
            ]
            sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        replay = json.dumps({"PointType": "Timestamp", "StartingPoint": "2020-01-01T00:00:00Z"})
        queues = Queues(sqs, sns, "q")
        url = queues.subscribed(topic, fifo=True, ReplayPolicy=replay)
        arn = sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
        broker.kill()
        broker.start()
        sns, sqs = clients(broker)
        deadline = time.monotonic() + WAIT_S
        while sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["ReplayStatus"] != "Completed":
            assert time.monotonic() < deadline
        notices = Queues(sqs, sns, "q").notices(url)
        assert [notice["Message"] for notice in notices] == wanted
        assert all(notice["Replayed"] is True for notice in notices)
        assert broker.stop() == 0
        broker.start()
        sns, sqs = clients(broker)
        shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        assert shown["ReplayStatus"] == "Completed"
        assert Queues(sqs, sns, "q").take(url) == []


@pytest.mark.timeout(120)
def test_a_topic_whose_exchange_another_protocol_deleted_is_gone(tmp_path: Path) -> None:

    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws", "amqp")) as broker:
        sns, sqs = clients(broker)
        topic = sns.create_topic(Name="t")["TopicArn"]
        Queues(sqs, sns, "q").subscribed(topic)
        connection = pika.BlockingConnection(pika.URLParameters(broker.url))
        connection.channel().exchange_delete("t")
        connection.close()
        with pytest.raises(sns.exceptions.NotFoundException):
            sns.publish(TopicArn=topic, Message="m")
        assert sns.list_topics()["Topics"] == []
        assert broker.stop() == 0
        broker.start()
        sns, _ = clients(broker)
        assert sns.list_topics()["Topics"] == sns.list_subscriptions()["Subscriptions"] == []
        assert fetch(f"http://127.0.0.1:{broker.ports['aws']}/health") == b"ok\n"
