"""Messages that cross between SQS, AMQP and MQTT: the queue is one and the same."""

import json
from collections.abc import Iterator
from typing import Any

import paho.mqtt.publish as mqtt
import pika  # type: ignore[import-untyped]
import pytest

from tests.support.broker_process import BrokerProcess


@pytest.fixture
def channel(broker: BrokerProcess) -> Iterator[Any]:
    """A channel of pika with confirms."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        opened = connection.channel()
        opened.confirm_delivery()
        yield opened


def receive(sqs: Any, url: str) -> dict[str, Any]:
    found: dict[str, Any] = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"][0]
    return found


def test_what_sqs_sends_is_consumed_by_amqp_with_its_attributes_as_headers(
    sqs: Any, url: str, name: str, channel: Any
) -> None:
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="grün",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "x"},
            "whole": {"DataType": "Number", "StringValue": "12"},
            "octets": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
            "ContentType": {"DataType": "String", "StringValue": "text/plain"},
        },
    )
    method, properties, body = next(channel.consume(name, inactivity_timeout=10))
    assert method is not None
    channel.basic_ack(method.delivery_tag)
    channel.cancel()
    assert body.decode() == "grün"
    assert properties.message_id == sent["MessageId"]
    assert properties.content_type == "text/plain"
    assert {key: properties.headers[key] for key in ("text", "whole", "octets")} == {
        "text": "x", "whole": 12, "octets": b"\x00\xff",
    }  # fmt: skip
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_what_amqp_publishes_is_received_by_sqs_with_its_headers_as_attributes(
    sqs: Any, url: str, name: str, channel: Any
) -> None:
    properties = pika.BasicProperties(
        delivery_mode=2, content_type="text/plain", headers={"text": "x", "whole": 12, "octets": b"\x00"}
    )
    channel.basic_publish("", name, "grün".encode(), properties, mandatory=True)
    message = receive(sqs, url)
    assert message["Body"] == "grün"
    attributes = message["MessageAttributes"]
    assert attributes["text"] == {"DataType": "String", "StringValue": "x"}
    assert attributes["whole"] == {"DataType": "Number", "StringValue": "12"}
    assert attributes["octets"] == {"DataType": "Binary", "BinaryValue": b"\x00"}
    assert attributes["ContentType"] == {"DataType": "String", "StringValue": "text/plain"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_queue_that_amqp_declared_is_taken_over_once_it_is_idle(sqs: Any, name: str, channel: Any) -> None:
    """The bug: QueueAlreadyExists for a queue that AMQP had declared, such as that of Celery before a move to SQS."""
    channel.queue_declare(name, durable=True)
    channel.queue_bind(name, "amq.direct", name)
    channel.basic_publish("", name, b"left over", pika.BasicProperties(delivery_mode=2), mandatory=True)
    with pytest.raises(sqs.exceptions.QueueNameExists, match=r"the vhost /: .* it has messages"):
        sqs.create_queue(QueueName=name)
    tag = channel.basic_consume(name, lambda *_: None, auto_ack=True)
    channel.connection.process_data_events()
    with pytest.raises(sqs.exceptions.QueueNameExists, match="it has consumers"):
        sqs.create_queue(QueueName=name)
    channel.basic_cancel(tag)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    channel.queue_declare(name, durable=True)
    channel.basic_publish("amq.direct", name, b"by its binding", pika.BasicProperties(delivery_mode=2), mandatory=True)
    assert receive(sqs, url)["Body"] == "by its binding"


def test_octets_that_are_no_text_come_in_base64_and_say_so(sqs: Any, url: str, name: str, channel: Any) -> None:
    channel.basic_publish("", name, b"\x00\xff", pika.BasicProperties(delivery_mode=2), mandatory=True)
    message = receive(sqs, url)
    assert message["Body"] == "AP8="
    assert message["MessageAttributes"]["mqbroker.encoding"]["StringValue"] == "base64"


def test_amqp_publishes_into_a_group_of_a_fifo_queue(sqs: Any, fifo: str, name: str, channel: Any) -> None:
    headers = {"MessageGroupId": "g", "MessageDeduplicationId": "once"}
    for _ in range(2):
        channel.basic_publish("", f"{name}.fifo", b"x", pika.BasicProperties(delivery_mode=2, headers=headers))
    message = receive(sqs, fifo)
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert message["Attributes"]["MessageDeduplicationId"] == "once"
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    assert sqs.receive_message(QueueUrl=fifo).get("Messages", []) == []


def test_a_dead_letter_queue_takes_the_dead_letters_of_both(sqs: Any, name: str, channel: Any) -> None:
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}-dead"}
    channel.queue_declare(f"{name}-amqp", durable=True, arguments=arguments)
    channel.basic_publish("", f"{name}-amqp", b"of amqp", pika.BasicProperties(delivery_mode=2))
    sqs.send_message(QueueUrl=url, MessageBody="of sqs")
    method, _, _ = channel.basic_get(f"{name}-amqp")
    channel.basic_reject(method.delivery_tag, requeue=False)
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    assert sqs.receive_message(QueueUrl=url).get("Messages", []) == []
    assert sorted(receive(sqs, dead)["Body"] for _ in range(2)) == ["of amqp", "of sqs"]
    channel.queue_delete(f"{name}-amqp")


def test_a_device_publishes_by_mqtt_to_an_sqs_queue_that_is_bound(
    sqs: Any, url: str, name: str, channel: Any, broker: BrokerProcess
) -> None:
    channel.queue_bind(name, "amq.topic", f"sensors.{name}.#")
    mqtt.single(f"sensors/{name}/kitchen", "21.5", qos=1, hostname="127.0.0.1", port=broker.ports["mqtt"])
    assert receive(sqs, url)["Body"] == "21.5"
