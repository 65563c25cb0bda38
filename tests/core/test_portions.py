"""What grows with a backlog is done in portions, and comes to the same as if it were done in one go.

Work is measured in facts for the journal: how many one call or one portion of the scheduler leaves at most.
"""

from collections.abc import Callable

import pytest

from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.queues.returning import Returning
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.rabbitmq.policy import Policy
from mqbroker.limits import PORTION
from mqbroker.protocols.amqp.properties import build
from tests.core.messages import PlainProperties, Taker
from tests.core.polled import Poller, bodies

NOW = 1_700_000_000_000
COUNT = 10 * PORTION
MOST = 2 * PORTION + 10  # facts that a portion may leave: each thing done may be two


class Facts(Ledger):
    """A journal that counts, and knows which definitions there are."""

    __slots__ = ("count", "defined")

    def __init__(self) -> None:
        Ledger.__init__(self)
        self.is_journalling = True
        self.count = 0
        self.defined: dict[str, bytes] = {}

    def enqueue(self, entry: Entry) -> None:
        entry.lsn = self.position
        self.count += 1

    def settle(self, entry: Entry) -> None:
        self.count += 1

    def attempt(self, entry: Entry) -> None:
        self.count += 1

    def defer(self, entry: Entry) -> None:
        self.count += 1

    def forget(self, queue_number: int) -> None:
        self.count += 1

    def define(self, key: str, value: bytes | None) -> None:
        self.count += 1
        if value is None:
            self.defined.pop(key, None)
        else:
            self.defined[key] = value


class Lab:
    """A broker whose work is measured: `most` is the most that one call or one portion has done, `done` all of it."""

    def __init__(self) -> None:
        self.now = NOW
        self.facts = Facts()
        self.broker = Broker(self.facts, lambda: "name")
        self.vhost = self.broker.add_vhost("/")
        self.most = self.done = 0

    def do(self, work: Callable[[], object]) -> None:
        """One call."""
        before = self.facts.count
        work()
        spent = self.facts.count - before
        self.most = max(self.most, spent)
        self.done += spent

    def step(self) -> bool:
        """One portion. False when nothing is left to do."""
        self.do(lambda: self.broker.scheduler.step(self.now))
        return bool(self.broker.scheduler.round)

    def finish(self) -> None:
        """All portions, and what is due."""
        while self.step() or 0 < self.broker.timers.next_deadline() <= self.now:
            self.do(lambda: self.broker.advance(self.now))

    def wait(self, ms: int) -> None:
        """Lets time pass, and has all done that is due then."""
        self.now += ms
        self.do(lambda: self.broker.advance(self.now))
        self.finish()

    def check(self) -> None:
        """There was much to do, and never much at once."""
        assert self.done >= COUNT - PORTION
        assert self.most <= MOST

    def declare(self, name: str, **arguments: object) -> Queue:
        given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
        return declare_queue(self.vhost, name, True, False, False, given, self.now)

    def polled(self, name: str, fifo: bool = False, **settings: int | str) -> PolledQueue:
        spec = polled_spec(name, PollSettings(**settings), fifo)  # type: ignore[arg-type]
        made = self.vhost.take_over(spec, self.now)
        assert isinstance(made, PolledQueue)
        return made

    def publish(self, key: str, count: int = 1, body: bytes = b"x", exchange: str = "", first: int = 0) -> None:
        route = self.vhost.route(exchange, key)
        for number in range(first, first + count):
            self.vhost.publish(route, self.message(exchange, key, b"%d %b" % (number, body)), self.now)

    def message(self, exchange: str, key: str, body: bytes, properties: Properties | None = None) -> Message:
        properties = properties or PlainProperties()
        properties.persistent = True
        return new_message(exchange, key, properties, body, self.now)

    def take(self, queue: Queue, prefetch: int = 0) -> Taker:
        taker = Taker(queue, prefetch)
        queue.add_consumer(taker, self.now)
        queue.offer(taker, self.now)
        return taker


@pytest.fixture
def lab() -> Lab:
    return Lab()


def numbers(taker: Taker) -> list[int]:
    return [int(body.split()[0]) for body in taker.bodies]


def waiting(queue: Queue) -> list[int]:
    return [int(entry.message.content().split()[0]) for entry in queue.waiting()]


# --- queues ---------------------------------------------------------------------------------------------------------


def test_two_full_queues_that_dead_letter_into_each_other(lab: Lab) -> None:
    """The fault: with 100,000 messages in each, one publish more stopped the whole broker for 4.6 s."""
    left = lab.declare("left", max_length=COUNT, dead_letter_exchange="", dead_letter_routing_key="right")
    right = lab.declare("right", max_length=COUNT, dead_letter_exchange="", dead_letter_routing_key="left")
    lab.publish("left", COUNT)
    lab.publish("right", COUNT)
    lab.do(lambda: lab.publish("left"))
    assert lab.most < 20
    lab.finish()
    lab.check()
    assert (left.waiting_count(), right.waiting_count()) == (COUNT, COUNT)


def test_dead_letters_of_one_queue_do_not_wait_for_all_of_another(lab: Lab) -> None:
    lab.declare("left", max_length=COUNT, dead_letter_exchange="", dead_letter_routing_key="right")
    lab.declare("right", max_length=COUNT, dead_letter_exchange="", dead_letter_routing_key="left")
    lab.publish("left", COUNT)
    lab.publish("right", COUNT)
    short = lab.declare("short", max_length=1, dead_letter_exchange="", dead_letter_routing_key="grave")
    grave = lab.declare("grave")
    lab.publish("left")
    lab.publish("short", 3)
    lab.step()
    assert (waiting(short), waiting(grave)) == ([2], [0, 1])


@pytest.mark.parametrize("arguments", [{}, {"max_priority": 4}])
def test_expiry(lab: Lab, arguments: dict[str, object]) -> None:
    queue = lab.declare("q", message_ttl=100, dead_letter_exchange="", dead_letter_routing_key="dead", **arguments)
    dead = lab.declare("dead")
    lab.publish("q", COUNT)
    lab.wait(100)
    lab.check()
    assert queue.waiting_count() == 0
    assert waiting(dead) == list(range(COUNT))


def test_whoever_polls_gets_what_is_behind_an_expired_backlog(lab: Lab) -> None:
    queue = lab.declare("q", message_ttl=100)
    lab.publish("q", COUNT)
    lab.now += 100
    lab.publish("q", first=COUNT)
    taker = Taker(queue)
    while queue.waiting_count() > 1:
        lab.do(lambda: queue.get(taker, lab.now))
        lab.step()
    lab.check()
    entry = queue.get(taker, lab.now)
    assert entry is not None
    assert entry.message.content() == b"%d x" % COUNT


def test_a_consumer_gets_what_is_behind_an_expired_backlog(lab: Lab) -> None:
    queue = lab.declare("q", message_ttl=100)
    lab.publish("q", COUNT)
    lab.now += 100
    lab.publish("q", first=COUNT)
    takers: list[Taker] = []
    lab.do(lambda: takers.append(lab.take(queue)))
    lab.finish()
    lab.check()
    assert numbers(takers[0]) == [COUNT]


def test_a_policy_that_makes_a_queue_short(lab: Lab) -> None:
    queue = lab.declare("q")
    lab.publish("q", COUNT + 5)
    lab.do(lambda: lab.broker.set_policy(Policy("/", "short", "q", {"max-length": 5}, 0, "queues"), lab.now))
    lab.finish()
    lab.check()
    assert waiting(queue) == list(range(COUNT, COUNT + 5))


def test_one_message_that_displaces_many(lab: Lab) -> None:
    """And the queue gets no longer while the many go."""
    queue = lab.declare("q", max_length_bytes=8 * COUNT)
    lab.publish("q", COUNT, body=b"....")
    lengths = []
    lab.do(lambda: lab.publish("q", body=b"x" * (8 * COUNT - 2)))
    while lab.step():
        lengths.append(queue.waiting_count())
        lab.do(lambda: lab.publish("q", 1, b"", first=7))
    lab.finish()
    lab.check()
    assert lengths == sorted(lengths, reverse=True)
    assert queue.byte_count <= 8 * COUNT


def test_a_purge(lab: Lab) -> None:
    queue = lab.declare("q", max_priority=2)
    lab.publish("q", COUNT)
    taker = lab.take(queue, prefetch=1)
    done: list[int] = []
    counts: list[int] = []
    lab.do(lambda: counts.append(queue.purge(lab.now, done.append)))
    assert (counts, queue.waiting_count(), queue.byte_count) == ([COUNT - 1], 0, 0)
    lab.publish("q", first=7)
    while lab.step():
        assert not done
    assert lab.done == COUNT - 1
    assert lab.most <= MOST
    assert done
    assert (waiting(queue), len(taker.taken)) == ([7], 1)


def test_what_comes_back_in_portions_comes_before_what_is_younger(lab: Lab) -> None:
    queue = lab.declare("q")
    lab.publish("q", COUNT)
    first = lab.take(queue)
    lab.finish()
    queue.remove_consumer(first, lab.now)
    lab.publish("q", 3, first=COUNT)
    held = first.taken
    returning = Returning(is_failure=True)
    returning.give_back(held[:PORTION], lab.now)
    second = lab.take(queue)
    for start in range(PORTION, COUNT, PORTION):
        returning.give_back(held[start : start + PORTION][::-1], lab.now)
        lab.publish("q", first=COUNT + 3 + start)
        lab.finish()
        assert not second.bodies
    returning.end(lab.now, 1)
    lab.finish()
    assert numbers(second)[: COUNT + 3] == list(range(COUNT + 3))
    assert (queue.unacked_count, queue.holds) == (len(second.bodies), 0)


def test_a_successor_gets_nothing_before_all_is_back(lab: Lab) -> None:
    queue = lab.declare("q", single_active_consumer=True)
    lab.publish("q", 3)
    first, second = lab.take(queue), lab.take(queue)
    returning = Returning(is_failure=True)
    returning.hold(queue)
    queue.remove_consumer(first, lab.now)
    lab.publish("q", first=3)
    lab.finish()
    assert second.is_active
    assert not second.bodies
    returning.give_back(first.taken, lab.now)
    returning.end(lab.now, 1)
    assert numbers(second) == [0, 1, 2, 3]


# --- exchanges and vhosts -------------------------------------------------------------------------------------------


def definition(source: str, queue: str, key: str) -> str:
    return definitions.key("binding", "/", source, "q", queue, key, "")


def bind_often(lab: Lab, exchange: str, queue: Queue) -> None:
    for number in range(COUNT):
        lab.vhost.bind(lab.vhost.exchanges[exchange], queue, f"key.{number}", {})


@pytest.mark.parametrize("kind", ["direct", "topic", "fanout"])
def test_a_queue_with_many_bindings_is_deleted(lab: Lab, kind: str) -> None:
    """Its exchange forgets it at once, and a namesake with the same binding stays."""
    declare_exchange(lab.vhost, "x", kind, True, False, False, {"alternate-exchange": "amq.fanout"})
    spare = lab.declare("spare")
    lab.vhost.bind(lab.vhost.exchanges["amq.fanout"], spare, "", {})
    bind_often(lab, "x", lab.declare("q"))
    lab.do(lambda: lab.vhost.delete_queue("q"))
    exchange = lab.vhost.exchanges["x"]
    assert exchange.is_unused
    assert [binding.destination for _, binding in lab.vhost.bindings()] == [spare]
    for number in (0, COUNT - 1):
        lab.publish(f"key.{number}", exchange="x")
    assert spare.waiting_count() == 2
    again = lab.declare("q")
    lab.vhost.bind(exchange, again, "key.0", {})
    lab.finish()
    lab.check()
    lab.publish("key.0", exchange="x", first=8)
    assert waiting(again) == [8]
    assert [key for key in lab.facts.defined if '"x","q"' in key] == [definition("x", "q", "key.0")]


def test_an_exchange_with_many_bindings_is_deleted(lab: Lab) -> None:
    queue = lab.declare("q")
    declare_exchange(lab.vhost, "x", "topic", True, False, False, {})
    bind_often(lab, "x", queue)
    lab.do(lambda: lab.vhost.delete_exchange("x"))
    again = declare_exchange(lab.vhost, "x", "topic", True, False, False, {})
    lab.vhost.bind(again, queue, "key.0", {})
    lab.finish()
    lab.check()
    assert [binding.key for _, binding in lab.vhost.bindings()] == ["key.0"]
    assert [key for key in lab.facts.defined if '"binding"' in key] == [definition("x", "q", "key.0")]
    lab.vhost.delete_queue("q")
    lab.finish()
    assert again.is_unused
    assert not [key for key in lab.facts.defined if '"binding"' in key]


def test_an_exchange_is_deleted_with_its_last_binding_at_once(lab: Lab) -> None:
    queue = lab.declare("q")
    declare_exchange(lab.vhost, "x", "topic", True, True, False, {})
    bind_often(lab, "x", queue)
    lab.vhost.delete_queue("q")
    assert "x" not in lab.vhost.exchanges
    lab.finish()
    assert not [key for key in lab.facts.defined if '"x"' in key]


def test_one_of_several_is_chosen_among_those_that_are_there(lab: Lab) -> None:
    """A queue that is gone must not be chosen, however many bindings it has."""
    declare_exchange(lab.vhost, "x", "x-consistent-hash", True, False, False, {})
    there, gone = lab.declare("there"), lab.declare("gone")
    for number in range(COUNT):
        lab.vhost.bind(lab.vhost.exchanges["x"], gone, "1", {"number": number})
    lab.vhost.bind(lab.vhost.exchanges["x"], there, "1", {})
    lab.vhost.delete_queue("gone")
    for number in range(20):
        lab.publish(f"key {number}", exchange="x")
    assert there.waiting_count() == 20


def test_a_vhost_is_deleted(lab: Lab) -> None:
    other = lab.broker.add_vhost("other")
    for number in range(COUNT):
        declare_queue(other, f"q{number}", True, False, False, {}, lab.now)
    declare_exchange(other, "x", "fanout", True, False, False, {})
    lab.do(lambda: lab.broker.delete_vhost("other"))
    assert "other" not in lab.broker.vhosts
    lab.finish()
    lab.check()
    assert not [key for key in lab.facts.defined if '"other"' in key]


def test_a_vhost_is_made_again_while_its_namesake_is_deleted(lab: Lab) -> None:
    other = lab.broker.add_vhost("other")
    for number in range(COUNT):
        queue = declare_queue(other, f"q{number}", True, False, False, {}, lab.now)
        for key in range(3):
            other.bind(other.exchanges["amq.topic"], queue, f"{key}", {})
    lab.broker.delete_vhost("other")
    again = lab.broker.add_vhost("other")
    queue = declare_queue(again, "q0", True, False, False, {}, lab.now)
    again.bind(again.exchanges["amq.topic"], queue, "0", {})
    lab.finish()
    assert list(again.queues) == ["q0"]
    kinds = sorted(definitions.kind_of(key) for key in lab.facts.defined if '"other"' in key)
    assert kinds == ["binding", "queue", "vhost"]


# --- what waits elsewhere -------------------------------------------------------------------------------------------


def test_delayed_messages_that_are_due_together(lab: Lab) -> None:
    queue = lab.declare("q")
    declare_exchange(lab.vhost, "x", "x-delayed-message", True, False, False, {"x-delayed-type": "fanout"})
    lab.vhost.bind(lab.vhost.exchanges["x"], queue, "", {})
    for number in range(COUNT):
        later = lab.message("x", "", b"%d" % number, build(delivery_mode=2, headers={"x-delay": 100}))
        lab.vhost.publish(lab.vhost.route("x", ""), later, lab.now)
    lab.wait(100)
    lab.check()
    assert waiting(queue) == list(range(COUNT))


def test_retained_messages_that_expire_together(lab: Lab) -> None:
    store = lab.vhost.retain(COUNT * 2, 1 << 20)
    for number in range(COUNT):
        assert store.put(lab.message("", f"a.{number}", b"short", PlainProperties(ttl_ms=100)), lab.now)
    store.put(lab.message("", "a.long", b"long", PlainProperties(ttl_ms=90_000)), lab.now)
    lab.wait(100)
    lab.check()
    assert store.count == 1
    lab.wait(90_000)
    assert store.count == 0
    assert len(lab.broker.timers) == 0


def test_what_is_retained_during_a_sweep_expires_too(lab: Lab) -> None:
    store = lab.vhost.retain(COUNT * 2, 1 << 20)
    for number in range(COUNT):
        store.put(lab.message("", f"a.{number}", b"short", PlainProperties(ttl_ms=100)), lab.now)
    lab.now += 100
    lab.broker.advance(lab.now)
    for topic in ("a.0", "a.new", f"a.{COUNT - 1}"):
        lab.step()
        store.put(lab.message("", topic, b"late", PlainProperties(ttl_ms=1)), lab.now)
    lab.now += 1
    lab.broker.advance(lab.now)
    lab.finish()
    lab.wait(60_001)
    assert store.count == 0


# --- queues that clients poll ---------------------------------------------------------------------------------------


def send(lab: Lab, queue: PolledQueue) -> None:
    for number in range(COUNT):
        queue.send(lab.message("", "q", b"%d" % number), lab.now)


@pytest.mark.parametrize("fifo", [False, True])
def test_a_polled_queue_expires(lab: Lab, fifo: bool) -> None:
    queue = lab.polled("q", fifo, retention_ms=100)
    send(lab, queue)
    lab.wait(100)
    lab.check()
    assert queue.visible_count() == 0


def test_who_waits_gets_what_is_behind_an_expired_backlog(lab: Lab) -> None:
    queue = lab.polled("q", retention_ms=100)
    send(lab, queue)
    lab.now += 100
    queue.send(lab.message("", "q", b"young"), lab.now)
    poller = Poller(queue)
    queue.wait(poller)
    lab.do(lambda: queue.receive(1, 1000, lab.now))
    lab.finish()
    lab.check()
    assert bodies(poller.got) == "young"


def test_what_was_received_too_often_goes_to_another_queue(lab: Lab) -> None:
    queue, dead = lab.polled("q", dead_letter_queue="dead", receive_max=1), lab.polled("dead")
    send(lab, queue)
    while queue.receive(10, 100, lab.now):
        pass
    lab.wait(100)
    lab.do(lambda: queue.receive(1, 1000, lab.now))
    lab.take(queue)
    lab.finish()
    lab.check()
    assert (queue.visible_count(), dead.visible_count()) == (0, COUNT)


def test_many_who_wait_are_woken(lab: Lab) -> None:
    queue = lab.polled("q")
    send(lab, queue)
    while queue.receive(10, 100, lab.now):
        pass
    pollers = [Poller(queue) for _ in range(COUNT)]
    for poller in pollers:
        queue.wait(poller)
    lab.wait(100)
    lab.check()
    assert [len(poller.got) for poller in pollers] == [1] * COUNT
