"""Polled queues on a journal against the model of polled_model.py: any history, and restarts clean and dirty.

The state of the model is kept for each batch of the journal, so that after a crash there is one state to compare with:
that of the last batch that was found, which must not be older than the last one of which anybody was told.
"""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.protocols.amqp.properties import build
from tests.model.house import House, Taker
from tests.model.model import Observed
from tests.model.polled_model import Item, PolledModel, World
from tests.storage.simdisk import SimDisk

NOW = 1_700_000_000_000
NAMES = ("s", "sd", "f", "fd")
DEAD = {"s": "sd", "f": "fd"}
GROUPS = ("", "g1", "g2")
DEEDS = (
    *["send"] * 8, *["receive"] * 6, *["delete"] * 4, "visibility", "visibility", "get", "get", "acknowledge",
    "acknowledge", "requeue", "reject", "move", "change", "purge", *["wait"] * 3, *["seal"] * 3, *["work"] * 3,
)  # fmt: skip
DOWN_MS = (1, 1, 700, 70_000)  # no broker starts in the millisecond in which it stopped
seeds = st.integers(0, 1 << 32)


class PolledMachine(RuleBasedStateMachine):
    """One history. `sync` is what a crash is: of the machine (fsync), or of the process alone (write)."""

    sync = True

    def __init__(self) -> None:
        super().__init__()
        self.idents = 0
        self.lives = 0
        self.highest: dict[str, int] = {}
        self.saved: dict[int, World] = {}
        self.world = World({name: PolledModel(name[0] == "f") for name in NAMES})
        self._open(SimDisk(), NOW)
        self.house.start()
        for name in NAMES:
            self.house.vhost.take_over(polled_spec(name, self._settings(name), name[0] == "f"), NOW)
        self.house.finish()
        self.saved[self.house.ledger.position - 1] = self.world.copy()
        self._rest(is_promised=True)

    def teardown(self) -> None:
        self.house.end()

    def _open(self, disk: SimDisk, now: int) -> None:
        self.lives += 1
        self.house = House(disk, self.sync, now, Observed(), self.lives << 32)
        self.held: list[tuple[Taker, Entry]] = []

    def _settings(self, name: str) -> PollSettings:
        model = self.world.queues[name]
        return PollSettings(
            delay_ms=model.delay_ms, retention_ms=model.retention_ms, receive_max=model.receive_max,
            dead_letter_queue=DEAD.get(name, ""), deduplicates_by_group=model.by_group,
        )  # fmt: skip

    def _queue(self, name: str) -> PolledQueue:
        queue = self.house.vhost.polled_queue(name)
        assert queue is not None
        return queue

    def _rest(self, is_promised: bool) -> None:
        """Behind each deed: the timers that are due run, as in the broker at once."""
        self._pass_time(self.house.now)
        for model in self.world.queues.values():
            model.forget_groups()
        self.saved[self.house.ledger.position] = self.world.copy()
        if is_promised:
            self.house.promise()

    def _pass_time(self, target: int) -> None:
        for moment in self.house.steps(target):
            for model in self.world.queues.values():
                model.fall_due(moment)

    # --- what clients do --------------------------------------------------------------------------------------------

    @rule(seed=seeds, count=st.integers(1, 30))
    def traffic(self, seed: int, count: int) -> None:
        """A number of random things."""
        chance = Random(seed)
        for _ in range(count):
            deed = chance.choice(DEEDS)
            getattr(self, f"_{deed}")(chance.choice(NAMES if chance.random() < 0.3 else ("s", "f")), chance)
            self._rest(chance.random() < 0.5)
            self.both_look_the_same()

    def _message(self, group: str, name: str) -> Message:
        headers: dict[str, object] = {"MessageGroupId": group} if group else {}
        if name:
            headers["MessageDeduplicationId"] = name
        properties = build(delivery_mode=2, message_id=str(self.idents), headers=headers)
        return new_message("", "q", properties, str(self.idents).encode(), self.house.now)

    def _send(self, name: str, chance: Random) -> None:
        model = self.world.queues[name]
        if len(model.items) > 25:  # below what makes a group noisy
            return
        self.idents += 1
        group, identity = chance.choice(GROUPS), chance.choice(("", "", "d1", "d2", "d3"))
        delay_ms = -1 if model.fifo or chance.random() < 0.7 else chance.choice((0, 300, 2000))
        entry = self._queue(name).send(self._message(group, identity), self.house.now, delay_ms)
        taken = model.send(self.idents, group, identity, model.delay_ms if delay_ms < 0 else delay_ms, self.house.now)
        assert entry.message.properties.text("message_id") == str(taken)
        if taken == self.idents:
            assert entry.sequence > self.highest.get(name, 0), "sequences grow, over restarts too"
            self.highest[name] = entry.sequence

    def _receive(self, name: str, chance: Random) -> None:
        count, visibility_ms = chance.randrange(1, 11), chance.choice((0, 100, 1000, 30_000, 43_200_000))
        found = self._queue(name).receive(count, visibility_ms, self.house.now)
        dead = self.world.queues.get(DEAD.get(name, ""))
        expected = self.world.queues[name].receive(count, visibility_ms, dead, self.house.now)
        assert [_ident(entry) for entry in found] == [item.ident for item in expected]

    def _pick_taken(self, name: str, chance: Random) -> tuple[Entry, Item] | None:
        items = [item for item in self.world.queues[name].items if item.taken_at]
        if not items:
            return None
        item = chance.choice(items)
        (entry,) = (each for each in self._queue(name).lines.noted.values() if _ident(each) == item.ident)
        assert self._queue(name).find(entry.sequence) is entry
        return entry, item

    def _delete(self, name: str, chance: Random) -> None:
        if (found := self._pick_taken(name, chance)) is not None:
            self._queue(name).delete(found[0], self.house.now)
            self.world.queues[name].items.remove(found[1])
            self.world.queues[name].fall_due(self.house.now)

    def _visibility(self, name: str, chance: Random) -> None:
        if (found := self._pick_taken(name, chance)) is None:
            return
        entry, item = found
        visibility_ms = chance.choice((0, 500, 60_000))
        self._queue(name).change_visibility(entry, visibility_ms, self.house.now)
        if item.until:
            item.until = item.recorded_until = self.house.now + visibility_ms if visibility_ms else 0
            if not visibility_ms:
                self.world.queues[name].bring_back(item)

    def _get(self, name: str, chance: Random) -> None:
        taker = Taker(self._queue(name), 1, Observed())
        taker.is_active = False  # it polls
        entry = self._queue(name).get(taker, self.house.now)
        model = self.world.queues[name]
        item = model.draw(self.world.queues.get(DEAD.get(name, "")), self.house.now)
        assert (entry is None) == (item is None)
        if entry is not None and item is not None:
            assert _ident(entry) == item.ident
            model.take(item, 0, self.house.now)
            self.held.append((taker, entry))

    def _pop_held(self, chance: Random) -> tuple[PolledQueue, PolledModel, Entry, Item | None] | None:
        """What a client of AMQP holds; without its message when SQS has deleted it."""
        if not self.held:
            return None
        taker, entry = self.held.pop(chance.randrange(len(self.held)))
        queue = taker.queue
        assert isinstance(queue, PolledQueue)
        model = self.world.queues[queue.name]
        found = [item for item in model.items if item.ident == _ident(entry) and item.is_held]
        return queue, model, entry, found[0] if found and queue.lines.is_noted(entry) else None

    def _acknowledge(self, name: str, chance: Random) -> None:
        if (found := self._pop_held(chance)) is not None:
            queue, model, entry, item = found
            queue.acknowledge(entry, self.house.now)
            if item is not None:
                model.items.remove(item)
            model.fall_due(self.house.now)

    def _requeue(self, name: str, chance: Random) -> None:
        if (found := self._pop_held(chance)) is not None:
            queue, model, entry, item = found
            queue.requeue([entry], self.house.now)
            if item is not None:
                model.bring_back(item)
            model.fall_due(self.house.now)

    def _reject(self, name: str, chance: Random) -> None:
        if (found := self._pop_held(chance)) is not None:
            queue, model, entry, item = found
            queue.reject(entry, self.house.now)
            if item is not None:
                if queue.name in DEAD:
                    self.world.queues[DEAD[queue.name]].accept(item, self.house.now if model.fifo else item.sent_at)
                model.items.remove(item)
            model.fall_due(self.house.now)

    def _move(self, name: str, chance: Random) -> None:
        source, target = ("sd", "s") if name[0] == "s" else ("fd", "f")
        is_moved = self._queue(source).move_one(self._queue(target), self.house.now)
        found = self.world.queues[source].available()
        assert is_moved == bool(found)
        if found:
            self.world.queues[target].accept(found[0], self.house.now)
            self.world.queues[source].items.remove(found[0])

    def _change(self, name: str, chance: Random) -> None:
        model = self.world.queues[name]
        model.delay_ms = chance.choice((0, 0, 400, 3000))
        model.retention_ms = chance.choice((60_000, 600_000, 86_400_000))
        model.receive_max = chance.choice((0, 1, 2, 4)) if name in DEAD else 0
        model.by_group = model.by_group or chance.random() < 0.05
        self.house.vhost.change_polling(self._queue(name), self._settings(name), self.house.now)
        model.fall_due(self.house.now)

    def _purge(self, name: str, chance: Random) -> None:
        model = self.world.queues[name]
        assert self.house.purge(name) == len(model.items)
        if model.items:
            model.turns.clear()
        model.items.clear()
        model.ids.clear()

    def _wait(self, name: str, chance: Random) -> None:
        self._pass_time(self.house.now + chance.choice((1, 100, 400, 1000, 5000, 31_000, 301_000)))

    def _seal(self, name: str, chance: Random) -> None:
        self.house.ledger.seal()

    def _work(self, name: str, chance: Random) -> None:
        for _ in range(chance.randrange(4)):
            self.house.work(chance.random() < 0.8)

    # --- ends -------------------------------------------------------------------------------------------------------

    @rule()
    def finish(self) -> None:
        self.house.finish()
        for name in NAMES:
            self._queue(name).enforce(self.house.now)  # ids that expired in the batch that was open until now
        self.house.finish()
        models = self.world.queues.values()
        kept = sum(len(model.items) for model in models)
        kept += sum(until > self.house.now for model in models for *_, until in model.ids)
        assert self.house.live_entries() == kept, "the journal keeps what is needed and nothing else"

    @rule(seed=seeds, is_power_cut=st.booleans(), call=st.integers(0, 6), down_ms=st.sampled_from(DOWN_MS))
    def crash(self, seed: int, is_power_cut: bool, call: int, down_ms: int) -> None:
        """Stops the broker in the midst of traffic: the process, or the machine; perhaps within a call of the disk."""
        chance = Random(seed)
        self.traffic(seed, chance.choice((1, 20)))
        if call:
            self.house.crash_in_call(call)
        disk = self.house.disk
        lasting = disk.after_power_cut(chance) if is_power_cut and self.sync else disk.after_kill()
        self._start_again(lasting, False, down_ms)

    @rule(seed=seeds, down_ms=st.sampled_from(DOWN_MS))
    def stop_in_order(self, seed: int, down_ms: int) -> None:
        """Stops the broker as SIGTERM does: what clients of AMQP hold goes back first."""
        chance = Random(seed)
        while self.held:
            self._requeue("", chance)
            self._rest(is_promised=True)
        self.house.ledger.close()
        self._start_again(self.house.disk.after_kill(), True, down_ms)

    def _start_again(self, disk: SimDisk, is_clean: bool, down_ms: int) -> None:
        promised, before = self.house.promised, self.house.now
        self.house.end()
        self._open(disk, before + down_ms)
        house = self.house
        assert house.recovered.was_clean == is_clean
        last = max(house.recovered.position - 1, promised)
        self.world = self.saved[max(position for position in self.saved if position <= last)].copy()
        house.start()
        for name, model in self.world.queues.items():
            queue = self._queue(name)
            lines = sorted((line for line in queue.lines.groups.values() if line.turn), key=lambda line: line.turn)
            model.restart([_ident(entry) for entry in queue.waiting()], [line.name for line in lines], house.now)
        self.saved.clear()
        self.saved[house.ledger.position - 1] = self.world.copy()
        self._rest(is_promised=True)

    # --- what must be true at any time ------------------------------------------------------------------------------

    @invariant()
    def both_look_the_same(self) -> None:
        for name, model in self.world.queues.items():
            queue = self._queue(name)
            visible = sorted((each for each in model.items if each.is_visible), key=lambda each: each.place)
            shown = [(_ident(entry), entry.attempts, entry.first_taken_at, 0) for entry in queue.waiting()]
            assert shown == [item.shown() for item in visible], name
            hidden = sorted(
                (_ident(entry), entry.attempts, entry.first_taken_at, entry.held_until)
                for entry in queue.lines.noted.values()
                if entry.held_until or entry.consumer is not None
            )
            assert hidden == sorted(item.shown() for item in model.items if not item.is_visible), name
            in_flight = sum(item.is_in_flight for item in model.items)
            assert queue.in_flight_count() == in_flight
            assert queue.delayed_count() == len(model.items) - len(visible) - in_flight
            assert (queue.waiting_count() > 0) == bool(model.available())
            assert queue.byte_count == sum(len(str(item.ident)) for item in visible)
            assert set(queue.lines.groups) == {"", *model.groups()}


class WriteMachine(PolledMachine):
    """The same with durability "write"."""

    sync = False


def _ident(entry: Entry) -> int:
    return int(entry.message.content())


BOTH = pytest.mark.parametrize("machine", [PolledMachine, WriteMachine], ids=["fsync", "write"])
COMMON = settings(
    deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip


@BOTH
def test_polled_queues_are_what_the_model_says_through_any_history(machine: type[PolledMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(COMMON, max_examples=50, stateful_step_count=12))


@pytest.mark.slow
@pytest.mark.timeout(600)
@BOTH
@pytest.mark.parametrize("block", range(5))
def test_polled_queues_are_what_the_model_says_through_many_histories(machine: type[PolledMachine], block: int) -> None:
    run_state_machine_as_test(machine, settings=settings(COMMON, max_examples=300, stateful_step_count=25))
