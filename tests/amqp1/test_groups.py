"""Message groups over AMQP 1.0: by the group-id of messages that go to queues by ActiveMQ's addresses."""

from typing import Any

from mqbroker.core.values import UInt32
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Source
from mqbroker.protocols.amqp1.codec.performatives import RECEIVER, Detach, Disposition, Transfer
from mqbroker.protocols.amqp1.properties import Amqp1Properties
from mqbroker.protocols.amqp1.sections import APPLICATION, PROPERTIES, take_apart
from tests.amqp1.house import House
from tests.amqp1.raw import data, said
from tests.amqp1.test_jms import Jms
from tests.stomp.house import House as StompHouse

FIRST = "JMSXGroupFirstForConsumer"


def send(jms: Jms, handle: int, body: bytes, group: str | None, sequence: int | None = None, **more: Any) -> None:
    fields = [None] * 10 + [group, None if sequence is None else UInt32(sequence & 0xFFFF_FFFF)]
    if "to" in more:
        fields[2] = more.pop("to")
    properties = b"\x00\x53\x73" + encode(fields)
    application = b"\x00\x53\x74" + encode(more) if more else b""
    jms.client.receive(said(Transfer(handle, jms.number, b"t", 0, False), properties + application + data(body)))
    jms.number += 1


def read(payload: bytes) -> tuple[bytes, dict[str, Any], list[Any]]:
    """The body, the application properties and the properties of a delivery."""
    found = take_apart(payload)
    middle = Amqp1Properties(b"\0\0" + payload[found.middle_at : found.body_at])
    start, end = found.body
    return payload[start:end], dict(middle.section(APPLICATION) or {}), middle.section(PROPERTIES) or []


def deliveries(jms: Jms) -> list[tuple[int, bytes, Any]]:
    """The handle, the body and whether it is the first of its group, of what has come."""
    found = []
    for value, payload in jms.client.frames():
        if isinstance(value, Transfer):
            body, application, _ = read(payload)
            found.append((value.handle, body, application.get(FIRST)))
    return found


def test_a_group_stays_with_the_link_that_got_its_first_message() -> None:
    """A group-id meant nothing to queues."""
    house = House()
    producer, jms = Jms(house, "producer"), Jms(house)
    handle = producer.producer("queue://orders")
    for name in ("one", "two"):
        jms.consumer(name, Source("queue://orders"), credit=50)
    for number in range(8):
        send(producer, handle, b"%d" % number, "ab"[number % 2])
    found = deliveries(jms)
    owners = {(int(body) % 2, link) for link, body, _ in found}
    assert len(owners) == 2
    assert len({link for _, link in owners}) == 2
    assert {body for _, body, is_first in found if is_first} == {b"0", b"1"}
    jms.client.receive(frames.performative(0, Detach(jms.handle, True)))
    again = deliveries(jms)
    assert {link for link, _, _ in again} == {0}
    assert len([body for _, body, is_first in again if is_first]) == 1


def test_a_group_ends_with_a_sequence_below_zero() -> None:
    """Qpid JMS sends JMSXGroupSeq -1 as the uint of the same bits."""
    house = House()
    producer, jms = Jms(house, "producer"), Jms(house)
    handle = producer.producer("queue://orders")
    jms.consumer("one", Source("queue://orders"), credit=50)
    for number, sequence in enumerate((1, 2, -1, 1, 2)):
        send(producer, handle, b"%d" % number, "a", sequence)
    assert [is_first for _, _, is_first in deliveries(jms)] == [True, None, None, True, None]


def test_the_rest_of_a_first_message_stays_as_it_came() -> None:
    """Its application properties have one more, and nothing else is written anew."""
    house = House()
    producer, jms = Jms(house, "producer"), Jms(house)
    handle = producer.producer("queue://orders")
    jms.consumer("one", Source("queue://orders"), credit=50)
    for number in range(2):
        send(producer, handle, b"%d" % number, "a", 7, colour="red", many="x" * 300)
    first, second = [read(payload) for value, payload in jms.client.frames() if isinstance(value, Transfer)]
    assert first[1] == {"colour": "red", "many": "x" * 300, FIRST: True}
    assert second[1] == {"colour": "red", "many": "x" * 300}
    assert first[2] == second[2]
    assert (first[2][10], int(first[2][11])) == ("a", 7)


def test_groups_mean_nothing_by_other_addresses() -> None:
    """RabbitMQ has none: a group-id is what its sender calls the application."""
    house = House()
    producer, jms = Jms(house, "producer"), Jms(house)
    handle = producer.producer("orders", "queue")
    plain = producer.producer("/queues/orders")
    for name in ("one", "two"):
        jms.consumer(name, Source("/queues/orders"), credit=50)
    for number in range(4):
        send(producer, plain, b"%d" % number, "a")
    assert {(link, is_first) for link, _, is_first in deliveries(jms)} == {(0, None), (1, None)}
    relay = producer.producer(None)
    send(producer, relay, b"4", "a", to="/queues/orders")
    assert [is_first for _, _, is_first in deliveries(jms)] == [None]
    send(producer, handle, b"5", "a")
    send(producer, relay, b"6", "b", to="queue://orders")
    assert [is_first for _, _, is_first in deliveries(jms)] == [True, True]


def test_groups_go_on_with_what_waits_when_consumers_come() -> None:
    """After a restart the queue does not know that it has groups."""
    house = House()
    producer, jms = Jms(house, "producer"), Jms(house)
    handle = producer.producer("/queue/orders")
    for number in range(4):
        send(producer, handle, b"%d" % number, "a")
    for name in ("one", "two"):
        jms.consumer(name, Source("queue://orders"))
    for jms.handle in (0, 1):
        jms.credit(2)
    found = deliveries(jms)
    assert len({link for link, _, _ in found}) == 1
    assert [is_first for _, _, is_first in found] == [True, None]
    jms.say(Disposition(RECEIVER, 0, 1, True, Accepted()))


def test_groups_are_the_same_for_stomp() -> None:
    """A group of one protocol had another name in the other, or none."""
    stomp = StompHouse(dialect="activemq")
    house = House(broker=stomp.broker)
    producer, jms = Jms(house, "producer"), Jms(house)
    handle = producer.producer("queue://orders")
    client = stomp.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/orders")
    send(producer, handle, b"0", "a", -5)
    stomp.turn()
    (frame,) = client.frames()
    assert [frame.headers.get(name) for name in ("JMSXGroupID", "JMSXGroupSeq", FIRST)] == ["a", "-5", "true"]
    client.send("UNSUBSCRIBE", id=1)
    jms.consumer("one", Source("queue://orders"), credit=50)
    client.send("SEND", b"1", destination="/queue/orders", JMSXGroupID="a", JMSXGroupSeq=2)
    client.frames()
    (payload,) = [payload for value, payload in jms.client.frames() if isinstance(value, Transfer)]
    body, application, properties = read(payload)
    assert (body, application[FIRST], properties[10], int(properties[11])) == (b"1", True, "a", 2)
