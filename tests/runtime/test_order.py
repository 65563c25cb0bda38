"""In a turn of the loop, who has published hears of it before anybody is delivered anything.

The clients that need it publish and consume in one process, and close when the answer to a request has come: what they
still wait for then is an error to them (NestJS's RMQ transport, amqp-connection-manager).
"""

import select
from collections.abc import Iterator
from typing import Any

import pytest

from mqbroker.limits import LARGE_PIECE_BYTES
from mqbroker.protocols.mqtt.codec import packets as p
from tests.runtime.test_reading import call
from tests.support.amqp_talk import Talk
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.raw_http import RawHttp
from tests.support.raw_mqtt import RawMqtt

TIMEOUT_S = 20.0
SIZES = pytest.mark.parametrize("size", [10, LARGE_PIECE_BYTES, 200_000])


@pytest.fixture(scope="module", params=["memory", "write"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker whose confirms leave in the turn in which the message came."""
    data_dir = tmp_path_factory.mktemp("order") / "data"
    options = ("--dev", "--durability", request.param)
    with BrokerProcess(data_dir, *options, schemes=("amqp", "mqtt", "aws")) as process:
        yield process


@pytest.fixture
def client(broker: BrokerProcess) -> Iterator[RawAmqp]:
    with RawAmqp(broker.ports["amqp"]) as made:
        made.open()
        yield made


@pytest.fixture
def other(broker: BrokerProcess) -> Iterator[RawAmqp]:
    with RawAmqp(broker.ports["amqp"]) as made:
        made.open()
        yield made


class Recorder(Talk):
    """Keeps what would be sent."""

    octets = b""

    def write(self, data: bytes) -> None:
        self.octets += data


def is_readable(connection: Any, timeout_s: float) -> bool:
    return bool(select.select([connection.socket], [], [], timeout_s)[0])


def assert_told_first(publisher: Any, consumer: Any) -> None:
    """What the consumer is sent is there no sooner than what the publisher is sent."""
    assert is_readable(consumer, TIMEOUT_S)
    assert is_readable(publisher, 0), "the delivery was written before the confirm"


# --- AMQP -----------------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("delivery_mode", [1, 2])
@pytest.mark.parametrize("channel", [1, 2], ids=["one channel", "two channels"])
def test_a_confirm_goes_before_the_delivery_on_one_connection(
    client: RawAmqp, size: int, delivery_mode: int, channel: int
) -> None:
    """The fault: the delivery of a transient publish was on the wire before its confirm."""
    queue = client.declare()
    client.call("confirm.select")
    if channel == 2:
        client.call("channel.open", 2)
    client.consume(queue, channel=channel, no_ack=True)
    for _ in range(3):
        client.publish(queue, bytes(size), delivery_mode=delivery_mode)
        assert [client.next().name for _ in range(2)] == ["basic.ack", "basic.deliver"]


@SIZES
def test_a_confirm_goes_before_the_delivery_on_another_connection(client: RawAmqp, other: RawAmqp, size: int) -> None:
    queue = client.declare(exclusive=False, auto_delete=True)
    client.call("confirm.select")
    other.consume(queue, no_ack=True)
    for _ in range(20):
        client.publish(queue, bytes(size))
        assert_told_first(client, other)
        client.expect("basic.ack")
        other.delivery()


def test_confirms_overtake_nothing_but_deliveries(client: RawAmqp) -> None:
    """Answers, returns and what was delivered before them stay in their order."""
    queue = client.declare()
    client.consume(queue, no_ack=True)
    written = Recorder()
    written.publish(queue, b"before")
    written.send("confirm.select")
    written.publish(queue, b"1")
    written.publish("nowhere", mandatory=True)
    written.publish(queue, b"2")
    written.send("basic.qos", prefetch_count=1)
    written.publish(queue, b"3")
    client.write(written.octets)
    received = [client.next() for _ in range(8)]
    assert [each.name for each in received] == [
        "basic.deliver", "confirm.select-ok", "basic.deliver", "basic.return", "basic.deliver", "basic.qos-ok",
        "basic.ack", "basic.deliver",
    ]  # fmt: skip
    assert received[6].args == {"delivery_tag": 4, "multiple": True}


@pytest.mark.parametrize("durable", [False, True])
def test_the_answer_to_a_commit_goes_before_what_it_delivers(client: RawAmqp, durable: bool) -> None:
    queue = client.declare(durable=durable, exclusive=False, auto_delete=True)
    client.call("tx.select")
    client.consume(queue, no_ack=True)
    client.publish(queue, b"1", delivery_mode=2)
    client.send("tx.commit")
    assert [client.next().name for _ in range(2)] == ["tx.commit-ok", "basic.deliver"]


@pytest.mark.parametrize("durable", [False, True])
def test_the_answer_to_a_commit_goes_before_what_others_are_delivered(
    client: RawAmqp, other: RawAmqp, durable: bool
) -> None:
    queue = client.declare(durable=durable, exclusive=False, auto_delete=True)
    client.call("tx.select")
    other.consume(queue, no_ack=True)
    for _ in range(20):
        client.publish(queue, b"1", delivery_mode=2)
        client.send("tx.commit")
        assert_told_first(client, other)
        client.expect("tx.commit-ok")
        other.delivery()


# --- MQTT -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mqtt(broker: BrokerProcess) -> Iterator[RawMqtt]:
    with RawMqtt(broker.ports["mqtt"]) as made:
        made.connect("")
        yield made


@pytest.fixture
def subscriber(broker: BrokerProcess) -> Iterator[RawMqtt]:
    with RawMqtt(broker.ports["mqtt"]) as made:
        made.connect("")
        yield made


@SIZES
@pytest.mark.parametrize("subscribed", [0, 1])
def test_a_puback_goes_before_the_message_on_one_connection(mqtt: RawMqtt, size: int, subscribed: int) -> None:
    mqtt.send(p.Subscribe(1, [p.TopicFilter("order/one", subscribed)]))
    mqtt.receive()
    for number in range(1, 4):
        mqtt.send(p.Publish("order/one", bytes(size), 1, packet_id=number))
        answer, message = mqtt.receive(), mqtt.receive()
        assert (type(answer).__name__, answer.packet_id) == ("Ack", number)
        assert isinstance(message, p.Publish)


@SIZES
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("subscribed", [0, 1])
def test_a_publisher_is_answered_before_others_have_the_message(
    mqtt: RawMqtt, subscriber: RawMqtt, size: int, qos: int, subscribed: int
) -> None:
    subscriber.send(p.Subscribe(1, [p.TopicFilter("order/two", subscribed)]))
    subscriber.receive()
    for number in range(1, 11):
        mqtt.send(p.Publish("order/two", bytes(size), qos, packet_id=number))
        assert_told_first(mqtt, subscriber)
        assert mqtt.receive().packet_id == number
        assert isinstance(subscriber.receive(), p.Publish)


# --- SQS ------------------------------------------------------------------------------------------------------------


def test_a_send_is_answered_before_another_client_receives_the_message(broker: BrokerProcess) -> None:
    url = "http://localhost/000000000000/order"
    with RawHttp(broker.ports["aws"]) as sender, RawHttp(broker.ports["aws"]) as poller:
        sender.send(call("CreateQueue", '{"QueueName": "order"}'))
        sender.answer()
        for _ in range(10):
            poller.send(call("ReceiveMessage", f'{{"QueueUrl": "{url}", "WaitTimeSeconds": 20}}'))
            sender.send(call("SendMessage", f'{{"QueueUrl": "{url}", "MessageBody": "x"}}'))
            assert_told_first(sender, poller)
            assert (sender.answer()[0], poller.answer()[0]) == (200, 200)
