"""Messages that cross between SQS, AMQP and MQTT: the queue is one and the same."""

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import md5
from typing import Any

import paho.mqtt.publish as mqtt
import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

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


def publish(channel: Any, key: str, body: bytes = b"x", exchange: str = "", **fields: Any) -> None:
    channel.basic_publish(exchange, key, body, pika.BasicProperties(delivery_mode=2, **fields), mandatory=True)


def consume(channel: Any, name: str) -> tuple[Any, bytes]:
    """Properties and body of the next message, which is acknowledged."""
    method, properties, body = next(channel.consume(name, inactivity_timeout=10))
    assert method is not None
    channel.basic_ack(method.delivery_tag)
    channel.cancel()
    return properties, body


def texts(message: dict[str, Any]) -> dict[str, str]:
    """The attributes that are texts or numbers."""
    attributes = message["MessageAttributes"]
    return {name: value["StringValue"] for name, value in attributes.items() if "StringValue" in value}


def redriving(sqs: Any, name: str) -> tuple[str, str, str]:
    """A queue that redrives after one reception: its URL, its ARN, and the URL of its dead-letter queue."""
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 1})
    attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, arn_of(sqs, url), dead


def arn_of(sqs: Any, url: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


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


def test_a_message_of_amqp_says_where_it_was_published_to(sqs: Any, url: str, name: str, channel: Any) -> None:
    """The bug: routing key and exchange were lost, by which a consumer of several bindings tells messages apart."""
    channel.queue_bind(name, "amq.topic", f"{name}.#")
    publish(channel, f"{name}.paid", exchange="amq.topic", headers={"mqbroker.exchange": "forged"})
    assert texts(receive(sqs, url)) == {"mqbroker.exchange": "amq.topic", "mqbroker.routing_key": f"{name}.paid"}
    publish(channel, name)
    by_name = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["mqbroker.*"])["Messages"][0]
    assert texts(by_name) == {"mqbroker.routing_key": name}


def test_a_message_of_mqtt_has_its_topic_and_both_values_of_a_name(
    sqs: Any, url: str, name: str, channel: Any, broker: BrokerProcess
) -> None:
    """The bug: the topic was lost, and so was a user property that was there twice."""
    channel.queue_bind(name, "amq.topic", f"plant.{name}.#")
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = [("tag", "a"), ("tag", "b"), ("unit", "°C")]
    properties.ContentType = "text/plain"
    properties.CorrelationData = b"\xff\x00"
    properties.ResponseTopic = "answers/here"
    properties.MessageExpiryInterval = 60
    message: Any = {"topic": f"plant/{name}/hall", "payload": b"21.5", "qos": 1, "properties": properties}
    mqtt.multiple(
        [message],
        hostname="127.0.0.1", port=broker.ports["mqtt"], protocol=MQTTProtocolVersion.MQTTv5,
    )  # fmt: skip
    message = receive(sqs, url)
    assert texts(message) == {
        "tag": '["a","b"]', "unit": "°C", "ContentType": "text/plain", "ReplyTo": "answers.here",
        "mqbroker.topic": f"plant/{name}/hall", "mqbroker.routing_key": f"plant.{name}.hall",
        "mqbroker.exchange": "amq.topic", "mqbroker.expiration": "60000",
    }  # fmt: skip
    assert message["MessageAttributes"]["CorrelationId"] == {"DataType": "Binary", "BinaryValue": b"\xff\x00"}


def test_all_headers_are_received_and_not_only_ten(sqs: Any, url: str, name: str, channel: Any) -> None:
    """The bug: a receiver got the first ten headers by name; ten is what SQS allows who sends."""
    headers = {f"header-{number}": str(number) for number in range(30)}
    publish(channel, name, headers=headers)
    found = texts(receive(sqs, url))
    assert {key: found[key] for key in headers} == headers


def test_headers_that_have_no_type_in_sqs_are_json(sqs: Any, url: str, name: str, channel: Any) -> None:
    """The bug: lists, tables, nulls, decimals, empty texts and names with a space were lost."""
    headers = {
        "list": ["a", 1, None], "table": {"deep": {"er": [True, "ü"]}}, "null": None, "price": Decimal("1.25"),
        "true": True, "empty": "", "a name": "x",
    }  # fmt: skip
    publish(channel, name, headers=headers)
    message = receive(sqs, url)
    found = texts(message)
    assert {key: found[key] for key in headers} == {
        "list": '["a",1,null]', "table": '{"deep":{"er":[true,"ü"]}}', "null": "null", "price": "1.25", "true": "true",
        "empty": "", "a name": "x",
    }  # fmt: skip
    assert message["MessageAttributes"]["price"]["DataType"] == "Number"


FIELDS: dict[str, Any] = {"content_encoding": "gzip", "type": "order", "app_id": "shop", "timestamp": 1_700_000_000}


def test_properties_of_amqp_are_attributes_beside_headers_of_like_names(
    sqs: Any, url: str, name: str, channel: Any
) -> None:
    """The bug: type, app_id, timestamp, content_encoding and message_id of AMQP were lost."""
    headers = {"Type": "mine", "ContentType": "mine"}
    publish(
        channel, name, headers=headers, content_type="text/plain", correlation_id="c", reply_to="r", message_id="m-1",
        user_id="guest", priority=3, expiration="60000", **FIELDS,
    )  # fmt: skip
    message = receive(sqs, url)
    assert texts(message) == {
        **headers, "mqbroker.content_type": "text/plain", "CorrelationId": "c", "ReplyTo": "r",
        "mqbroker.message_id": "m-1", "mqbroker.user_id": "guest", "mqbroker.priority": "3",
        "mqbroker.expiration": "60000", "mqbroker.routing_key": name,
        **{f"mqbroker.{field}": str(value) for field, value in FIELDS.items()},
    }  # fmt: skip
    assert message["MessageAttributes"]["mqbroker.timestamp"]["DataType"] == "Number"


def test_attributes_of_these_names_are_properties_for_amqp(sqs: Any, url: str, name: str, channel: Any) -> None:
    attributes = {
        f"mqbroker.{field}": {"DataType": "String", "StringValue": str(value)} for field, value in FIELDS.items()
    }
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    properties, _ = consume(channel, name)
    assert {field: getattr(properties, field) for field in FIELDS} == FIELDS


def test_numbers_reach_amqp_as_they_were_written(sqs: Any, url: str, name: str, channel: Any) -> None:
    """The bug: the price 1.50 was 1.5 for a consumer of AMQP, and 1e3 was 1000.0."""
    numbers = {"price": "1.50", "power": "1e3", "whole": "12"}
    attributes = {key: {"DataType": "Number", "StringValue": text} for key, text in numbers.items()}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    properties, _ = consume(channel, name)
    assert properties.headers == {"price": "1.50", "power": "1e3", "whole": 12}


BASE64 = {"mqbroker.encoding": {"DataType": "String", "StringValue": "base64"}}


def test_a_body_in_base64_that_says_so_is_decoded_for_amqp_and_not_for_sqs(
    sqs: Any, url: str, name: str, channel: Any
) -> None:
    """The bug: octets of AMQP came to SQS in Base64, and went back to AMQP in Base64."""
    sent = sqs.send_message(QueueUrl=url, MessageBody="AP8=", MessageAttributes=BASE64)
    assert sent["MD5OfMessageBody"] == md5(b"AP8=").hexdigest()
    message = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MessageAttributeNames=["All"])["Messages"][0]
    assert (message["Body"], message["MessageAttributes"]) == ("AP8=", BASE64)
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    properties, body = consume(channel, name)
    assert body == b"\x00\xff"
    assert not properties.headers


@pytest.mark.parametrize("text", ["no Base64", "AP8=\n", "AP8"])
def test_a_body_that_could_not_be_given_back_as_it_was_stays_text(
    sqs: Any, url: str, name: str, channel: Any, text: str
) -> None:
    sqs.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=BASE64)
    message = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"][0]
    assert message["Body"] == text
    properties, body = consume(channel, name)
    assert body.decode() == text
    assert properties.headers == {"mqbroker.encoding": "base64"}


def test_octets_go_from_amqp_to_sqs_and_back(sqs: Any, url: str, name: str, channel: Any) -> None:
    publish(channel, name, b"\x00\xff")
    message = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody=message["Body"], MessageAttributes=message["MessageAttributes"])
    assert consume(channel, name)[1] == b"\x00\xff"


@pytest.mark.parametrize("protocol", ["amqp", "mqtt"])
def test_a_dead_letter_of_another_protocol_says_where_it_comes_from_and_goes_back_there(
    sqs: Any, name: str, channel: Any, broker: BrokerProcess, protocol: str
) -> None:
    """The bug: redriven messages of AMQP and MQTT had no DeadLetterQueueSourceArn and were counted anew."""
    url, arn, dead = redriving(sqs, name)
    if protocol == "amqp":
        publish(channel, name, headers={"k": "v"})
    else:
        channel.queue_bind(name, "amq.topic", name)
        mqtt.single(name, "x", qos=1, hostname="127.0.0.1", port=broker.ports["mqtt"])
    before = texts(receive(sqs, url))
    assert sqs.receive_message(QueueUrl=url).get("Messages", []) == []
    message = sqs.receive_message(
        QueueUrl=dead, VisibilityTimeout=0, WaitTimeSeconds=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"][0]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    assert texts(message) == before
    sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))
    again = receive(sqs, url)
    assert again["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "DeadLetterQueueSourceArn" not in again["Attributes"]
    assert texts(again) == before


def test_amqp_consumes_a_redriven_message_as_it_was_published(sqs: Any, name: str, channel: Any) -> None:
    url, _, _ = redriving(sqs, name)
    publish(channel, name, headers={"list": [1, 2]}, cluster_id="c", **FIELDS)
    receive(sqs, url)
    sqs.receive_message(QueueUrl=url)
    properties, _ = consume(channel, f"{name}-dead")
    assert (properties.headers, properties.cluster_id) == ({"list": [1, 2]}, "c")
    assert {field: getattr(properties, field) for field in FIELDS} == FIELDS
