"""RabbitMQ's own client for AMQP 1.0, unmodified: management over links, publishers, consumers."""

from collections.abc import Iterator
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.support.broker_process import BrokerProcess

r = pytest.importorskip("rabbitmq_amqp_python_client", reason="rabbitmq-amqp-python-client is not installed")

RELEASED = "38"  # what the client shows of an outcome, which is the code of its descriptor


@pytest.fixture
def connection(broker: BrokerProcess) -> Iterator[Any]:
    environment = r.Environment(uri=f"amqp://guest:guest@127.0.0.1:{broker.ports['amqp']}/")
    connection = environment.connection()
    connection.dial()
    try:
        yield connection
    finally:
        environment.close()


@pytest.fixture
def management(connection: Any) -> Any:
    return connection.management()


def test_a_queue_is_declared_described_purged_and_deleted(connection: Any, management: Any, name: str) -> None:
    """The client refuses whoever is not RabbitMQ 4, and opens its management links at once."""
    name += "/with ümlaut %"
    management.declare_queue(r.QuorumQueueSpecification(name=name, max_len=10, deliver_limit=3))
    info = management.queue_info(name)
    assert (info.name, info.is_durable, info.is_exclusive, info.is_auto_delete) == (name, True, False, False)
    assert info.queue_type == r.QueueType.quorum
    assert info.arguments["x-max-length"] == 10
    assert (info.message_count, info.consumer_count) == (0, 0)
    publisher = connection.publisher(r.AddressHelper.queue_address(name))
    for _ in range(3):
        publisher.publish(r.Message(body=b"hello"))
    publisher.close()
    assert management.queue_info(name).message_count == 3
    assert management.purge_queue(name) == 3
    management.delete_queue(name)
    with pytest.raises(r.ValidationCodeException, match="404"):
        management.queue_info(name)


def test_tls(broker: BrokerProcess, name: str) -> None:
    ca = r.PosixSslConfigurationContext(ca_cert=str(broker.data_dir / "certs" / "ca.pem"))
    environment = r.Environment(uri=f"amqps://guest:guest@localhost:{broker.ports['amqps']}/", ssl_context=ca)
    connection = environment.connection()
    connection.dial()
    management = connection.management()
    management.declare_queue(r.ClassicQueueSpecification(name=name))
    connection.publisher(r.AddressHelper.queue_address(name)).publish(r.Message(body=b"secret"))
    assert management.queue_info(name).message_count == 1
    environment.close()


def test_a_queue_that_differs_is_a_conflict(management: Any, name: str) -> None:
    management.declare_queue(r.ClassicQueueSpecification(name=name))
    management.declare_queue(r.ClassicQueueSpecification(name=name))
    with pytest.raises(r.ValidationCodeException, match="ErrPreconditionFailed"):
        management.declare_queue(r.QuorumQueueSpecification(name=name))


def test_names_of_the_brokers_own_are_refused(management: Any) -> None:
    with pytest.raises(r.ValidationCodeException, match="403"):
        management.declare_queue(r.ClassicQueueSpecification(name="amq.mine"))


def test_exchanges_and_bindings_come_and_go(connection: Any, management: Any, name: str, broker: BrokerProcess) -> None:
    exchange, other = f"{name} exchange", f"{name}-other"
    management.declare_exchange(r.ExchangeSpecification(name=exchange, exchange_type=r.ExchangeType.topic))
    management.declare_exchange(r.ExchangeSpecification(name=other, exchange_type=r.ExchangeType.fanout))
    management.declare_queue(r.ClassicQueueSpecification(name=name))
    management.bind(
        r.ExchangeToExchangeBindingSpecification(
            source_exchange=exchange, destination_exchange=other, binding_key="a.#"
        )
    )
    path = management.bind(
        r.ExchangeToQueueBindingSpecification(source_exchange=other, destination_queue=name, binding_key="")
    )
    publisher = connection.publisher(r.AddressHelper.exchange_address(exchange, "a.b"))
    status = publisher.publish(r.Message(body=b"routed"))
    assert status.remote_state == r.OutcomeState.ACCEPTED
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as reader:
        method, _, body = reader.channel().basic_get(name, auto_ack=True)
    assert (method.exchange, method.routing_key, body) == (exchange, "a.b", b"routed")
    management.unbind(path)
    with pytest.raises(Exception, match=RELEASED):
        publisher.publish(r.Message(body=b"lost"))
    publisher.close()
    management.delete_exchange(other)
    management.delete_exchange(exchange)
    management.delete_queue(name)


def test_an_address_may_be_in_each_message(connection: Any, management: Any, name: str) -> None:
    management.declare_queue(r.ClassicQueueSpecification(name=name))
    publisher = connection.publisher()
    message = r.AddressHelper.message_to_address_helper(r.Message(body=b"x"), r.AddressHelper.queue_address(name))
    assert publisher.publish(message).remote_state == r.OutcomeState.ACCEPTED
    message = r.AddressHelper.message_to_address_helper(r.Message(body=b"x"), r.AddressHelper.queue_address("nowhere"))
    with pytest.raises(Exception, match=RELEASED):
        publisher.publish(message)
    missing = r.AddressHelper.exchange_address("no exchange")
    with pytest.raises(r.AmqpMessageRejectedException):
        publisher.publish(r.AddressHelper.message_to_address_helper(r.Message(body=b"x"), missing))


class Done(Exception):
    """The consumer has what it waited for: its loop has no other end."""


class Handler(r.AMQPMessagingHandler):  # type: ignore[misc,name-defined]
    """Settles messages as it is told, and stops after so many."""

    def __init__(self, outcomes: list[str]) -> None:
        super().__init__()
        self.outcomes = outcomes
        self.bodies: list[bytes] = []
        self.is_done = False

    def on_amqp_message(self, event: Any) -> None:
        self.bodies.append(bytes(event.message.body))
        outcome = self.outcomes.pop(0)
        context = self.delivery_context
        if outcome == "annotated":
            context.discard_with_annotations(event, {"x-opt-why": "it is bad"})
        else:
            getattr(context, outcome)(event)

        if not self.outcomes:
            event.receiver.close()

    def on_link_closed(self, event: Any) -> None:
        """The broker has all that was said."""
        if not self.is_done:
            self.is_done = True
            raise Done


def test_a_consumer_accepts_requeues_and_discards(connection: Any, management: Any, name: str, proton: Any) -> None:
    dead = f"{name}-dead"
    management.declare_queue(r.ClassicQueueSpecification(name=dead))
    management.declare_queue(
        r.QuorumQueueSpecification(name=name, dead_letter_exchange="", dead_letter_routing_key=dead)
    )
    publisher = connection.publisher(r.AddressHelper.queue_address(name))
    for number in range(4):
        publisher.publish(r.Message(body=b"%d" % number))
    handler = Handler(["accept", "requeue", "accept", "discard", "annotated"])
    consumer = connection.consumer(r.AddressHelper.queue_address(name), message_handler=handler)
    with pytest.raises(Done):
        consumer.run()
    assert sorted(handler.bodies) == [b"0", b"1", b"1", b"2", b"3"]
    receiver = proton.create_receiver(f"/queues/{dead}", credit=2)
    annotations = [receiver.receive(15).annotations for _ in range(2)]
    assert [each.get("x-opt-why") for each in annotations] == [None, "it is bad"]
