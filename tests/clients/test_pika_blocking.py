"""pika's BlockingConnection: what most scripts and many services talk to the broker with."""

import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]
from pika.exceptions import (  # type: ignore[import-untyped]
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    NackError,
    ProbableAuthenticationError,
    UnroutableError,
)

from tests.support.broker_process import BrokerProcess

PERSISTENT = pika.BasicProperties(delivery_mode=2)
TIMEOUT_S = 15


def connect(broker: BrokerProcess) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(broker.url))


def process_until(connection: pika.BlockingConnection, found: list[Any], count: int) -> None:
    """Lets the connection work until its callbacks have found `count` things."""
    deadline = time.monotonic() + TIMEOUT_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} after {TIMEOUT_S} s"
        connection.process_data_events(time_limit=1)


@pytest.fixture
def connection(broker: BrokerProcess) -> Iterator[pika.BlockingConnection]:
    opened = connect(broker)
    yield opened
    if opened.is_open:
        opened.close()


@pytest.fixture
def channel(connection: pika.BlockingConnection) -> BlockingChannel:
    return connection.channel()


def collect(channel: BlockingChannel, queue: str, count: int) -> list[bytes]:
    """Consumes and acknowledges the `count` messages that the queue holds, or is about to."""
    bodies: list[bytes] = []
    for method, _, body in channel.consume(queue, inactivity_timeout=TIMEOUT_S):
        assert method is not None, f"{len(bodies)} of {count} messages came"
        channel.basic_ack(method.delivery_tag)
        bodies.append(body)
        if len(bodies) == count:
            break
    assert channel.cancel() == 0, "more messages came than were expected"
    return bodies


def test_a_message_goes_round_with_every_property(channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    headers = {"text": "ä", "number": -5, "big": 1 << 40, "flag": True, "list": [1, "two", None], "table": {"a": b"b"}}
    sent = pika.BasicProperties(
        content_type="application/json", content_encoding="utf-8", headers=headers, delivery_mode=2, priority=3,
        correlation_id="c", reply_to="r", expiration="60000", message_id="m", timestamp=1_700_000_000, type="t",
        user_id="guest", app_id="a", cluster_id="k",
    )  # fmt: skip
    channel.basic_publish("", queue, b"body", sent)
    method, properties, body = channel.basic_get(queue, auto_ack=True)
    assert (method.exchange, method.routing_key, method.redelivered, body) == ("", queue, False, b"body")
    assert vars(properties) == vars(sent)


@pytest.mark.parametrize("size", [0, 1, 131_064, 131_065, 5_000_000, 22_000_000])
def test_a_body_of_any_size_comes_back_whole(channel: BlockingChannel, size: int) -> None:
    """Bodies above 16 MiB were refused, where RabbitMQ 3.13, whose name is in connection.start, takes 128."""
    queue = channel.queue_declare("", exclusive=True).method.queue
    body = bytes(range(251)) * (size // 251 + 1)
    channel.basic_publish("", queue, body[:size])
    assert collect(channel, queue, 1) == [body[:size]]


def test_ten_thousand_messages_keep_their_order(channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_qos(prefetch_count=100)
    for number in range(10_000):
        channel.basic_publish("", queue, b"%d" % number)
    assert collect(channel, queue, 10_000) == [b"%d" % number for number in range(10_000)]


def test_a_confirmed_channel_tells_what_became_of_each_message(channel: BlockingChannel, name: str) -> None:
    channel.queue_declare(name, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.confirm_delivery()
    channel.basic_publish("", name, b"taken", PERSISTENT, mandatory=True)
    with pytest.raises(NackError):
        channel.basic_publish("", name, b"one too many", PERSISTENT, mandatory=True)
    with pytest.raises(UnroutableError) as refused:
        channel.basic_publish("amq.direct", "nowhere", b"lost", mandatory=True)
    (returned,) = refused.value.messages
    assert (returned.method.reply_code, returned.method.reply_text, returned.body) == (312, "NO_ROUTE", b"lost")
    channel.basic_publish("amq.direct", "nowhere", b"nobody asked")
    channel.queue_delete(name)


def test_a_nacked_message_comes_again_first(channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    for body in (b"1", b"2"):
        channel.basic_publish("", queue, body)
    first, _, _ = channel.basic_get(queue)
    channel.basic_nack(first.delivery_tag, requeue=True)
    again, _, body = channel.basic_get(queue)
    assert (again.redelivered, body) == (True, b"1")
    channel.basic_reject(again.delivery_tag, requeue=False)
    assert collect(channel, queue, 1) == [b"2"]


def test_recover_brings_back_what_was_not_acknowledged(channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_publish("", queue, b"m")
    channel.basic_get(queue)
    channel.basic_recover(requeue=True)
    method, _, body = channel.basic_get(queue, auto_ack=True)
    assert (method.redelivered, body) == (True, b"m")


def test_a_transaction_is_seen_by_nobody_before_its_commit(channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.tx_select()
    channel.basic_publish("", queue, b"kept", PERSISTENT)
    assert channel.basic_get(queue)[0] is None
    channel.tx_commit()
    assert collect(channel, queue, 1) == [b"kept"]
    channel.basic_publish("", queue, b"dropped")
    channel.tx_rollback()
    channel.tx_commit()
    assert channel.basic_get(queue)[0] is None


def test_messages_are_routed_through_an_exchange_of_every_kind(channel: BlockingChannel, name: str) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.exchange_declare(name, "topic", auto_delete=True)
    channel.exchange_declare(f"{name}-source", "fanout", auto_delete=True)
    channel.exchange_bind(name, f"{name}-source")
    channel.queue_bind(queue, name, "news.#")
    channel.queue_bind(queue, "amq.direct", "exact")
    channel.queue_bind(queue, "amq.headers", "", {"x-match": "all", "kind": "a", "level": 2})
    channel.basic_publish(f"{name}-source", "news.today.late", b"topic after fanout")
    channel.basic_publish(f"{name}-source", "weather", b"not for us")
    channel.basic_publish("amq.direct", "exact", b"direct")
    channel.basic_publish("amq.headers", "", b"headers", pika.BasicProperties(headers={"kind": "a", "level": 2}))
    channel.basic_publish("amq.headers", "", b"not for us", pika.BasicProperties(headers={"kind": "a"}))
    assert collect(channel, queue, 3) == [b"topic after fanout", b"direct", b"headers"]


def test_an_answer_comes_back_by_direct_reply_to(connection: pika.BlockingConnection, channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    answers: list[tuple[str, bytes]] = []

    def answer(server: BlockingChannel, _: Any, properties: pika.BasicProperties, body: bytes) -> None:
        reply = pika.BasicProperties(correlation_id=properties.correlation_id)
        server.basic_publish("", properties.reply_to, body.upper(), reply)

    channel.basic_consume(queue, answer, auto_ack=True)
    client = connection.channel()
    client.basic_consume(
        "amq.rabbitmq.reply-to", lambda _c, _m, p, body: answers.append((p.correlation_id, body)), auto_ack=True
    )
    request = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="7")
    client.basic_publish("", queue, b"question", request)
    process_until(connection, answers, 1)
    assert answers == [("7", b"QUESTION")]


def test_a_consumer_is_told_when_its_queue_is_deleted(
    broker: BrokerProcess, connection: pika.BlockingConnection, channel: BlockingChannel, name: str
) -> None:
    channel.queue_declare(name)
    cancelled: list[Any] = []
    channel.add_on_cancel_callback(cancelled.append)
    tag = channel.basic_consume(name, lambda *_: None)
    other = connect(broker)
    other.channel().queue_delete(name)
    other.close()
    process_until(connection, cancelled, 1)
    assert cancelled[0].method.consumer_tag == tag


def test_a_refusal_costs_the_channel_and_not_the_connection(connection: pika.BlockingConnection) -> None:
    with pytest.raises(ChannelClosedByBroker) as missing:
        connection.channel().queue_declare("missing", passive=True)
    assert missing.value.args == (404, "NOT_FOUND - no queue 'missing' in vhost '/'")
    with pytest.raises(ChannelClosedByBroker) as twice:
        connection.channel().exchange_declare("amq.direct", "fanout", durable=True)
    assert twice.value.reply_code == 406
    channel = connection.channel()
    assert channel.queue_declare("", exclusive=True).method.message_count == 0


def test_a_wrong_password_is_refused(broker: BrokerProcess) -> None:
    parameters = pika.URLParameters(broker.url.replace("guest:guest", "guest:wrong"))
    with pytest.raises(ProbableAuthenticationError):
        pika.BlockingConnection(parameters)


def test_a_worker_thread_acknowledges_through_the_connection_s_thread(
    connection: pika.BlockingConnection, channel: BlockingChannel
) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    done: list[bytes] = []
    threads: list[threading.Thread] = []

    def work(tag: int, body: bytes) -> None:
        def settle() -> None:
            channel.basic_ack(tag)
            done.append(body)

        connection.add_callback_threadsafe(settle)

    def begin(_channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        threads.append(threading.Thread(target=work, args=(method.delivery_tag, body)))
        threads[-1].start()

    for number in range(20):
        channel.basic_publish("", queue, b"%d" % number)
    channel.basic_qos(prefetch_count=4)
    channel.basic_consume(queue, begin)
    process_until(connection, done, 20)
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert sorted(done, key=int) == [b"%d" % number for number in range(20)]


def test_it_speaks_tls_with_a_verified_certificate(broker: BrokerProcess) -> None:
    context = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    parameters = pika.ConnectionParameters(
        "127.0.0.1", broker.ports["amqps"], ssl_options=pika.SSLOptions(context, "localhost")
    )
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_publish("", queue, b"x" * 1_000_000)
    assert collect(channel, queue, 1) == [b"x" * 1_000_000]
    connection.close()


def test_confirmed_messages_survive_a_kill_and_those_that_were_acknowledged_do_not(
    broker: BrokerProcess, name: str
) -> None:
    doomed = connect(broker)
    channel = doomed.channel()
    channel.exchange_declare(name, "topic", durable=True)
    channel.queue_declare(name, durable=True)
    channel.queue_bind(name, name, "a.*")
    channel.confirm_delivery()
    for number in range(100):
        channel.basic_publish(name, "a.b", b"%d" % number, PERSISTENT, mandatory=True)
    channel.basic_publish(name, "a.b", b"transient", pika.BasicProperties(delivery_mode=1), mandatory=True)
    for number in range(10):
        method, _, body = channel.basic_get(name)
        assert body == b"%d" % number
        channel.basic_ack(method.delivery_tag)
    channel.basic_publish(name, "a.b", b"last", PERSISTENT, mandatory=True)  # confirmed after the acknowledgements
    broker.kill()
    broker.start()
    with pytest.raises(AMQPConnectionError):
        doomed.process_data_events(time_limit=TIMEOUT_S)
    again = connect(broker)
    channel = again.channel()
    assert collect(channel, name, 91) == [b"%d" % number for number in range(10, 100)] + [b"last"]
    assert channel.basic_get(name)[0] is None
    channel.basic_publish(name, "a.b", b"still bound", mandatory=True)
    assert collect(channel, name, 1) == [b"still bound"]
    again.close()


def test_a_stop_in_order_closes_connections_with_320(broker: BrokerProcess) -> None:
    connection = connect(broker)
    stopper = threading.Thread(target=broker.stop)
    stopper.start()
    with pytest.raises(ConnectionClosedByBroker) as closed:
        process_until(connection, [], 1)
    stopper.join(TIMEOUT_S)
    assert closed.value.reply_code == 320
    broker.start()
