"""Queues as clients declare, refuse to share, and delete them. Texts are RabbitMQ 3.10.8's."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from mqbroker.core.values import Int16, Int32
from mqbroker.protocols.amqp.frames import content_header_frame
from mqbroker.protocols.amqp.properties import build
from tests.amqp.conftest import Connect
from tests.support.amqp_talk import Closed
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_channel, closes_connection

DECLARE = (50, 10)


def locked(queue: str, at: tuple[int, int]) -> object:
    text = (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. It could be "
        "originally declared on another connection or the exclusive property value does not match that of the "
        "original declaration."
    )
    return closes_channel(405, text, at)


def test_the_server_names_a_queue_without_a_name(client: RawAmqp) -> None:
    first, second = client.declare(), client.declare()
    assert first.startswith("amq.gen-")
    assert first != second
    client.publish(first, b"x")
    assert client.drain(first) == [b"x"]


def test_declare_says_how_many_messages_and_consumers_there_are(client: RawAmqp, name: str) -> None:
    client.declare(name)
    for _ in range(3):
        client.publish(name)
    client.call("basic.qos", prefetch_count=1)
    client.consume(name)
    client.delivery()
    answer = client.call("queue.declare", queue=name, exclusive=True)
    assert answer.args == {"queue": name, "message_count": 2, "consumer_count": 1}
    assert client.call("queue.declare", queue=name, passive=True).args == answer.args


def test_names_that_begin_with_amq_are_reserved(client: RawAmqp) -> None:
    text = "ACCESS_REFUSED - queue name 'amq.x' contains reserved prefix 'amq.*'"
    assert client.refused("queue.declare", queue="amq.x") == closes_channel(403, text, DECLARE)


def test_a_generated_name_cannot_be_asked_for(client: RawAmqp) -> None:
    """A queue that the server had named could be declared again by that name: 3.10.8 says that it is reserved."""
    queue = client.declare()
    text = f"ACCESS_REFUSED - queue name '{queue}' contains reserved prefix 'amq.*'"
    assert client.refused("queue.declare", queue=queue, exclusive=True) == closes_channel(403, text, DECLARE)


def test_an_auto_delete_queue_goes_with_its_last_consumer(client: RawAmqp, name: str) -> None:
    client.declare(name, auto_delete=True)
    client.call("queue.declare", queue=name, passive=True)
    tags = [client.consume(name), client.consume(name)]
    client.call("basic.cancel", consumer_tag=tags[0])
    client.call("queue.declare", queue=name, passive=True)
    client.call("basic.cancel", consumer_tag=tags[1])
    assert client.refused("queue.declare", queue=name, passive=True).code == 404


def test_an_exclusive_queue_goes_with_its_connection(client: RawAmqp, connect: Connect, name: str) -> None:
    owner = connect()
    owner.open()
    owner.declare(name)
    owner.call("connection.close", 0)
    assert client.refused("queue.declare", queue=name, passive=True).code == 404


@pytest.mark.parametrize(
    ("method", "args", "at"),
    [
        ("queue.declare", {"passive": True}, (50, 10)),
        ("queue.declare", {}, (50, 10)),
        ("queue.declare", {"exclusive": True}, (50, 10)),
        ("queue.bind", {"exchange": "amq.direct"}, (50, 20)),
        ("queue.purge", {}, (50, 30)),
        ("queue.delete", {}, (50, 40)),
        ("queue.unbind", {"exchange": "amq.direct"}, (50, 50)),
        ("basic.consume", {}, (60, 20)),
        ("basic.get", {}, (60, 70)),
    ],
)
def test_an_exclusive_queue_is_locked_for_others(
    client: RawAmqp, other: RawAmqp, name: str, method: str, args: dict[str, object], at: tuple[int, int]
) -> None:
    client.declare(name)
    client.call("queue.bind", queue=name, exchange="amq.direct")
    assert other.refused(method, **{"queue": name, **args}) == locked(name, at)
    other.publish(name, b"but everyone may publish to it")
    other.sync()
    assert client.drain(name) == [b"but everyone may publish to it"]


@pytest.mark.parametrize("args", [{"exchange": "amq.direct", "routing_key": "nothing"}, {"exchange": "amq.topic"}])
def test_what_is_not_bound_is_unbound_by_anybody(
    client: RawAmqp, other: RawAmqp, name: str, args: dict[str, str]
) -> None:
    """To unbind somebody's exclusive queue was 405, whether or not there was anything to unbind."""
    client.declare(name)
    client.call("queue.bind", queue=name, exchange="amq.direct", routing_key="something")
    other.call("queue.unbind", queue=name, **args)
    refusal = other.refused("queue.unbind", queue=name, exchange="amq.direct", routing_key="something")
    assert refusal == locked(name, (50, 50))
    client.publish("something", b"still bound", exchange="amq.direct")
    assert client.drain(name) == [b"still bound"]


def test_an_exclusive_queue_is_not_declared_again_without_exclusive(client: RawAmqp, name: str) -> None:
    client.declare(name)
    assert client.refused("queue.declare", queue=name) == locked(name, DECLARE)


@pytest.mark.parametrize(
    ("method", "at"),
    [
        ("queue.purge", (50, 30)),
        ("basic.consume", (60, 20)),
        ("basic.get", (60, 70)),
    ],
)
def test_a_missing_queue_is_404(client: RawAmqp, name: str, method: str, at: tuple[int, int]) -> None:
    text = f"NOT_FOUND - no queue '{name}' in vhost '/'"
    assert client.refused(method, queue=name) == closes_channel(404, text, at)


def test_a_missing_queue_is_404_to_a_passive_declare_and_to_bind(client: RawAmqp, name: str) -> None:
    text = f"NOT_FOUND - no queue '{name}' in vhost '/'"
    assert client.refused("queue.declare", queue=name, passive=True) == closes_channel(404, text, DECLARE)
    refusal = client.refused("queue.bind", queue=name, exchange="amq.direct")
    assert refusal == closes_channel(404, text, (50, 20))


@pytest.mark.parametrize("method", ["queue.purge", "queue.delete", "basic.consume", "basic.get"])
def test_no_name_means_nothing_before_a_queue_was_declared(client: RawAmqp, method: str) -> None:
    refusal = client.refused(method)
    assert (refusal.code, refusal.text) == (404, "NOT_FOUND - no previously declared queue")


def test_of_two_missing_names_the_exchange_is_reported(client: RawAmqp, name: str) -> None:
    text = f"NOT_FOUND - no exchange '{name}' in vhost '/'"
    assert client.refused("queue.bind", queue=name, exchange=name) == closes_channel(404, text, (50, 20))


def test_line_breaks_are_left_out_of_names(client: RawAmqp, name: str) -> None:
    assert client.declare(f"{name}\r\nforged log line") == f"{name}forged log line"
    client.publish(f"{name}forged log line", b"x")
    assert client.drain(f"{name}forged log line") == [b"x"]


def test_line_breaks_are_left_out_of_error_texts(client: RawAmqp, name: str, ours: None) -> None:
    client.send("basic.publish", exchange=f"{name}\r\n", routing_key="x")
    client.write(content_header_frame(1, build().raw, 0))
    assert client.refusal().text == f"NOT_FOUND - no exchange '{name}' in vhost '/'"


def test_an_exclusive_queue_is_never_durable(client: RawAmqp, name: str) -> None:
    """An exclusive queue that was declared durable was refused when it was declared again without."""
    client.declare(name, exclusive=True, durable=True)
    client.declare(name, exclusive=True, durable=False)


def test_deleting_a_missing_queue_is_no_error(client: RawAmqp, name: str) -> None:
    assert client.call("queue.delete", queue=name).args == {"message_count": 0}


def test_purge_and_delete_count_what_waited(client: RawAmqp) -> None:
    queue = client.declare()
    for _ in range(3):
        client.publish(queue)
    assert client.call("queue.purge", queue=queue).args == {"message_count": 3}
    client.publish(queue)
    assert client.call("queue.delete", queue=queue).args == {"message_count": 1}


def test_a_queue_with_consumers_is_in_use(client: RawAmqp, name: str) -> None:
    client.declare(name)
    client.consume(name)
    text = f"PRECONDITION_FAILED - queue '{name}' in vhost '/' in use"
    assert client.refused("queue.delete", queue=name, if_unused=True) == closes_channel(406, text, (50, 40))
    client.call("queue.delete", queue=name, if_unused=True)


def test_a_queue_with_messages_is_not_empty(client: RawAmqp, name: str) -> None:
    client.declare(name)
    client.publish(name)
    text = f"PRECONDITION_FAILED - queue '{name}' in vhost '/' not empty"
    assert client.refused("queue.delete", queue=name, if_empty=True) == closes_channel(406, text, (50, 40))
    client.call("queue.purge", queue=name)
    client.call("queue.delete", queue=name, if_empty=True)


def test_a_deleted_queue_cancels_its_consumers(client: RawAmqp, other: RawAmqp, name: str) -> None:
    client.declare(name, auto_delete=True)
    client.consume(name, "mine")
    other.call("queue.delete", queue=name)
    cancelled = client.expect("basic.cancel")
    assert cancelled.args == {"consumer_tag": "mine", "nowait": True}
    client.sync()


def test_a_client_that_does_not_know_cancel_is_not_told(connect: Connect, client: RawAmqp, name: str) -> None:
    simple = connect()
    simple.open(capabilities={})
    simple.declare(name, auto_delete=True)
    simple.consume(name, "mine")
    client.call("queue.delete", queue=name)
    assert simple.call("basic.cancel", consumer_tag="mine").name == "basic.cancel-ok"
    assert simple.call("basic.qos").name == "basic.qos-ok"


def test_durable_queues_and_their_messages_are_declared_again(client: RawAmqp, name: str) -> None:
    client.declare(name, durable=True)
    client.publish(name, b"x", delivery_mode=2)
    client.declare(name, durable=True)
    assert client.drain(name) == [b"x"]
    client.call("queue.delete", queue=name)


@pytest.mark.parametrize(
    ("declared", "again", "text"),
    [
        (
            {"durable": False},
            {"durable": True},
            "'durable' for {}: received 'true' but current is 'false'",
        ),
        (
            {"auto_delete": True},
            {"auto_delete": False},
            "'auto_delete' for {}: received 'false' but current is 'true'",
        ),
        (
            {"arguments": {"x-message-ttl": Int16(1000)}},
            {},
            "'x-message-ttl' for {}: received none but current is the value '1000' of type 'short'",
        ),
        (
            {},
            {"arguments": {"x-max-length": Int32(5)}},
            "'x-max-length' for {}: received the value '5' of type 'signedint' but current is none",
        ),
        (
            {"arguments": {"x-max-length": 5}},
            {"arguments": {"x-max-length": 6}},
            "'x-max-length' for {}: received '6' but current is '5'",
        ),
    ],
)
def test_declaring_it_differently_is_406(
    client: RawAmqp, name: str, declared: dict[str, object], again: dict[str, object], text: str
) -> None:
    client.call("queue.declare", queue=name, **declared)
    full = f"PRECONDITION_FAILED - inequivalent arg {text}".format(f"queue '{name}' in vhost '/'")
    assert client.refused("queue.declare", queue=name, **again) == closes_channel(406, full, DECLARE)
    client.call("queue.delete", queue=name)


def test_numbers_of_other_widths_are_the_same(client: RawAmqp, name: str) -> None:
    client.declare(name, arguments={"x-max-length": Int16(5)})
    client.declare(name, arguments={"x-max-length": 5})


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"x-message-ttl": -1000}, "'x-message-ttl' for {}: {{value_negative,-1000}}"),
        ({"x-message-ttl": "1000"}, "'x-message-ttl' for {}: \"expected integer, got longstr\""),
        ({"x-expires": 0}, "'x-expires' for {}: {{value_zero,0}}"),
        ({"x-max-length": -1}, "'x-max-length' for {}: {{value_negative,-1}}"),
        ({"x-max-length-bytes": "a"}, "'x-max-length-bytes' for {}: \"expected integer, got longstr\""),
        ({"x-max-priority": 256}, "'x-max-priority' for {}: {{max_value_exceeded,256}}"),
        ({"x-overflow": "nonsense"}, "'x-overflow' for {}: invalid_overflow"),
        ({"x-dead-letter-routing-key": "k"}, "'x-dead-letter-routing-key' for {}: routing_key_but_no_dlx_defined"),
        ({"x-queue-type": "nonsense"}, "'x-queue-type' for {}: \"unsupported queue type 'nonsense'\""),
    ],
)
def test_bad_arguments_are_406(client: RawAmqp, name: str, arguments: dict[str, object], error: str) -> None:
    text = f"PRECONDITION_FAILED - invalid arg {error}".format(f"queue '{name}' in vhost '/'")
    refusal = client.refused("queue.declare", queue=name, arguments=arguments)
    assert refusal == closes_channel(406, text, DECLARE)


@pytest.mark.parametrize(
    ("args", "prop"),
    [({"durable": False}, "non-durable"), ({"durable": True, "exclusive": True}, "exclusive-owner")],
)
def test_a_quorum_queue_is_durable_and_nobodys(client: RawAmqp, name: str, args: dict[str, bool], prop: str) -> None:
    refusal = client.refused("queue.declare", queue=name, arguments={"x-queue-type": "quorum"}, **args)
    text = f"PRECONDITION_FAILED - invalid property '{prop}' for queue '{name}' in vhost '/'"
    assert refusal == closes_channel(406, text, DECLARE)


QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def quorum(client: RawAmqp, name: str) -> Iterator[str]:
    """A quorum queue."""
    client.call("queue.declare", queue=name, durable=True, arguments=QUORUM)
    yield name
    with suppress(Closed, OSError):
        client.call("queue.delete", queue=name)


def test_a_quorum_queue_has_a_name_of_the_clients(client: RawAmqp) -> None:
    """One that the server named was declared."""
    text = "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue"
    refusal = client.refused("queue.declare", queue="", durable=True, arguments=QUORUM)
    assert refusal == closes_channel(406, text, (50, 10))


@pytest.mark.parametrize("flag", ["if-unused", "if-empty"])
def test_a_quorum_queue_is_deleted_without_conditions(client: RawAmqp, other: RawAmqp, quorum: str, flag: str) -> None:
    """The conditions were kept, which clients of RabbitMQ do not expect."""
    text = (
        f"NOT_IMPLEMENTED - cannot delete queue '{quorum}' in vhost '/'. queue.delete operations with {flag} flag set "
        "are not supported by quorum queues"
    )
    refusal = other.refused("queue.delete", queue=quorum, **{flag.replace("-", "_"): True})
    assert refusal == closes_connection(540, text, (50, 40))
    assert client.count(quorum) == 0


def test_a_quorum_queue_has_no_exclusive_consumer(client: RawAmqp, other: RawAmqp, quorum: str) -> None:
    """Every consumer but the first was refused, where in RabbitMQ they share the queue."""
    client.consume(quorum, exclusive=True)
    other.consume(quorum, exclusive=True)
    other.consume(quorum)


def test_who_polls_does_not_go_past_the_active_consumer_of_a_quorum_queue(client: RawAmqp, name: str) -> None:
    """basic.get took what the single active consumer had to have in order."""
    client.call(
        "queue.declare", queue=name, durable=True, arguments={**QUORUM, "x-single-active-consumer": True}
    )  # fmt: skip
    text = (
        f"RESOURCE_LOCKED - cannot obtain access to locked queue '{name}' in vhost '/'. basic.get operations are not "
        "supported by quorum queues with single active consumer"
    )
    assert client.refused("basic.get", queue=name) == closes_channel(405, text, (60, 70))
    client.consume(name, exclusive=True)
    client.call("queue.delete", queue=name)
    client.expect("basic.cancel")


def test_a_quorum_queue_has_32_priorities(client: RawAmqp, quorum: str, ours: None) -> None:
    """They were ignored. In RabbitMQ 4.3 every quorum queue has them; 3.x knew none, 4.0 two."""
    for priority in (0, 5, 31, 4, 255):
        client.publish(quorum, b"%d" % priority, priority=priority)
    client.publish(quorum, b"none")
    assert client.drain(quorum) == [b"31", b"255", b"5", b"4", b"0", b"none"]


def test_streams_are_refused_clearly(client: RawAmqp, name: str, ours: None) -> None:
    refusal = client.refused("queue.declare", queue=name, durable=True, arguments={"x-queue-type": "stream"})
    assert refusal.code == 406
    assert "unsupported queue type 'stream'" in refusal.text


def test_the_type_classic_may_be_left_out_when_it_is_declared_again(client: RawAmqp, name: str) -> None:
    client.declare(name, arguments={"x-queue-type": "classic"})
    client.declare(name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-anything": "goes"},
        {"x-queue-mode": "lazy"},
        {"x-queue-version": 1},
        {"x-queue-master-locator": "min-masters"},
    ],
)
def test_what_rabbitmq_4_refuses_or_ignores_is_accepted(
    client: RawAmqp, name: str, arguments: dict[str, object]
) -> None:
    client.declare(name, auto_delete=True, arguments=arguments)
    client.declare(name, auto_delete=True, arguments=arguments)
    client.call("queue.delete", queue=name)


def test_a_transient_queue_that_is_not_exclusive_is_accepted(client: RawAmqp, other: RawAmqp, name: str) -> None:
    client.call("queue.declare", queue=name)
    other.publish(name, b"x")
    other.sync()
    assert client.drain(name) == [b"x"]
    client.call("queue.delete", queue=name)
