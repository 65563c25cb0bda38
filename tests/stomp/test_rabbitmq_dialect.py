"""What programs that were written for RabbitMQ rely on, beside what the specification says."""

import re

import pytest

from tests.stomp.house import House, frame


@pytest.fixture
def house() -> House:
    return House()


def test_what_comes_after_disconnect_is_dropped(house: House) -> None:
    client, reader = house.connect(), house.connect()
    reader.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.write(frame("DISCONNECT", receipt="bye") + frame("SEND", b"late", destination="/queue/a"))
    assert client.take("RECEIPT").headers["receipt-id"] == "bye"
    assert client.is_ended
    assert reader.frames() == []


def test_connect_has_no_receipt(house: House) -> None:
    client = house.begin()
    client.send("CONNECT", login="guest", passcode="guest", receipt="r")
    client.take("CONNECTED")


def test_begin_twice_begins_anew(house: House) -> None:
    client, reader = house.connect(), house.connect()
    reader.send("SUBSCRIBE", id=1, destination="/queue/a")
    for body in (b"forgotten", b"kept"):
        client.send("BEGIN", transaction="t")
        client.send("SEND", body, destination="/queue/a", transaction="t")
    client.send("COMMIT", transaction="t", receipt="r")
    client.take("RECEIPT")
    assert reader.messages() == [b"kept"]


@pytest.mark.parametrize(("header", "waits"), [({}, 0), ({"requeue": "true"}, 1), ({"requeue": "false"}, 0)])
def test_a_nack_may_drop_by_setting(header: dict[str, str], waits: int) -> None:
    """RabbitMQ's default_nack_requeue = false."""
    house = House(nack_requeues=False)
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual", prefetch_count=1)
    client.send("SEND", b"x", destination="/queue/a")
    (message,) = client.frames()
    client.send("UNSUBSCRIBE", id=1)
    client.send("NACK", b"", id=message.headers["ack"], **header)
    assert house.vhost.queues["a"].waiting_count() == waits


def test_what_leads_nowhere_has_its_receipt(house: House) -> None:
    client = house.connect()
    for number, destination in enumerate(["/amq/queue/none", "/topic/none", "/exchange/amq.direct/none"]):
        client.send("SEND", b"x", destination=destination, receipt=number, persistent="true")
        assert client.take("RECEIPT").headers["receipt-id"] == str(number)
    assert not house.vhost.queues


ARGUMENTS = {
    "x-message-ttl": 60_000, "x-expires": 50_000, "x-max-length": 7, "x-max-length-bytes": 1000, "x-max-priority": 3,
    "x-dead-letter-exchange": "amq.fanout", "x-dead-letter-routing-key": "dead",
}  # fmt: skip


@pytest.mark.parametrize("command", ["SEND", "SUBSCRIBE"])
def test_headers_are_arguments_of_a_queue_that_is_made(house: House, command: str) -> None:
    client = house.connect()
    client.send(command, b"", id=1, destination="/queue/a", **{"auto-delete": "true", "durable": "false", **ARGUMENTS})
    queue = house.vhost.queues["a"]
    assert dict(queue.declared.arguments) == ARGUMENTS
    assert (queue.durable, queue.declared.auto_delete) == (False, True)


def test_there_are_no_streams(house: House) -> None:
    """A subscription with an offset would have been shown something else than it had asked for."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", **{"x-queue-type": "stream", "x-stream-offset": "first"})
    assert client.error()[0] == "precondition_failed"


@pytest.mark.parametrize("header", ["durable", "persistent"])
def test_the_queue_of_a_subscription_has_the_name_that_rabbitmq_gives_it(house: House, header: str) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/topic/a")
    client.send("SUBSCRIBE", id=2, destination="/topic/a")
    plain = set(house.vhost.queues)
    assert len(plain) == 2
    assert all(re.fullmatch(r"stomp-subscription-[\w-]{22}", name) for name in plain)
    assert all(queue.declared.auto_delete and not queue.durable for queue in house.vhost.queues.values())
    client.send("SUBSCRIBE", id=3, destination="/topic/a", **{header: "true", "auto-delete": "false"})
    (name,) = set(house.vhost.queues) - plain
    assert (house.vhost.queues[name].durable, house.vhost.queues[name].declared.auto_delete) == (True, False)
    client.lose()
    assert set(house.vhost.queues) == {name}
    again = house.connect()
    again.send("SUBSCRIBE", id=3, destination="/topic/a", **{header: "true", "auto-delete": "false"})
    assert set(house.vhost.queues) == {name}
    again.send("UNSUBSCRIBE", b"", id=3, **{header: "true"})
    assert not house.vhost.queues


def test_what_a_lost_connection_has_not_acknowledged_comes_again(house: House) -> None:
    client, other = house.connect(), house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    for body in (b"0", b"1"):
        client.send("SEND", body, destination="/queue/a")
    other.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    client.lose()
    found = other.frames()
    assert [(each.body, each.headers["redelivered"]) for each in found] == [(b"0", "true"), (b"1", "true")]


@pytest.mark.parametrize(("version", "name"), [("1.0", "message-id"), ("1.1", "message-id"), ("1.2", "id")])
def test_an_acknowledgement_names_what_its_version_wants(house: House, version: str, name: str) -> None:
    client = house.connect(version)
    client.send("ACK")
    assert client.error() == ("Missing header", f'"ACK" must include the "{name}" header\n')
    client.send("NACK", b"", **{name: "x"})
    assert client.error() == ("Invalid header", f'"NACK" must include a valid "{name}" header\n')


def test_a_priority_that_is_no_number_is_none(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.send("SEND", b"x", destination="/queue/a", priority="high", timestamp="now")
    assert client.messages() == [b"x"]


def test_a_subscription_without_an_id_is_called_by_its_destination(house: House) -> None:
    client = house.connect("1.0")
    client.send("SUBSCRIBE", destination="/queue/a")
    house.vhost.delete_queue("a")
    house.turn()
    message, detail = client.error()
    assert message == "Server cancelled subscription"
    assert detail.endswith("for \"destination='/queue/a'\".\n")


def test_the_receipt_of_a_subscription_comes_before_its_messages(house: House) -> None:
    client = house.connect()
    for number in range(3):
        client.send("SEND", b"%d" % number, destination="/queue/a")
    client.send("SUBSCRIBE", id=1, destination="/queue/a", receipt="r")
    assert [each.command for each in client.frames()] == ["RECEIPT", "MESSAGE", "MESSAGE", "MESSAGE"]


def test_a_receipt_comes_before_its_own_message(house: House) -> None:
    """Net::Stomp takes the next frame for the answer."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.send("SEND", b"x", destination="/queue/a", receipt="r")
    assert [each.command for each in client.frames()] == ["RECEIPT", "MESSAGE"]
