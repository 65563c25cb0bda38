"""Trace context (W3C Trace Context: traceparent, tracestate) goes through the broker untouched, by every protocol."""

import itertools
from collections.abc import Iterator
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt.packettypes import PacketTypes

from tests.cross.ends import ENDS, SENDERS, Letter
from tests.mqtt.paho_client import Paho, new_properties, told
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(120)

CONTEXT = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "rojo=00f067aa0ba902b7",
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that speaks all of it."""
    schemes = ("amqp", "mqtt", "stomp", "aws", "ws")
    with BrokerProcess(tmp_path_factory.mktemp("trace") / "data", "--dev", schemes=schemes) as process:
        yield process


@pytest.fixture
def channel(broker: BrokerProcess) -> Iterator[Any]:
    """A channel of AMQP."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        yield connection.channel()


def attributes_of(message: dict[str, Any]) -> dict[str, str]:
    """The message attributes of SQS that are texts."""
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def test_from_amqp_to_amqp_and_mqtt(broker: BrokerProcess, channel: Any) -> None:
    """A trace ended at the broker."""
    channel.queue_declare("traced", durable=True)
    channel.queue_bind("traced", "amq.topic", "traced.amqp")
    with Paho(broker.ports["mqtt"], "traced", 5) as watcher:
        watcher.client.subscribe("traced/amqp", qos=1)
        watcher.event("subscribed")
        channel.basic_publish("amq.topic", "traced.amqp", b"x", pika.BasicProperties(headers=CONTEXT))
        assert dict(told(watcher.messages.get(timeout=10))["UserProperty"]) == CONTEXT
    assert channel.basic_get("traced", auto_ack=True)[1].headers == CONTEXT


def test_from_mqtt_to_amqp_and_sqs(broker: BrokerProcess, channel: Any) -> None:
    """What a device began could not be followed into the worker."""
    url = client(broker, "sqs").create_queue(QueueName="traced-mqtt")["QueueUrl"]
    channel.queue_declare("traced-too", durable=True)
    for name in ("traced-mqtt", "traced-too"):
        channel.queue_bind(name, "amq.topic", "traced.mqtt")
    properties = new_properties(PacketTypes.PUBLISH)
    properties.UserProperty = list(CONTEXT.items())
    with Paho(broker.ports["mqtt"], "tracing", 5) as device:
        device.client.publish("traced/mqtt", "x", qos=1, properties=properties)
        device.event("published")
    headers = channel.basic_get("traced-too", auto_ack=True)[1].headers
    assert {name: headers[name] for name in CONTEXT} == CONTEXT
    (message,) = client(broker, "sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert CONTEXT.items() <= attributes_of(message).items()


def test_from_sqs_to_sqs_and_amqp(broker: BrokerProcess, channel: Any) -> None:
    """The attribute of X-Ray, and those of W3C, arrive as they were sent."""
    sqs = client(broker, "sqs")
    url = sqs.create_queue(QueueName="traced-sqs")["QueueUrl"]
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    for _ in range(2):
        sqs.send_message(
            QueueUrl=url, MessageBody="x",
            MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in CONTEXT.items()},
            MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": header}},
        )  # fmt: skip
    asked = {"MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
    (message,) = sqs.receive_message(QueueUrl=url, **asked)["Messages"]
    assert attributes_of(message) == CONTEXT
    assert message["Attributes"]["AWSTraceHeader"] == header
    headers = channel.basic_get("traced-sqs", auto_ack=True)[1].headers
    assert CONTEXT.items() <= headers.items()


_numbers = itertools.count(1)
TOPICS = [name for name in SENDERS if name not in ("mqtt 3", "sqs", "sns")]
PAIRS = [
    *((sender, receiver) for sender in TOPICS for receiver in ENDS),
    *((sender, receiver) for sender in ("sqs", "sns") for receiver in ENDS if receiver != "mqtt"),
]  # MQTT has no word for a queue of another's


@pytest.mark.parametrize(("sender", "receiver"), PAIRS)
def test_from_every_protocol_to_every_other(broker: BrokerProcess, sender: str, receiver: str) -> None:
    """A trace that crossed from one protocol into another began anew there."""
    name = f"traced{next(_numbers)}"
    is_in_queue = sender in ("sqs", "sns")
    if is_in_queue or receiver == "sqs":
        sqs = client(broker, "sqs")
        sqs.create_queue(QueueName=name)
        sqs.close()
    with ENDS[receiver].receiver(broker, name, in_queue=is_in_queue) as receive:
        SENDERS[sender].send(broker, name, Letter("x", headers=dict(CONTEXT)))
        found = receive().headers
    assert {key: value for key, value in found.items() if key in CONTEXT} == CONTEXT
