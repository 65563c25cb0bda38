"""Polled queues that leave memory against the same queues that do not: twins that are told the same must show the same.

One twin keeps everything in memory, the other one message of each queue and the bodies of ten. A restart comes with
everything durable, so that both find the same.
"""

import pytest

from mqbroker.core.message import Entry, Message, is_absent, new_message
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.protocols.amqp.properties import build
from mqbroker.storage.log.executors import Executor
from tests.core.messages import nothing
from tests.model import twins
from tests.model.twins import Twin

pytestmark = pytest.mark.usefixtures("moves_much")

SETTINGS = {
    "standard": PollSettings(dead_letter_queue="graves", receive_max=3, visibility_ms=5000),
    "graves": PollSettings(retention_ms=30_000),
    "slow": PollSettings(delay_ms=1500, visibility_ms=2000),
    "fifo": PollSettings(visibility_ms=5000),
}
FIFO = ("fifo",)


class Broker(Twin):
    """One broker and what its clients have."""

    def __init__(self, window: int, reads: Executor | None) -> None:
        super().__init__(window, reads)
        self.held: dict[tuple[str, int], Entry] = {}
        for name, settings in SETTINGS.items():
            self.house.vhost.take_over(polled_spec(name, settings, fifo=name in FIFO), self.house.now)

    def queue(self, name: str) -> PolledQueue:
        found = self.house.vhost.queues[name]
        assert isinstance(found, PolledQueue)
        return found

    def restart(self, down_ms: int) -> None:
        super().restart(down_ms)
        self.rest()
        for name, sequence in list(self.held):
            found = self.queue(name).find(sequence)
            if found is None:
                del self.held[name, sequence]
            else:
                self.held[name, sequence] = found

    def receive(self, name: str, count: int, visibility_ms: int) -> list[tuple[int, str, int]]:
        """What somebody gets who waits until it is here: place, body, how often it was delivered."""
        queue = self.queue(name)
        found = []
        for _ in range(count):
            self.bring(queue)
            got = queue.receive(1, visibility_ms, self.house.now)
            for entry in got:
                self.held[name, entry.sequence] = entry
            found += [(entry.sequence, entry.message.content().decode(), entry.attempts) for entry in got]
        return found

    def bring(self, queue: PolledQueue) -> None:
        """Whose turn it is depends on who stands aside while something comes; nobody is promised that."""
        queue.warm(1)
        for _ in range(50):
            self.rest()
            for line in queue.lines.groups.values():
                if not line.is_coming and line.first() and is_absent(line.peek()):
                    queue.bring(line)
            if not queue.is_coming:
                return
        raise AssertionError("it never comes")

    def shown(self, is_whole: bool) -> dict[str, object]:
        """What can be seen of it; its messages too, which brings them back."""
        found: dict[str, object] = {}
        for name in SETTINGS:
            queue = self.queue(name)
            found[name] = is_whole and [
                (entry.sequence, entry.message.content(), entry.attempts, entry.message.received_at)
                for entry in queue.waiting()
            ]
            found[f"{name} counts"] = (
                queue.visible_count(), queue.in_flight_count(), queue.delayed_count(), queue.byte_count,
                queue.waiting_count(), queue.lines.groups_in_flight,
            )  # fmt: skip
            if is_whole:
                found[f"{name} look"] = [entry.message.content() for entry in queue.look(2, 3)]
        return found


class Deeds(twins.Deeds[Broker]):
    """What happens to both twins."""

    def send(self) -> None:
        name, groups = self._name(), self.chance.choice(((None,), (None,), (None, "a"), ("a", "b", "c")))
        if name in FIFO:
            groups = ("a", "b", "c")
        for _ in range(self.chance.randrange(1, 30)):
            self.idents += 1
            group, ttl_ms = self.chance.choice(groups), self.chance.choice((None,) * 12 + (3000,))
            delay_ms = self.chance.choice((-1,) * 12 + (700,))
            size = self.chance.choice((20, 80, 200))
            for twin in self.twins:
                message = _message(self.idents, size, group, ttl_ms, twin.house.now)
                twin.queue(name).send(message, twin.house.now, delay_ms)
            if self.chance.random() < 0.3:
                self.both(lambda twin: twin.house.finish())

    def _name(self) -> str:
        return self.chance.choice(("standard", "standard", "slow", "fifo", "graves"))

    def receive(self) -> None:
        name, count = self.chance.choice(list(SETTINGS)), self.chance.randrange(1, 11)
        visibility_ms = self.chance.choice((5000, 5000, 400, 0))
        left, right = (twin.receive(name, count, visibility_ms) for twin in self.twins)
        assert left == right, f"received from {name}"

    def delete(self) -> None:
        held = list(self.twins[0].held)
        for key in self.chance.sample(held, self.chance.randrange(len(held) + 1)):
            for twin in self.twins:
                twin.queue(key[0]).delete(twin.held.pop(key), twin.house.now)

    def show(self) -> None:
        """Some become visible before their time."""
        held = list(self.twins[0].held)
        for key in self.chance.sample(held, min(len(held), 3)):
            ms = self.chance.choice((0, 0, 900))
            for twin in self.twins:
                twin.queue(key[0]).change_visibility(twin.held[key], ms, twin.house.now)

    def purge(self) -> None:
        name = self._name()
        counts = {twin.queue(name).purge(twin.house.now, nothing) for twin in self.twins}
        assert len(counts) == 1

    def keep(self) -> None:
        """Messages are kept for another time."""
        settings = PollSettings(retention_ms=self.chance.choice((2000, 60_000)), visibility_ms=2000)
        for twin in self.twins:
            twin.queue("slow").apply(settings, twin.house.now)

    def move(self) -> None:
        for _ in range(self.chance.randrange(8)):
            moved = [_move(twin) for twin in self.twins]
            assert moved[0] == moved[1]

    def wait(self) -> None:
        ms = self.chance.choice((1, 50, 800, 2500, 7000))
        self.wait_for(ms)

    def restart(self) -> None:
        down_ms = self.chance.choice((1, 1, 900))
        self.both(lambda twin: twin.restart(down_ms))
        assert self.twins[0].held.keys() == self.twins[1].held.keys()

    def is_seen_whole(self) -> bool:
        return self.chance.random() < 0.3


def _message(ident: int, size: int, group: str | None, ttl_ms: int | None, now: int) -> Message:
    headers: dict[str, object] = {} if group is None else {"MessageGroupId": group}
    expiration = None if ttl_ms is None else str(ttl_ms)
    properties = build(delivery_mode=2, headers=headers, expiration=expiration)
    return new_message("", "", properties, str(ident).encode().ljust(size, b"."), now)


def _move(twin: Broker) -> bool:
    """Moves one message back, as a move task does it."""
    source = twin.queue("graves")
    twin.bring(source)
    return source.move_one(twin.queue("standard"), twin.house.now)


DEEDS = (
    *["send"] * 14, *["receive"] * 12, *["delete"] * 6, *["wait"] * 4, "show", "show", "purge", "keep", "move", "move",
    "restart", "press", "press", "tend", "tend", "tend",
)  # fmt: skip


def live(seed: int, is_slow: bool) -> list[int]:
    """One history."""
    return twins.live(seed, is_slow, Broker, Deeds, DEEDS, 60)


@pytest.mark.parametrize("is_slow", [False, True], ids=["at-once", "later"])
@pytest.mark.parametrize("block", range(2))
def test_a_polled_queue_that_leaves_memory_does_what_any_other_does(block: int, is_slow: bool) -> None:
    paged = [live(seed, is_slow) for seed in range(block * 30, block * 30 + 30)]
    out, back, moved = map(sum, zip(*paged, strict=True))
    assert out > 1000, "nothing has left memory"
    assert back > 300, "nothing has come back"
    assert moved > 20, "nothing was moved"


def test_a_consumer_may_refuse_a_message_whose_body_has_left_memory_meanwhile() -> None:
    """Its copy for the dead-letter queue was made of nothing: an internal error."""
    twin = Broker(1, None)
    queue, taker = twin.queue("standard"), twin.house.holder("standard", 1)
    for ident in range(1, 60):
        queue.send(_message(ident, 200, "a", None, twin.house.now), twin.house.now, -1)
    entry = queue.get(taker, twin.house.now)
    twin.rest()
    assert entry is not None
    assert is_absent(entry)
    queue.give_up(entry, twin.house.now)
    twin.rest()
    assert [each.message.content() for each in twin.queue("graves").waiting()] == [b"1".ljust(200, b".")]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("is_slow", [False, True], ids=["at-once", "later"])
@pytest.mark.parametrize("block", range(10))
def test_a_polled_queue_that_leaves_memory_does_what_any_other_does_for_long(block: int, is_slow: bool) -> None:
    for seed in range(1000 + block * 200, 1200 + block * 200):
        live(seed, is_slow)
