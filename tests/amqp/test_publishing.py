"""Publishing: confirms, transactions, direct reply-to, and the properties that the broker checks."""

from typing import Any

import pytest

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.protocols.amqp.frames import content_header_frame
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from tests.support.amqp_house import House
from tests.support.amqp_talk import Talk
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_channel

PUBLISH = (60, 40)
REPLY_TO = "amq.rabbitmq.reply-to"


def confirmed(client: Talk, last: int) -> set[int]:
    """Reads confirms until tag `last` is confirmed; the tags that were."""
    tags: set[int] = set()
    while last not in tags:
        ack = client.expect("basic.ack")
        tag = ack.args["delivery_tag"]
        tags |= set(range(max(tags, default=0) + 1, tag + 1)) if ack.args["multiple"] else {tag}
    return tags


# --- confirms -------------------------------------------------------------------------------------------------------


def test_every_publish_is_confirmed_from_tag_1(client: RawAmqp) -> None:
    queue = client.declare()
    client.publish(queue)  # before confirm.select: it does not count
    client.call("confirm.select")
    for _ in range(10):
        client.publish(queue, delivery_mode=2)
    assert confirmed(client, 10) == set(range(1, 11))


def test_a_persistent_message_in_a_durable_queue_is_confirmed(client: RawAmqp, name: str) -> None:
    client.declare(name, durable=True)
    client.call("confirm.select")
    for _ in range(3):
        client.publish(name, b"x", delivery_mode=2)
    assert confirmed(client, 3) == {1, 2, 3}
    client.call("queue.delete", queue=name)


def test_an_unroutable_message_is_confirmed(client: RawAmqp) -> None:
    client.call("confirm.select")
    client.publish("nowhere", exchange="amq.direct")
    assert client.expect("basic.ack").args == {"delivery_tag": 1, "multiple": False}


def test_confirms_can_be_selected_twice(client: RawAmqp) -> None:
    client.call("confirm.select")
    client.send("confirm.select", nowait=True)
    client.publish("nowhere", exchange="amq.direct")
    assert client.expect("basic.ack").args["delivery_tag"] == 1


def test_a_full_queue_that_rejects_is_a_nack(client: RawAmqp, name: str) -> None:
    client.declare(name, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    client.call("confirm.select")
    client.publish(name, b"1")
    assert client.expect("basic.ack").args["delivery_tag"] == 1
    client.publish(name, b"2")
    assert client.expect("basic.nack").args["delivery_tag"] == 2
    assert client.drain(name) == [b"1"]
    client.publish(name, b"3")
    assert client.expect("basic.ack").args["delivery_tag"] == 3


def test_one_queue_that_rejects_makes_it_a_nack_for_all(client: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="fanout", auto_delete=True)
    full = client.declare(f"{name}.1", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    roomy = client.declare(f"{name}.2")
    for queue in (full, roomy):
        client.call("queue.bind", queue=queue, exchange=name)
    client.call("confirm.select")
    client.publish("", b"x", exchange=name)
    assert client.expect("basic.nack").args["delivery_tag"] == 1
    assert client.drain(roomy) == [b"x"]


# --- transactions ---------------------------------------------------------------------------------------------------


def test_a_transaction_is_seen_at_its_commit(client: RawAmqp, other: RawAmqp, name: str) -> None:
    other.declare(name, auto_delete=True)
    client.call("tx.select")
    client.publish(name, b"1")
    client.publish(name, b"2")
    client.call("basic.qos")
    assert other.count(name) == 0
    client.call("tx.commit")
    assert other.drain(name) == [b"1", b"2"]


def test_a_message_goes_where_it_would_have_gone_when_it_was_published(
    client: RawAmqp, other: RawAmqp, name: str
) -> None:
    """A commit was cut short by an exchange that had been deleted since the publish."""
    client.call("exchange.declare", exchange=name, exchange_type="fanout")
    queue, doomed = client.declare(), client.declare()
    for each in (queue, doomed):
        client.call("queue.bind", queue=each, exchange=name)
    client.call("tx.select")
    client.publish("", b"1", exchange=name)
    client.publish(queue, b"2")
    client.sync()
    client.call("queue.delete", queue=doomed)
    other.call("exchange.delete", exchange=name)
    client.call("tx.commit")
    assert client.drain(queue) == [b"1", b"2"]


def test_messages_before_and_after_tx_select_are_not_the_same(client: RawAmqp, name: str) -> None:
    client.declare(name)
    for _ in range(3):
        client.publish(name, b"x")
    client.call("tx.select")
    for _ in range(3):
        client.publish(name, b"x")
    assert client.call("tx.rollback")
    assert client.drain(name) == [b"x"] * 3


def test_messages_before_and_after_confirm_select_are_not_the_same(client: RawAmqp, name: str) -> None:
    client.declare(name)
    for _ in range(3):
        client.publish(name, b"x")
    client.call("confirm.select")
    for _ in range(3):
        client.publish(name, b"x")
    assert confirmed(client, 3) == {1, 2, 3}
    assert client.drain(name) == [b"x"] * 6


def test_a_rollback_forgets_what_was_published(client: RawAmqp) -> None:
    queue = client.declare()
    client.call("tx.select")
    client.publish(queue, b"1")
    client.call("tx.rollback")
    client.publish(queue, b"2")
    client.call("tx.commit")
    assert client.drain(queue) == [b"2"]


def test_acks_are_part_of_the_transaction(client: RawAmqp, name: str) -> None:
    client.declare(name)
    for body in (b"1", b"2", b"3"):
        client.publish(name, body)
    client.call("tx.select")
    for _ in range(3):
        client.get(name, no_ack=False)
    client.send("basic.ack", delivery_tag=1)
    client.call("tx.commit")
    client.send("basic.ack", delivery_tag=2)
    client.send("basic.reject", delivery_tag=3, requeue=True)
    client.call("tx.rollback")
    client.send("basic.ack", delivery_tag=2)
    client.call("tx.commit")
    client.call("channel.close")
    client.call("channel.open")
    assert client.drain(name) == [b"3"]


def test_a_tag_cannot_be_settled_twice_in_a_transaction(client: RawAmqp, name: str) -> None:
    client.declare(name)
    client.publish(name)
    client.call("tx.select")
    client.get(name, no_ack=False)
    client.send("basic.ack", delivery_tag=1)
    refusal = client.refused("basic.ack", delivery_tag=1)
    assert refusal == closes_channel(406, "PRECONDITION_FAILED - unknown delivery tag 1", (60, 80))


def test_a_channel_that_ends_rolls_back(client: RawAmqp, other: RawAmqp, name: str) -> None:
    other.declare(name, auto_delete=True)
    other.publish(name, b"old")
    other.sync()
    client.call("tx.select")
    client.get(name, no_ack=False)
    client.send("basic.ack", delivery_tag=1)
    client.publish(name, b"new")
    client.call("channel.close")
    assert other.drain(name) == [b"old"]


def test_a_mandatory_message_comes_back_at_the_commit(client: RawAmqp) -> None:
    client.call("tx.select")
    client.publish("nowhere", b"x", exchange="amq.direct", mandatory=True)
    client.send("tx.commit")
    assert client.expect("basic.return").body == b"x"
    client.expect("tx.commit-ok")


def test_a_commit_of_which_a_queue_refuses_a_part_is_406(client: RawAmqp) -> None:
    """It was answered with commit-ok, and the message was lost."""
    full = client.declare(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    queue = client.declare()
    client.publish(queue, b"job")
    client.get(queue, no_ack=False)
    client.call("tx.select")
    client.publish(full, b"1")
    client.publish(full, b"2")
    client.publish(queue, b"3")
    client.publish("nowhere", b"4", exchange="amq.direct", mandatory=True)
    client.send("basic.ack", delivery_tag=1)
    refusal = client.refused("tx.commit")
    assert refusal == closes_channel(406, "PRECONDITION_FAILED - partial tx completion", (90, 20))
    assert client.expect("basic.return").body == b"4"
    assert (client.drain(full), client.drain(queue)) == ([b"1"], [b"3"])


@pytest.mark.parametrize("overflow", ["reject-publish", "reject-publish-dlx"])
def test_a_commit_is_refused_when_one_of_several_queues_refuses(client: RawAmqp, name: str, overflow: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="fanout", auto_delete=True)
    full = client.declare(arguments={"x-max-length": 0, "x-overflow": overflow})
    roomy = client.declare()
    for queue in (full, roomy):
        client.call("queue.bind", queue=queue, exchange=name)
    client.call("tx.select")
    client.publish("", b"x", exchange=name)
    assert client.refused("tx.commit").text == "PRECONDITION_FAILED - partial tx completion"
    assert client.drain(roomy) == [b"x"]


class Recorder(Ledger):
    """Notes in which batch each fact is recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.is_journalling = True
        self.batches: list[tuple[str, int]] = []

    def enqueue(self, entry: Entry) -> None:
        entry.lsn = self.position
        self.batches.append(("enqueued", self.position))

    def settle(self, entry: Entry) -> None:
        self.batches.append(("settled", self.position))

    def attempt(self, entry: Entry) -> None:
        self.batches.append(("attempted", self.position))


def test_a_commit_is_one_batch_of_the_journal() -> None:
    """Were it two, a crash could leave half of it."""
    ledger = Recorder()
    client = House(ledger).connect()
    client.call("queue.declare", queue="q", durable=True)
    for _ in range(3):
        client.publish("q", delivery_mode=2)
    client.call("tx.select")
    for _ in range(3):
        client.get("q", no_ack=False)
    ledger.batches.clear()
    for _ in range(100):
        client.publish("q", delivery_mode=2)
    client.send("basic.ack", delivery_tag=1)
    client.send("basic.reject", delivery_tag=2, requeue=False)
    client.send("basic.reject", delivery_tag=3, requeue=True)
    client.sync()
    assert ledger.batches == []
    client.call("tx.commit")
    assert [fact for fact, _ in ledger.batches] == ["enqueued"] * 100 + ["settled"] * 2 + ["attempted"]
    assert len({batch for _, batch in ledger.batches}) == 1


@pytest.mark.parametrize(("method", "at"), [("tx.commit", (90, 20)), ("tx.rollback", (90, 30))])
def test_there_is_nothing_to_end_without_a_transaction(client: RawAmqp, method: str, at: tuple[int, int]) -> None:
    text = "PRECONDITION_FAILED - channel is not transactional"
    assert client.refused(method) == closes_channel(406, text, at)


def test_a_channel_has_either_confirms_or_transactions(client: RawAmqp) -> None:
    client.call("tx.select")
    client.call("tx.select")
    text = "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    assert client.refused("confirm.select") == closes_channel(406, text, (85, 10))
    client.call("confirm.select")
    text = "PRECONDITION_FAILED - cannot switch from confirm to tx mode"
    assert client.refused("tx.select") == closes_channel(406, text, (90, 10))


# --- direct reply-to ------------------------------------------------------------------------------------------------


def test_an_answer_comes_directly(client: RawAmqp, other: RawAmqp, name: str) -> None:
    other.declare(name)
    client.consume(REPLY_TO, "answers", no_ack=True)
    client.publish(name, b"question", reply_to=REPLY_TO, correlation_id="7")
    question = other.get(name)
    while question is None:
        question = other.get(name)
    assert question.properties is not None
    reply_name = question.properties.text("reply_to")
    assert reply_name is not None
    assert reply_name.startswith(f"{REPLY_TO}.")
    other.publish(reply_name, b"answer", correlation_id="7", mandatory=True)
    answer = client.delivery()
    assert (answer.body, answer.args["consumer_tag"], answer.args["exchange"]) == (b"answer", "answers", "")
    assert answer.args["routing_key"] == reply_name
    assert other.call("queue.declare", queue=reply_name, passive=True).args["consumer_count"] == 1
    client.call("basic.cancel", consumer_tag="answers")
    other.publish(reply_name, b"too late", mandatory=True)
    assert other.wait_for("basic.return").args["reply_code"] == 312


def reply_name_of(client: RawAmqp) -> str:
    """Has a connection wait for answers; where to send them."""
    client.consume(REPLY_TO, no_ack=True)
    queue = client.declare()
    client.publish(queue, reply_to=REPLY_TO)
    question = client.get(queue)
    while question is None:
        question = client.get(queue)
    assert question.properties is not None
    return question.properties.text("reply_to") or ""


@pytest.mark.parametrize(
    ("method", "args", "at"),
    [
        ("basic.consume", {"no_ack": True}, (60, 20)),
        ("basic.get", {"no_ack": True}, (60, 70)),
        ("queue.purge", {}, (50, 30)),
        ("queue.bind", {"exchange": "amq.direct", "routing_key": "k"}, (50, 20)),
    ],
)
def test_a_reply_name_is_no_queue_to_anybody(
    client: RawAmqp, other: RawAmqp, method: str, args: dict[str, object], at: tuple[int, int]
) -> None:
    """Who knew the name of somebody's answers could take them, throw them away, or have others come there."""
    name = reply_name_of(client)
    for connection in (other, client):
        refusal = connection.refused(method, queue=name, **args)
        assert refusal == closes_channel(404, f"NOT_FOUND - no queue '{name}' in vhost '/'", at)
        if connection is other:
            other.publish(name, b"answer")
            assert client.delivery().body == b"answer"


def test_a_reply_name_cannot_be_deleted_or_unbound(client: RawAmqp, other: RawAmqp) -> None:
    """The requester's consumer was cancelled."""
    name = reply_name_of(client)
    other.call("queue.unbind", queue=name, exchange="amq.direct", routing_key="k")
    assert other.call("queue.delete", queue=name).args == {"message_count": 0}
    other.publish(name, b"answer")
    assert client.delivery().body == b"answer"


@pytest.mark.parametrize("method", ["basic.get", "queue.purge"])
def test_the_pseudo_queue_is_no_queue_either(client: RawAmqp, method: str) -> None:
    assert client.refused(method, queue=REPLY_TO).text == f"NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'"


def test_a_reply_consumer_has_no_arguments(client: RawAmqp) -> None:
    """One that was refused for its arguments left its queue behind for ever."""
    client.consume(REPLY_TO, no_ack=True, arguments={"x-priority": "high"})


def test_a_reply_queue_takes_nobodys_place() -> None:
    """Those who wait for answers counted against the limit of the vhost's queues."""
    house = House()
    house.broker.set_vhost_limits("/", {"max-queues": 1})
    client = house.connect()
    client.consume(REPLY_TO, no_ack=True)
    client.declare("q")


def test_the_reply_consumer_cannot_acknowledge(client: RawAmqp) -> None:
    text = "PRECONDITION_FAILED - reply consumer cannot acknowledge"
    assert client.refused("basic.consume", queue=REPLY_TO) == closes_channel(406, text, (60, 20))


def test_a_channel_has_one_reply_consumer(client: RawAmqp) -> None:
    client.consume(REPLY_TO, no_ack=True)
    text = "PRECONDITION_FAILED - reply consumer already set"
    assert client.refused("basic.consume", queue=REPLY_TO, no_ack=True) == closes_channel(406, text, (60, 20))


def test_a_question_needs_someone_to_hear_the_answer(client: RawAmqp) -> None:
    client.publish("x", exchange="amq.direct", reply_to=REPLY_TO)
    text = "PRECONDITION_FAILED - fast reply consumer does not exist"
    assert client.refusal() == closes_channel(406, text, PUBLISH)


def test_the_pseudo_queue_can_be_declared(client: RawAmqp) -> None:
    """It was refused as a reserved name; clients declare what they consume from."""
    answer = client.call("queue.declare", queue=REPLY_TO)
    assert answer.args == {"queue": REPLY_TO, "message_count": 0, "consumer_count": 1}


def test_the_pseudo_queue_is_always_there(client: RawAmqp, ours: None) -> None:
    # RabbitMQ 3.10.8 says the same of the name in `reply_to`, and 404 once its channel has gone.
    answer = client.call("queue.declare", queue=REPLY_TO, passive=True)
    assert answer.args == {"queue": REPLY_TO, "message_count": 0, "consumer_count": 1}
    assert client.refused("queue.declare", queue=f"{REPLY_TO}.nobody", passive=True).code == 404


# --- properties -----------------------------------------------------------------------------------------------------


def test_the_user_id_is_the_users_own(client: RawAmqp) -> None:
    queue = client.declare()
    client.publish(queue, b"mine", user_id="guest")
    client.publish(queue, b"not mine", user_id="somebody")
    text = "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'"
    assert client.refusal() == closes_channel(406, text, PUBLISH)
    assert client.drain(queue) == [b"mine"]


@pytest.mark.parametrize(
    ("expiration", "text"),
    [
        ("abc", "invalid expiration 'abc': no_integer"),
        ("-1", "invalid expiration '-1': {value_negative,-1}"),
        ("10s", "invalid expiration '10s': {leftover_string,\"s\"}"),
    ],
)
def test_an_expiration_has_to_be_a_number(client: RawAmqp, expiration: str, text: str) -> None:
    client.write(encode_method("basic.publish", 1, exchange="amq.direct", routing_key="x"))
    good = build(expiration="1" * len(expiration)).raw
    client.write(content_header_frame(1, good.replace(b"1" * len(expiration), expiration.encode()), 0))
    assert client.refusal() == closes_channel(406, f"PRECONDITION_FAILED - {text}", PUBLISH)


@pytest.mark.parametrize("size", [134_217_729, 1 << 62, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("before", [0, 3])
def test_a_body_above_the_limit_is_406(client: RawAmqp, ours: None, size: int, before: int) -> None:
    # RabbitMQ 3.10.8 says so when it has received the body.
    for _ in range(before):
        client.publish("x", b"x", exchange="amq.direct")
    client.write(encode_method("basic.publish", 1, exchange="amq.direct", routing_key="x"))
    client.write(content_header_frame(1, build().raw, size))
    text = f"PRECONDITION_FAILED - message size {size} is larger than max size 134217728"
    assert client.refusal() == closes_channel(406, text, PUBLISH)


def test_every_property_arrives_as_it_was_sent(client: RawAmqp) -> None:
    queue = client.declare()
    fields: dict[str, Any] = {
        "content_type": "a", "content_encoding": "b", "headers": {"k": [1, None, {"n": True}]}, "delivery_mode": 2,
        "priority": 7, "correlation_id": "c", "reply_to": "d", "expiration": "60000", "message_id": "e",
        "timestamp": 1_700_000_000, "type": "f", "user_id": "guest", "app_id": "g", "cluster_id": "h",
    }  # fmt: skip
    sent = build(**fields)
    client.publish(queue, b"x", **fields)
    received = client.get(queue)
    assert received is not None
    assert received.properties is not None
    assert received.properties.raw == sent.raw


def test_a_publish_to_a_deleted_exchange_is_404(client: RawAmqp, other: RawAmqp, name: str) -> None:
    client.call("exchange.declare", exchange=name, exchange_type="fanout")
    client.publish("", exchange=name)
    client.sync()
    other.call("exchange.delete", exchange=name)
    client.publish("", exchange=name)
    assert client.refusal() == closes_channel(404, f"NOT_FOUND - no exchange '{name}' in vhost '/'", PUBLISH)


def test_what_was_sent_before_connection_close_is_published(client: RawAmqp, other: RawAmqp, name: str) -> None:
    """A publish that waited for a durable declaration was lost when connection.close came right after it."""
    client.send("queue.declare", queue=name, durable=True, nowait=True)
    client.publish(name, b"last words", delivery_mode=2)
    client.call("connection.close", 0)
    assert other.drain(name) == [b"last words"]
    other.call("queue.delete", queue=name)


def test_a_refused_publish_does_not_confirm(client: RawAmqp) -> None:
    client.call("confirm.select")
    client.publish("x", exchange="amq.direct", user_id="somebody")
    assert client.expect("channel.close").args["reply_code"] == 406
    client.send("channel.close-ok")
    client.call("channel.open", 2)
