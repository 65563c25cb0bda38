"""Nobody with work and room waits for more than a bounded number of deliveries to others, and nobody for ever."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.broker import Broker
from mqbroker.core.consumer import Consumer, Gate, Window
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message
from mqbroker.core.queues.base import Queue
from mqbroker.limits import PORTION
from tests.core.messages import PlainProperties, message

NO_LIMIT = 1 << 30


class Connection:
    """A client that reads: its gate closes after so many deliveries, until they are flushed."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.gate = Gate()
        self.unread = 0

    def flush(self) -> None:
        """The client has read everything."""
        self.unread = 0
        if not self.gate.is_open:
            self.gate.is_open = True
            self.gate.go_on()


class Taker(Consumer):
    """A consumer that tells the street of each delivery."""

    def __init__(self, street: "Street", queue: Queue, connection: Connection, window: Window) -> None:
        super().__init__(queue, connection.gate, window)
        self.street = street
        self.connection = connection
        self.held: list[Entry] = []
        self.count = 0
        self.passed = 0
        """Deliveries to others while this one had work and room."""

    def deliver(self, entry: Entry) -> None:
        if not self.no_ack:
            self.held.append(entry)
        self.pass_on(entry.message)

    def pass_on(self, message: Message) -> None:
        self.connection.unread += 1
        if self.connection.unread >= self.connection.room:
            self.gate.is_open = False
        self.count += 1
        self.street.delivered(self)

    def is_wanting(self) -> bool:
        """Whether there is something for it, its own prefetch allows it, and nobody of a higher priority takes it."""
        is_full = not self.no_ack and 0 < self.prefetch <= self.in_flight
        if not self.is_active or is_full or not self.queue.waiting_count():
            return False
        return not any(each.priority > self.priority and each.can_take() for each in self.queue.consumers)

    def competes(self, other: "Taker") -> bool:
        """Whether a delivery to the other took room that this one could have used."""
        has_output = self.gate.is_open or self.gate is other.gate
        shares_place = self.window is other.window and not other.no_ack
        return has_output and (self.no_ack or self.window.room() > 0 or shares_place)


@dataclass
class Street:
    """A broker, its clients, and who was passed by how often."""

    broker: Broker = field(default_factory=lambda: Broker(Ledger(), lambda: "name"))
    queues: list[Queue] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    takers: list[Taker] = field(default_factory=list)
    log: list[Taker] = field(default_factory=list)
    worst: int = 0

    def __post_init__(self) -> None:
        self.vhost = self.broker.add_vhost("/")

    def queue(self, backlog: int = 0, **arguments: object) -> Queue:
        named = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
        made = self.vhost.declare_queue(f"q{len(self.queues)}", False, False, False, named, 0)
        self.queues.append(made)
        self.publish(made, backlog)
        return made

    def publish(self, queue: Queue, count: int, ttl_ms: int = -1) -> None:
        for _ in range(count):
            queue.publish(message(properties=PlainProperties(ttl_ms=ttl_ms)), 0)

    def connection(self, room: int = NO_LIMIT) -> Connection:
        self.connections.append(Connection(room))
        return self.connections[-1]

    def window(self, limit: int = 0) -> Window:
        self.windows.append(Window())
        self.windows[-1].limit = limit
        return self.windows[-1]

    def consume(
        self, queue: Queue, connection: Connection, window: Window, prefetch: int = 0, no_ack: bool = False,
        priority: int = 0,
    ) -> Taker:  # fmt: skip
        taker = Taker(self, queue, connection, window)
        taker.prefetch, taker.no_ack, taker.priority = prefetch, no_ack, priority
        self.takers.append(taker)
        queue.add_consumer(taker, 0)
        queue.offer(taker, 0)
        return taker

    def delivered(self, taker: Taker) -> None:
        self.log.append(taker)
        taker.passed = 0
        for other in self.takers:
            if other is not taker and other.is_wanting() and other.competes(taker):
                other.passed += 1
                self.worst = max(self.worst, other.passed)

    def acknowledge(self, taker: Taker, count: int = 1) -> None:
        settled, taker.held = taker.held[:count], taker.held[count:]
        for entry in settled:
            taker.queue.acknowledge(entry)
        if settled:
            taker.queue.offer(taker, 0)

    def give_back(self, taker: Taker, count: int) -> None:
        back, taker.held = taker.held[:count], taker.held[count:]
        if back:
            taker.queue.requeue(back, 0)
            taker.queue.offer(taker, 0)

    def cancel(self, taker: Taker) -> None:
        if taker in taker.queue.consumers:
            taker.queue.remove_consumer(taker, 0)

    def step(self) -> None:
        self.broker.scheduler.step(0)

    def finish(self) -> None:
        """Everybody reads and acknowledges until nothing comes any more."""
        before = -1
        while before != len(self.log):
            before = len(self.log)
            for connection in self.connections:
                connection.flush()
            for taker in self.takers:
                self.acknowledge(taker, len(taker.held))
            self.broker.scheduler.finish(0)


# --- the property ---------------------------------------------------------------------------------------------------

Subscription = tuple[int, int, int, int, bool, int]
CONSUMERS = st.tuples(
    st.integers(0, 2),  # connection
    st.integers(0, 1),  # channel
    st.integers(0, 3),  # queue
    st.sampled_from([0, 0, 1, 3, 50]),  # prefetch
    st.booleans(),  # no_ack
    st.sampled_from([0, 0, 0, 0, 1]),  # priority
)
STEPS = st.tuples(
    st.sampled_from(["ack", "ack", "flush", "flush", "publish", "requeue", "cancel", "limit", "consume"]),
    st.integers(0, 11),
    st.integers(1, 20),
)


def play(street: Street, step: str, number: int, count: int, consumers: list[Subscription]) -> None:
    taker = street.takers[number % len(street.takers)]
    if step == "ack":
        street.acknowledge(taker, count)
    elif step == "flush":
        street.connections[number % len(street.connections)].flush()
    elif step == "publish":
        street.publish(street.queues[number % len(street.queues)], count)
    elif step == "requeue":
        street.give_back(taker, count)
    elif step == "cancel":
        street.cancel(taker)
    elif step == "limit":
        window = street.windows[number % len(street.windows)]
        window.limit = count - 1
        window.go_on()
    elif step == "consume":
        join(street, consumers[number % len(consumers)])


def join(street: Street, consumer: Subscription) -> None:
    connection, channel, queue, prefetch, no_ack, priority = consumer
    window = street.windows[connection * 2 + channel]
    street.consume(street.queues[queue], street.connections[connection], window, prefetch, no_ack, priority)


@given(
    backlogs=st.lists(st.sampled_from([0, 3, 150, 1500]), min_size=4, max_size=4),
    rooms=st.lists(st.sampled_from([7, 150, 1000, NO_LIMIT]), min_size=3, max_size=3),
    limits=st.lists(st.sampled_from([0, 0, 1, 4, 300]), min_size=6, max_size=6),
    consumers=st.lists(CONSUMERS, min_size=1, max_size=7),
    steps=st.lists(STEPS, max_size=60),
)
def test_nobody_with_work_and_room_is_passed_by_for_long(
    backlogs: list[int],
    rooms: list[int],
    limits: list[int],
    consumers: list[Subscription],
    steps: list[tuple[str, int, int]],
) -> None:
    """The fault: whoever came first got all of what a channel or a connection could take, and others nothing, for any
    number of messages. At the end everything was delivered that could be: nobody's wake-up was lost."""
    street = Street()
    for backlog in backlogs:
        street.queue(backlog)
    for room in rooms:
        street.connection(room)
    for limit in limits:
        street.window(limit)
    for consumer in consumers:
        join(street, consumer)
    for step, number, count in steps:
        play(street, step, number, count, consumers)
        street.step()
    street.finish()
    # One who joins last waits for a portion of each other consumer's, queue's and line's, and for what is acknowledged
    # until its turn comes.
    others = len(street.takers) + len(street.queues) + len(street.connections) + len(street.windows)
    assert street.worst <= others * PORTION
    for queue in street.queues:
        assert not queue.consumers or not queue.waiting_count(), "nobody waits while something waits"


# --- cases ----------------------------------------------------------------------------------------------------------


def test_a_place_in_a_shared_window_goes_to_each_of_those_who_wait_in_turn() -> None:
    """The fault: a consumer of a channel with a global prefetch that came first got every place that was freed."""
    street = Street()
    connection, window = street.connection(), street.window(limit=4)
    first = street.consume(street.queue(300), connection, window)
    second = street.consume(street.queue(5), connection, window)
    for _ in range(20):
        street.acknowledge(next(taker for taker in street.log if taker.held))
    places = [place for place, taker in enumerate(street.log, 1) if taker is second]
    assert places == [5, 7, 9, 11, 13]
    assert first.count == len(street.log) - 5


def test_a_window_that_grows_lets_those_in_line_go_on_in_turn() -> None:
    street = Street()
    connection, window = street.connection(), street.window(limit=2)
    first = street.consume(street.queue(1000), connection, window)
    second = street.consume(street.queue(1000), connection, window)
    window.limit = 10
    window.go_on()
    street.step()
    assert (first.count, second.count) == (6, 4)


@pytest.mark.parametrize("room", [1, 7, 26, 1000])
def test_a_connection_that_is_read_slowly_is_shared_by_its_queues(room: int) -> None:
    """The fault: a backlog took the whole connection, and the first message of another queue came after all of it."""
    street = Street()
    connection = street.connection(room)
    takers = [street.consume(street.queue(2000), connection, street.window(), no_ack=True) for _ in range(3)]
    while len(street.log) < 3000:
        street.broker.scheduler.finish(0)
        connection.flush()
    counts = [taker.count for taker in takers]
    assert min(counts) > 0
    assert max(counts) - min(counts) <= PORTION + 2 * room


def test_a_consumer_that_comes_late_is_not_behind_the_whole_backlog_of_another() -> None:
    street = Street()
    connection = street.connection()
    street.consume(street.queue(40_000), connection, street.window(), no_ack=True)
    late = street.consume(street.queue(10), connection, street.window(), no_ack=True)
    street.finish()
    assert street.log.index(late) == PORTION


def test_a_connection_with_many_consumers_has_no_more_than_one_with_a_single_consumer() -> None:
    street = Street()
    crowded, single = street.connection(100), street.connection(100)
    crowd = [street.consume(street.queue(1000), crowded, street.window(), no_ack=True) for _ in range(9)]
    alone = street.consume(street.queue(9000), single, street.window(), no_ack=True)
    for _ in range(30):
        street.broker.scheduler.finish(0)
        crowded.flush()
        single.flush()
    assert alone.count == sum(taker.count for taker in crowd)


def test_a_backlog_that_comes_back_is_delivered_in_portions() -> None:
    street = Street()
    slow = street.consume(street.queue(1000), street.connection(), street.window())
    street.broker.scheduler.finish(0)
    assert slow.count == 1000
    fast = street.consume(slow.queue, street.connection(), street.window())
    street.cancel(slow)
    street.give_back(slow, 1000)
    assert fast.count == PORTION
    street.step()
    assert fast.count == 2 * PORTION
    street.finish()
    assert fast.count == 1000


def test_expired_messages_count_as_work() -> None:
    street = Street()
    queue = street.queue()
    street.publish(queue, 1000, ttl_ms=1)
    taker = Taker(street, queue, street.connection(), street.window())
    queue.add_consumer(taker, 5)
    queue.offer(taker, 5)
    assert queue.waiting_count() == 1000 - PORTION
    street.broker.scheduler.finish(5)
    assert (queue.waiting_count(), taker.count) == (0, 0)


def test_whoever_leaves_a_line_is_out_of_it() -> None:
    street = Street()
    connection = street.connection(1)
    takers = [street.consume(street.queue(10), connection, street.window(), no_ack=True) for _ in range(3)]
    assert [taker.count for taker in takers] == [1, 0, 0]
    street.cancel(takers[1])
    street.vhost.delete_queue(takers[2].queue.name)
    connection.flush()
    street.finish()
    assert [taker.count for taker in takers] == [10, 0, 0]
