"""One broker process for each module of SNS tests, boto3 for it, and names that no other test uses."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.broker_process import BrokerProcess


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker for development: any access key will do."""
    data_dir = tmp_path_factory.mktemp("sns") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("aws", "amqp", "mqtt")) as running:
        yield running


@pytest.fixture
def topic(sns: Any, name: str) -> str:
    """A standard topic of this test's own, by its ARN."""
    return str(sns.create_topic(Name=name)["TopicArn"])


class Queues:
    """Makes queues and subscribes them."""

    def __init__(self, sqs: Any, sns: Any, name: str) -> None:
        self.sqs, self.sns, self.name = sqs, sns, name
        self.count = itertools.count(1)

    def make(self, fifo: bool = False, **attributes: str) -> str:
        """A queue, by its URL."""
        name = f"{self.name}-q{next(self.count)}"
        if fifo:
            name, attributes = f"{name}.fifo", {"FifoQueue": "true", **attributes}
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def arn(self, url: str) -> str:
        """Its ARN."""
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def subscribed(self, topic: str, fifo: bool = False, **attributes: str) -> str:
        """A queue that is subscribed to a topic with these attributes, by its URL."""
        url = self.make(fifo)
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.arn(url), Attributes=attributes)
        return url

    def take(self, url: str, wait_s: int = 0) -> list[dict[str, Any]]:
        """The messages of a queue, which are deleted."""
        found: list[dict[str, Any]] = []
        while True:
            messages = self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s, AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])  # fmt: skip
            if not messages:
                return found
            wait_s = 0
            found += messages
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def notices(self, url: str, wait_s: int = 0) -> list[dict[str, Any]]:
        """The envelopes of a queue."""
        return [json.loads(message["Body"]) for message in self.take(url, wait_s)]

    def texts(self, url: str, wait_s: int = 0) -> list[str]:
        """What was published, as a queue has it."""
        return [notice["Message"] for notice in self.notices(url, wait_s)]


@pytest.fixture
def queues(sqs: Any, sns: Any, name: str) -> Queues:
    """What makes queues."""
    return Queues(sqs, sns, name)
