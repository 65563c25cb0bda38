"""pika's SelectConnection: publishers and consumers that never block, and come back when the broker does."""

import threading
from collections.abc import Iterator

import pika  # type: ignore[import-untyped]
import pytest

from tests.clients.select_client import SelectClient
from tests.support.broker_process import START_TIMEOUT_S, BrokerProcess

PERSISTENT = pika.BasicProperties(delivery_mode=2)


@pytest.fixture
def client(broker: BrokerProcess) -> Iterator[SelectClient]:
    made = SelectClient(broker.url)
    made.connect()
    yield made
    made.close()


def numbered(start: int, end: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, end)]


def test_every_publish_of_a_stream_is_confirmed(client: SelectClient) -> None:
    queue = client.declare("", exclusive=True)
    client.confirm()
    for body in numbered(0, 5000):
        client.channel.basic_publish("", queue, body, PERSISTENT)
    client.run_until(lambda: client.confirmed() == 5000)
    assert {method.NAME for method in client.confirms} == {"Basic.Ack"}
    client.consume(queue)
    client.run_until(lambda: len(client.delivered) == 5000)
    assert [body for _, body in client.delivered] == numbered(0, 5000)


def test_a_mandatory_message_for_nobody_is_returned_before_it_is_confirmed(client: SelectClient) -> None:
    client.confirm()
    client.channel.basic_publish("amq.topic", "nobody", b"back", mandatory=True)
    client.run_until(lambda: bool(client.confirms))
    assert client.returned == [(312, b"back")]


def test_a_full_queue_refuses_by_nack(client: SelectClient) -> None:
    queue = client.declare("", exclusive=True, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    client.confirm()
    for body in numbered(0, 4):
        client.channel.basic_publish("", queue, body)
    client.run_until(lambda: client.confirmed() == 4)
    refused = [method.delivery_tag for method in client.confirms if method.NAME == "Basic.Nack"]
    assert refused
    assert max(refused) == 4


def test_a_cancelled_consumer_gets_nothing_more(client: SelectClient) -> None:
    queue = client.declare("", exclusive=True)
    client.consume(queue, consumer_tag="mine")
    client.channel.basic_publish("", queue, b"first")
    client.run_until(lambda: len(client.delivered) == 1)
    client.call(lambda done: client.channel.basic_cancel("mine", callback=done))
    client.channel.basic_publish("", queue, b"second")
    frame = client.call(lambda done: client.channel.queue_declare(queue, passive=True, callback=done))
    assert (frame.method.message_count, frame.method.consumer_count) == (1, 0)
    assert client.delivered == [(False, b"first")]


def test_many_channels_share_a_connection(client: SelectClient) -> None:
    queue = client.declare("", exclusive=True)
    channels = [client.call(lambda done: client.connection.channel(on_open_callback=done)) for _ in range(100)]
    for number, channel in enumerate(channels):
        channel.basic_publish("", queue, b"%d" % number)
    client.consume(queue)
    client.run_until(lambda: len(client.delivered) == 100)
    assert sorted((body for _, body in client.delivered), key=int) == numbered(0, 100)


def test_a_client_comes_back_after_a_kill_and_finds_what_was_confirmed(broker: BrokerProcess, name: str) -> None:
    client = SelectClient(broker.url)
    client.connect()
    client.declare(name, durable=True)
    client.confirm()
    for body in numbered(0, 200):
        client.channel.basic_publish("", name, body, PERSISTENT)
    client.run_until(lambda: client.confirmed() == 200)
    broker.kill()
    client.run_until(lambda: bool(client.closed))
    starter = threading.Thread(target=broker.start)
    starter.start()
    client.connect()
    starter.join(START_TIMEOUT_S)
    assert not starter.is_alive(), "the broker has not started"
    client.consume(name)
    client.run_until(lambda: len(client.delivered) == 200)
    assert client.delivered == [(True, body) for body in numbered(0, 200)]
    client.close()
