"""Topics and subscriptions that the configuration names, and what metrics say of them."""

import urllib.request
from pathlib import Path

import pytest

from tests.aws.sns.conftest import Queues
from tests.aws.sns.receiver import Receiver
from tests.aws.sqs.test_config_queues import start_and_fail
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

CONFIG = """
[[aws.queues]]
name = "invoices"

[[aws.topics]]
name = "orders"
attributes = {{ DisplayName = "Orders" }}
tags = {{ team = "shop" }}

[[aws.subscriptions]]
topic = "orders"
endpoint = "invoices"
attributes = {{ RawMessageDelivery = "true", FilterPolicy = '{{"kind": ["a"]}}' }}

[[aws.subscriptions]]
topic = "orders"
protocol = "http"
endpoint = "{url}/in"
"""


def test_what_is_named_is_there_once(tmp_path: Path) -> None:
    with Receiver() as receiver:
        config = CONFIG.format(url=receiver.url)
        with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config) as broker:
            for _ in range(2):
                sns, sqs = client(broker, "sns"), client(broker, "sqs")
                topic = "arn:aws:sns:us-east-1:000000000000:orders"
                assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "Orders"
                assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 2
                attributes = {"kind": {"DataType": "String", "StringValue": "a"}}
                sns.publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
                sns.publish(TopicArn=topic, Message="filtered")
                url = sqs.get_queue_url(QueueName="invoices")["QueueUrl"]
                (message,) = Queues(sqs, sns, "q").take(url)
                assert message["Body"] == "m"
                assert {receiver.take().json()["Message"] for _ in range(2)} == {"m", "filtered"}
                page = f"http://127.0.0.1:{broker.ports['aws']}/_mqbroker/metrics"
                with urllib.request.urlopen(page, timeout=10) as answer:
                    metrics = answer.read().decode()
                labels = '{TopicName="orders",account="000000000000",region="us-east-1"}'
                assert f"NumberOfMessagesPublished_total{labels} 2.0" in metrics
                assert f"NumberOfNotificationsFilteredOut_total{labels} 1.0" in metrics
                assert broker.stop() == 0
                broker.start()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[[aws.topics]]\nname = "a b"\n', "the topic 'a b' of aws cannot be made: Invalid parameter: Topic Name"),
        ("[[aws.topics]]\n", "a topic of aws needs a name"),
        ('[[aws.subscriptions]]\ntopic = "t"\n', "a subscription of aws needs a topic and an endpoint"),
        (
            '[[aws.subscriptions]]\ntopic = "t"\nendpoint = "q"\n',
            "the subscription of 'q' of aws cannot be made: Topic does not exist",
        ),
        ('[aws.sns]\nsmtp_url = "mail"\n', "aws.sns.smtp_url must be a URL such as smtp://host, not 'mail'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(tmp_path: Path, config: str, said: str) -> None:
    text = start_and_fail(tmp_path, config)
    assert said in text
    assert "Traceback" not in text
