"""kombu over py-amqp: Celery's messaging library, used by itself."""

# mypy: disable-error-code="attr-defined, no-untyped-call"
# kombu calls itself typed and mostly is not.

import queue as stdlib_queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from amqp.exceptions import ConsumerCancelled, NotFound, PreconditionFailed  # type: ignore[import-untyped]
from kombu import Connection, Consumer, Exchange, Message, Producer, Queue
from kombu.pidbox import Mailbox
from kombu.transport.native_delayed_delivery import (
    bind_queue_to_native_delayed_delivery_exchange,
    calculate_routing_key,
    declare_native_delayed_delivery_exchanges_and_queues,
)

from tests.support.broker_process import START_TIMEOUT_S, BrokerProcess

TIMEOUT_S = 20
QUICK_RETRIES = {"max_retries": 200, "interval_start": 0.05, "interval_step": 0, "interval_max": 0.05}


@pytest.fixture
def connection(broker: BrokerProcess) -> Iterator[Connection]:
    with Connection(broker.url) as opened:
        yield opened


def drain_until(connection: Connection, is_met: Callable[[], bool]) -> None:
    """Lets the connection's consumers work until the condition is met."""
    deadline = time.monotonic() + TIMEOUT_S
    while not is_met():
        assert time.monotonic() < deadline, f"nothing of the kind in {TIMEOUT_S} s"
        connection.drain_events(timeout=TIMEOUT_S)


class Inbox:
    """A consumer's callback that acknowledges and keeps what comes."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def __call__(self, body: Any, message: Message) -> None:
        message.ack()
        self.bodies.append(body)


def test_what_a_producer_sends_a_consumer_gets(connection: Connection, name: str) -> None:
    exchange = Exchange(name, "topic", durable=False, auto_delete=True)
    queue = Queue(name, exchange, routing_key="tasks.#", exclusive=True)
    inbox = Inbox()
    with Consumer(connection, [queue], callbacks=[inbox], accept=["json"]):
        producer = Producer(connection, exchange)
        producer.publish({"n": 1}, routing_key="tasks.add", headers={"id": "x"}, compression="zlib")
        producer.publish({"n": 2}, routing_key="elsewhere")
        producer.publish({"n": 3}, routing_key="tasks")
        drain_until(connection, lambda: len(inbox.bodies) == 2)
    assert inbox.bodies == [{"n": 1}, {"n": 3}]


def test_a_simple_queue_gives_back_what_was_put(connection: Connection, name: str) -> None:
    with connection.SimpleQueue(name) as queue:
        queue.put("thrown away")
        assert queue.clear() == 1
        for number in range(3):
            queue.put({"number": number})
        assert queue.qsize() == 3
        for number in range(3):
            message = queue.get(timeout=TIMEOUT_S)
            assert message.payload == {"number": number}
            message.ack()
        with pytest.raises(stdlib_queue.Empty):
            queue.get_nowait()


def test_a_simple_buffer_is_a_transient_queue(connection: Connection, name: str) -> None:
    with connection.SimpleBuffer(name) as buffer:
        buffer.put([1, 2, 3])
        assert buffer.get(timeout=TIMEOUT_S).payload == [1, 2, 3]


def test_a_mailbox_asks_every_node_and_collects_their_answers(broker: BrokerProcess, connection: Connection) -> None:
    """What `celery inspect` does: a fanout to transient exclusive queues, answers through a direct exchange."""
    mailbox = Mailbox("control", type="fanout", connection=connection)
    with Connection(broker.url) as first, Connection(broker.url) as second:
        threads = [serve_mailbox(mailbox, first, "one"), serve_mailbox(mailbox, second, "two")]
        answers = mailbox.multi_call("whoami", {"greeting": "hello"}, timeout=TIMEOUT_S, limit=2)
        assert sorted(map(str, answers)) == ["{'one': 'hello from one'}", "{'two': 'hello from two'}"]
        assert mailbox.call(["two"], "whoami", {"greeting": "hi"}, timeout=1) == [{"two": "hi from two"}]
        mailbox.abcast("stop")
        for thread in threads:
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()


def serve_mailbox(mailbox: Mailbox, connection: Connection, hostname: str) -> threading.Thread:
    """A node that answers until it is told to stop, in a thread; it listens when this returns."""
    stopped = threading.Event()
    node = mailbox(connection).Node(hostname, state=None)
    node.channel = connection.default_channel
    node.handlers["whoami"] = lambda state, greeting: f"{greeting} from {hostname}"
    node.handlers["stop"] = lambda state: stopped.set()
    consumer = node.listen()

    def work() -> None:
        drain_until(connection, stopped.is_set)
        consumer.cancel()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_higher_priorities_come_first(connection: Connection, name: str) -> None:
    queue = Queue(name, max_priority=10, exclusive=True)(connection.default_channel)
    queue.declare()
    producer = Producer(connection)
    for priority in (0, 5, 9, 5, 10, 12):
        producer.publish(priority, routing_key=name, priority=priority)
    inbox = Inbox()
    with Consumer(connection, [queue], callbacks=[inbox]):
        drain_until(connection, lambda: len(inbox.bodies) == 6)
    assert inbox.bodies == [10, 12, 9, 5, 5, 0]


def test_a_delayed_exchange_keeps_a_message_back(connection: Connection, name: str) -> None:
    exchange = Exchange(name, "x-delayed-message", arguments={"x-delayed-type": "fanout"}, auto_delete=True)
    inbox = Inbox()
    with Consumer(connection, [Queue(name, exchange, exclusive=True)], callbacks=[inbox]):
        producer = Producer(connection, exchange)
        producer.publish("late", headers={"x-delay": 200})
        producer.publish("at once")
        drain_until(connection, lambda: len(inbox.bodies) == 2)
    assert inbox.bodies == ["at once", "late"]


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_delays_out_of_28_levels_of_dead_lettering_arrive(connection: Connection, name: str, queue_type: str) -> None:
    """Celery's substitute for delayed messages where queues are of type quorum."""
    declare_native_delayed_delivery_exchanges_and_queues(connection, queue_type, prefix=name)
    exchange = Exchange(name, "topic", channel=connection.default_channel)
    queue = Queue(name, exchange, routing_key=name, channel=connection.default_channel)
    queue.declare()
    bind_queue_to_native_delayed_delivery_exchange(connection, queue, prefix=name)
    inbox = Inbox()
    started = time.monotonic()
    with Consumer(connection, [queue], callbacks=[inbox]):
        producer = Producer(connection)
        key = calculate_routing_key(1, name)
        producer.publish("one second later", exchange=f"{name}_celery_delayed_27", routing_key=key)
        producer.publish("at once", exchange=exchange, routing_key=name)
        drain_until(connection, lambda: len(inbox.bodies) == 2)
    assert inbox.bodies == ["at once", "one second later"]
    assert time.monotonic() - started >= 1


def test_global_prefetch_can_be_raised_for_running_consumers(connection: Connection, name: str) -> None:
    """Celery raises it for every task that waits for its time; RabbitMQ 4.3 refuses global prefetch by default."""
    held: list[Message] = []
    queue = Queue(name, exclusive=True)
    producer = Producer(connection)
    with Consumer(connection, [queue], on_message=held.append) as consumer:
        consumer.qos(prefetch_count=1, apply_global=True)
        for number in range(3):
            producer.publish(number, routing_key=name)
        drain_until(connection, lambda: len(held) == 1)
        with pytest.raises(socket.timeout):
            connection.drain_events(timeout=0.1)
        consumer.qos(prefetch_count=2, apply_global=True)
        drain_until(connection, lambda: len(held) == 2)
        assert [message.payload for message in held] == [0, 1]


def test_the_semantics_of_prefetch_are_known_to_be_those_of_rabbitmq(connection: Connection) -> None:
    """kombu knows them by product and version; elsewhere Celery's changes of prefetch reach no running consumer."""
    assert not connection.qos_semantics_matches_spec


def test_refusals_are_the_exceptions_of_their_codes(connection: Connection) -> None:
    with pytest.raises(NotFound):
        connection.channel().queue_declare("missing", passive=True)
    with pytest.raises(PreconditionFailed, match="inequivalent arg 'type'"):
        connection.channel().exchange_declare("amq.topic", "direct", durable=True, auto_delete=False)


def test_a_channel_may_delete_a_queue_that_it_consumes_from(connection: Connection, name: str) -> None:
    """basic.cancel came before queue.delete-ok, so that py-amqp took the cancel for the answer and failed the call."""
    queue = Queue(name)(connection.default_channel)
    with Consumer(connection, [queue], callbacks=[Inbox()]) as consumer:
        queue.delete()
        with pytest.raises(ConsumerCancelled):
            connection.drain_events(timeout=TIMEOUT_S)
        consumer.queues.clear()


def test_a_publish_with_confirms_survives_a_kill_in_the_middle(broker: BrokerProcess, name: str) -> None:
    options = {"confirm_publish": True}
    with Connection(broker.url, transport_options=options) as connection:
        queue = Queue(name, durable=True)
        with connection.Producer() as producer:
            publish = connection.ensure(producer, producer.publish, **QUICK_RETRIES)
            publish("before", routing_key=name, declare=[queue], delivery_mode=2)
            broker.kill()
            starter = threading.Thread(target=broker.start)
            starter.start()
            publish("after", routing_key=name, declare=[queue], delivery_mode=2)
            starter.join(START_TIMEOUT_S)
            assert not starter.is_alive(), "the broker has not started"
        inbox = Inbox()
        with Consumer(connection, [queue], callbacks=[inbox]):
            drain_until(connection, lambda: "after" in inbox.bodies)
    assert inbox.bodies == ["before", "after"]


def test_it_speaks_tls_with_a_verified_certificate(broker: BrokerProcess, name: str) -> None:
    url = f"amqps://guest:guest@localhost:{broker.ports['amqps']}//"
    options: dict[str, Any] = {"ca_certs": str(broker.data_dir / "certs" / "ca.pem"), "cert_reqs": ssl.CERT_REQUIRED}
    options["server_hostname"] = "localhost"
    with Connection(url, ssl=options) as connection, connection.SimpleBuffer(name) as buffer:
        buffer.put("secret")
        assert buffer.get(timeout=TIMEOUT_S).payload == "secret"
