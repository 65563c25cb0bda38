"""A real broker is killed again and again under boto3: what was answered holds."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionError as Unreachable  # type: ignore[import-untyped]
from botocore.exceptions import HTTPClientError

from tests.aws.sqs.conftest import client
from tests.support.broker_process import BrokerProcess

LIVES = 4
MESSAGES_PER_LIFE = 60


class Oracle:
    """What was answered: bodies sent, bodies deleted."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.deleted: set[str] = set()


def drain(sqs: Any, url: str) -> list[str]:
    """Everything that can be received, without waiting for what is in flight."""
    found: list[str] = []
    while True:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return found
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.timeout(180)
def test_what_was_answered_survives_kills_and_what_was_deleted_stays_deleted(tmp_path: Path) -> None:
    oracle = Oracle()
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("aws",)) as broker:
        sqs = client(broker)
        url = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        for life in range(LIVES):
            for number in range(MESSAGES_PER_LIFE):
                body = f"{life}-{number}"
                sqs.send_message(QueueUrl=url, MessageBody=body)
                oracle.sent.add(body)
                if number % 3 == 0:
                    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    oracle.deleted.add(message["Body"])
            broker.kill()
            broker.start()
        remaining = drain(sqs, url)
    assert len(remaining) == len(set(remaining))
    assert set(remaining) == oracle.sent - oracle.deleted


@pytest.mark.timeout(120)
def test_a_fifo_queue_keeps_locks_order_and_deduplication_over_a_kill(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",)) as broker:
        sqs = client(broker)
        attributes = {"FifoQueue": "true", "VisibilityTimeout": "600"}
        url = sqs.create_queue(QueueName="orders.fifo", Attributes=attributes)["QueueUrl"]
        for body in ("a1", "a2", "b1"):
            sqs.send_message(
                QueueUrl=url, MessageBody=body, MessageGroupId=body[0], MessageDeduplicationId=f"once-{body}"
            )
        (first,) = sqs.receive_message(QueueUrl=url)["Messages"]
        assert first["Body"] == "a1"
        broker.kill()
        broker.start()
        sqs.send_message(QueueUrl=url, MessageBody="a1", MessageGroupId="a", MessageDeduplicationId="once-a1")
        others = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in others] == ["b1"], "the group a is locked by a1, which is in flight"
        sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
        rest = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in rest] == ["a2"], "a1 was sent once, whatever the client repeated"


@pytest.mark.timeout(120)
def test_a_send_without_an_answer_is_there_or_not_but_never_twice(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",)) as broker:
        sqs = client(broker)
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        broker.kill()
        with pytest.raises((Unreachable, HTTPClientError)):
            sqs.send_message(QueueUrl=url, MessageBody="x")
        broker.start()
        assert drain(sqs, url) in ([], ["x"])
