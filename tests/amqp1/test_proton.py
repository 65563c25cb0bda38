"""Qpid Proton's client for Python, unmodified: what its users do."""

import threading
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.amqp1.conftest import connect
from tests.support.broker_process import BrokerProcess

p = pytest.importorskip("proton", reason="python-qpid-proton is not installed")
from proton.reactor import Selector  # type: ignore[import-not-found,unused-ignore]  # noqa: E402
from proton.utils import (  # type: ignore[import-not-found,unused-ignore]  # noqa: E402
    BlockingConnection,
    LinkDetached,
    SendException,
)

TIMEOUT_S = 15


@pytest.fixture
def channel(broker: BrokerProcess) -> Any:
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        yield connection.channel()


def test_what_is_sent_is_received(proton: Any, name: str) -> None:
    """AMQP 1.0 was answered with the header of 0-9-1 and a close."""
    sender, receiver = proton.create_sender(name), proton.create_receiver(name, credit=5)
    for number in range(20):
        sender.send(p.Message(id=f"id-{number}", subject="s", body=f"hello {number}", properties={"number": number}))
    for number in range(20):
        message = receiver.receive(TIMEOUT_S)
        assert (message.id, message.subject, message.body) == (f"id-{number}", "s", f"hello {number}")
        assert message.properties == {"number": number}
        receiver.accept()


def test_one_receiver_takes_from_several_queues(proton: Any, name: str) -> None:
    """A source of several queues was refused unless it was browsed."""
    for queue in ("a", "b"):
        sender = proton.create_sender(f"queue://{name}.{queue}")
        for number in range(3):
            sender.send(p.Message(body=f"{queue}{number}"))
    receiver = proton.create_receiver(f"queue://{name}.*", credit=2)
    found = []
    for _ in range(6):
        found.append(receiver.receive(TIMEOUT_S).body)
        receiver.accept()
    assert sorted(found) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    receiver.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("XPATH '/order[@n=2]'", ["text 2", "octets 2"]),
        ("REGEX('^b', colour) AND XPATH '//order'", ["text 1", "text 2"]),
    ],
)
def test_a_selector_of_activemqs(proton: Any, name: str, text: str, found: list[str]) -> None:
    """Bodies were not looked into, whatever kind of section they are."""
    pytest.importorskip("re2", reason="google-re2 is not installed")
    sender = proton.create_sender(f"queue://{name}")
    for number in (1, 2):
        body = f"<order n='{number}'/>"
        sender.send(p.Message(subject=f"text {number}", body=body, properties={"colour": "blue"}))
        sender.send(
            p.Message(subject=f"octets {number}", body=body.encode(), inferred=True, properties={"colour": "red"})
        )
    receiver = proton.create_receiver(f"queue://{name}", credit=5, options=Selector(text))
    assert [receiver.receive(TIMEOUT_S).subject for _ in found] == found
    receiver.close()


def test_tls(broker: BrokerProcess, name: str) -> None:
    domain = p.SSLDomain(p.SSLDomain.MODE_CLIENT)
    domain.set_trusted_ca_db(str(broker.data_dir / "certs" / "ca.pem"))
    domain.set_peer_authentication(p.SSLDomain.VERIFY_PEER_NAME)
    url = f"amqps://guest:guest@localhost:{broker.ports['amqps']}"
    connection = BlockingConnection(url, timeout=TIMEOUT_S, ssl_domain=domain, allowed_mechs="PLAIN")
    connection.create_sender(name).send(p.Message(body="secret"))
    assert connection.create_receiver(name).receive(TIMEOUT_S).body == "secret"
    connection.close()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 32_000, 131_072, 1_000_000, 5_000_000])
def test_bodies_of_any_size_come_as_they_were(proton: Any, name: str, size: int) -> None:
    """A message of several frames lost its end, or came with the performatives among its octets."""
    sender, receiver = proton.create_sender(name), proton.create_receiver(name)
    body = bytes(index % 251 for index in range(min(size, 2000))) * (size // 2000 + 1)
    sender.send(p.Message(body=body[:size], inferred=True))
    assert receiver.receive(TIMEOUT_S).body == body[:size]
    receiver.accept()


@pytest.mark.parametrize(
    "body",
    ["text", b"octets", 5, True, 1.5, {"a": [1, "b"]}, [1, "2", {"three": 3.0}], p.symbol("s")],
    ids=lambda body: type(body).__name__,
)
def test_bodies_of_any_type_come_as_they_were(proton: Any, name: str, body: Any) -> None:
    sender, receiver = proton.create_sender(name), proton.create_receiver(name)
    sender.send(p.Message(body=body))
    assert receiver.receive(TIMEOUT_S).body == body
    receiver.accept()


def test_everything_beside_the_body_comes_as_it_was(proton: Any, name: str) -> None:
    sender, receiver = proton.create_sender(name), proton.create_receiver(name)
    sent = p.Message(
        durable=True,
        priority=7,
        ttl=60.0,
        id=p.ulong(7),
        user_id=b"guest",
        address="to-whom",
        subject="about",
        reply_to="/queues/answers",
        correlation_id="question",
        content_type="text/plain",
        content_encoding="identity",
        creation_time=1_700_000_000.5,
        group_id="group",
        group_sequence=3,
        reply_to_group_id="others",
        annotations={p.symbol("x-note"): "kept"},
        properties={"int": p.int32(1), "ubyte": p.ubyte(2), "text": "three", "none": None, "when": p.timestamp(4)},
        body="hello",
    )
    sender.send(sent)
    got = receiver.receive(TIMEOUT_S)
    receiver.accept()
    for field in (
        "durable", "priority", "ttl", "id", "user_id", "address", "subject", "reply_to", "correlation_id",
        "content_type", "content_encoding", "creation_time", "group_id", "group_sequence", "reply_to_group_id",
        "properties", "body",
    ):  # fmt: skip
        assert getattr(got, field) == getattr(sent, field), field
    assert got.annotations == {"x-note": "kept", "x-exchange": "", "x-routing-key": name}
    assert got.first_acquirer
    assert got.delivery_count == 0


def test_what_is_released_comes_again(proton: Any, name: str) -> None:
    sender, receiver = proton.create_sender(name), proton.create_receiver(name, credit=1)
    sender.send(p.Message(body="once more"))
    assert receiver.receive(TIMEOUT_S).delivery_count == 0
    receiver.release(delivered=False)
    again = receiver.receive(TIMEOUT_S)
    assert (again.body, again.delivery_count, again.first_acquirer) == ("once more", 0, False)
    receiver.fetcher.unsettled[0].local.failed = True
    receiver.release(delivered=True)  # modified
    assert receiver.receive(TIMEOUT_S).delivery_count == 1
    receiver.accept()


def test_what_is_rejected_is_dead_lettered(proton: Any, name: str, channel: Any) -> None:
    channel.queue_declare(f"{name}-dead")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}-dead"}
    channel.queue_declare(name, arguments=arguments)
    sender, receiver = proton.create_sender(name), proton.create_receiver(name)
    sender.send(p.Message(body="bad", id="it", properties={"mine": 1}, annotations={p.symbol("x-own"): "too"}))
    receiver.receive(TIMEOUT_S)
    receiver.reject()
    dead = proton.create_receiver(f"{name}-dead").receive(TIMEOUT_S)
    assert (dead.body, dead.id, dead.properties) == ("bad", "it", {"mine": 1})
    assert dead.annotations[p.symbol("x-own")] == "too"
    assert dead.annotations[p.symbol("x-first-death-reason")] == "rejected"
    (death,) = dead.annotations[p.symbol("x-opt-deaths")]
    assert (death["queue"], death["reason"], death["count"]) == (name, "rejected", 1)
    assert not dead.first_acquirer


def test_unsettled_deliveries_come_back_when_the_link_ends(proton: Any, name: str) -> None:
    sender, receiver = proton.create_sender(name), proton.create_receiver(name, credit=3)
    for number in range(3):
        sender.send(p.Message(body=number))
    assert receiver.receive(TIMEOUT_S).body == 0
    receiver.close()
    successor = proton.create_receiver(name, credit=3)
    assert [successor.receive(TIMEOUT_S).body for _ in range(3)] == [0, 1, 2]


def test_a_dynamic_source_is_a_queue_of_its_connection(broker: BrokerProcess, proton: Any) -> None:
    receiver = proton.create_receiver(None, dynamic=True)
    address = receiver.link.remote_source.address
    assert address.startswith("/queues/amq.dyn-")
    other = connect(broker)
    try:
        other.create_sender(address).send(p.Message(body="answer"))
        assert receiver.receive(TIMEOUT_S).body == "answer"
        with pytest.raises(LinkDetached, match="amqp:resource-locked"):
            other.create_receiver(address)
        receiver.close()
        with pytest.raises(SendException):
            other.create_sender(address, name="second").send(p.Message(body="nobody"))
    finally:
        other.close()


def test_a_queue_that_is_not_there_refuses_the_link_and_nothing_else(proton: Any, name: str) -> None:
    with pytest.raises(LinkDetached, match=f"amqp:not-found.*no queue '{name}' in vhost '/'"):
        proton.create_receiver(f"/queues/{name}")
    sender = proton.create_sender(name)
    sender.send(p.Message(body="still here"))


def test_a_message_for_no_queue_is_released(proton: Any, name: str) -> None:
    """RabbitMQ 3.10's plugin accepted what was lost."""
    with pytest.raises(SendException) as raised:
        proton.create_sender(f"/queues/{name}").send(p.Message(body="lost"))
    assert raised.value.state == p.Delivery.RELEASED


def test_a_full_queue_rejects(proton: Any, name: str, channel: Any) -> None:
    channel.queue_declare(name, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    sender = proton.create_sender(f"/queues/{name}")
    sender.send(p.Message(body="fits"))
    with pytest.raises(SendException) as raised:
        sender.send(p.Message(body="does not"))
    assert raised.value.state == p.Delivery.REJECTED


def test_a_receiver_that_waits_in_vain_is_told_by_the_drain(proton: Any, name: str) -> None:
    """Receiving with a timeout waits for the credit to be given back."""
    receiver = proton.create_receiver(name, credit=1)
    receiver.link.drain(1)
    proton.wait(lambda: receiver.link.credit == 0, timeout=TIMEOUT_S)
    proton.create_sender(name).send(p.Message(body="later"))
    receiver.link.flow(1)
    assert receiver.receive(TIMEOUT_S).body == "later"


def test_exchanges_are_targets(proton: Any, name: str, channel: Any) -> None:
    channel.queue_declare(name)
    channel.queue_bind(name, "amq.topic", "a.*")
    channel.queue_bind(name, "amq.direct", "a key")
    proton.create_sender("/exchanges/amq.topic/a.b").send(p.Message(body=1))
    proton.create_sender("/exchanges/amq.direct/a%20key").send(p.Message(body=2))
    proton.create_sender("/topic/a.c").send(p.Message(body=3))
    proton.create_sender("/exchange/amq.topic").send(p.Message(body=4, subject="a.d"))
    proton.create_sender(None).send(p.Message(body=5, address=f"/queues/{name}"))
    receiver = proton.create_receiver(f"/queues/{name}", credit=5)
    got = [receiver.receive(TIMEOUT_S) for _ in range(5)]
    assert [message.body for message in got] == [1, 2, 3, 4, 5]
    keys = [(message.annotations or {}).get(p.symbol("x-routing-key")) for message in got]
    assert keys == ["a.b", "a key", "a.c", "a.d", name]


def test_topics_are_sources(broker: BrokerProcess, proton: Any, name: str) -> None:
    receiver = proton.create_receiver(f"/topic/{name}.#")
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        connection.channel().basic_publish("amq.topic", f"{name}.x", b"hello")
    message = receiver.receive(TIMEOUT_S)
    assert bytes(message.body) == b"hello"


def test_a_wrong_password_is_refused(broker: BrokerProcess) -> None:
    url = f"amqp://guest:wrong@127.0.0.1:{broker.ports['amqp']}"
    utils = pytest.importorskip("proton.utils")
    with pytest.raises(p.ConnectionException, match="amqp:unauthorized-access"):
        utils.BlockingConnection(url, timeout=TIMEOUT_S, allowed_mechs="PLAIN")


def test_many_consumers_share_a_queue(broker: BrokerProcess, proton: Any, name: str) -> None:
    sender = proton.create_sender(name)
    got: list[int] = []

    def consume() -> None:
        connection = connect(broker)
        receiver = connection.create_receiver(name, credit=2)
        for _ in range(10):
            got.append(receiver.receive(TIMEOUT_S).body)
            receiver.accept()
        connection.close()

    threads = [threading.Thread(target=consume) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(36):
        sender.send(p.Message(body=number))
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert len(set(got)) == 30
