"""A broker in which nothing else happens: whatever one input has left to be done is done, and nobody has to nudge it.

Nothing is published on $SYS here, no client sends heartbeats, and no other connection says a word meanwhile.
"""

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from mqbroker.limits import INPUT_BYTES
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp

TIMEOUT_S = 20
QUIET = "[mqtt]\nsystem_interval_s = 0\n"
DEAD = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}


@pytest.fixture(scope="module", params=["fsync", "memory"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir = tmp_path_factory.mktemp("quiet") / "data"
    options = ("--dev", "--durability", request.param)
    with BrokerProcess(data_dir, *options, schemes=("amqp", "mqtt", "aws"), config=QUIET) as running:
        yield running


@pytest.fixture
def sqs(broker: BrokerProcess) -> Iterator[Any]:
    """boto3's client, which tries nothing twice."""
    made = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, read_timeout=TIMEOUT_S),
    )
    yield made
    made.close()


def amqp(broker: BrokerProcess) -> RawAmqp:
    client = RawAmqp(broker.ports["amqp"])
    client.open()
    return client


def watcher(broker: BrokerProcess) -> RawAmqp:
    """Somebody who waits for dead letters."""
    client = amqp(broker)
    client.declare("dead", durable=True)
    client.consume("dead", no_ack=True)
    return client


# --- SQS ------------------------------------------------------------------------------------------------------------


def test_a_long_poll_ends_when_its_time_is_up(sqs: Any) -> None:
    """The bug: no turn followed a request that was not answered yet, so its deadline was never armed."""
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    for wait_s in (1, 2):
        assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait_s)


def test_what_is_delayed_comes_to_a_poll_that_waits_for_it(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="late")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=1)
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, VisibilityTimeout=1)["Messages"]
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["MessageId"] == message["MessageId"]


# --- AMQP -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4 * INPUT_BYTES])
def test_a_message_that_nobody_answers_for_expires_in_time(broker: BrokerProcess, size: int) -> None:
    with watcher(broker) as waiting, amqp(broker) as client:
        client.declare("jobs", durable=True, arguments=DEAD)
        client.publish("jobs", bytes(size), delivery_mode=2, expiration="100")
        assert len(waiting.delivery().body) == size


def test_what_a_consumer_held_that_was_cut_expires_in_time(broker: BrokerProcess) -> None:
    with watcher(broker) as waiting:
        consumer = amqp(broker)
        consumer.declare("held", durable=True, arguments={**DEAD, "x-message-ttl": 1000})
        consumer.consume("held")
        consumer.publish("held", b"held", delivery_mode=2)
        assert consumer.delivery().body == b"held"
        consumer.close()
        assert waiting.delivery().body == b"held"


# --- MQTT -----------------------------------------------------------------------------------------------------------


def mqtt(broker: BrokerProcess, connect: p.Connect) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", broker.ports["mqtt"]), TIMEOUT_S)
    client.sendall(encode(connect, c.V5))
    assert client.recv(4096)[0] == c.CONNACK << 4
    return client


def test_the_will_of_a_client_that_was_cut_is_published_after_its_delay(broker: BrokerProcess) -> None:
    with closing(mqtt(broker, p.Connect("watcher"))) as waiting:
        waiting.sendall(encode(p.Subscribe(1, [p.TopicFilter("gone")]), c.V5))
        assert waiting.recv(4096)[0] == c.SUBACK << 4
        will = p.Will("gone", b"bye", properties={"will_delay_interval": 1})
        mqtt(broker, p.Connect("x", will=will, properties={"session_expiry_interval": 100})).close()
        assert b"bye" in waiting.recv(4096)
