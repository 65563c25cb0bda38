"""A queue without a broker around it: against a naive one, and what each of its features decides."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.core.events import Events
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import FAILURES_MAX, RETURNS_MAX, Entry, attempts_after, failures_of, returns_of
from mqbroker.core.queues.base import REJECTED, ROUTED, Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.leftovers import Container
from mqbroker.core.queues.priority import PriorityQueue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.arguments import parse_spec
from mqbroker.core.scheduler import Scheduler, Task
from tests.core.messages import PlainProperties, Taker, message, nothing


@dataclass
class Host:
    """Notes what a queue asks of its vhost."""

    letters: list[tuple[bytes, str]] = field(default_factory=list)
    armed: list[int] = field(default_factory=list)
    unused: int = 0
    scheduler: Scheduler = field(default_factory=Scheduler)
    name: str = "/"
    events: Events = field(default_factory=Events)
    speaker: object = None

    def dead_letter(self, queue: ClassicQueue, entry: Entry, reason: str, now: int) -> None:
        self.letters.append((entry.message.content(), reason))

    def arm(self, queue: Queue, deadline: int) -> None:
        self.armed.append(deadline)

    def schedule(self, task: Task) -> None:
        self.scheduler.add(task)

    def leave(self, containers: list[Container]) -> None:
        return None

    def queue_unused(self, queue: Queue, now: int) -> None:
        self.unused += 1


def made(top_priority: int | None = None, **arguments: Any) -> tuple[ClassicQueue, Host]:
    """A transient queue with these arguments (underscores for hyphens, without `x-`), and its host."""
    host = Host()
    if top_priority is None:
        queue = ClassicQueue(host, Ledger(), "q", 0, False)
    else:
        queue = PriorityQueue(host, Ledger(), "q", 0, False, top_priority)
    given_arguments = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    queue.configure(parse_spec(given_arguments, "q", "/", {}))
    return queue, host


def add(queue: Queue, prefetch: int = 0, no_ack: bool = False, priority: int = 0) -> Taker:
    """A consumer that takes from now on."""
    taker = Taker(queue, prefetch)
    taker.no_ack, taker.priority = no_ack, priority
    queue.add_consumer(taker, 0)
    queue.offer(taker, 0)
    return taker


def put(queue: Queue, *bodies: bytes, now: int = 0, **properties: Any) -> list[int]:
    """Publishes; the outcomes."""
    return [queue.publish(message(body, properties=PlainProperties(**properties)), now) for body in bodies]


def bodies(queue: Queue) -> list[bytes]:
    """What waits, in the order of delivery."""
    return [each.message.content() for each in queue.waiting()]


# --- against a naive one --------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["publish", "publish", "ack", "requeue", "reject", "add", "remove"]), st.integers(0, 9)),
    max_size=60,
)


class Pair:
    """A queue and a list that has to say the same. Sequences are bodies, so that they can be compared."""

    def __init__(self, queue: Queue, host: Host) -> None:
        self.queue = queue
        self.host = host
        self.takers: list[Taker] = []
        self.published = 0
        self.priorities: dict[int, int] = {}
        self.gone: set[int] = set()

    def publish(self, number: int) -> None:
        self.published += 1
        self.priorities[self.published] = number
        put(self.queue, str(self.published).encode(), priority=number)

    def settle(self, how: str, number: int) -> None:
        held = [(taker, each) for taker in self.takers for each in taker.taken]
        if not held:
            return
        taker, entry = held[number % len(held)]
        taker.taken.remove(entry)
        if how == "requeue":
            self.queue.requeue([entry], 0)
        else:
            self.gone.add(int(entry.message.content()))
            if how == "ack":
                self.queue.acknowledge(entry, 0)
            else:
                self.queue.reject(entry, 0)
        self.queue.offer(taker, 0)

    def remove(self, number: int) -> None:
        if self.takers:
            taker = self.takers.pop(number % len(self.takers))
            self.queue.remove_consumer(taker, 0)
            self.queue.requeue(taker.taken, 0)

    def play(self, step: str, number: int) -> None:
        if step == "publish":
            self.publish(number)
        elif step == "add":
            self.takers.append(add(self.queue, prefetch=number % 3))
        elif step == "remove":
            self.remove(number)
        else:
            self.settle(step, number)

    def check(self, top_priority: int) -> None:
        queue = self.queue
        held = [int(each.message.content()) for taker in self.takers for each in taker.taken]
        waiting = [int(body) for body in bodies(queue)]
        alive = set(range(1, self.published + 1)) - self.gone
        assert sorted(held + waiting) == sorted(alive), "every message is in one place"
        assert waiting == sorted(waiting, key=lambda each: (-min(self.priorities[each], top_priority), each))
        assert queue.waiting_count() == len(waiting)
        assert queue.unacked_count == len(held)
        assert queue.byte_count == sum(len(str(each)) for each in waiting)
        for taker in self.takers:
            assert taker.in_flight == len(taker.taken)
            assert not taker.prefetch or taker.in_flight <= taker.prefetch
            assert not (waiting and taker.can_take()), "nobody waits while something waits"


@given(STEPS, st.sampled_from([None, 0, 4]))
@settings(max_examples=200, deadline=None)
def test_messages_are_in_one_place_and_in_order(steps: list[tuple[str, int]], top_priority: int | None) -> None:
    queue, host = made(top_priority)
    pair = Pair(queue, host)
    for step, number in steps:
        pair.play(step, number)
        pair.check(top_priority or 0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), max_size=40),
    st.integers(0, 5) | st.none(),
    st.integers(0, 60) | st.none(),
)
def test_a_bounded_queue_keeps_the_newest_that_fit(
    sizes: list[tuple[int, int]], max_length: int | None, max_bytes: int | None
) -> None:
    limits = {"max_length": max_length, "max_length_bytes": max_bytes}
    queue, _ = made(**{name: value for name, value in limits.items() if value is not None})
    naive: list[bytes] = []
    for size, takes in sizes:
        put(queue, bytes(size))
        naive.append(bytes(size))
        while (max_length is not None and len(naive) > max_length) or (
            max_bytes is not None and sum(map(len, naive)) > max_bytes
        ):
            naive.pop(0)
        for _ in range(takes if takes > 4 else 0):
            entry = queue.get(Taker(queue), 0)
            assert (entry is None) is (not naive)
            if naive:
                naive.pop(0)
        assert bodies(queue) == naive
        assert queue.byte_count == sum(map(len, naive))


@given(
    st.lists(st.tuples(st.integers(0, 50) | st.none(), st.integers(0, 30)), max_size=30), st.sampled_from([None, 20])
)
def test_what_expired_is_never_delivered(messages: list[tuple[int | None, int]], queue_ttl: int | None) -> None:
    queue, host = made(dead_letter_exchange="x", **({} if queue_ttl is None else {"message_ttl": queue_ttl}))
    now = 1  # a deadline of 0 is none
    deadlines: dict[bytes, int] = {}
    for number, (ttl, passing) in enumerate(messages):
        body = str(number).encode()
        ttls = [each for each in (ttl, queue_ttl) if each is not None]
        deadlines[body] = now + min(ttls) if ttls else 1 << 60
        put(queue, body, now=now, ttl_ms=-1 if ttl is None else ttl)
        now += passing
        taker = Taker(queue)
        if number % 5 == 4 and (entry := queue.get(taker, now)) is not None:
            assert deadlines[entry.message.content()] > now
    assert all(deadlines[body] <= now for body, reason in host.letters if reason == "expired")


# --- who is next ----------------------------------------------------------------------------------------------------


def test_consumers_take_turns() -> None:
    queue, _ = made()
    takers = [add(queue, no_ack=True) for _ in range(3)]
    put(queue, *[b"%d" % number for number in range(7)])
    assert [len(taker.bodies) for taker in takers] == [3, 2, 2]


def test_a_consumer_whose_gate_is_closed_is_passed_over_until_the_gate_opens() -> None:
    queue, host = made()
    closed, open_one = add(queue), add(queue)
    closed.gate.is_open = False
    put(queue, b"1", b"2", b"3")
    assert (closed.bodies, open_one.bodies) == ([], [b"1", b"2", b"3"])
    closed.gate.is_open = True
    closed.gate.go_on()
    host.scheduler.finish(0)
    put(queue, b"4", b"5")
    assert len(closed.bodies) == 1


def test_the_highest_priority_takes_all_until_it_is_full() -> None:
    queue, _ = made()
    low, high = add(queue, priority=-5), add(queue, prefetch=2, priority=5)
    put(queue, b"1", b"2", b"3")
    assert (high.bodies, low.bodies) == ([b"1", b"2"], [b"3"])
    queue.acknowledge(high.taken[0], 0)
    put(queue, b"4")
    assert high.bodies == [b"1", b"2", b"4"]


def test_equal_priorities_take_turns() -> None:
    queue, _ = made()
    takers = [add(queue, no_ack=True, priority=1) for _ in range(2)]
    add(queue, no_ack=True)
    put(queue, b"1", b"2", b"3", b"4")
    assert [len(taker.bodies) for taker in takers] == [2, 2]


def test_a_single_active_consumer_is_followed_by_the_oldest_of_the_rest() -> None:
    queue, _ = made(single_active_consumer=True)
    first, second, third = (add(queue, prefetch=1) for _ in range(3))
    put(queue, b"1", b"2")
    assert (first.bodies, second.bodies, third.bodies) == ([b"1"], [], [])
    queue.remove_consumer(first, 0)
    assert (second.bodies, third.bodies) == ([b"2"], [])


def test_an_inactive_consumer_that_leaves_changes_nothing() -> None:
    queue, _ = made(single_active_consumer=True)
    first, second, third = (add(queue, no_ack=True) for _ in range(3))
    queue.remove_consumer(second, 0)
    put(queue, b"1")
    assert (first.bodies, third.bodies) == ([b"1"], [])


def test_a_consumer_that_left_is_not_offered_again() -> None:
    """The ack of what a cancelled consumer still held put it back into the ring."""
    queue, _ = made()
    taker = add(queue, prefetch=1)
    put(queue, b"1", b"2")
    queue.remove_consumer(taker, 0)
    queue.acknowledge(taker.taken.pop(), 0)
    assert (taker.bodies, bodies(queue)) == ([b"1"], [b"2"])


def test_a_consumer_may_come_back() -> None:
    queue, _ = made()
    taker = add(queue)
    queue.remove_consumer(taker, 0)
    queue.add_consumer(taker, 0)
    queue.offer(taker, 0)
    put(queue, b"1")
    assert taker.bodies == [b"1"]


def test_an_auto_delete_queue_says_when_its_last_consumer_leaves() -> None:
    queue, host = made()
    queue.configure(QueueSpec(auto_delete=True))
    takers = [add(queue), add(queue)]
    queue.remove_consumer(takers[0], 0)
    assert host.unused == 0
    queue.remove_consumer(takers[1], 0)
    assert host.unused == 1


# --- leaving otherwise than by an ack -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overflow", "outcome", "left", "letters"),
    [
        ("drop-head", ROUTED, [b"2"], [(b"1", "maxlen")]),
        ("reject-publish", REJECTED, [b"1"], []),
        ("reject-publish-dlx", REJECTED, [b"1"], [(b"2", "maxlen")]),
    ],
)
def test_a_full_queue_drops_or_rejects(
    overflow: str, outcome: int, left: list[bytes], letters: list[tuple[bytes, str]]
) -> None:
    queue, host = made(max_length=1, overflow=overflow, dead_letter_exchange="x")
    assert put(queue, b"1", b"2") == [ROUTED, outcome]
    assert (bodies(queue), host.letters) == (left, letters)


def test_without_a_dead_letter_exchange_there_are_no_letters() -> None:
    queue, host = made(max_length=0)
    put(queue, b"1")
    taker = add(queue)
    put(queue, b"2")
    queue.reject(taker.taken[0], 0)
    assert host.letters == []


def test_the_delivery_limit_counts_failures_only() -> None:
    queue, host = made(queue_type="quorum", delivery_limit=2, dead_letter_exchange="x")
    taker = Taker(queue)
    taker.is_active = False  # it polls
    put(queue, b"1")
    for number in range(6):
        entry = queue.get(taker, 0)
        assert entry is not None
        assert (returns_of(entry.attempts), failures_of(entry.attempts)) == (number, number // 2)
        queue.requeue([entry], 0, is_failure=number % 2 == 1)
    assert (host.letters, bodies(queue)) == ([(b"1", "delivery_limit")], [])


def test_counts_of_returns_do_not_wrap_around() -> None:
    attempts = 0
    for number in range(RETURNS_MAX + 10):
        attempts = attempts_after(attempts, is_failure=number % 2 == 0)
    assert (returns_of(attempts), failures_of(attempts)) == (RETURNS_MAX, FAILURES_MAX)
    assert attempts < 1 << 30, "what is above is MQTT's"


def test_what_comes_back_to_a_deleted_queue_is_gone() -> None:
    queue, host = made(dead_letter_exchange="x")
    taker = add(queue)
    put(queue, b"1")
    queue.is_deleted = True
    queue.requeue(taker.taken, 0)
    assert (bodies(queue), host.letters) == ([], [])


def test_what_is_rejected_in_a_deleted_queue_is_gone() -> None:
    """It was dead-lettered."""
    queue, host = made(dead_letter_exchange="x")
    taker = add(queue)
    put(queue, b"1")
    queue.is_deleted = True
    queue.reject(taker.taken[0], 0)
    assert (host.letters, taker.in_flight, queue.unacked_count) == ([], 0, 0)


def test_purge_keeps_what_is_held() -> None:
    queue, host = made(dead_letter_exchange="x")
    taker = add(queue, prefetch=1)
    put(queue, b"1", b"2", b"3")
    assert queue.purge(0, nothing) == 2
    assert (len(taker.taken), queue.byte_count, host.letters) == (1, 0, [])


def test_the_timer_is_armed_for_the_earliest_deadline_only() -> None:
    queue, host = made()
    put(queue, b"1", ttl_ms=500)
    put(queue, b"2", ttl_ms=900)
    assert host.armed == [500]
    queue.timer_fired(500)
    host.scheduler.finish(500)
    assert (bodies(queue), host.armed) == ([b"2"], [500, 900])


def test_a_priority_queue_expires_in_all_its_lanes() -> None:
    queue, host = made(2, dead_letter_exchange="x")
    put(queue, b"high", priority=2)
    put(queue, b"low", priority=0, ttl_ms=100)
    assert host.armed == [100]
    queue.timer_fired(100)
    host.scheduler.finish(100)
    assert (host.letters, bodies(queue)) == ([(b"low", "expired")], [b"high"])


@pytest.mark.parametrize("top_priority", [None, 3])
def test_new_limits_count_at_once(top_priority: int | None) -> None:
    queue, host = made(top_priority, dead_letter_exchange="x")
    put(queue, b"1", b"2", b"3")
    queue.configure(parse_spec({"x-dead-letter-exchange": "x"}, "q", "/", {"max-length": 1}))
    queue.enforce(0)
    assert (bodies(queue), host.letters) == ([b"3"], [(b"1", "maxlen"), (b"2", "maxlen")])
