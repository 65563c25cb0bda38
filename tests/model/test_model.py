"""The broker on its journal against the model of model.py: any history, any interruption.

Both are told the same things in the same order and must look the same after each. The state of the model is kept for
each batch of the journal, so that after a restart there is one state to compare with: that of the last batch that was
found, which must not be older than the last one that anybody was told of. So what was confirmed is there, what was
settled for good is gone, what was uncertain went or stayed together with all that depends on it, and nothing is new.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from tests.model.house import House, Taker, name_of
from tests.model.model import Exchange, Letter, Model, ModelConsumer, ModelQueue, Observed, Options, Saved
from tests.storage.simdisk import SimDisk
from tests.support.window import WINDOW

NOW = 1_700_000_000_000
QUEUES = ("q0", "q1", "q2", "q3", "q4")
EXCHANGES = ("e0", "e1", "e2")
KEYS = (*QUEUES, "a.b", "a.c", "a")
PATTERNS = (*KEYS, "a.*", "#", "a.#")
CONSUMERS_MAX = 8
DEEDS = (
    *["publish"] * 9, *["acknowledge"] * 4, *["seal"] * 3, *["work"] * 3, *["requeue"] * 2, "reject", "reject",
    "consume", "consume", "get", "get", "cancel", "wait", "wait", "purge",
)  # fmt: skip

picks = st.integers(0, 1 << 16)
seeds = st.integers(0, 1 << 32)
T = TypeVar("T")


def pick(choices: Sequence[T], number: int) -> T:
    """One of several."""
    return choices[number % len(choices)]


def queue_options(chance: Random) -> Options:
    """How a queue may be declared.

    What expires as a whole does so at a moment at which nothing else happens. A limited queue always dead-letters, if
    only to nowhere: when a message expires in several queues at once, their order can be seen only so, and matters.
    """
    is_quorum = chance.random() < 0.25
    is_special = chance.random() < 0.5
    exchange = chance.choice(("missing" if is_special else None, "missing", "", "e0", "e1", "amq.fanout"))
    return Options(
        durable=is_quorum or chance.random() < 0.75,
        auto_delete=not is_quorum and chance.random() < 0.15,
        ttl_ms=chance.choice((None, None, 10, 200, 3000)),
        expires_ms=chance.choice((None, None, None, 507, 5007)),
        max_length=chance.choice((None, 1, 2, 4)) if is_special else None,
        max_bytes=chance.choice((None, None, 100, 900)) if is_special else None,
        overflow=chance.choice(("drop-head", "reject-publish", "reject-publish-dlx")) if is_special else "drop-head",
        top_priority=None if is_quorum else chance.choice((None, None, 1, 3)),
        dead_letter_exchange=exchange,
        dead_letter_key=None if exchange is None else chance.choice((None, *QUEUES)),
        delivery_limit=chance.randrange(3) if is_quorum else None,
    )


class BrokerMachine(RuleBasedStateMachine):
    """One history. `sync` is what a crash is: of the machine (fsync), or of the process alone (write)."""

    sync = True
    window = WINDOW

    def __init__(self) -> None:
        super().__init__()
        self.observed = Observed()
        self.takers: dict[int, tuple[Taker, ModelConsumer]] = {}
        self.idents = 0
        self.numbers = 0
        self.lives = 0
        self.saved: dict[int, Saved] = {}
        self.model = Model(lambda exchange, key: self.house.route_order(exchange, key))
        self.model.observed = self.observed
        self._open(SimDisk(), NOW)
        self.house.start()
        self._keep(self.house.ledger.position - 1)
        self._rest(is_promised=True)

    def teardown(self) -> None:
        self.house.end()

    def _open(self, disk: SimDisk, now: int) -> None:
        self.lives += 1
        self.house = House(disk, self.sync, now, self.observed, self.lives << 32, self.window)

    def _keep(self, position: int) -> None:
        self.saved[position] = self.model.durable()

    def _rest(self, is_promised: bool) -> None:
        """Behind each call: the timers that are due run, as in the broker at once; then all is compared."""
        self._pass_time(self.house.now)
        self._keep(self.house.ledger.position)
        if is_promised:
            self.house.promise()

    def _pass_time(self, target: int) -> None:
        assert self.observed.is_empty(), f"the broker did more than the model: {self.observed}"
        for moment in self.house.steps(target):
            self.model.pass_time(moment)
            assert self.observed.is_empty(), f"the broker did more than the model: {self.observed}"

    def _queue(self, number: int) -> ModelQueue:
        return pick(list(self.model.queues.values()), number)

    @initialize(seed=seeds)
    def begin(self, seed: int) -> None:
        """Something to start with: nearly every history needs queues, exchanges and bindings."""
        chance = Random(seed)
        for name in QUEUES[: chance.randrange(2, 6)]:
            self.declare_queue(name, chance.randrange(1 << 16))
        self.declare_or_delete_exchange("e0", "fanout", True)
        self.declare_or_delete_exchange("e1", "topic", True)
        for _ in range(chance.randrange(7)):
            self.bind(chance.randrange(1 << 16), chance.randrange(1 << 16), 1, chance.choice(PATTERNS))

    # --- topology ---------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(QUEUES), seed=seeds)
    def declare_queue(self, name: str, seed: int) -> None:
        if name in self.model.queues:
            return
        options, now = queue_options(Random(seed)), self.house.now
        declare_queue(self.house.vhost, name, options.durable, False, options.auto_delete, options.arguments(), now)
        self.model.queues[name] = ModelQueue(name, options, now)
        self._rest(is_promised=True)

    @precondition(lambda self: self.model.queues)
    @rule(number=picks, really=st.integers(0, 3))
    def delete_queue(self, number: int, really: int) -> None:
        queue = self._queue(number)
        if really == 0:
            assert self.house.vhost.delete_queue(queue.name) == len(queue.waiting)
            self.model.delete_queue(queue)
            self._rest(is_promised=True)

    @rule(name=st.sampled_from(EXCHANGES), kind=st.sampled_from(("direct", "fanout", "topic")), durable=st.booleans())
    def declare_or_delete_exchange(self, name: str, kind: str, durable: bool) -> None:
        if name in self.model.exchanges:
            if kind == "fanout":
                self.house.vhost.delete_exchange(name)
                self.model.delete_exchange(name)
        else:
            declare_exchange(self.house.vhost, name, kind, durable, False, False, {})
            self.model.exchanges[name] = Exchange(kind, durable)
        self._rest(is_promised=True)

    @precondition(lambda self: self.model.queues)
    @rule(source=picks, destination=picks, is_queue=st.integers(0, 4), pattern=st.sampled_from(PATTERNS))
    def bind(self, source: int, destination: int, is_queue: int, pattern: str) -> None:
        vhost, exchange = self.house.vhost, pick(list(self.model.exchanges), source)
        if is_queue:
            name = self._queue(destination).name
            vhost.bind(vhost.exchanges[exchange], vhost.queues[name], pattern, {})
            self.model.bindings.add((exchange, "queue", name, pattern))
        else:
            name = pick(list(self.model.exchanges), destination)
            vhost.bind(vhost.exchanges[exchange], vhost.exchanges[name], pattern, {})
            self.model.bindings.add((exchange, "exchange", name, pattern))
        self._rest(is_promised=True)

    @precondition(lambda self: self.model.bindings)
    @rule(number=picks)
    def unbind(self, number: int) -> None:
        vhost, binding = self.house.vhost, pick(sorted(self.model.bindings), number)
        source, kind, name, key = binding
        vhost.unbind(
            vhost.exchanges[source], vhost.queues[name] if kind == "queue" else vhost.exchanges[name], key, {}
        )  # fmt: skip
        self.model.bindings.remove(binding)
        self._rest(is_promised=True)

    # --- traffic ----------------------------------------------------------------------------------------------------

    @rule(seed=seeds, many=st.one_of(st.integers(1, 20), st.integers(30, 60), st.integers(60, 90)))
    def traffic(self, seed: int, many: int) -> None:
        """A number of random deeds: a draw for each would cost more than the deed."""
        self._do(Random(seed), many)

    def _do(self, chance: Random, many: int) -> None:
        for name in chance.choices(DEEDS, k=many):
            getattr(self, f"_{name}")(*(chance.randrange(1 << 16) for _ in range(3)))
            self.both_look_the_same()
            self.nobody_starves()

    more_traffic = traffic
    most_traffic = traffic

    def _publish(self, where: int, what: int, how: int) -> None:
        names = list(self.model.queues) + list(self.model.exchanges)
        name = pick(names, where)
        exchange, key = ("", name) if name in self.model.queues else (name, pick(KEYS, what))
        ttl_ms = pick((None, None, None, None, 0, 10, 500, 4000), how // 8)
        self.idents += 1
        letter = Letter(
            self.idents, pick((12, 40, 40, 200, 1500, 9000), what), exchange, key, how % 5 > 0,
            pick((0, 0, 1, 2, 7), what), ttl_ms,
        )  # fmt: skip
        assert self.house.publish(letter) == self.model.publish(letter, self.house.now)
        self._rest(is_promised=how % 3 > 0)

    def _purge(self, number: int, *_: int) -> None:
        if self.model.queues:
            queue = self._queue(number)
            assert self.house.purge(queue.name) == len(queue.waiting)
            queue.waiting.clear()
            self._rest(is_promised=True)

    def _consume(self, number: int, prefetch: int, no_ack: int) -> None:
        if not self.model.queues or len(self.takers) >= CONSUMERS_MAX:
            return
        queue = self._queue(number)
        self.numbers += 1
        consumer = ModelConsumer(self.numbers, queue, pick((0, 1, 1, 2, 3), prefetch), no_ack % 4 == 0)
        queue.consumers.append(consumer)
        queue.used_at = self.house.now
        taker = self.house.consume(queue.name, consumer.number, consumer.prefetch or 0, consumer.no_ack)
        self.takers[consumer.number] = taker, consumer
        self.model.pump(queue, self.house.now)
        self._rest(is_promised=False)

    def _get(self, number: int, *_: int) -> None:
        if not self.model.queues or len(self.takers) >= CONSUMERS_MAX:
            return
        queue = self._queue(number)
        self.numbers += 1
        taker = self.house.holder(queue.name, self.numbers)
        consumer = ModelConsumer(self.numbers, queue, None, False, is_subscribed=False)
        entry = self.house.get(taker)
        queue.used_at = self.house.now
        assert (entry is None) == (not queue.waiting)
        if entry is not None:
            letter = queue.waiting.pop(0)
            assert (name_of(entry.message), entry.is_redelivered) == (letter.name, letter.redelivered)
            self.model.hold(consumer, letter)
            self.takers[consumer.number] = taker, consumer
        self._rest(is_promised=False)

    def _holders(self) -> list[tuple[Taker, ModelConsumer]]:
        return [each for each in self.takers.values() if each[1].held]

    def _acknowledge(self, number: int, which: int, _: int) -> None:
        if holders := self._holders():
            taker, consumer = pick(holders, number)
            letter = pick(consumer.held, which)
            self.house.acknowledge(taker, letter.name)
            self.model.acknowledge(consumer, letter)
            self._settled(consumer, which % 2 == 0)

    def _reject(self, number: int, which: int, _: int) -> None:
        if holders := self._holders():
            taker, consumer = pick(holders, number)
            letter = pick(consumer.held, which)
            self.house.reject(taker, letter.name)
            self.model.reject(consumer, letter, self.house.now)
            self._settled(consumer, which % 2 == 0)

    def _requeue(self, number: int, which: int, many: int) -> None:
        if holders := self._holders():
            taker, consumer = pick(holders, number)
            letters = consumer.held[which % len(consumer.held) :][: many % 4 + 1]
            self.house.requeue(taker, [each.name for each in letters], many % 3 > 0)
            self.model.requeue(consumer, letters, self.house.now, many % 3 > 0)
            self._settled(consumer, which % 2 == 0)

    def _settled(self, consumer: ModelConsumer, is_promised: bool) -> None:
        self.model.pump(consumer.queue, self.house.now)
        if not consumer.is_subscribed and not consumer.held:
            self.takers.pop(consumer.number, None)
        self._rest(is_promised)

    def _cancel(self, number: int, is_lost: int, _: int) -> None:
        if self.takers:
            self._leave(*pick(list(self.takers.values()), number), is_lost % 2 == 0)

    def _leave(self, taker: Taker, consumer: ModelConsumer, is_lost: bool) -> None:
        """A subscription ends; and when the client is lost, what it held returns."""
        if consumer.is_subscribed:
            taker.queue.remove_consumer(taker, self.house.now)
            self.model.cancel(consumer, self.house.now)
        if is_lost and consumer.held:
            letters = list(consumer.held)
            self.house.requeue(taker, [each.name for each in letters], True)
            self.model.requeue(consumer, letters, self.house.now, True)
        self._settled(consumer, is_promised=False)

    def _wait(self, ms: int, *_: int) -> None:
        self._pass_time(self.house.now + pick((10, 20, 200, 500, 1000, 5000), ms))
        self._rest(is_promised=False)

    def _seal(self, *_: int) -> None:
        self.house.ledger.seal()

    def _work(self, is_append: int, many: int, _: int) -> None:
        for _ in range(many % 4):
            self.house.work(is_append % 4 > 0)

    # --- time, disk and ends ----------------------------------------------------------------------------------------

    @rule()
    def finish(self) -> None:
        self.house.finish()
        kept = sum(len(letters) for letters in self.model.durable().letters.values())
        assert self.house.live_entries() == kept, "the journal keeps what is needed and nothing else"

    @rule(
        seed=seeds, is_power_cut=st.booleans(), call=st.integers(0, 6),
        down_ms=st.sampled_from((0, 0, 300, 10_000)),
    )  # fmt: skip
    def crash(self, seed: int, is_power_cut: bool, call: int, down_ms: int) -> None:
        """Stops the broker in the midst of traffic: the process, or the machine; perhaps within a call of the disk."""
        chance, house = Random(seed), self.house
        self._do(chance, chance.choice((0, 20, 50)))
        if call:
            house.crash_in_call(call)
        is_power_cut = is_power_cut and self.sync
        disk = house.disk.after_power_cut(chance) if is_power_cut else house.disk.after_kill()
        self._start_again(disk, False, down_ms)

    @rule(seed=seeds, down_ms=st.sampled_from((0, 0, 300, 10_000)))
    def stop_in_order(self, seed: int, down_ms: int) -> None:
        """Stops the broker as SIGTERM does: every client is sent away first."""
        chance = Random(seed)
        self._do(chance, chance.choice((0, 20, 50)))
        for taker, consumer in list(self.takers.values()):
            self._leave(taker, consumer, is_lost=True)
        self._rest(is_promised=True)
        self.house.ledger.close()
        self._start_again(self.house.disk.after_kill(), True, down_ms)

    def _start_again(self, disk: SimDisk, is_clean: bool, down_ms: int) -> None:
        promised, before = self.house.promised, self.house.now
        self.house.end()
        self._open(disk, before + down_ms)
        house = self.house
        assert house.recovered.was_clean == is_clean
        # A batch of which nothing was left at the seal is promised without being written.
        last = max(house.recovered.position - 1, promised)
        saved = self.saved[max(position for position in self.saved if position <= last)]
        house.start()
        assert not house.strays(), "no message is kept of a queue that is gone"
        self.model.restart(saved, is_clean, house.attempts_recovered(), house.now)
        self.takers.clear()
        self.saved.clear()
        self._keep(house.ledger.position - 1)
        for name in list(house.vhost.queues):
            self.model.enforce(self.model.queues[name], house.now)
        self._rest(is_promised=True)

    # --- what must be true at any time ------------------------------------------------------------------------------

    @invariant()
    def both_look_the_same(self) -> None:
        house, model = self.house, self.model
        waiting = {name: [each.shown() for each in queue.waiting] for name, queue in model.queues.items()}
        assert house.waiting() == waiting
        assert house.bindings() == model.bindings
        for name, queue in model.queues.items():
            assert house.vhost.queues[name].unacked_count == len(queue.held)
            assert house.vhost.queues[name].byte_count == queue.bytes_waiting()
        declared = {name: (each.kind, each.durable) for name, each in house.vhost.exchanges.items()}
        assert {name: tuple(each) for name, each in model.exchanges.items()}.items() <= declared.items()
        assert declared.keys() - model.exchanges.keys() <= {"amq.headers", "amq.match", "amq.rabbitmq.trace"}

    @invariant()
    def nobody_starves(self) -> None:
        for queue in self.model.queues.values():
            assert not queue.waiting or not any(consumer.is_free() for consumer in queue.consumers)


class WriteMachine(BrokerMachine):
    """The same with durability "write"."""

    sync = False


EVENTS = (*["traffic"] * 12, "crash", "crash", "stop", "finish", "delete", "declare", "bind")


def live(machine: BrokerMachine, chance: Random) -> None:
    """One history without hypothesis, which is slow to think of long ones."""
    machine.begin(chance.randrange(1 << 32))
    for _ in range(chance.randrange(3, 12)):
        happen(machine, chance, chance.choice(EVENTS))
        machine.both_look_the_same()
        machine.nobody_starves()


def happen(machine: BrokerMachine, chance: Random, event: str) -> None:
    """One event of a history."""
    seed, down_ms = chance.randrange(1 << 32), chance.choice((0, 0, 300, 10_000))
    has_queues = bool(machine.model.queues)
    if event == "traffic":
        machine.traffic(seed, chance.randrange(80))
    elif event == "crash":
        machine.crash(seed, chance.random() < 0.5, chance.randrange(7), down_ms)
    elif event == "stop":
        machine.stop_in_order(seed, down_ms)
    elif event == "finish":
        machine.finish()
    elif event == "declare":
        machine.declare_queue(chance.choice(QUEUES), seed)
    elif event == "delete" and has_queues:
        machine.delete_queue(seed, 0)
    elif event == "bind" and has_queues:
        machine.bind(seed, seed >> 8, seed % 5, chance.choice(PATTERNS))


def live_through(kind: type[BrokerMachine], seeds: range) -> None:
    """A history for each seed; the one that fails is named."""
    for seed in seeds:
        machine = kind()
        try:
            live(machine, Random(seed))
        except BaseException as error:
            error.add_note(f"this was {kind.__name__} with seed {seed}")
            raise
        finally:
            machine.teardown()


class PagedMachine(BrokerMachine):
    """The same with queues that keep as little in memory as they can."""

    window = 1


class PagedWriteMachine(WriteMachine):
    """The same in `write` mode."""

    window = 1


BOTH = pytest.mark.parametrize(
    "machine",
    [BrokerMachine, WriteMachine, PagedMachine, PagedWriteMachine],
    ids=["fsync", "write", "paged", "paged-write"],
)
# Without shrinking, which takes minutes: a failure names its rules with seeds and counts that are easily cut by hand.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
COMMON = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES, print_blob=True, report_multiple_bugs=False
)


@BOTH
def test_the_broker_is_what_the_model_says_through_any_history(machine: type[BrokerMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(COMMON, max_examples=60, stateful_step_count=15))


@BOTH
@pytest.mark.parametrize("block", range(4))
def test_the_broker_is_what_the_model_says_through_long_histories(machine: type[BrokerMachine], block: int) -> None:
    live_through(machine, range(block * 50, block * 50 + 50))


@pytest.mark.slow
@pytest.mark.timeout(600)
@BOTH
@pytest.mark.parametrize("block", range(10))
def test_the_broker_is_what_the_model_says_through_many_histories(machine: type[BrokerMachine], block: int) -> None:
    run_state_machine_as_test(machine, settings=settings(COMMON, max_examples=100, stateful_step_count=30))
    live_through(machine, range(1000 + block * 500, 1500 + block * 500))
