"""What is deleted or purged leaves memory: its messages at once, in portions, and whatever else referred to it."""

import gc
from collections.abc import Callable
from weakref import ref

import pytest

from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.leftovers import Leftovers, leave
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.scheduler import Scheduler
from mqbroker.core.vhost import VHost
from mqbroker.limits import PORTION
from tests.core.messages import PlainProperties, message, nothing

NOW = 1_700_000_000_000
COUNT = 3 * PORTION


class Watched(PlainProperties):
    """Properties that can be referred to weakly: they live as long as any message that has them."""


class Lab:
    """A broker with one vhost."""

    def __init__(self) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.vhost: VHost = self.broker.add_vhost("/")

    def declare(self, name: str, **arguments: object) -> ClassicQueue:
        given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
        made = declare_queue(self.vhost, name, True, False, False, given, NOW)
        assert isinstance(made, ClassicQueue)
        return made

    def fill(self, exchange: str, key: str, properties: Properties, count: int = COUNT) -> None:
        route = self.vhost.route(exchange, key)
        for _ in range(count):
            self.vhost.publish(route, new_message(exchange, key, properties, b"body", NOW), NOW)

    def finish(self) -> None:
        self.broker.scheduler.finish(NOW)
        gc.collect()


def plain(lab: Lab) -> None:
    lab.declare("q")


def with_priorities(lab: Lab) -> None:
    lab.declare("q", max_priority=4)


def polled(lab: Lab) -> None:
    lab.vhost.take_over(polled_spec("q", PollSettings()), NOW)


def fifo(lab: Lab) -> None:
    lab.vhost.take_over(polled_spec("q", PollSettings(), True), NOW)


KINDS = pytest.mark.parametrize("make", [plain, with_priorities, polled, fifo])


def watched() -> Properties:
    return Watched({"MessageGroupId": "a"})


@KINDS
def test_a_publisher_that_rests_does_not_keep_a_deleted_queue(make: Callable[[Lab], None]) -> None:
    """The fault: the messages of a deleted queue stayed in memory as long as a publisher kept a route to it."""
    lab = Lab()
    make(lab)
    properties = watched()
    seen = ref(properties)
    route = lab.vhost.route("", "q")
    lab.fill("", "q", properties)
    del properties
    assert route.queues == [lab.vhost.queues["q"]]
    assert lab.vhost.delete_queue("q") == COUNT
    assert route.queues == []
    lab.finish()
    assert seen() is None
    assert lab.vhost.publish(route, message(), NOW) != 0, "it leads nowhere"


def test_a_route_to_several_queues_keeps_none_that_is_deleted() -> None:
    lab = Lab()
    for name in "abc":
        lab.vhost.bind(lab.vhost.exchange("amq.fanout"), lab.declare(name), "", {})
    route = lab.vhost.route("amq.fanout", "key")
    assert [queue.name for queue in route.queues] == ["a", "b", "c"]
    lab.vhost.delete_queue("b")
    assert route.queues == []
    lab.vhost.publish(route, message(), NOW)
    assert [queue.name for queue in route.queues] == ["a", "c"]
    assert [lab.vhost.queues[name].waiting_count() for name in "ac"] == [1, 1]


def test_what_was_remembered_of_routing_does_not_keep_a_deleted_queue() -> None:
    lab = Lab()
    lab.declare("dead")
    source = lab.declare("q", dead_letter_exchange="", dead_letter_routing_key="dead")
    properties = watched()
    seen = ref(properties)
    lab.fill("", "q", properties, 1)
    del properties
    lab.vhost.publish_by_content("", ["q", "dead"], message(properties=PlainProperties({"a": 1})), NOW)
    source.discard(source.take(), "rejected", NOW)
    for name in ("q", "dead"):
        lab.vhost.delete_queue(name)
    lab.finish()
    assert seen() is None


def test_the_timers_of_a_deleted_queue_are_cancelled() -> None:
    """The fault: each stayed until its deadline, with the queue: years, for an x-expires or a TTL of years."""
    lab = Lab()
    lab.declare("q", expires=86_400_000, message_ttl=86_400_000)
    polled(lab_with_another_name := Lab())
    for each in (lab, lab_with_another_name):
        each.fill("", "q", PlainProperties(), 2)
        assert len(each.broker.timers) > 0
        each.vhost.delete_queue("q")
        assert len(each.broker.timers) == 0


def test_a_deleted_exchange_lets_go_of_the_messages_it_held_back() -> None:
    lab = Lab()
    declare_exchange(lab.vhost, "later", "x-delayed-message", True, False, False, {"x-delayed-type": "direct"})
    properties = Watched({"x-delay": 86_400_000})
    seen = ref(properties)
    lab.fill("later", "key", properties)
    del properties
    lab.vhost.delete_exchange("later")
    lab.finish()
    assert seen() is None
    assert len(lab.broker.timers) == 0


def test_a_deleted_vhost_lets_go_of_what_was_retained() -> None:
    lab = Lab()
    properties = Watched(ttl_ms=86_400_000)
    seen = ref(properties)
    store = lab.vhost.retain(10 * COUNT, 1 << 30)
    for number in range(COUNT):
        store.put(message(b"body", f"a.b.{number}", properties=properties), NOW)
    del properties, store
    lab.broker.delete_vhost("/")
    lab.finish()
    assert seen() is None
    assert len(lab.broker.timers) == 0


@pytest.mark.parametrize("make", [polled, fifo])
def test_a_purge_of_a_polled_queue_frees_what_was_in_it(make: Callable[[Lab], None]) -> None:
    lab = Lab()
    make(lab)
    properties = watched()
    seen = ref(properties)
    lab.fill("", "q", properties)
    del properties
    assert lab.vhost.queues["q"].purge(NOW, nothing) == COUNT
    lab.finish()
    assert seen() is None


def test_much_is_freed_in_portions_and_little_at_once() -> None:
    scheduler = Scheduler()
    leave(scheduler, [[1] * PORTION, []])
    assert not scheduler.round
    numbers = list(range(PORTION + 1))
    leave(scheduler, [numbers])
    assert len(numbers) == PORTION + 1
    assert scheduler.step(0)
    assert len(numbers) == 1
    scheduler.finish(0)
    assert numbers == []


def test_containers_within_containers_are_emptied_in_portions_too() -> None:
    class Line:
        def __init__(self) -> None:
            self.entries = list(range(PORTION))

        def let_go(self) -> list[list[int]]:
            return [self.entries]

    lines = [Line() for _ in range(3)]
    work = Leftovers([dict(enumerate(lines))])
    steps = 1
    while work.run(0, PORTION):
        steps += 1
    assert [line.entries for line in lines] == [[], [], []]
    assert steps >= 3
