"""One link that consumes from several queues: its credit, its outcomes, and queues that come and go meanwhile."""

import pytest

from mqbroker.protocols.amqp1.codec.messaging import Accepted, Modified, Rejected, Released, Source
from mqbroker.protocols.amqp1.codec.performatives import RECEIVER, Detach, Disposition, Flow, Transfer
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from tests.amqp1.house import House
from tests.amqp1.test_jms import SETTLED, Jms, topic

NAMES = ("a.x", "a.y", "b")


def filled(count: int, names: tuple[str, ...] = NAMES) -> tuple[House, Jms, dict[str, int]]:
    """A house with so many messages in each queue, and who has put them there."""
    house = House()
    producer = Jms(house, "producer")
    handles = {name: producer.producer(name, "queue") for name in names}
    for number in range(count):
        for name in names:
            producer.send(handles[name], f"{name}{number}".encode())
    return house, producer, handles


def settle(jms: Jms, first: int, last: int, state: object) -> None:
    jms.say(Disposition(RECEIVER, first, last, True, state))


def waiting(house: House) -> dict[str, int]:
    return {name: house.vhost.queues[name].waiting_count() for name in NAMES}


@pytest.mark.parametrize("mode", [0, SETTLED])
@pytest.mark.parametrize("address", ["queue://b,a.x,a.y", "queue://b,a.*", "queue://a.>,b"])
def test_a_link_consumes_from_several_queues(address: str, mode: int) -> None:
    """It was refused: several queues could be browsed only."""
    house, _, _ = filled(2)
    jms = Jms(house)
    answer = jms.consumer("consumer", Source(address), mode)
    assert answer.source.address == address
    jms.credit(100)
    assert sorted(jms.bodies()) == sorted(f"{name}{number}".encode() for name in NAMES for number in range(2))
    assert set(house.vhost.queues) == set(NAMES)
    assert sum(queue.unacked_count for queue in house.vhost.queues.values()) == (6 if mode == 0 else 0)
    jms.detach(closed=True)
    assert sum(waiting(house).values()) == (6 if mode == 0 else 0)
    assert not any(queue.consumers for queue in house.vhost.queues.values())


@pytest.mark.parametrize("mode", [0, SETTLED])
def test_credit_is_shared_by_the_queues(mode: int) -> None:
    """The first queue would have it all for as long as there is anything in it."""
    house, _, _ = filled(50)
    jms = Jms(house)
    jms.consumer("consumer", Source("queue://a.x,a.y,b"), mode, credit=12)
    assert len(jms.bodies()) == 12
    assert waiting(house) == {"a.x": 46, "a.y": 46, "b": 46}
    for count in range(12, 18):
        jms.credit(1, count=count)
        assert len(jms.bodies()) == 1
    assert waiting(house) == {"a.x": 44, "a.y": 44, "b": 44}


def test_outcomes_go_to_the_queue_that_a_delivery_came_from() -> None:
    """Each delivery is settled in its own queue, and comes back in its own place."""
    house, _, _ = filled(2, ("a.x", "b"))
    jms = Jms(house)
    jms.consumer("consumer", Source("queue://a.x,b"), credit=4)
    found = jms.bodies()
    at = {body: number for number, body in enumerate(found)}
    settle(jms, at[b"a.x0"], at[b"a.x0"], Accepted())
    settle(jms, at[b"b0"], at[b"b0"], Modified(delivery_failed=True))
    settle(jms, at[b"a.x1"], at[b"a.x1"], Released())
    settle(jms, at[b"b1"], at[b"b1"], Rejected())
    assert [house.vhost.queues[name].waiting_count() for name in ("a.x", "b")] == [1, 1]
    jms.credit(10, count=4)
    assert sorted(jms.bodies()) == [b"a.x1", b"b0"]
    settle(jms, 4, 5, Accepted())
    assert [house.vhost.queues[name].unacked_count for name in ("a.x", "b")] == [0, 0]


def test_a_drain_ends_when_all_queues_are_empty() -> None:
    """The credit came back while messages waited in another queue, or never."""
    house, producer, handles = filled(3)
    jms = Jms(house)
    jms.consumer("consumer", Source("queue://a.x,a.y,b"))
    jms.credit(100, drain=True)
    found = jms.client.frames()
    assert [type(each) for each, _ in found] == [Transfer] * 9 + [Flow]
    assert (found[-1][0].drain, found[-1][0].link_credit, found[-1][0].delivery_count) == (True, 0, 100)
    jms.credit(5, drain=True, count=100)
    (flow,) = jms.heard()
    assert (flow.drain, flow.link_credit, flow.delivery_count) == (True, 0, 105)
    producer.send(handles["b"], b"later")
    assert jms.bodies() == []
    jms.credit(1, drain=True, count=105)
    assert [type(each) for each in jms.heard()] == [Transfer, Flow]


def test_a_link_goes_on_when_one_of_its_queues_is_deleted() -> None:
    """It ends with the last of them."""
    house, producer, handles = filled(1)
    jms = Jms(house)
    jms.consumer("consumer", Source("queue://a.x,b"), credit=10)
    assert len(jms.bodies()) == 2
    house.vhost.remove(house.vhost.queues["a.x"])
    assert jms.heard() == []
    settle(jms, 0, 1, Accepted())
    producer.send(handles["b"], b"more")
    assert jms.bodies() == [b"more"]
    house.vhost.remove(house.vhost.queues["b"])
    (detach,) = [each for each in jms.heard() if isinstance(each, Detach)]
    assert detach.error.condition == "amqp:resource-deleted"
    assert detach.error.description == "queue 'b' in vhost '/' was deleted"
    assert set(house.vhost.queues) == {"a.y"}


def test_wildcards_mean_queues_that_are_made_later() -> None:
    """Only those that were there at the attach were served; it may be none."""
    house, producer, _ = filled(1, ("b",))
    jms = Jms(house)
    assert jms.consumer("consumer", Source("queue://a.*"), credit=10).source is not None
    for name in ("a.new", "a.new.deeper", "a.other"):
        producer.send(producer.producer(name, "queue"), name.encode())
    assert sorted(jms.bodies()) == [b"a.new", b"a.other"]
    house.vhost.remove(house.vhost.queues["a.new"])
    house.vhost.remove(house.vhost.queues["a.other"])
    assert jms.heard() == []
    producer.send(producer.producer("a.third", "queue"), b"third")
    assert jms.bodies() == [b"third"]
    jms.detach(closed=True)
    producer.send(producer.producer("a.fourth", "queue"), b"fourth")
    assert not house.vhost.queues["a.fourth"].consumers


def test_each_queue_is_asked_for_what_is_selected() -> None:
    house, _, _ = filled(2, ("a.x", "b"))
    producer = Jms(house, "other")
    for name in ("a.x", "b"):
        handle = producer.producer(name, "queue")
        producer.send(handle, b"to " + name.encode(), to="chosen")
    jms = Jms(house)
    selector = {Symbol("s"): Described(Symbol("apache.org:selector-filter:string"), "JMSMessageID = 'ID:0'")}
    answer = jms.consumer("consumer", Source("queue://a.*,b", filter=selector), credit=10)
    assert answer.source.filter
    assert sorted(jms.bodies()) == [b"a.x0", b"to a.x"]
    bad = {Symbol("s"): Described(Symbol("apache.org:selector-filter:string"), "x =")}
    assert jms.consumer("bad", Source("queue://a.*,b", filter=bad)).source is None


def test_queues_and_topics_in_one_source() -> None:
    """What comes to the topics is in a queue of the link, which goes with it."""
    house, producer, _ = filled(1, ("b",))
    jms = Jms(house)
    assert jms.consumer("mixed", Source("queue://b,topic://news.>"), credit=10).source is not None
    producer.send(producer.producer("news.today", "topic"), b"news")
    assert sorted(jms.bodies()) == [b"b0", b"news"]
    jms.detach(closed=True)
    assert set(house.vhost.queues) == {"b"}
    assert jms.consumer("durable", topic("a,queue://b", durable=True)).source is None
    assert set(house.vhost.queues) == {"b"}


def test_what_was_not_settled_goes_back_when_the_socket_is_lost() -> None:
    house, _, _ = filled(2)
    jms = Jms(house)
    jms.consumer("consumer", Source("queue://a.*,b"), credit=5)
    assert len(jms.bodies()) == 5
    jms.client.lose()
    house.turn()
    assert waiting(house) == {"a.x": 2, "a.y": 2, "b": 2}
    assert set(house.vhost.queues) == set(NAMES)
