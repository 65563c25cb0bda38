"""Consuming, acknowledging and getting: tags, prefetch, requeueing, priorities among consumers, who is next."""

from typing import Any

import pytest

from mqbroker.core.values import Int32, Timestamp
from tests.amqp.conftest import Connect
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_channel, closes_connection
from tests.support.waiting import eventually
from tests.support.window import IN_MEMORY


def filled(client: RawAmqp, *bodies: bytes, queue: str = "", **args: Any) -> str:
    """A new queue with messages."""
    name = client.declare(queue, **args)
    for body in bodies:
        client.publish(name, body)
    client.sync()
    return name


def test_a_delivery_is_complete(client: RawAmqp, name: str) -> None:
    client.declare(name)
    client.publish(name, b"body", content_type="text/plain", headers={"a": 1}, delivery_mode=2)
    tag = client.consume(name)
    assert tag.startswith("amq.ctag-")
    delivery = client.delivery()
    assert delivery.args == {
        "consumer_tag": tag, "delivery_tag": 1, "redelivered": False, "exchange": "", "routing_key": name,
    }  # fmt: skip
    assert (delivery.body, delivery.headers) == (b"body", {"a": 1})
    assert delivery.properties is not None
    assert delivery.properties.text("content_type") == "text/plain"


def test_a_large_message_comes_in_several_frames(connect: Connect) -> None:
    client = connect()
    client.open(frame_max=4096)
    queue = client.declare()
    body = bytes(range(256)) * 100
    client.publish(queue, body)
    client.consume(queue, no_ack=True)
    assert client.delivery().body == body


@pytest.mark.parametrize("method", ["basic.ack", "basic.nack", "basic.reject"])
@pytest.mark.parametrize("tag", [0, 99, 1 << 63, (1 << 64) - 1])
def test_an_unknown_delivery_tag_is_406(client: RawAmqp, method: str, tag: int) -> None:
    at = {"basic.ack": (60, 80), "basic.nack": (60, 120), "basic.reject": (60, 90)}[method]
    text = f"PRECONDITION_FAILED - unknown delivery tag {tag}"
    assert client.refused(method, delivery_tag=tag) == closes_channel(406, text, at)


@pytest.mark.parametrize("method", ["basic.ack", "basic.nack"])
@pytest.mark.parametrize("tag", [1, 1 << 63, (1 << 64) - 1])
def test_an_unknown_tag_for_many_is_406(client: RawAmqp, method: str, tag: int) -> None:
    refusal = client.refused(method, delivery_tag=tag, multiple=True)
    assert (refusal.code, refusal.text) == (406, f"PRECONDITION_FAILED - unknown delivery tag {tag}")


@pytest.mark.parametrize("multiple", [False, True])
def test_an_ack_counts_once(client: RawAmqp, multiple: bool) -> None:
    client.consume(filled(client, b"1"))
    client.delivery()
    client.send("basic.ack", delivery_tag=1, multiple=multiple)
    refusal = client.refused("basic.ack", delivery_tag=1, multiple=multiple)
    assert refusal == closes_channel(406, "PRECONDITION_FAILED - unknown delivery tag 1", (60, 80))


def test_acking_everything_when_there_is_nothing_is_no_error(client: RawAmqp) -> None:
    client.send("basic.ack", delivery_tag=0, multiple=True)
    client.send("basic.nack", delivery_tag=0, multiple=True, requeue=True)
    client.sync()


def test_multiple_acks_up_to_the_tag(client: RawAmqp, name: str) -> None:
    filled(client, b"1", b"2", b"3", queue=name)
    client.consume(name, "c")
    client.deliveries(3)
    client.send("basic.ack", delivery_tag=2, multiple=True)
    client.call("channel.close")
    client.call("channel.open")
    assert client.drain(name) == [b"3"]


def test_what_was_not_acked_comes_back_in_its_place(client: RawAmqp, name: str) -> None:
    filled(client, b"1", b"2", b"3", b"4", queue=name)
    for _ in range(3):
        client.get(name, no_ack=False)
    client.send("basic.ack", delivery_tag=2)
    client.call("channel.close")
    client.call("channel.open")
    received = [client.get(name) for _ in range(3)]
    assert [(each.body, each.args["redelivered"]) for each in received if each] == [
        (b"1", True), (b"3", True), (b"4", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "args"),
    [("basic.reject", {"requeue": True}), ("basic.nack", {"requeue": True}), ("basic.recover", {"requeue": True})],
)
def test_a_requeued_message_comes_first(client: RawAmqp, name: str, method: str, args: dict[str, bool]) -> None:
    filled(client, b"1", b"2", queue=name)
    first = client.get(name, no_ack=False)
    assert first is not None
    if method != "basic.recover":
        args = {**args, "delivery_tag": first.args["delivery_tag"]}
    client.send(method, **args)
    if method == "basic.recover":
        client.expect("basic.recover-ok")
    again = client.get(name)
    assert again is not None
    assert (again.body, again.args["redelivered"], again.args["message_count"]) == (b"1", True, 1)


def test_nack_multiple_requeues_in_order(client: RawAmqp, name: str) -> None:
    filled(client, b"1", b"2", b"3", queue=name)
    for _ in range(3):
        client.get(name, no_ack=False)
    client.send("basic.nack", delivery_tag=3, multiple=True, requeue=True)
    assert client.drain(name) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("method", ["basic.recover", "basic.recover-async"])
def test_recover_without_requeue_is_540(client: RawAmqp, method: str) -> None:
    refusal = client.refused(method, requeue=False)
    assert (refusal.method, refusal.code, refusal.text) == (
        "connection.close", 540, "NOT_IMPLEMENTED - requeue=false",
    )  # fmt: skip


def test_recover_delivers_to_the_consumer_again(client: RawAmqp) -> None:
    client.consume(filled(client, b"1", b"2"))
    client.deliveries(2)
    client.call("basic.recover", requeue=True)
    again = [client.delivery() for _ in range(2)]
    assert [(each.body, each.args["redelivered"], each.args["delivery_tag"]) for each in again] == [
        (b"1", True, 3), (b"2", True, 4),
    ]  # fmt: skip


# --- answers first ----------------------------------------------------------------------------------------------------


def test_consume_ok_comes_before_the_deliveries(client: RawAmqp) -> None:
    queue = filled(client, b"1")
    client.send("basic.consume", queue=queue, no_ack=True)
    client.expect("basic.consume-ok")
    assert client.delivery().body == b"1"


def test_recover_ok_comes_before_the_deliveries(client: RawAmqp) -> None:
    """A client that waits for the answer took what was delivered once more for that."""
    client.consume(filled(client, b"1"))
    client.delivery()
    client.send("basic.recover", requeue=True)
    client.expect("basic.recover-ok")
    assert client.delivery().args["redelivered"] is True


def test_qos_ok_comes_before_the_deliveries(client: RawAmqp) -> None:
    """What a wider window let through came before the answer."""
    client.call("basic.qos", prefetch_count=1, global_=True)
    client.consume(filled(client, b"1", b"2"))
    client.delivery()
    client.send("basic.qos", prefetch_count=2, global_=True)
    client.expect("basic.qos-ok")
    assert client.delivery().body == b"2"


def test_cancel_ok_comes_before_the_deliveries_to_a_successor(client: RawAmqp, name: str, ours: None) -> None:
    """A single active consumer that left was answered after what its successor was sent on the same channel."""
    # In RabbitMQ 3.10.8 a successor has to wait for the next message or ack.
    client.declare(name, arguments={"x-single-active-consumer": True})
    client.call("basic.qos", prefetch_count=1)
    client.consume(name, "a")
    client.consume(name, "b")
    for body in (b"1", b"2"):
        client.publish(name, body)
    assert client.delivery().body == b"1"
    client.send("basic.cancel", consumer_tag="a")
    client.expect("basic.cancel-ok")
    assert client.delivery().args["consumer_tag"] == "b"


# --- tags and ends --------------------------------------------------------------------------------------------------


def test_a_consumer_tag_is_used_once(client: RawAmqp) -> None:
    queue = client.declare()
    client.consume(queue, "t")
    text = "NOT_ALLOWED - attempt to reuse consumer tag 't'"
    refusal = client.refused("basic.consume", queue=queue, consumer_tag="t")
    assert refusal == closes_connection(530, text, (60, 20))


def test_the_same_tag_may_be_used_on_another_channel(client: RawAmqp) -> None:
    queue = client.declare()
    client.call("channel.open", 2)
    client.consume(queue, "t")
    client.consume(queue, "t", 2)


def test_cancelling_an_unknown_tag_is_no_error(client: RawAmqp) -> None:
    assert client.call("basic.cancel", consumer_tag="nobody").args == {"consumer_tag": "nobody"}


def test_a_cancelled_consumer_gets_nothing_more_and_may_still_ack(client: RawAmqp, name: str) -> None:
    """The ack of a cancelled consumer put it back into the ring of those that take messages."""
    filled(client, b"1", queue=name)
    client.consume(name, "t")
    client.delivery()
    client.call("basic.cancel", consumer_tag="t")
    client.publish(name, b"2")
    client.send("basic.ack", delivery_tag=1)
    assert client.drain(name) == [b"2"]


@pytest.mark.parametrize("first_is_exclusive", [True, False])
def test_an_exclusive_consumer_is_alone(client: RawAmqp, name: str, first_is_exclusive: bool) -> None:
    client.declare(name)
    client.consume(name, exclusive=first_is_exclusive)
    text = f"ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use"
    refusal = client.refused("basic.consume", queue=name, exclusive=not first_is_exclusive)
    assert refusal == closes_channel(403, text, (60, 20))


def test_a_queue_with_a_single_active_consumer_has_no_exclusive_one(client: RawAmqp, name: str) -> None:
    client.declare(name, arguments={"x-single-active-consumer": True})
    text = f"ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use"
    refusal = client.refused("basic.consume", queue=name, exclusive=True)
    assert refusal == closes_channel(403, text, (60, 20))


def test_polling_goes_past_an_exclusive_consumer(client: RawAmqp, name: str) -> None:
    """basic.get was refused where an exclusive consumer was."""
    client.declare(name)
    client.call("basic.qos", prefetch_count=1)
    client.consume(name, exclusive=True)
    for body in (b"1", b"2"):
        client.publish(name, body)
    assert client.delivery().body == b"1"
    eventually(lambda: client.count(name) == 1)
    assert client.drain(name) == [b"2"]


def test_nothing_is_answered_to_nowait(client: RawAmqp) -> None:
    queue = filled(client, b"1")
    client.send("basic.consume", queue=queue, consumer_tag="t", nowait=True, no_ack=True)
    assert client.delivery().body == b"1"
    client.send("basic.cancel", consumer_tag="t", nowait=True)
    client.publish(queue, b"2")
    assert client.drain(queue) == [b"2"]


def test_a_deleted_queue_delivers_nothing_more(client: RawAmqp, other: RawAmqp, name: str) -> None:
    """An ack for a deleted queue made it deliver what had waited in it."""
    other.declare(name, auto_delete=True)
    client.call("basic.qos", prefetch_count=1)
    client.consume(filled(client, b"1", b"2", queue=name, auto_delete=True))
    client.delivery()
    other.call("queue.delete", queue=name)
    client.expect("basic.cancel")
    client.send("basic.ack", delivery_tag=1)
    client.send("queue.declare", passive=True, queue=name)
    assert client.expect("channel.close").args["reply_code"] == 404


# --- prefetch -------------------------------------------------------------------------------------------------------


def test_prefetch_counts_for_each_consumer(client: RawAmqp) -> None:
    queues = [filled(client, b"1", b"2", b"3") for _ in range(2)]
    client.call("basic.qos", prefetch_count=2)
    for queue in queues:
        client.consume(queue, queue)
    assert client.deliveries(4) == [b"1", b"2"] * 2
    assert [client.count(queue) for queue in queues] == [1, 1]
    client.send("basic.ack", delivery_tag=1)
    delivery = client.delivery()
    assert (delivery.body, delivery.args["consumer_tag"]) == (b"3", queues[0])


def test_prefetch_concerns_later_consumers_only(client: RawAmqp) -> None:
    queue = filled(client)
    client.consume(queue)
    client.call("basic.qos", prefetch_count=1)
    for body in (b"1", b"2", b"3"):
        client.publish(queue, body)
    assert client.deliveries(3) == [b"1", b"2", b"3"]


def test_global_prefetch_counts_for_the_channel(client: RawAmqp) -> None:
    queues = [filled(client, b"1", b"2") for _ in range(2)]
    client.call("basic.qos", prefetch_count=3, global_=True)
    for queue in queues:
        client.consume(queue)
    client.deliveries(3)
    assert sum(client.count(queue) for queue in queues) == 1
    client.send("basic.ack", delivery_tag=1)
    client.delivery()


@IN_MEMORY
def test_both_kinds_of_prefetch_count_together(client: RawAmqp) -> None:
    first, second = filled(client, b"1", b"2", b"3"), filled(client, b"4", b"5", b"6")
    client.call("basic.qos", prefetch_count=2)
    client.call("basic.qos", prefetch_count=3, global_=True)
    client.consume(first)
    client.consume(second)
    assert client.deliveries(3) == [b"1", b"2", b"4"]
    assert (client.count(first), client.count(second)) == (1, 2)


def test_a_raised_global_prefetch_lets_more_through(client: RawAmqp) -> None:
    queue = filled(client, b"1", b"2", b"3")
    client.call("basic.qos", prefetch_count=1, global_=True)
    client.consume(queue)
    client.delivery()
    client.call("basic.qos", prefetch_count=0, global_=True)
    assert client.deliveries(2) == [b"2", b"3"]


def test_prefetch_is_no_limit_without_acks(client: RawAmqp) -> None:
    queue = filled(client, b"1", b"2", b"3")
    client.call("basic.qos", prefetch_count=1)
    client.consume(queue, no_ack=True)
    assert client.deliveries(3) == [b"1", b"2", b"3"]


def test_prefetch_by_size_is_540(client: RawAmqp) -> None:
    text = "NOT_IMPLEMENTED - prefetch_size!=0 (100)"
    assert client.refused("basic.qos", prefetch_size=100) == closes_connection(540, text, (60, 10))


# --- who is next ----------------------------------------------------------------------------------------------------


def test_consumers_take_turns(client: RawAmqp) -> None:
    queue = client.declare()
    for tag in ("a", "b", "c"):
        client.consume(queue, tag, no_ack=True)
    for _ in range(6):
        client.publish(queue)
    tags = [client.delivery().args["consumer_tag"] for _ in range(6)]
    assert sorted(tags[:3]) == sorted(tags[3:]) == ["a", "b", "c"]


def test_a_consumer_of_higher_priority_goes_first(client: RawAmqp) -> None:
    queue = client.declare()
    client.call("basic.qos", prefetch_count=2)
    client.consume(queue, "low", arguments={"x-priority": -1})
    client.consume(queue, "high", arguments={"x-priority": Int32(10)})
    client.consume(queue, "middle")
    for _ in range(5):
        client.publish(queue)
    tags = [client.delivery().args["consumer_tag"] for _ in range(5)]
    assert tags == ["high", "high", "middle", "middle", "low"]


@pytest.mark.parametrize(
    ("value", "kind"), [("high", "longstr"), (Timestamp(5), "timestamp"), (True, "bool"), (1.5, "double")]
)
def test_a_priority_has_to_be_a_number(client: RawAmqp, name: str, value: object, kind: str) -> None:
    """A timestamp passed for a number."""
    client.declare(name)
    refusal = client.refused("basic.consume", queue=name, arguments={"x-priority": value})
    text = (
        f"PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{name}' in vhost '/': "
        f'"expected integer, got {kind}"'
    )
    assert refusal == closes_channel(406, text, (60, 20))


def test_a_single_active_consumer_is_followed_by_the_next_in_line(client: RawAmqp, connect: Connect, name: str) -> None:
    """What the active consumer had not acked was delivered to its successor after newer messages."""
    client.declare(name, auto_delete=True, arguments={"x-single-active-consumer": True})
    first, second = connect(), connect()
    for each in (first, second):
        each.open()
        each.call("basic.qos", prefetch_count=3)
        each.consume(name)
    client.consume(name, "third")
    for number in range(5):
        client.publish(name, b"%d" % number)
    assert first.deliveries(3) == [b"0", b"1", b"2"]
    first.send("basic.ack", delivery_tag=1)
    assert first.delivery().body == b"3"
    first.close()
    received = [second.delivery() for _ in range(3)]
    assert [(each.body, each.args["redelivered"]) for each in received] == [(b"1", True), (b"2", True), (b"3", True)]
    second.send("basic.ack", delivery_tag=3, multiple=True)
    last = second.delivery()
    assert (last.body, last.args["redelivered"]) == (b"4", False)


def test_a_cancelled_active_consumer_hands_over(client: RawAmqp, name: str) -> None:
    client.declare(name, arguments={"x-single-active-consumer": True})
    client.consume(name, "a", no_ack=True)
    client.consume(name, "b", no_ack=True)
    client.publish(name)
    assert client.delivery().args["consumer_tag"] == "a"
    client.call("basic.cancel", consumer_tag="a")
    client.publish(name)
    assert client.delivery().args["consumer_tag"] == "b"


# --- basic.get ------------------------------------------------------------------------------------------------------


def test_get_answers_with_the_message_or_empty(client: RawAmqp, name: str) -> None:
    filled(client, b"1", b"2", queue=name)
    first = client.call("basic.get", queue=name, no_ack=True)
    assert first.args == {
        "delivery_tag": 1, "redelivered": False, "exchange": "", "routing_key": name, "message_count": 1,
    }  # fmt: skip
    second = client.call("basic.get", queue=name)
    assert second.args["delivery_tag"] == 2
    assert client.call("basic.get", queue=name).name == "basic.get-empty"
    client.send("basic.ack", delivery_tag=2)
    client.sync()


def test_get_counts_for_no_prefetch(client: RawAmqp) -> None:
    queue = filled(client, b"1", b"2", b"3")
    client.call("basic.qos", prefetch_count=1, global_=True)
    client.consume(queue)
    client.delivery()
    assert client.call("basic.get", queue=queue).body == b"2"
    client.send("basic.ack", delivery_tag=1)
    assert client.delivery().body == b"3"
