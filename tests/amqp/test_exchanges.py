"""Exchanges as clients meet them: declaring, refusing, and what is predeclared. Texts are RabbitMQ 3.10.8's."""

import pytest

from mqbroker.core.values import Int32
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_channel

DECLARE = (40, 10)
DELETE = (40, 20)


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    ],
)
def test_exchanges_are_predeclared(client: RawAmqp, exchange: str, kind: str) -> None:
    client.call("exchange.declare", exchange=exchange, passive=True)
    client.call("exchange.declare", exchange=exchange, exchange_type=kind, durable=True)


def test_the_trace_exchange_is_internal(client: RawAmqp) -> None:
    client.call("exchange.declare", exchange="amq.rabbitmq.trace", exchange_type="topic", durable=True, internal=True)
    client.publish("x", exchange="amq.rabbitmq.trace")
    text = "ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'"
    assert client.refusal() == closes_channel(403, text, (60, 40))


@pytest.mark.parametrize(
    ("method", "args", "at"),
    [
        ("exchange.declare", {"exchange": "", "exchange_type": "direct"}, (40, 10)),
        ("exchange.delete", {"exchange": ""}, (40, 20)),
        ("exchange.bind", {"source": "", "destination": "amq.fanout"}, (40, 30)),
        ("exchange.bind", {"source": "amq.fanout", "destination": ""}, (40, 30)),
        ("exchange.unbind", {"source": "", "destination": "amq.fanout"}, (40, 40)),
        ("queue.bind", {"exchange": "", "queue": "q"}, (50, 20)),
        ("queue.unbind", {"exchange": "", "queue": "q"}, (50, 50)),
    ],
)
def test_the_default_exchange_is_left_alone(
    client: RawAmqp, method: str, args: dict[str, str], at: tuple[int, int]
) -> None:
    text = "ACCESS_REFUSED - operation not permitted on the default exchange"
    assert client.refused(method, **args) == closes_channel(403, text, at)


def test_every_queue_is_bound_to_the_default_exchange_by_its_name(client: RawAmqp) -> None:
    queue = client.declare()
    client.publish(queue, b"here")
    assert client.drain(queue) == [b"here"]


def test_names_that_begin_with_amq_are_reserved(client: RawAmqp) -> None:
    text = "ACCESS_REFUSED - exchange name 'amq.x' contains reserved prefix 'amq.*'"
    assert client.refused("exchange.declare", exchange="amq.x", exchange_type="direct") == closes_channel(
        403, text, DECLARE
    )


@pytest.mark.parametrize("exchange", ["amq.direct", "amq.missing"])
def test_system_exchanges_are_not_deleted(client: RawAmqp, exchange: str) -> None:
    text = f"ACCESS_REFUSED - deletion of system exchange '{exchange}' in vhost '/' not allowed"
    assert client.refused("exchange.delete", exchange=exchange) == closes_channel(403, text, DELETE)


def test_a_missing_exchange_is_404(client: RawAmqp, name: str) -> None:
    text = f"NOT_FOUND - no exchange '{name}' in vhost '/'"
    assert client.refused("exchange.declare", exchange=name, passive=True) == closes_channel(404, text, DECLARE)
    client.publish("key", exchange=name)
    assert client.refusal() == closes_channel(404, text, (60, 40))
    queue = client.declare()
    assert client.refused("queue.bind", queue=queue, exchange=name) == closes_channel(404, text, (50, 20))
    assert client.refused("exchange.bind", source=name, destination="amq.fanout") == closes_channel(404, text, (40, 30))


def test_deleting_a_missing_exchange_is_no_error(client: RawAmqp, name: str) -> None:
    client.call("exchange.delete", exchange=name)


def test_an_unknown_type_closes_the_channel(client: RawAmqp, name: str, ours: None) -> None:
    # RabbitMQ 4.x; 3.10.8 closes the connection with 503.
    refusal = client.refused("exchange.declare", exchange=name, exchange_type="nonsense")
    assert (refusal.method, refusal.code) == ("channel.close", 406)
    assert refusal.text == "PRECONDITION_FAILED - unknown exchange type 'nonsense'"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"durable": True}, "'durable' for {}: received 'true' but current is 'false'"),
        ({"auto_delete": False}, "'auto_delete' for {}: received 'false' but current is 'true'"),
        ({"internal": True}, "'internal' for {}: received 'true' but current is 'false'"),
        ({"exchange_type": "topic"}, "'type' for {}: received 'topic' but current is 'direct'"),
        (
            {"arguments": {"alternate-exchange": "a"}},
            "'alternate-exchange' for {}: received the value 'a' of type 'longstr' but current is none",
        ),
    ],
)
def test_declaring_it_differently_is_406(client: RawAmqp, name: str, change: dict[str, object], text: str) -> None:
    declared = {"exchange": name, "exchange_type": "direct", "auto_delete": True}
    client.call("exchange.declare", **declared)
    client.call("exchange.declare", **declared)
    full = f"PRECONDITION_FAILED - inequivalent arg {text}".format(f"exchange '{name}' in vhost '/'")
    assert client.refused("exchange.declare", **{**declared, **change}) == closes_channel(406, full, DECLARE)
    client.call("exchange.delete", exchange=name)


def test_an_alternate_exchange_has_to_be_a_name(client: RawAmqp, name: str) -> None:
    refusal = client.refused(
        "exchange.declare", exchange=name, exchange_type="direct", arguments={"alternate-exchange": Int32(5)}
    )
    text = f"invalid type 'signedint' for arg 'alternate-exchange' in exchange '{name}' in vhost '/'"
    assert refusal == closes_channel(406, f"PRECONDITION_FAILED - {text}", DECLARE)


def test_an_internal_exchange_takes_messages_from_exchanges_only(client: RawAmqp, name: str) -> None:
    queue = client.declare()
    client.call("exchange.declare", exchange=name, exchange_type="fanout", internal=True, auto_delete=True)
    client.call("queue.bind", queue=queue, exchange=name)
    client.call("exchange.bind", source="amq.direct", destination=name, routing_key=name)
    client.publish(name, b"by way of another", exchange="amq.direct")
    assert client.drain(queue) == [b"by way of another"]
    client.publish("x", exchange=name)
    text = f"ACCESS_REFUSED - cannot publish to internal exchange '{name}' in vhost '/'"
    assert client.refusal() == closes_channel(403, text, (60, 40))


def test_an_exchange_in_use_is_not_deleted_if_unused(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="direct")
    queue = client.declare()
    client.call("queue.bind", queue=queue, exchange=name, routing_key="k")
    text = f"PRECONDITION_FAILED - exchange '{name}' in vhost '/' in use"
    assert client.refused("exchange.delete", exchange=name, if_unused=True) == closes_channel(406, text, DELETE)
    client.call("queue.unbind", queue=queue, exchange=name, routing_key="k")
    client.call("exchange.delete", exchange=name, if_unused=True)


def test_an_auto_delete_exchange_goes_with_its_last_binding(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="direct", auto_delete=True)
    client.call("exchange.declare", exchange=name, passive=True)
    queue = client.declare()
    client.call("queue.bind", queue=queue, exchange=name, routing_key="k")
    client.call("queue.delete", queue=queue)
    assert client.refused("exchange.declare", exchange=name, passive=True).code == 404


def test_unbinding_what_is_not_bound_is_no_error(client: RawAmqp, name: str) -> None:
    queue = client.declare()
    client.call("queue.unbind", queue=queue, exchange="amq.direct", routing_key="never")
    client.call("queue.unbind", queue=name, exchange="amq.direct", routing_key="never")
    client.call("exchange.unbind", source="amq.direct", destination="amq.fanout", routing_key="never")
    client.call("queue.unbind", queue=queue, exchange=name, routing_key="never")
    client.call("exchange.unbind", source=name, destination="amq.fanout")
    client.call("exchange.unbind", source="amq.fanout", destination=name)


def test_binding_nothing_declared_is_404(client: RawAmqp) -> None:
    text = "NOT_FOUND - no previously declared queue"
    assert client.refused("queue.bind", exchange="amq.direct") == closes_channel(404, text, (50, 20))


def test_an_empty_queue_name_is_the_last_one_declared(client: RawAmqp) -> None:
    queue = client.declare()
    client.call("queue.bind", exchange="amq.direct")
    client.publish(queue, b"x", exchange="amq.direct")
    assert client.drain(queue) == [b"x"]


def test_nothing_is_answered_to_nowait(client: RawAmqp, name: str) -> None:
    queue = client.declare()
    client.send("exchange.declare", exchange=name, exchange_type="fanout", auto_delete=True, nowait=True)
    client.send("queue.bind", queue=queue, exchange=name, nowait=True)
    client.send("exchange.bind", source="amq.fanout", destination=name, nowait=True)
    client.send("exchange.unbind", source="amq.fanout", destination=name, nowait=True)
    client.publish("x", b"x", exchange=name)
    assert client.drain(queue) == [b"x"]
    client.send("exchange.delete", exchange=name, nowait=True)
    assert client.refused("exchange.declare", exchange=name, passive=True).code == 404
