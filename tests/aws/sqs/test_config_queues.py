"""Queues that the configuration file names are there from the first start on, and what became of them is kept."""

from pathlib import Path
from typing import Any

from tests.aws.sqs.conftest import client
from tests.support.broker_process import BrokerProcess

CONFIG = """
[[aws.accounts]]
id = "111122223333"
vhost = "/"

[[aws.queues]]
name = "orders"
attributes = { VisibilityTimeout = "60", DelaySeconds = "1" }
tags = { team = "shop" }

[[aws.queues]]
name = "invoices.fifo"
account = "111122223333"
region = "eu-west-1"
attributes = { FifoQueue = "true", ContentBasedDeduplication = "true" }
"""


def attributes(sqs: Any, url: str) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def test_queues_of_the_configuration_are_made_once(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=CONFIG) as broker:
        sqs = client(broker)
        (url,) = sqs.list_queues()["QueueUrls"]
        assert attributes(sqs, url)["VisibilityTimeout"] == "60"
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "shop"}
        other = client(broker, key="111122223333", region="eu-west-1")
        fifo = other.get_queue_url(QueueName="invoices.fifo")["QueueUrl"]
        assert attributes(other, fifo)["QueueArn"] == "arn:aws:sqs:eu-west-1:111122223333:invoices.fifo"
        other.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "90"})
        sqs.close()
        other.close()
        assert broker.stop() == 0
        broker.start()
        sqs, other = client(broker), client(broker, key="111122223333", region="eu-west-1")
        assert attributes(sqs, url)["VisibilityTimeout"] == "90"
        assert attributes(other, fifo)["ApproximateNumberOfMessages"] == "1"
        sqs.close()
        other.close()


def start_and_fail(tmp_path: Path, config: str) -> str:
    """What a broker says that does not start."""
    broker = BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config)
    try:
        broker.start()
    except AssertionError as error:
        assert broker.process is not None
        assert broker.process.wait(20) != 0
        if broker.process.stdout is not None:
            broker.process.stdout.close()
        return str(error)
    broker.stop()
    raise AssertionError("the broker started")


def test_a_queue_that_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    said = start_and_fail(tmp_path, '[[aws.queues]]\nname = "orders"\nattributes = { VisibilityTimeout = "x" }\n')
    assert "the queue 'orders' of aws cannot be made: Invalid value for the parameter VisibilityTimeout." in said
    assert "Traceback" not in said
