"""What a queue does beyond first come, first served: time to live, expiry, length, priorities, delivery limits."""

import pytest

from mqbroker.protocols.amqp.frames import content_header_frame
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from tests.support.raw_amqp import RawAmqp
from tests.support.waiting import eventually


def with_dead_letters(client: RawAmqp, **arguments: object) -> tuple[str, str]:
    """A queue with these arguments, and the queue that its dead letters go to."""
    dead = client.declare()
    queue = client.declare(arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, **arguments})
    return queue, dead


# --- time to live ---------------------------------------------------------------------------------------------------


def test_messages_expire_after_the_queues_ttl(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-message-ttl": 50})
    client.consume(dead, no_ack=True)
    for body in (b"1", b"2"):
        client.publish(queue, body)
    assert client.deliveries(2) == [b"1", b"2"]
    assert client.count(queue) == 0


def test_a_message_expires_after_its_own_ttl(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client)
    client.consume(dead, no_ack=True)
    client.publish(queue, b"short", expiration="50")
    client.publish(queue, b"long", expiration="60000")
    assert client.delivery().body == b"short"
    assert client.drain(queue) == [b"long"]


@pytest.mark.parametrize(("of_queue", "of_message"), [(60_000, "50"), (50, "60000")])
def test_the_shorter_ttl_counts(client: RawAmqp, of_queue: int, of_message: str) -> None:
    queue, dead = with_dead_letters(client, **{"x-message-ttl": of_queue})
    client.consume(dead, no_ack=True)
    client.publish(queue, b"x", expiration=of_message)
    assert client.delivery().body == b"x"


def test_a_ttl_of_0_is_for_who_is_waiting(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-message-ttl": 0})
    client.publish(queue, b"nobody waits")
    tag = client.consume(queue, no_ack=True)
    client.publish(queue, b"somebody waits")
    assert client.delivery().body == b"somebody waits"
    client.call("basic.cancel", consumer_tag=tag)
    assert client.drain(dead) == [b"nobody waits"]


def test_a_message_expires_behind_one_that_lives_longer_when_it_gets_to_the_head(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client)
    client.publish(queue, b"long", expiration="60000")
    client.publish(queue, b"short", expiration="1")
    assert client.drain(dead) == []
    assert client.get(queue) is not None
    client.consume(dead, no_ack=True)
    assert client.delivery().body == b"short"


def test_a_message_that_comes_back_expires_when_it_would_have(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-message-ttl": 50})
    client.consume(queue, "holder")
    client.publish(queue, b"x")
    client.delivery()
    client.call("basic.cancel", consumer_tag="holder")
    client.consume(dead, no_ack=True)
    client.send("basic.reject", delivery_tag=1, requeue=True)
    assert client.delivery().body == b"x"


# --- x-expires ------------------------------------------------------------------------------------------------------


def test_an_unused_queue_expires(client: RawAmqp, other: RawAmqp, name: str) -> None:
    client.call("queue.declare", queue=name, arguments={"x-expires": 1_000})
    client.call("exchange.declare", exchange=name, exchange_type="fanout")
    client.call("queue.bind", queue=name, exchange=name)
    # Asking for the queue would be using it, so the exchange is asked whether anything is still bound to it.
    eventually(lambda: is_unbound(other, name))


def is_unbound(client: RawAmqp, exchange: str) -> bool:
    client.publish("", exchange=exchange, mandatory=True)
    client.send("channel.flow", active=True)
    answer = client.next(1)
    if answer.name == "basic.return":
        client.expect("channel.flow-ok")
    return answer.name == "basic.return"


# --- length ---------------------------------------------------------------------------------------------------------


def test_a_full_queue_drops_its_oldest(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-max-length": 2})
    for body in (b"1", b"2", b"3", b"4"):
        client.publish(queue, body)
    assert client.drain(queue) == [b"3", b"4"]
    assert client.drain(dead) == [b"1", b"2"]


def test_bytes_count_too(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-max-length-bytes": 10})
    for body in (b"1" * 4, b"2" * 4, b"3" * 4):
        client.publish(queue, body)
    assert client.drain(queue) == [b"2" * 4, b"3" * 4]
    client.publish(queue, b"4" * 11)
    assert client.drain(queue) == []
    assert client.drain(dead) == [b"1" * 4, b"4" * 11]


def test_only_what_waits_counts(client: RawAmqp) -> None:
    queue, _ = with_dead_letters(client, **{"x-max-length": 1})
    client.publish(queue, b"1")
    client.call("basic.qos", prefetch_count=1)
    client.consume(queue)
    client.delivery()
    client.publish(queue, b"2")
    client.call("confirm.select")
    client.publish(queue, b"3")
    client.expect("basic.ack")
    client.send("basic.ack", delivery_tag=1)
    assert client.delivery().body == b"3"


def test_a_length_of_0_is_for_who_is_waiting(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-max-length": 0})
    client.publish(queue, b"1")
    tag = client.consume(queue, no_ack=True)
    client.publish(queue, b"2")
    assert client.delivery().body == b"2"
    client.call("basic.cancel", consumer_tag=tag)
    assert client.drain(dead) == [b"1"]


def test_reject_publish_keeps_the_old(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-max-length": 1, "x-overflow": "reject-publish"})
    client.publish(queue, b"1")
    client.publish(queue, b"2")
    assert (client.drain(queue), client.drain(dead)) == ([b"1"], [])


def test_reject_publish_dlx_also_dead_letters_the_new(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client, **{"x-max-length": 1, "x-overflow": "reject-publish-dlx"})
    client.call("confirm.select")
    client.publish(queue, b"1")
    client.publish(queue, b"2")
    assert client.wait_for("basic.ack").args["delivery_tag"] == 1
    assert client.wait_for("basic.nack").args["delivery_tag"] == 2
    assert (client.drain(queue), client.drain(dead)) == ([b"1"], [b"2"])


# --- priorities -----------------------------------------------------------------------------------------------------


def test_higher_priorities_go_first(client: RawAmqp) -> None:
    queue = client.declare(arguments={"x-max-priority": 5})
    for priority in (None, 1, 5, 3, 0, 9, 3):
        client.publish(queue, str(priority).encode(), priority=priority)
    assert client.drain(queue) == [b"5", b"9", b"3", b"3", b"1", b"None", b"0"]


def test_a_requeued_message_keeps_its_priority_and_place(client: RawAmqp) -> None:
    queue = client.declare(arguments={"x-max-priority": 2})
    for body, priority in ((b"low", 0), (b"high 1", 2), (b"high 2", 2)):
        client.publish(queue, body, priority=priority)
    assert client.get(queue, no_ack=False) is not None
    client.send("basic.reject", delivery_tag=1, requeue=True)
    assert client.drain(queue) == [b"high 1", b"high 2", b"low"]


def test_a_priority_is_one_octet_of_any_value(client: RawAmqp) -> None:
    queue = client.declare(arguments={"x-max-priority": 255})
    for priority in (0, 255, 128):
        client.publish(queue, bytes((priority,)), priority=priority)
    assert client.drain(queue) == [b"\xff", b"\x80", b"\0"]


# --- delivery limit -------------------------------------------------------------------------------------------------


def quorum(client: RawAmqp, name: str, dead: str, **arguments: object) -> None:
    client.declare(
        name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
            **arguments,
        },
    )


def test_a_message_that_comes_back_too_often_is_dead_lettered(client: RawAmqp, name: str) -> None:
    dead = client.declare()
    quorum(client, name, dead, **{"x-delivery-limit": 2})
    client.publish(name, b"poison", delivery_mode=2)
    client.consume(name)
    counts = []
    for tag in (1, 2, 3):
        delivery = client.delivery()
        counts.append(delivery.headers.get("x-delivery-count"))
        client.send("basic.reject", delivery_tag=tag, requeue=True)
    client.call("channel.open", 2)
    client.consume(dead, channel=2, no_ack=True)
    letter = client.delivery(2)
    assert letter.headers["x-death"][0]["reason"] == "delivery_limit"
    assert counts == [None, 1, 2]
    client.call("queue.delete", queue=name)


@pytest.mark.usefixtures("ours")
def test_what_is_given_back_does_not_count_for_the_delivery_limit(client: RawAmqp, name: str) -> None:
    """The fault: 21 explicit returns deleted the message. RabbitMQ 4.3 counts them in a header of their own."""
    client.declare(name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 1})
    client.publish(name, b"x", delivery_mode=2)
    client.consume(name)
    counts = []
    for tag in range(1, 26):
        headers = client.delivery().headers
        counts.append((headers.get("x-acquired-count"), headers.get("x-delivery-count")))
        if tag % 2:
            client.send("basic.nack", delivery_tag=tag, requeue=True)
        else:
            client.call("basic.recover", requeue=True)
    assert counts == [(None, None), *((number, None) for number in range(1, 25))]
    client.send("basic.reject", delivery_tag=client.delivery().args["delivery_tag"], requeue=True)
    last = client.delivery()
    assert (last.headers["x-acquired-count"], last.headers["x-delivery-count"]) == (26, 1)
    client.call("channel.close")
    client.call("channel.open")
    assert client.count(name) == 0, "a channel that is closed has failed with what it held"


@pytest.mark.usefixtures("ours")
def test_what_is_given_back_in_a_transaction_counts_in_the_same_way(client: RawAmqp, name: str) -> None:
    client.declare(name, durable=True, arguments={"x-queue-type": "quorum"})
    client.publish(name, b"x", delivery_mode=2)
    client.call("tx.select")
    for tag, method in enumerate(("basic.nack", "basic.reject"), 1):
        assert client.get(name, no_ack=False) is not None
        client.send(method, delivery_tag=tag, requeue=True)
        client.call("tx.commit")
    message = client.get(name)
    assert message is not None
    assert message.headers == {"x-acquired-count": 2, "x-delivery-count": 1}


def test_the_delivery_count_is_shown_to_who_polls(client: RawAmqp, name: str) -> None:
    """basic.get left the header x-delivery-count out."""
    quorum(client, name, client.declare())
    client.publish(name, b"x", delivery_mode=2)
    eventually(lambda: client.count(name) == 1)
    counts = []
    for tag in (1, 2):
        message = client.get(name, no_ack=False)
        assert message is not None
        counts.append(message.headers.get("x-delivery-count"))
        client.send("basic.reject", delivery_tag=tag, requeue=True)
        eventually(lambda: client.count(name) == 1)
    assert counts in ([None, 1], [0, 1])  # RabbitMQ 3.10.8 shows a 0 here, and none to a consumer
    client.call("queue.delete", queue=name)


def test_a_classic_queue_has_no_delivery_limit(client: RawAmqp) -> None:
    queue = client.declare()
    client.publish(queue, b"x")
    for tag in range(1, 31):
        assert client.get(queue, no_ack=False) is not None
        client.send("basic.reject", delivery_tag=tag, requeue=True)
    assert client.drain(queue) == [b"x"]


def test_what_expired_before_it_was_complete_still_counts(client: RawAmqp) -> None:
    queue, dead = with_dead_letters(client)
    client.write(encode_method("basic.publish", 1, exchange="", routing_key=queue))
    client.write(content_header_frame(1, build(expiration="0").raw, 0))
    assert client.drain(queue) == []
    assert client.drain(dead) == [b""]
