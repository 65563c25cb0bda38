"""Dead letters: where they go, what is written on them, and how a cycle ends."""

import time

import pytest

from mqbroker.core.values import Timestamp
from tests.support.amqp_talk import Received
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_channel
from tests.support.waiting import eventually


def letter(client: RawAmqp, queue: str) -> Received:
    """The first message in a queue; a consumer waits for it, so that it may take its time."""
    client.call("channel.open", 2)
    client.consume(queue, channel=2, no_ack=True)
    received = client.delivery(2)
    client.call("channel.close", 2)
    return received


def rejected(client: RawAmqp, queue: str) -> None:
    """Takes a message from a queue and rejects it for good."""
    client.call("channel.open", 2)
    client.consume(queue, channel=2)
    client.send("basic.reject", 2, delivery_tag=client.delivery(2).args["delivery_tag"], requeue=False)
    client.call("channel.close", 2)


def rejected_by_hand(client: RawAmqp, queue: str) -> Received:
    """The same for a message that comes back to the queue: nobody consumes. What was rejected."""
    eventually(lambda: client.count(queue) > 0)
    message = client.get(queue, no_ack=False)
    assert message is not None
    client.send("basic.reject", delivery_tag=message.args["delivery_tag"], requeue=False)
    return message


def source_of(client: RawAmqp, dead: str, name: str = "", /, **arguments: object) -> str:
    """A queue whose dead letters go to the queue `dead`."""
    return client.declare(
        name, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, **arguments}
    )


def deaths(message: Received) -> list[dict[str, object]]:
    """The history without what differs between releases of RabbitMQ and the time."""
    return [{key: value for key, value in each.items() if key != "time"} for each in message.headers["x-death"]]


def test_a_rejected_message_tells_its_story(client: RawAmqp) -> None:
    dead = client.declare()
    queue = source_of(client, dead)
    client.publish(queue, b"body", headers={"mine": 1}, message_id="m", delivery_mode=2)
    before = int(time.time())
    rejected(client, queue)
    message = letter(client, dead)
    assert (message.body, message.args["exchange"], message.args["routing_key"]) == (b"body", "", dead)
    assert message.args["redelivered"] is False
    [death] = message.headers["x-death"]
    assert isinstance(death["time"], Timestamp)
    assert before - 1 <= death["time"] <= time.time() + 1
    assert deaths(message) == [
        {"count": 1, "reason": "rejected", "queue": queue, "exchange": "", "routing-keys": [queue]}
    ]
    headers = message.headers
    assert [headers[f"x-first-death-{part}"] for part in ("reason", "queue", "exchange")] == ["rejected", queue, ""]
    assert headers["mine"] == 1
    assert message.properties is not None
    assert message.properties.text("message_id") == "m"


@pytest.mark.parametrize("method", ["basic.nack", "basic.reject"])
def test_nack_and_reject_are_the_same(client: RawAmqp, method: str) -> None:
    dead = client.declare()
    queue = source_of(client, dead)
    client.publish(queue)
    client.get(queue, no_ack=False)
    client.send(method, delivery_tag=1, requeue=False)
    assert deaths(letter(client, dead))[0]["reason"] == "rejected"


def test_an_expired_message_keeps_its_expiration_in_its_story(client: RawAmqp) -> None:
    dead = client.declare()
    queue = source_of(client, dead)
    client.publish(queue, b"x", expiration="10")
    message = letter(client, dead)
    assert deaths(message) == [
        {
            "count": 1, "reason": "expired", "queue": queue, "exchange": "", "routing-keys": [queue],
            "original-expiration": "10",
        }
    ]  # fmt: skip
    assert message.properties is not None
    assert message.properties.text("expiration") is None


def test_the_queues_ttl_is_no_expiration_of_the_message(client: RawAmqp) -> None:
    dead = client.declare()
    client.publish(source_of(client, dead, "", **{"x-message-ttl": 10}))
    assert "original-expiration" not in deaths(letter(client, dead))[0]


def test_a_dropped_message_died_of_maxlen(client: RawAmqp) -> None:
    dead = client.declare()
    queue = source_of(client, dead, "", **{"x-max-length": 1})
    client.publish(queue, b"1")
    client.publish(queue, b"2")
    message = letter(client, dead)
    assert (message.body, deaths(message)[0]["reason"]) == (b"1", "maxlen")


def test_without_a_key_of_its_own_the_old_key_is_kept(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="topic", auto_delete=True)
    dead = client.declare()
    client.call("queue.bind", queue=dead, exchange=name, routing_key="#")
    queue = client.declare(arguments={"x-dead-letter-exchange": name})
    client.call("queue.bind", queue=queue, exchange="amq.direct", routing_key=f"{name}.key")
    client.publish(f"{name}.key", exchange="amq.direct")
    rejected(client, queue)
    message = letter(client, dead)
    assert (message.args["exchange"], message.args["routing_key"]) == (name, f"{name}.key")
    assert deaths(message) == [
        {"count": 1, "reason": "rejected", "queue": queue, "exchange": "amq.direct", "routing-keys": [f"{name}.key"]}
    ]


def test_copies_are_dead_lettered_by_all_their_keys(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="direct", auto_delete=True)
    first, second = client.declare(), client.declare()
    queue = client.declare(arguments={"x-dead-letter-exchange": name})
    client.call("queue.bind", queue=first, exchange=name, routing_key=queue)
    client.call("queue.bind", queue=second, exchange=name, routing_key="copy")
    client.publish(queue, headers={"CC": ["copy"]})
    rejected(client, queue)
    for each in (first, second):
        message = letter(client, each)
        assert message.headers["CC"] == ["copy"]
        assert deaths(message)[0]["routing-keys"] == [queue, "copy"]


def test_blind_copies_count_for_dead_letters_and_are_shown_to_nobody(client: RawAmqp, name: str) -> None:
    """The fault: BCC was forgotten when the message was published, so an audit queue bound by it stayed empty."""
    client.call("exchange.declare", exchange=name, exchange_type="direct", auto_delete=True)
    audit = client.declare(arguments={"x-dead-letter-exchange": name})
    archive = client.declare()
    queue = client.declare(arguments={"x-dead-letter-exchange": name})
    client.call("queue.bind", queue=audit, exchange=name, routing_key="audit")
    client.call("queue.bind", queue=archive, exchange=name, routing_key="archive")
    client.publish(queue, b"x", headers={"BCC": ["audit", "archive"], "CC": ["copy"], "mine": 1}, delivery_mode=2)
    assert rejected_by_hand(client, queue).headers == {"CC": ["copy"], "mine": 1}
    message = letter(client, archive)
    assert "BCC" not in message.headers
    assert deaths(message)[0]["routing-keys"] == [queue, "copy"]
    rejected_by_hand(client, audit)
    again = letter(client, archive)
    assert "BCC" not in again.headers
    assert [each["queue"] for each in deaths(again)] == [audit, queue], "a letter that dies again goes the same ways"


def test_a_key_of_the_queue_replaces_blind_copies_too(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="direct", auto_delete=True)
    dead, audit = client.declare(), client.declare()
    client.call("queue.bind", queue=audit, exchange=name, routing_key="audit")
    client.call("queue.bind", queue=dead, exchange=name, routing_key="dead")
    second = client.declare(arguments={"x-dead-letter-exchange": name})
    client.call("queue.bind", queue=second, exchange=name, routing_key="dead")
    queue = client.declare(arguments={"x-dead-letter-exchange": name, "x-dead-letter-routing-key": "dead"})
    client.publish(queue, headers={"BCC": ["audit"]})
    rejected_by_hand(client, queue)
    assert letter(client, dead).args["routing_key"] == "dead"
    rejected_by_hand(client, second)
    assert letter(client, dead).args["routing_key"] == "dead"
    assert client.drain(audit) == []


def test_a_key_of_the_queue_replaces_the_copies(client: RawAmqp) -> None:
    dead, copy = client.declare(), client.declare()
    queue = source_of(client, dead)
    client.publish(queue, headers={"CC": [copy]})
    client.drain(copy)
    rejected(client, queue)
    message = letter(client, dead)
    assert "CC" not in message.headers
    assert deaths(message)[0]["routing-keys"] == [queue, copy]
    assert client.drain(copy) == []


def test_a_message_goes_round_while_clients_reject_it(client: RawAmqp, name: str) -> None:
    ping, pong = f"{name}.ping", f"{name}.pong"
    source_of(client, pong, ping)
    source_of(client, ping, pong)
    client.publish(ping)
    for queue in (ping, pong, ping, pong):
        rejected(client, queue)
    message = letter(client, ping)
    assert [(each["queue"], each["count"]) for each in deaths(message)] == [(pong, 2), (ping, 2)]
    assert message.headers["x-first-death-queue"] == ping


def test_a_cycle_without_a_rejection_ends(client: RawAmqp, name: str) -> None:
    queue = f"{name}.loop"
    client.declare(
        queue, arguments={"x-message-ttl": 0, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}
    )
    client.publish(queue)
    client.sync()
    assert client.drain(queue) == []


def test_a_rejected_message_may_expire_in_a_wait_queue_and_come_back(client: RawAmqp, name: str) -> None:
    """The usual retry: work rejects, wait expires back to work."""
    work, wait = f"{name}.work", f"{name}.wait"
    source_of(client, wait, work)
    source_of(client, work, wait, **{"x-message-ttl": 10})
    client.publish(work, b"job")
    for round_number in (1, 2):
        client.call("channel.open", 3)
        client.consume(work, channel=3)
        delivery = client.delivery(3)
        assert delivery.body == b"job"
        expected = [] if round_number == 1 else [(wait, "expired", 1), (work, "rejected", 1)]
        story = deaths(delivery) if round_number > 1 else []
        assert [(each["queue"], each["reason"], each["count"]) for each in story] == expected
        client.send("basic.reject", 3, delivery_tag=1, requeue=False)
        client.call("channel.close", 3)


def test_a_missing_dead_letter_exchange_is_accepted(client: RawAmqp, name: str) -> None:
    queue = client.declare(arguments={"x-dead-letter-exchange": name, "x-max-length": 1})
    client.publish(queue, b"1")
    client.publish(queue, b"2")
    assert client.drain(queue) == [b"2"]


def test_a_dead_letter_exchange_has_to_be_a_name(client: RawAmqp, name: str) -> None:
    refusal = client.refused("queue.declare", queue=name, arguments={"x-dead-letter-exchange": 1})
    text = f"PRECONDITION_FAILED - invalid type 'long' for arg 'x-dead-letter-exchange' in queue '{name}' in vhost '/'"
    assert refusal == closes_channel(406, text, (50, 10))


def test_a_story_that_a_client_tells_is_no_history(client: RawAmqp, ours: None) -> None:
    # RabbitMQ since 4.0; 3.10.8 counts on what the client says.
    dead = client.declare()
    queue = source_of(client, dead)
    told = [{"count": 7, "reason": "rejected", "queue": queue, "exchange": "", "routing-keys": [queue]}]
    client.publish(queue, headers={"x-death": told})
    rejected(client, queue)
    assert deaths(letter(client, dead))[0]["count"] == 1


def test_the_last_death_is_told_too(client: RawAmqp, ours: None) -> None:
    # RabbitMQ since 4.0.
    dead = client.declare()
    queue = source_of(client, dead)
    client.publish(queue)
    rejected(client, queue)
    headers = letter(client, dead).headers
    assert [headers[f"x-last-death-{part}"] for part in ("reason", "queue", "exchange")] == ["rejected", queue, ""]


def test_what_a_client_says_of_the_first_death_is_no_history(client: RawAmqp, ours: None) -> None:
    """A dead letter that was published anew kept the first death of its former life."""
    dead = client.declare()
    queue = source_of(client, dead)
    parts = ("reason", "queue", "exchange")
    client.publish(queue, headers={f"x-{which}-death-{part}": "told" for which in ("first", "last") for part in parts})
    rejected(client, queue)
    headers = letter(client, dead).headers
    for which in ("first", "last"):
        assert [headers[f"x-{which}-death-{part}"] for part in parts] == ["rejected", queue, ""]


def test_of_a_deleted_queue_there_are_no_dead_letters(client: RawAmqp, other: RawAmqp, name: str) -> None:
    """What a client held of a queue that was deleted meanwhile was dead-lettered when the client rejected it."""
    dead = client.declare()
    other.call("queue.declare", queue=name, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead
    })  # fmt: skip
    client.publish(name, b"held")
    client.get(name, no_ack=False)
    other.call("queue.delete", queue=name)
    client.send("basic.reject", delivery_tag=1, requeue=False)
    client.sync()
    assert client.drain(dead) == []


def test_purged_and_acked_messages_are_no_dead_letters(client: RawAmqp) -> None:
    dead = client.declare()
    queue = source_of(client, dead)
    client.publish(queue)
    client.publish(queue)
    client.get(queue, no_ack=True)
    client.call("queue.purge", queue=queue)
    client.publish(queue)
    client.call("queue.delete", queue=queue)
    assert client.drain(dead) == []


def test_dead_letters_can_be_copied_and_dropped_on_their_way(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="fanout", auto_delete=True)
    full = client.declare(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    roomy = client.declare()
    for queue in (full, roomy):
        client.call("queue.bind", queue=queue, exchange=name)
    source = client.declare(arguments={"x-dead-letter-exchange": name, "x-max-length": 0})
    client.publish(source, b"1")
    client.publish(source, b"2")
    eventually(lambda: client.count(roomy) == 2)
    assert (client.drain(full), client.drain(roomy)) == ([b"1"], [b"1", b"2"])
