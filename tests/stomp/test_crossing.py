"""Messages that cross between STOMP and AMQP 0-9-1, MQTT and SQS: bodies and properties, both ways."""

from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt.packettypes import PacketTypes

from tests.mqtt.paho_client import Paho, new_properties, told
from tests.stomp.stompy import StompPy
from tests.support.broker_process import BrokerProcess

PROPERTIES = {
    "content-type": "text/plain",
    "content-encoding": "gzip",
    "correlation-id": "c:1",
    "reply-to": "/queue/answers",
    "type": "T",
    "app-id": "app",
    "user-id": "guest",
    "amqp-message-id": "m",
    "expiration": "60000",
    "priority": "3",
    "timestamp": "1700000000",
    "own": "header",
}


@pytest.fixture
def channel(broker: BrokerProcess) -> Iterator[Any]:
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        opened = connection.channel()
        opened.confirm_delivery()
        yield opened


@pytest.fixture
def stomp(broker: BrokerProcess) -> Iterator[StompPy]:
    with StompPy(broker.ports["stomp"]) as client:
        yield client


@pytest.fixture
def sqs(broker: BrokerProcess) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def consume(channel: Any, queue: str) -> tuple[Any, bytes]:
    for _, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=15):
        assert body is not None, "nothing came"
        return properties, bytes(body)
    raise AssertionError("the queue is gone")


def test_amqp_gets_the_properties_of_stomp(stomp: StompPy, channel: Any) -> None:
    stomp.send("/queue/to-amqp", "häl\0lo", persistent="true", **PROPERTIES)
    properties, body = consume(channel, "to-amqp")
    assert body.decode() == "häl\0lo"
    assert (properties.content_type, properties.content_encoding) == ("text/plain", "gzip")
    assert (properties.correlation_id, properties.reply_to) == ("c:1", "answers")
    assert (properties.type, properties.app_id, properties.user_id) == ("T", "app", "guest")
    assert (properties.message_id, properties.expiration, properties.priority) == ("m", "60000", 3)
    assert (properties.timestamp, properties.delivery_mode) == (1_700_000_000, 2)
    assert properties.headers == {"own": "header"}


def test_stomp_gets_the_properties_of_amqp(stomp: StompPy, channel: Any) -> None:
    stomp.subscribe("/queue/from-amqp")
    texts = {name: value for name, value in PROPERTIES.items() if name not in ("own", "amqp-message-id")}
    fields: dict[str, Any] = {name.replace("-", "_"): value for name, value in texts.items()}
    fields |= {"priority": 3, "timestamp": 1_700_000_000, "message_id": "m", "reply_to": "answers"}
    headers = {
        "own": "a:b\nc",
        "number": 5,
        "truth": True,
        "table": {"a": 1},
        "list": [1],
        "nothing": None,
    }
    properties = pika.BasicProperties(delivery_mode=2, headers=headers, **fields)
    channel.basic_publish("", "from-amqp", b"h\xff\0", properties)
    message = stomp.message()
    assert message.headers["reply-to"] == "/reply-queue/answers"
    expected = {**PROPERTIES, "reply-to": "/reply-queue/answers", "own": "a:b\nc", "persistent": "true"}
    assert {name: message.headers[name] for name in expected} == expected
    found = {name: message.headers.get(name) for name in headers}
    assert found == {
        "own": "a:b\nc", "number": "5", "truth": "true", "table": None, "list": None, "nothing": None,
    }  # fmt: skip


def test_mqtt_and_stomp_meet_in_topics(broker: BrokerProcess, stomp: StompPy) -> None:
    stomp.subscribe("/topic/from.mqtt")
    with Paho(broker.ports["mqtt"], "stomp-crossing", 5) as mqtt:
        properties = new_properties(PacketTypes.PUBLISH)
        properties.ContentType = "text/plain"
        properties.CorrelationData = b"c"
        properties.ResponseTopic = "answers/here"
        properties.UserProperty = ("own", "header")
        mqtt.publish("from/mqtt", b"hello", 1, properties=properties)
        message = stomp.message()
        assert (message.body, message.headers["destination"]) == ("hello", "/topic/from.mqtt")
        found = {name: message.headers.get(name) for name in ("content-type", "correlation-id", "own", "persistent")}
        assert found == {"content-type": "text/plain", "correlation-id": "c", "own": "header", "persistent": "true"}
        assert message.headers["reply-to"] == "/reply-queue/answers.here"
        mqtt.subscribe("to/mqtt", 1)
        stomp.send("/topic/to.mqtt", "hello", persistent="true", **PROPERTIES)
        received = mqtt.message()
        assert (received.topic, received.payload, received.qos) == ("to/mqtt", b"hello", 1)
        assert told(received)["ContentType"] == "text/plain"
        assert told(received)["UserProperty"] == [("own", "header")]


def test_sqs_and_stomp_meet_in_queues(sqs: Any, stomp: StompPy) -> None:
    url = sqs.create_queue(QueueName="stomp-and-sqs")["QueueUrl"]
    stomp.send("/amq/queue/stomp-and-sqs", "hello", persistent="true", own="header")
    (received,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"])["Messages"]
    assert received["Body"] == "hello"
    assert received["MessageAttributes"]["own"]["StringValue"] == "header"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
    stomp.subscribe("/amq/queue/stomp-and-sqs", ack="client-individual")
    attributes = {"colour": {"DataType": "String", "StringValue": "red"}}
    sqs.send_message(QueueUrl=url, MessageBody="from sqs", MessageAttributes=attributes)
    message = stomp.message()
    assert (message.body, message.headers["colour"]) == ("from sqs", "red")
    stomp.client.ack(message.headers["ack"])


def test_a_dead_letter_of_stomp_keeps_its_headers(stomp: StompPy, channel: Any) -> None:
    channel.queue_declare("stomp-dead")
    channel.queue_declare(
        "stomp-dying", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "stomp-dead"}
    )
    stomp.subscribe("/queue/stomp-dead", id="dead")
    stomp.subscribe("/queue/stomp-dying", ack="client-individual")
    stomp.send("/queue/stomp-dying", "x", own="a:b", persistent="true")
    message = stomp.message()
    stomp.client.nack(message.headers["ack"], requeue="false")
    dead = stomp.message()
    assert (dead.headers["subscription"], dead.headers["own"]) == ("dead", "a:b")
    assert dead.headers["x-first-death-queue"] == "stomp-dying"


def test_an_amqp_consumer_of_a_selected_queue_gets_what_was_left(stomp: StompPy, channel: Any) -> None:
    stomp.subscribe("/queue/shared-selected", selector="colour = 'red'")
    for colour in ("blue", "red"):
        channel.basic_publish("", "shared-selected", colour.encode(), pika.BasicProperties(headers={"colour": colour}))
    assert stomp.message().body == "red"
    assert consume(channel, "shared-selected")[1] == b"blue"
