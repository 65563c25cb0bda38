"""Deliveries that a client does not settle in time: RabbitMQ 4's consumer timeout."""

from typing import Any

import pytest

from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.values import UInt32
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Released, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach, Detach, Disposition, Flow, Transfer
from mqbroker.protocols.amqp1.codec.types import Symbol
from tests.amqp1.house import Client, House
from tests.amqp1.raw import data, said

TIMEOUT = {Symbol("rabbitmq:consumer-timeout"): UInt32(1000)}


def receiver(house: House, handle: int = 1, **options: Any) -> Client:
    """A client with credit on a link to the queue q, in which two messages wait."""
    client = house.open()
    say(client, Attach("s", 0, False, source=Source(), target=Target("/queue/q"), initial_delivery_count=0))
    for number in range(2):
        client.receive(said(Transfer(0, number, b"t", 0, True), data(b"%d" % number)))
    say(client, Attach("r", handle, True, source=Source("/queues/q"), target=Target(), **options))
    say(client, Flow(0, 1000, 0, 1000, handle=handle, delivery_count=0, link_credit=1))
    return client


def say(client: Client, value: Any) -> None:
    client.receive(frames.performative(0, value))


def pass_time(house: House, duration_ms: int) -> None:
    for _ in range(duration_ms // 100):
        house.now += 100
        for client in house.clients:
            if 0 < client.connection.deadline <= house.now:
                client.connection.tick(house.now)
        house.turn()


def told(client: Client) -> list[Any]:
    return [each for each, _ in client.frames() if isinstance(each, Disposition)]


@pytest.mark.parametrize("is_queues_own", [False, True])
def test_what_is_not_settled_in_time_goes_back(is_queues_own: bool) -> None:
    """A consumer that hangs kept its messages for as long as its connection lived."""
    house = House()
    timeout = 1000 if is_queues_own else None
    queue = house.vhost.declare(QueueSpec("q", consumer_timeout=timeout), house.now)
    client = receiver(house, properties={} if is_queues_own else TIMEOUT)
    pass_time(house, 900)
    assert told(client) == []
    assert (queue.unacked_count, queue.waiting_count()) == (1, 1)
    pass_time(house, 1200)
    (found,) = told(client)
    assert (found.role, found.first, found.last, found.settled) == (False, 0, None, False)
    assert isinstance(found.state, Released)
    assert (queue.unacked_count, queue.waiting_count()) == (0, 2)
    say(client, Disposition(True, 0, None, True, Accepted()))  # too late
    assert told(client) == []
    assert queue.waiting_count() == 2
    say(client, Flow(1, 1000, 0, 1000, handle=1, delivery_count=1, link_credit=1))
    assert [payload[-1:] for each, payload in client.frames() if isinstance(each, Transfer)] == [b"0"]
    say(client, Disposition(True, 1, None, True, Accepted()))
    pass_time(house, 3000)
    assert told(client) == []
    assert queue.waiting_count() == 1


@pytest.mark.parametrize("is_queues_own", [False, True])
def test_a_link_to_several_queues_has_the_shortest_of_their_times(is_queues_own: bool) -> None:
    """The deliveries of such a link are held by its queues' consumers, whom nobody watched."""
    house = House()
    for name, timeout in (("a", 60_000), ("b", 1000)):
        house.vhost.declare(QueueSpec(name, consumer_timeout=timeout if is_queues_own else None), house.now)
    client = house.open()
    say(client, Attach("s", 0, False, source=Source(), target=Target("queue://a,b"), initial_delivery_count=0))
    client.receive(said(Transfer(0, 0, b"t", 0, True), data(b"x")))
    properties = {} if is_queues_own else TIMEOUT
    source = Source("queue://a,b", default_outcome=Accepted())
    say(client, Attach("r", 1, True, source=source, target=Target(), properties=properties))
    say(client, Flow(0, 1000, 0, 1000, handle=1, delivery_count=0, link_credit=2))
    pass_time(house, 2200)
    assert sorted(each.first for each in told(client)) == [0, 1]
    assert [house.vhost.queues[name].waiting_count() for name in "ab"] == [1, 1]
    say(client, Flow(2, 1000, 0, 1000, handle=1, delivery_count=2, link_credit=2))
    assert len(client.frames()) == 2
    say(client, Disposition(True, 2, 3, True, None))  # the default outcome of the link
    assert [house.vhost.queues[name].unacked_count for name in "ab"] == [0, 0]
    assert [house.vhost.queues[name].waiting_count() for name in "ab"] == [0, 0]


def test_a_link_without_a_timeout_has_its_time() -> None:
    house = House()
    receiver(house, properties={Symbol("rabbitmq:consumer-timeout"): "soon"})
    pass_time(house, 20_000)
    assert house.vhost.queues["q"].unacked_count == 1


def test_a_link_that_is_gone_is_forgotten() -> None:
    house = House()
    client = receiver(house, properties=TIMEOUT)
    say(client, Detach(1, True))
    client.frames()
    pass_time(house, 5000)
    assert told(client) == []
    assert house.vhost.queues["q"].waiting_count() == 2
