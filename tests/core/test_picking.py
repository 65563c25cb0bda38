"""Consumers of a queue that take only what they select, and message groups."""

import random
from itertools import chain

import pytest

from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.picking import picking_of, start_groups
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.selectors.selector import parse
from mqbroker.core.vhost import VHost
from mqbroker.limits import PASSED_OVER_MAX
from tests.core.messages import PlainProperties, Taker, message


class Place:
    """One queue, and consumers of it."""

    def __init__(self, **spec: int) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.vhost: VHost = self.broker.add_vhost("/")
        made = self.vhost.declare(QueueSpec("q", **spec), 0)  # type: ignore[arg-type]
        assert isinstance(made, ClassicQueue)
        self.queue = made

    def consumer(self, selector: str = "", prefetch: int = 0) -> Taker:
        taker = Taker(self.queue, prefetch)
        if selector:
            picking_of(self.queue).select(taker, parse(selector))
        self.queue.add_consumer(taker, 0)
        self.queue.offer(taker, 0)
        self.settle()
        return taker

    def publish(self, number: int, ttl_ms: int = -1, priority: int = 0, group: str = "", **headers: object) -> None:
        texts = {"group_id": group} if group else {}
        properties = PlainProperties({"n": number, **headers}, ttl_ms, priority, texts)
        self.queue.publish(message(b"%d" % number, properties=properties), 0)

    def settle(self, now: int = 0) -> None:
        self.broker.scheduler.finish(now)

    def acknowledge(self, taker: Taker) -> None:
        self.queue.acknowledge(taker.taken.pop(0), 0)
        self.settle()


def numbers(taker: Taker) -> list[int]:
    found = [int(body) for body in taker.bodies]
    taker.bodies.clear()
    return found


@pytest.mark.parametrize("priorities", [None, 5])
def test_each_gets_what_it_selects_and_the_rest_waits(priorities: int | None) -> None:
    place = Place(**({} if priorities is None else {"max_priority": priorities}))
    for number in range(10):
        place.publish(number)
    even, small = place.consumer("n % 2 = 0"), place.consumer("n < 4")
    assert numbers(even) == [0, 2, 4, 6, 8]
    assert numbers(small) == [1, 3]
    assert place.queue.waiting_count() == 3
    assert place.queue.byte_count == 3
    for number in range(2, 6):
        place.publish(number)
    found = [numbers(even), numbers(small)]
    assert sorted(chain(*found)) == [2, 3, 4]
    assert [int(each.message.content()) for each in place.queue.waiting()] == [5, 7, 9, 5]


def test_a_consumer_goes_on_where_it_was_when_it_has_room() -> None:
    place = Place()
    for number in range(10):
        place.publish(number)
    even = place.consumer("n % 2 = 0", prefetch=2)
    assert numbers(even) == [0, 2]
    place.acknowledge(even)
    assert numbers(even) == [4]
    everything = place.consumer()
    assert numbers(everything) == [1, 3, 5, 6, 7, 8, 9]
    assert place.queue.waiting_count() == 0
    assert place.queue.byte_count == 0


def test_what_comes_back_is_looked_at_again_in_its_place() -> None:
    place = Place()
    for number in range(6):
        place.publish(number)
    even, other = place.consumer("n % 2 = 0"), place.consumer("JMSRedelivered = TRUE")
    assert numbers(even) == [0, 2, 4]
    place.queue.remove_consumer(even, 0)
    place.queue.requeue(even.taken, 0)
    place.settle()
    assert numbers(other) == [0, 2, 4]


def test_who_consumes_without_a_selector_takes_its_turn() -> None:
    place = Place()
    red, anything = place.consumer("colour = 'red'"), place.consumer()
    for number in range(10):
        place.publish(number, colour="red")
    found = [numbers(red), numbers(anything)]
    assert sorted(chain(*found)) == list(range(10))
    assert all(len(each) == 5 for each in found)


def test_what_has_expired_is_taken_by_nobody() -> None:
    place = Place()
    place.publish(1)
    place.publish(2, ttl_ms=10)
    taker = place.consumer("n = 3")
    place.publish(3)
    assert numbers(taker) == [3]
    picking_of(place.queue).selectors[taker] = parse("n > 0")
    place.queue.remove_consumer(taker, 0)
    late = Taker(place.queue)
    picking_of(place.queue).select(late, parse("n > 1"))
    place.queue.add_consumer(late, 20)
    place.queue.offer(late, 20)
    place.settle(20)
    assert numbers(late) == []
    assert place.queue.waiting_count() == 1
    assert place.queue.counts.expired == 1


def test_priorities_count_among_what_is_selected() -> None:
    place = Place(max_priority=5)
    for number in range(6):
        place.publish(number, priority=number)
    taker = place.consumer("n % 2 = 0")
    assert numbers(taker) == [4, 2, 0]
    assert place.queue.waiting_count() == 3


def test_only_so_many_are_passed_over() -> None:
    """A consumer that selects nothing would pull the whole of a long queue into memory."""
    place = Place()
    for _ in range(PASSED_OVER_MAX + 100):
        place.publish(0)
    place.publish(1)
    taker = place.consumer("n = 1")
    assert numbers(taker) == []
    assert len(place.queue.lane.returned) == PASSED_OVER_MAX
    rest = place.consumer(prefetch=200)
    for _ in range(200):
        place.acknowledge(rest)
    assert numbers(taker) == [1]


def test_the_last_group_is_whose_who_was_given_its_first() -> None:
    place = Place()
    start_groups(place.queue)
    takers = [place.consumer() for _ in range(3)]
    for number in range(12):
        place.publish(number, group="abcd"[number % 4])
    found = [numbers(each) for each in takers]
    assert sorted(chain(*found)) == list(range(12))
    owners = {number % 4: index for index, each in enumerate(found) for number in each}
    assert all(owners[number % 4] == index for index, each in enumerate(found) for number in each)
    assert len(set(owners.values())) == 3


def test_a_group_goes_on_with_another_when_its_owner_is_gone() -> None:
    place = Place()
    start_groups(place.queue)
    first = place.consumer(prefetch=1)
    place.publish(0, group="a")
    second = place.consumer(prefetch=9)
    place.publish(1, group="a")
    place.publish(2)
    assert (numbers(first), numbers(second)) == ([0], [2])
    place.queue.remove_consumer(first, 0)
    place.queue.requeue(first.taken, 0)
    place.settle()
    assert numbers(second) == [0, 1]


def test_a_group_may_be_closed() -> None:
    place = Place()
    start_groups(place.queue)
    first, second = place.consumer(prefetch=1), place.consumer(prefetch=1)
    for number in range(3):
        place.publish(number, group="a", **({"JMSXGroupSeq": -1} if number == 1 else {}))
    owner, other = (first, second) if first.bodies else (second, first)
    assert numbers(owner) == [0]
    place.acknowledge(owner)
    assert (numbers(owner), numbers(other)) == ([1], [2])


def test_nothing_is_lost_or_given_twice_whatever_happens() -> None:
    """Random publishes, settlements, arrivals and departures, against the simple rule of who may have what."""
    for seed in range(30):
        chance = random.Random(seed)
        place = Place(**({"max_priority": 3} if seed % 3 == 0 else {}))
        takers: list[tuple[Taker, int]] = []
        waiting, done = set(range(0)), set(range(0))
        for step in range(300):
            action = chance.random()
            if action < 0.5:
                place.publish(step, priority=step % 4)
                waiting.add(step)
            elif action < 0.6 and len(takers) < 4:
                divisor = chance.choice((1, 2, 3))
                text = "" if divisor == 1 else f"n % {divisor} = 0"
                takers.append((place.consumer(text, chance.choice((0, 1, 3))), divisor))
            elif action < 0.65 and takers:
                taker, _ = takers.pop(chance.randrange(len(takers)))
                place.queue.remove_consumer(taker, 0)
                place.queue.requeue(taker.taken, 0)
            elif takers:
                taker, divisor = chance.choice(takers)
                if taker.taken:
                    entry = taker.taken.pop(chance.randrange(len(taker.taken)))
                    number = int(entry.message.content())
                    assert number % divisor == 0
                    if chance.random() < 0.3:
                        place.queue.requeue([entry], 0)
                    else:
                        place.queue.acknowledge(entry, 0)
                        assert number in waiting
                        waiting.remove(number)
                        done.add(number)
            place.settle()
            held = {int(each.message.content()) for taker, _ in takers for each in taker.taken}
            here = [int(each.message.content()) for each in place.queue.waiting()]
            assert len(here) == len(set(here)) == place.queue.waiting_count()
            assert held | set(here) == waiting
            assert not held & set(here)
            for taker, divisor in takers:
                if not taker.prefetch or len(taker.taken) < taker.prefetch:
                    assert not [number for number in here if number % divisor == 0]


def test_what_others_take_out_of_what_is_passed_over_hides_nothing() -> None:
    """Entries that expired were taken out of the heap, which was searched as if it were sorted all the same."""
    place = Place(max_priority=1)
    for number in range(40):
        place.publish(number, ttl_ms=5 if number < 3 else -1)
    nobody = place.consumer("n < 0")
    place.queue.run(10, 200)
    place.settle(10)
    place.queue.remove_consumer(nobody, 10)
    takers = [place.consumer(f"n = {number}") for number in range(3, 40)]
    assert [numbers(each) for each in takers] == [[number] for number in range(3, 40)]
