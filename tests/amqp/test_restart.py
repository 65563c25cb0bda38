"""What is there again after the broker was killed: everything durable, as it was, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.amqp.conftest import Connect
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("ours")


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A broker that a test may kill and start again."""
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write") as process:
        yield process


def again(broker: BrokerProcess, connect: Connect) -> RawAmqp:
    """Kills the broker, starts it again on the same port and connects to it."""
    broker.kill()
    broker.start()
    client = connect(broker.ports["amqp"])
    client.open()
    return client


def publish_safely(client: RawAmqp, queue: str, *bodies: bytes, **fields: object) -> None:
    """Publishes persistent messages and returns when all are confirmed."""
    client.call("channel.open", 9)
    client.call("confirm.select", 9)
    for body in bodies:
        client.publish(queue, body, channel=9, delivery_mode=2, **fields)  # type: ignore[arg-type]
    tag = 0
    while tag < len(bodies):
        tag = client.expect("basic.ack", 9).args["delivery_tag"]
    client.call("channel.close", 9)


def test_durable_things_are_there_again(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    for queue, durable in (("durable", True), ("transient", False)):
        client.call("queue.declare", queue=queue, durable=durable)
        client.call("exchange.declare", exchange=queue, exchange_type="topic", durable=durable)
        client.call("queue.bind", queue=queue, exchange=queue, routing_key="a.#")
    client.call("exchange.bind", source="durable", destination="amq.fanout", routing_key="b")
    client.call("queue.bind", queue="durable", exchange="amq.fanout")
    publish_safely(client, "durable", b"persistent", headers={"a": [1, None]})
    client.publish("durable", b"not persistent")
    client.sync()

    client = again(restarted, connect)
    message = client.get("durable")
    assert message is not None
    assert (message.body, message.headers) == (b"persistent", {"a": [1, None]})
    assert client.get("durable") is None
    client.publish("a.b", b"by topic", exchange="durable")
    client.publish("b", b"by way of fanout", exchange="durable")
    assert client.drain("durable") == [b"by topic", b"by way of fanout"]
    assert client.refused("queue.declare", queue="transient", passive=True).code == 404
    assert client.refused("exchange.declare", exchange="transient", passive=True).code == 404


def test_what_was_held_is_redelivered_and_what_was_acked_is_not(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    client.declare("q", durable=True)
    publish_safely(client, "q", b"1", b"2", b"3")
    client.call("tx.select")
    for _ in range(2):
        client.get("q", no_ack=False)
    client.send("basic.ack", delivery_tag=1)
    client.call("tx.commit")

    client = again(restarted, connect)
    assert client.drain("q") == [b"2", b"3"]


def test_the_delivery_count_is_kept(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    client.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    publish_safely(client, "q", b"poison")
    for tag, method in enumerate(("basic.reject", "basic.nack", "basic.reject"), 1):
        assert client.get("q", no_ack=False) is not None
        client.send(method, delivery_tag=tag, requeue=True)
    client.call("queue.declare", queue="barrier", durable=True)  # its answer waits for the journal

    client = again(restarted, connect)
    message = client.get("q")
    assert message is not None
    assert message.headers == {"x-acquired-count": 3, "x-delivery-count": 2}
    assert message.args["redelivered"]


def test_a_time_to_live_goes_on(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    client.declare("dead", durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.declare("q", durable=True, arguments=arguments)
    publish_safely(client, "q", b"short", expiration="100")
    publish_safely(client, "q", b"long", expiration="600000")

    client = again(restarted, connect)
    eventually(lambda: client.count("dead") == 1)
    letter = client.get("dead")
    assert letter is not None
    assert (letter.body, letter.headers["x-death"][0]["reason"]) == (b"short", "expired")
    assert client.drain("q") == [b"long"]


def test_a_delayed_message_goes_on_waiting(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    arguments = {"x-delayed-type": "fanout"}
    client.call("exchange.declare", exchange="x", exchange_type="x-delayed-message", durable=True, arguments=arguments)
    client.declare("q", durable=True)
    client.call("queue.bind", queue="q", exchange="x")
    client.call("confirm.select")
    client.publish("", b"soon", exchange="x", delivery_mode=2, headers={"x-delay": 300})
    client.publish("", b"late", exchange="x", delivery_mode=2, headers={"x-delay": 600_000})
    while client.expect("basic.ack").args["delivery_tag"] < 2:
        continue

    client = again(restarted, connect)
    client.consume("q", no_ack=True)
    assert client.delivery().body == b"soon"


def test_a_dead_letters_history_goes_on(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    for queue, other in (("ping", "pong"), ("pong", "ping")):
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": other}
        client.declare(queue, durable=True, arguments=arguments)
    publish_safely(client, "ping", b"x")
    for channel, queue in enumerate(("ping", "pong", "ping"), 2):
        client.call("channel.open", channel)
        assert client.get(queue, channel, no_ack=False) is not None
        client.send("basic.reject", channel, delivery_tag=1, requeue=False)
    client.call("queue.declare", queue="barrier", durable=True)

    client = again(restarted, connect)
    message = client.get("pong", no_ack=False)
    assert message is not None
    client.send("basic.reject", delivery_tag=1, requeue=False)
    letter = client.get("ping")
    assert letter is not None
    assert [(each["queue"], each["count"]) for each in letter.headers["x-death"]] == [("pong", 2), ("ping", 2)]


def test_definitions_that_were_deleted_stay_deleted(restarted: BrokerProcess, connect: Connect) -> None:
    client = connect(restarted.ports["amqp"])
    client.open()
    client.declare("q", durable=True)
    client.call("exchange.declare", exchange="x", exchange_type="fanout", durable=True)
    client.call("queue.bind", queue="q", exchange="x")
    client.call("queue.bind", queue="q", exchange="amq.direct", routing_key="k")
    client.call("queue.unbind", queue="q", exchange="amq.direct", routing_key="k")
    client.call("exchange.delete", exchange="x")

    client = again(restarted, connect)
    client.publish("k", exchange="amq.direct", mandatory=True)
    assert client.expect("basic.return").args["reply_code"] == 312
    assert client.refused("exchange.declare", exchange="x", passive=True).code == 404
    client.declare("q", durable=True)
    client.call("queue.delete", queue="q")

    client = again(restarted, connect)
    assert client.refused("queue.declare", queue="q", passive=True).code == 404


def test_what_is_sent_without_waiting_is_done_in_order(restarted: BrokerProcess, connect: Connect) -> None:
    """Each durable declaration holds the channel until it is on disk, and everything after it with it."""
    client = connect(restarted.ports["amqp"])
    client.open()
    names = [f"q{number}" for number in range(200)]
    for name in names:
        client.send("queue.declare", queue=name, durable=True)
        client.publish(name, name.encode())
        client.send("queue.bind", queue=name, exchange="amq.fanout")
        client.send("basic.get", queue=name, no_ack=True)
    client.send("queue.declare", queue="absent", passive=True)
    client.send("queue.declare", queue="too late", durable=True)
    for name in names:
        assert client.expect("queue.declare-ok").args["queue"] == name
        client.expect("queue.bind-ok")
        assert client.expect("basic.get-ok").args["routing_key"] == name
    assert client.refusal(1).code == 404
    assert client.refused("queue.declare", queue="too late", passive=True).code == 404


def test_blind_copies_count_for_dead_letters_after_a_restart(restarted: BrokerProcess, connect: Connect) -> None:
    """The fault: BCC was not in the journal, so a dead letter did not go where the publisher had said."""
    client = connect(restarted.ports["amqp"])
    client.open()
    client.call("exchange.declare", exchange="dlx", exchange_type="direct", durable=True)
    for queue, arguments in (("q", {"x-dead-letter-exchange": "dlx"}), ("audited", {})):
        client.call("queue.declare", queue=queue, durable=True, arguments=arguments)
    client.call("queue.bind", queue="audited", exchange="dlx", routing_key="audit")
    publish_safely(client, "q", b"x", headers={"BCC": ["audit"], "mine": 1})

    client = again(restarted, connect)
    got = client.get("q", no_ack=False)
    assert got is not None
    assert got.headers == {"mine": 1}
    client.send("basic.reject", delivery_tag=1, requeue=False)
    client.consume("audited", no_ack=True)
    letter = client.delivery()
    assert (letter.body, letter.headers["x-death"][0]["routing-keys"]) == (b"x", ["q"])
    assert "BCC" not in letter.headers
