"""A random life of a journal on a simulated disk, and the oracle that knows what a crash may leave of it.

Every fact is written down with the number of the batch that it belongs to. A batch is all or nothing and they are
written in order, so after a crash the journal must be exactly the history up to some batch; and this batch is not older
than the newest one for which a promise was kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from mqbroker.core.message import Entry, Message, new_entry
from mqbroker.core.queues.extent import FLEETING
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.recovery import Recovered, Recovery
from tests.storage.house import FORMATS, Journal, ManualExecutor, a_message
from tests.storage.simdisk import PowerCut, SimDisk

QUEUES = 4
POLLED = 3  # the one that holds its entries instead of having them come back
SIZES = (0, 1, 40, 40, 40, 300, 900, 6000)
Key = tuple[int, int]


@dataclass
class State:
    """What a journal says."""

    definitions: dict[str, bytes] = field(default_factory=dict)
    entries: dict[Key, tuple[str, bytes]] = field(default_factory=dict)
    attempts: dict[Key, int] = field(default_factory=dict)
    held: dict[tuple[Key, int], tuple[int, int]] = field(default_factory=dict)
    """Per entry of the polled queue and number of attempts: until when it is held, and when it was first taken."""

    def copy(self) -> "State":
        return State(dict(self.definitions), dict(self.entries), dict(self.attempts), dict(self.held))


class World:
    """One life of a journal, from opening to crash."""

    def __init__(
        self, disk: SimDisk, chance: Random, past: State, executor: bool = True, keyring: Keyring | None = None,
        window: int = 0,
    ) -> None:  # fmt: skip
        self.chance = chance
        self.appends = ManualExecutor() if executor else None
        self.background = ManualExecutor() if executor and chance.random() < 0.5 else None
        self.journal = Journal(
            disk, chance.choice((2048, 8192)), self.appends, self.background, entropy_start=chance.randrange(1 << 60),
            keyring=keyring, window=window,
        )  # fmt: skip
        self.ledger = self.journal.ledger
        if window:
            self.ledger.restored()
        self.history: list[tuple[int, Callable[[State], None]]] = []
        self.past = past
        self.promised = self.ledger.committed
        self.live: dict[Key, Entry] = {}
        self.most: dict[Key, int] = {}
        """The attempts of every entry that ever had any in this life."""
        self.held = dict(past.held)
        self.gone: set[int] = set()
        self.sequence = chance.choice((0, max((key[1] for key in past.entries), default=0)))
        for queue, entries in self.journal.recovered.entries.items():
            for entry in entries:
                self.live[queue, entry.sequence] = entry
                self.sequence = max(self.sequence, entry.sequence)

    def live_on(self, steps: int) -> None:
        """Does that many random things."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (30, self._publish), (25, self._settle), (6, self._attempt), (4, self._define), (1, self._forget),
            (15, self._promise), (25, self.ledger.seal), (30, self._work), (4, self.ledger.tend),
        ]  # fmt: skip
        weights, calls = zip(*deeds, strict=True)
        self.chance.choices(calls, weights)[0]()

    def _note(self, change: Callable[[State], None]) -> None:
        self.history.append((self.ledger.position, change))

    def _publish(self) -> None:
        key = f"key{self.chance.randrange(3)}"
        body = self.chance.randbytes(self.chance.choice(SIZES))
        message = a_message(body, key)
        for queue in self.chance.sample(range(QUEUES), self.chance.choice((1, 1, 1, 2, 3))):
            self._enqueue(queue, message)
        if self.journal.window and self.chance.random() < 0.4:
            self._enqueue(self.chance.randrange(QUEUES) | FLEETING, message)

    def _enqueue(self, queue: int, message: Message) -> None:
        if queue in self.gone:
            return
        self.sequence += 1
        entry = new_entry(message, queue, self.sequence)
        at = (queue, self.sequence)
        value = (message.routing_key, message.body)
        if not queue & FLEETING:  # a restart knows nothing of those
            self._note(lambda state: state.entries.update({at: value}))
        self.ledger.enqueue(entry)
        self.live[at] = entry

    def _pick(self) -> Key | None:
        # Nearly always one of the oldest, as consumers do.
        keys = list(self.live)
        if not keys:
            return None
        return keys[min(len(keys) - 1, int(self.chance.expovariate(0.3)))]

    def _settle(self) -> None:
        for _ in range(self.chance.randrange(1, 5)):
            at = self._pick()
            if at is None:
                return
            entry = self.live.pop(at)
            self._note(lambda state, at=at: _drop(state, at))  # type: ignore[misc]
            self.ledger.settle(entry)

    def _attempt(self) -> None:
        at = self._pick()
        if at is None:
            return
        entry = self.live[at]
        entry.attempts += 1
        entry.is_redelivered = True
        attempts = self.most[at] = entry.attempts
        self._note(lambda state: state.attempts.update({at: attempts}))
        if at[0] == POLLED:
            entry.held_until = self.chance.randrange(1 << 40)
            entry.first_taken_at = entry.first_taken_at or self.chance.randrange(1, 1 << 40)
            self.held[at, attempts] = (entry.held_until, entry.first_taken_at)
            self.ledger.defer(entry)
        else:
            self.ledger.attempt(entry)

    def _define(self) -> None:
        key = f"definition/{self.chance.randrange(8)}"
        value = None if self.chance.random() < 0.3 else self.chance.randbytes(self.chance.randrange(60))
        self._note(lambda state: _define(state, key, value))
        self.ledger.define(key, value)

    def _forget(self) -> None:
        queue = self.chance.randrange(QUEUES * 4)
        if self.journal.window and self.chance.random() < 0.3:
            queue |= FLEETING
        if queue in self.gone:
            return
        self.gone.add(queue)
        self.live = {at: entry for at, entry in self.live.items() if at[0] != queue}
        self._note(lambda state: _drop_queue(state, queue))
        self.ledger.forget(queue)

    def _promise(self) -> None:
        position = self.ledger.position
        self.ledger.promise(position, lambda: self._kept(position))

    def _kept(self, position: int) -> None:
        assert position >= self.promised, "promises are kept in order"
        self.promised = position

    def _work(self) -> None:
        executors = [executor for executor in (self.appends, self.background) if executor is not None]
        if executors:
            self.chance.choice(executors).step()

    def close(self) -> None:
        """Ends in order, with a last promise."""
        self._promise()
        self.ledger.close()

    def judge(self, recovered: Recovered, was_clean: bool | None) -> State:
        """Asserts that what was recovered is possible; returns it."""
        # A batch of which nothing was left at the seal is promised without being written.
        last = max(recovered.position - 1, self.promised)
        state = self.state_at(last)
        assert found_in(recovered) == state.entries
        assert list(recovered.definitions.items()) == list(state.definitions.items())
        assert was_clean in (None, recovered.was_clean)
        for queue, entries in recovered.entries.items():
            assert [entry.sequence for entry in entries] == sorted(entry.sequence for entry in entries)
            for entry in entries:
                at = (queue, entry.sequence)
                # Attempts are written as they are at the seal, which may be later than their batch's number says.
                assert state.attempts.get(at, 0) <= entry.attempts <= self.most.get(at, self.past.attempts.get(at, 0))
                assert entry.is_redelivered >= (not recovered.was_clean or state.attempts.get(at, 0) > 0)
                state.attempts[at] = entry.attempts
                held = self.held.get((at, entry.attempts), (0, 0))
                assert (entry.held_until, entry.first_taken_at) == held
        state.held = self.held
        return state

    def state_at(self, last: int) -> State:
        """The history up to and with the batch."""
        state = self.past.copy()
        for position, change in self.history:
            if position <= last:
                change(state)
        return state


def _drop(state: State, at: Key) -> None:
    state.entries.pop(at, None)
    state.attempts.pop(at, None)


def _drop_queue(state: State, queue: int) -> None:
    for at in list(state.entries):
        if at[0] == queue:
            _drop(state, at)


def _define(state: State, key: str, value: bytes | None) -> None:
    if value is None:
        state.definitions.pop(key, None)
    else:
        state.definitions[key] = value


def lives(
    seed: int, generations: int, steps: int, keyring: Keyring | None = None, windows: tuple[int, ...] = (0,)
) -> None:
    """Lives of one journal, each of which ends with a power cut, a kill, or in order.

    With a keyring it is encrypted from the second life on, so that both kinds of segments meet. With several windows
    some of these lives write indexes and leave messages on the disk.
    """
    chance = Random(seed)
    disk, past = SimDisk(), State()
    for generation in range(generations):
        disk.fail_at = chance.randrange(1, steps) if chance.random() < 0.3 else 0
        disk.failure = PowerCut()
        window = windows[generation % len(windows)]
        try:
            world = World(disk, chance, past, keyring=keyring if generation else None, window=window)
        except PowerCut:
            disk = disk.after_power_cut(chance)
            assert found_in(read(disk, keyring, window)) == past.entries, "opening a journal changes nothing"
            continue
        clean = _live_and_end(world, chance, steps)
        disk = disk.after_power_cut(chance) if not clean or chance.random() < 0.5 else disk.after_kill()
        past = world.judge(read(disk, keyring, window), clean)


def read(disk: SimDisk, keyring: Keyring | None = None, window: int = 0) -> Recovered:
    """What the journal says, without going on with it."""
    recovery = Recovery(disk, FORMATS, keyring, pages=window > 0)
    recovery.run()
    return recovery.recovered


def found_in(recovered: Recovered) -> dict[Key, tuple[str, bytes]]:
    """The entries, as a `State` has them."""
    return {
        (queue, entry.sequence): (entry.message.routing_key, entry.message.content())
        for queue, entries in recovered.entries.items()
        for entry in entries
    }


def _live_and_end(world: World, chance: Random, steps: int) -> bool | None:
    """Whether it ended in order; None when it was stopped at that."""
    clean: bool | None = False
    try:
        world.live_on(chance.randrange(steps))
        if chance.random() < 0.3:
            clean = None
            world.close()
            clean = True
    except PowerCut:
        pass
    return clean
