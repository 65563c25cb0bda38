"""Destinations as clients of ActiveMQ and JMS name them: options, virtual topics, several at once."""

import pika  # type: ignore[import-untyped]

from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Source, Target, TransactionalState
from mqbroker.protocols.amqp1.codec.performatives import Attach, Detach, Transfer
from tests.amqp1.coordination import Coordination
from tests.amqp1.raw import RawAmqp1, bodies, data
from tests.support.broker_process import BrokerProcess


def test_an_exclusive_consumer_has_the_queue_for_itself(client: RawAmqp1, name: str) -> None:
    """Options behind a name are ActiveMQ's; they were dropped."""
    client.sender(f"queue://{name}")
    client.receiver(f"queue://{name}", 1, credit=5)
    source = Source(f"queue://{name}?consumer.exclusive=true")
    client.send(Attach("exclusive", 2, True, source=source, target=Target()))
    client.until(Attach)
    client.credit(2, 5)
    for number in range(4):
        client.transfer(number, data(b"x"), settled=True)
    assert {client.until(Transfer).handle for _ in range(4)} == {2}
    client.send(Detach(2, True))
    assert {client.until(Transfer).handle for _ in range(4)} == {1}


def test_a_queue_of_a_virtual_topic_gets_what_is_published_to_it(client: RawAmqp1, name: str) -> None:
    """Only clients of STOMP had virtual topics."""
    topic = f"VirtualTopic.{name}"
    client.receiver(f"queue://Consumer.A.{topic}", 1, credit=5)
    client.receiver(f"Consumer.B.{topic}", 2)
    client.credit(2, 5)
    client.sender(f"topic://{topic}")
    client.transfer(0, data(b"x"), settled=True)
    assert {client.expect(Transfer).handle for _ in range(2)} == {1, 2}


def test_an_address_may_name_several(client: RawAmqp1, name: str) -> None:
    """The message went to one queue with commas in its name."""
    client.receiver(f"topic://{name}.>", 1, credit=5)
    client.sender(f"queue://{name}-a,{name}-b,topic://{name}.t")
    for number in range(2):
        assert isinstance(client.publish(number, b"%d" % number), Accepted)
        assert bodies(client, 1) == [b"%d" % number]
    client.send(Detach(1, True))
    client.expect(Detach)
    control = Coordination(client)
    transaction = control.declare()
    state = client.publish(2, b"2", state=TransactionalState(transaction))
    assert isinstance(state.outcome, Accepted)
    assert isinstance(control.discharge(transaction, fail=False), Accepted)
    for handle, queue in ((2, f"{name}-a"), (3, f"{name}-b")):
        client.receiver(f"/queues/{queue}", handle)
        client.credit(handle, 5, next_incoming_id=2)
        assert bodies(client, 3) == [b"0", b"1", b"2"]


def to(address: str, body: bytes) -> bytes:
    """A message for the anonymous relay."""
    return b"\x00\x53\x73" + encode([None, None, address]) + data(body)


def test_the_address_of_a_message_may_name_several(client: RawAmqp1, broker: BrokerProcess, name: str) -> None:
    """The relay took the commas for a part of a name, and what it sent to a queue that was not there was lost."""
    client.receiver(f"topic://{name}.>", 1, credit=5)
    client.sender(None)
    several = f"queue://{name}-a,{name}-b,topic://{name}.t"
    for number, address in enumerate([several, f"queue://{name}-a", several]):
        client.transfer(number, to(address, b"%d" % number))
        assert isinstance(client.outcome(number), Accepted)
        if address == several:
            assert bodies(client, 1) == [b"%d" % number]
    client.send(Detach(1, True))
    client.expect(Detach)
    control = Coordination(client)
    transaction = control.declare()
    client.transfer(3, to(several, b"3"), state=TransactionalState(transaction))
    assert isinstance(client.outcome(3).outcome, Accepted)
    assert isinstance(control.discharge(transaction, fail=False), Accepted)
    expected = {f"{name}-a": [b"0", b"1", b"2", b"3"], f"{name}-b": [b"0", b"2", b"3"]}
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        for queue, wanted in expected.items():
            channel.queue_declare(queue, durable=True)  # ActiveMQ's queues are
            assert [channel.basic_get(queue, auto_ack=True)[2] for _ in wanted] == wanted
