"""What Qpid JMS, the JMS client of AMQP 1.0, says on the wire: its links, names and capabilities, without Java."""

from typing import Any

import pytest

from mqbroker.core.values import UInt32, UInt64
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Modified, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import (
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Open,
    SaslInit,
    Transfer,
)
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from mqbroker.protocols.amqp1.properties import Amqp1Properties
from mqbroker.protocols.amqp1.sections import take_apart
from tests.amqp1.house import Client, House
from tests.amqp1.raw import data, said
from tests.stomp.house import House as StompHouse

LIFETIME = {Symbol("lifetime-policy"): Described(UInt64(0x2B), [])}
SETTLED = 1


class Jms:
    """A connection with a client id, whose links are on the next free handles."""

    def __init__(self, house: House, client_id: str = "client") -> None:
        self.house = house
        self.client = Client(house)
        house.clients.append(self.client)
        self.client.receive(frames.SASL_HEADER + frames.sasl(SaslInit("ANONYMOUS")) + frames.AMQP_HEADER)
        wishes = ["sole-connection-for-container", "DELAYED_DELIVERY", "ANONYMOUS-RELAY", "SHARED-SUBS"]
        self.client.receive(frames.performative(0, Open(client_id, desired_capabilities=wishes)))
        self.client.receive(frames.performative(0, Begin(None, 0, 2047, 0xFFFF_FFFF)))
        house.turn()
        self.client.output = b""
        self.handle = -1
        self.number = 0

    def say(self, value: Any) -> list[Any]:
        self.client.receive(frames.performative(0, value))
        return self.heard()

    def heard(self) -> list[Any]:
        return [each for each, _ in self.client.frames()]

    def attach(self, name: str, is_receiver: bool, source: Source | None, target: Target, mode: int = 0) -> Attach:
        self.handle += 1
        count = None if is_receiver else 0
        value = Attach(name, self.handle, is_receiver, mode, source=source, target=target, initial_delivery_count=count)
        return next(each for each in self.say(value) if isinstance(each, Attach))

    def consumer(self, name: str, source: Source | None, mode: int = 0, credit: int = 0) -> Attach:
        answer = self.attach(name, True, source, Target(), mode)
        if credit:
            self.credit(credit)
        return answer

    def credit(self, credit: int, drain: bool = False, count: int = 0) -> None:
        flow = Flow(0, 2047, 0, 1, handle=self.handle, delivery_count=count, link_credit=credit, drain=drain)
        self.client.receive(frames.performative(0, flow))

    def producer(self, address: str | None, *capabilities: str) -> int:
        answer = self.attach(
            f"producer-{self.handle}", False, Source(), Target(address, capabilities=list(capabilities))
        )
        assert answer.target is not None
        return self.handle

    def send(self, handle: int, body: bytes, to: str | None = None, kind: int = 0) -> None:
        annotations = b"\x00\x53\x72" + encode({Symbol("x-opt-jms-dest"): kind, Symbol("x-opt-jms-msg-type"): 3})
        properties = b"\x00\x53\x73" + encode([f"ID:{self.number}", None, to])
        transfer = Transfer(handle, self.number, b"t", 0, False)
        self.client.receive(said(transfer, annotations + properties + data(body)))
        self.number += 1

    def bodies(self) -> list[bytes]:
        return [
            payload.rpartition(b"\xa0")[2][1:] for each, payload in self.client.frames() if isinstance(each, Transfer)
        ]

    def detach(self, closed: bool) -> None:
        self.say(Detach(self.handle, closed))


def topic(name: str, *more: str, durable: bool = False, selector: str = "") -> Source:
    wanted = (
        {Symbol("jms-selector"): Described(Symbol("apache.org:selector-filter:string"), selector)} if selector else {}
    )
    return Source(
        name,
        UInt32(2) if durable else UInt32(0),
        "never" if durable else "link-detach",
        distribution_mode="copy" if durable else None,
        capabilities=["topic", *more],
        filter=wanted,
    )


def test_a_queue_by_its_bare_name() -> None:
    house = House()
    jms = Jms(house)
    handle = jms.producer("orders", "queue")
    jms.consumer("consumer", Source("orders", capabilities=["queue"]), credit=10)
    jms.send(handle, b"x")
    assert jms.bodies() == [b"x"]
    assert house.vhost.queues["orders"].durable  # what was accepted as persistent has to survive


def test_one_producer_for_all_destinations() -> None:
    jms = Jms(House())
    handle = jms.producer(None)
    jms.consumer("queue", Source("orders", capabilities=["queue"]), credit=10)
    jms.consumer("topic", topic("news"), credit=10)
    jms.send(handle, b"to the queue", "orders", 0)
    jms.send(handle, b"to the topic", "news", 1)
    assert jms.bodies() == [b"to the queue", b"to the topic"]


def test_a_durable_subscription_is_known_by_client_and_name() -> None:
    house = House()
    jms, publisher = Jms(house), Jms(house, "publisher")
    handle = publisher.producer("news", "topic")
    assert jms.consumer("mine", topic("news", durable=True)).source is not None
    jms.detach(closed=False)
    publisher.send(handle, b"missed")
    assert jms.consumer("mine", topic("news", durable=True), credit=10).source is not None
    assert jms.bodies() == [b"missed"]
    jms.detach(closed=False)
    publisher.send(handle, b"lost")
    jms.consumer("mine", topic("news", durable=True, selector="a = 1"), credit=10)  # another selector, another one
    assert jms.bodies() == []
    jms.detach(closed=False)
    answer = jms.consumer("mine", None)  # unsubscribe
    assert answer.source is not None
    jms.detach(closed=True)
    assert jms.consumer("mine", None).source is None


@pytest.mark.parametrize(
    ("names", "clients", "capabilities"),
    [
        (("shared", "shared|2"), ("a", "a"), ("shared",)),
        (("shared|volatile1", "shared|volatile2"), ("a", "a"), ("shared",)),
        (("shared|global", "shared|global2"), ("a", "b"), ("shared", "global")),
        (("shared|global-volatile1", "shared|global-volatile2"), ("a", "b"), ("shared", "global")),
    ],
)
def test_consumers_share_a_subscription(
    names: tuple[str, str], clients: tuple[str, str], capabilities: tuple[str, ...]
) -> None:
    """What stands after the bar tells the links apart and not the subscriptions."""
    house = House()
    first = Jms(house, clients[0])
    second = first if clients[0] == clients[1] else Jms(house, clients[1])
    is_durable = "volatile" not in names[0]
    for jms, name in ((first, names[0]), (second, names[1])):
        source = topic("news", *capabilities, durable=is_durable)
        assert jms.consumer(name, source, credit=10).source is not None
    publisher = Jms(house, "publisher")
    handle = publisher.producer("news", "topic")
    for number in range(4):
        publisher.send(handle, b"%d" % number)
    found = first.bodies() + (second.bodies() if second is not first else [])
    assert sorted(found) == [b"0", b"1", b"2", b"3"]
    assert len([name for name in house.vhost.queues if name.startswith("subscription")]) == 1


def test_a_browser_sees_all_and_takes_nothing() -> None:
    """It ends when its credit comes back, after a drain."""
    house = House()
    jms = Jms(house)
    handle = jms.producer("orders", "queue")
    for number in range(3):
        jms.send(handle, b"%d" % number)
    source = Source("orders", distribution_mode="copy", capabilities=["queue"])
    assert jms.consumer("browser", source, SETTLED).source.distribution_mode == "copy"
    jms.credit(2)
    assert jms.bodies() == [b"0", b"1"]
    jms.credit(10, drain=True, count=2)
    found = jms.client.frames()
    assert [type(each) for each, _ in found] == [Transfer, Flow]
    assert (found[-1][0].drain, found[-1][0].link_credit) == (True, 0)
    assert house.vhost.queues["orders"].waiting_count() == 3


@pytest.mark.parametrize("address", ["queue://b,a.x,a.y", "queue://b,a.*", "queue://a.>,b"])
def test_several_queues_are_browsed_at_once(address: str) -> None:
    """A queue with a comma or a star in its name was made and shown, in which there was nothing."""
    house = House()
    jms = Jms(house)
    for name in ("a.x", "a.y", "b"):
        handle = jms.producer(name, "queue")
        for number in range(2):
            jms.send(handle, f"{name}{number}".encode())
    jms.heard()
    answer = jms.consumer("browser", Source(address, distribution_mode="copy"), SETTLED)
    assert answer.source.distribution_mode == "copy"
    jms.credit(3)
    found = jms.bodies()
    jms.credit(10, drain=True, count=3)
    found += jms.bodies()
    assert sorted(found) == sorted(f"{name}{number}".encode() for name in ("a.x", "a.y", "b") for number in range(2))
    assert set(house.vhost.queues) == {"a.x", "a.y", "b"}
    jms.detach(closed=True)
    assert all(queue.waiting_count() == 2 for queue in house.vhost.queues.values())
    assert jms.consumer("browser", Source("queue://none.*", distribution_mode="copy")).source is None


def test_a_subscription_may_be_to_several_topics() -> None:
    house = House()
    jms = Jms(house)
    jms.consumer("plain", Source("topic://a.>,b"), credit=10)
    jms.consumer("durable", topic("a.>,b", durable=True), credit=10)
    publisher = Jms(house, "publisher")
    for name in ("a.x", "b", "c"):
        publisher.send(publisher.producer(name, "topic"), name.encode())
    assert sorted(jms.bodies()) == [b"a.x", b"a.x", b"b", b"b"]


@pytest.mark.parametrize("kind", ["temporary-queue", "temporary-topic"])
def test_a_temporary_destination_is_its_connections_own(kind: str) -> None:
    """It is made by a producer's link, and anybody may send to it."""
    house = House()
    jms, other = Jms(house), Jms(house, "other")
    wish = Target(None, 0, "link-detach", dynamic=True, dynamic_node_properties=LIFETIME, capabilities=[kind])
    made = jms.attach("temporary", False, Source(), wish)
    address = made.target.address
    maker = jms.handle
    assert (made.target.dynamic, bool(address)) == (True, True)
    assert jms.consumer("replies", Source(address, capabilities=[kind]), credit=10).source is not None
    handle = other.producer(address, kind)
    other.send(handle, b"reply")
    assert jms.bodies() == [b"reply"]
    relay = other.producer(None)
    other.send(relay, b"another", address, 2 if kind == "temporary-queue" else 3)
    assert jms.bodies() == [b"another"]
    if kind == "temporary-queue":
        assert other.consumer("thief", Source(address, capabilities=[kind])).source is None
    jms.say(Detach(maker, True))
    assert not [name for name in house.vhost.queues if name.startswith("amq.dyn") and kind == "temporary-queue"]


def test_the_type_of_a_message_is_its_subject() -> None:
    """Qpid JMS sends JMSType as the subject; a selector did not find it, and STOMP had another type."""
    stomp = StompHouse(dialect="activemq")
    house = House(broker=stomp.broker)
    jms = Jms(house)
    client = stomp.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/orders", selector="JMSType = 'kind'")
    handle = jms.producer("queue://orders")
    for number, subject in enumerate((None, "kind")):
        properties = b"\x00\x53\x73" + encode([None, None, None, subject])
        jms.client.receive(said(Transfer(handle, number, b"t", 0, False), properties + data(b"%d" % number)))
    house.turn()
    stomp.turn()
    (frame,) = client.frames()
    assert (frame.headers["type"], frame.body) == ("kind", b"1")
    client.send("SEND", b"2", destination="/queue/orders", type="other")
    wanted = {Symbol("s"): Described(Symbol("amqp:sql-filter"), "p.subject = 'other' AND p.group_sequence IS NULL")}
    jms.consumer("other", Source("queue://orders", filter=wanted), credit=10)
    ((_, payload),) = [each for each in jms.client.frames() if isinstance(each[0], Transfer)]
    found = take_apart(payload)
    middle = Amqp1Properties(b"\0\0" + payload[found.middle_at : found.body_at])
    assert middle.text("subject") == "other"


def test_a_message_that_failed_says_how_often() -> None:
    """recover and rollback settle as modified, delivery-failed: JMSXDeliveryCount."""
    house = House()
    jms = Jms(house)
    handle = jms.producer("orders", "queue")
    jms.send(handle, b"x")
    jms.consumer("consumer", Source("orders", capabilities=["queue"]), credit=10)
    for number in range(3):
        ((transfer, payload),) = [each for each in jms.client.frames() if isinstance(each[0], Transfer)]
        header = payload[: payload.index(b"\x00\x53\x72")]
        assert header.endswith(b"\x43" if not number else bytes((0x70, 0, 0, 0, number)))
        state = Accepted() if number == 2 else Modified(delivery_failed=True)
        jms.client.receive(frames.performative(0, Disposition(True, transfer.delivery_id or 0, None, True, state)))
    house.turn()
    assert house.vhost.queues["orders"].unacked_count == 0


def test_the_kind_of_a_message_is_kept() -> None:
    jms = Jms(House())
    handle = jms.producer("orders", "queue")
    jms.consumer("consumer", Source("orders", capabilities=["queue"]), credit=10)
    jms.send(handle, b"x", "orders", 0)
    ((_, payload),) = [each for each in jms.client.frames() if isinstance(each[0], Transfer)]
    assert b"x-opt-jms-msg-type" in payload
    assert b"x-opt-jms-dest" in payload
