"""Queues that leave memory against the same queues that do not: twins that are told the same must show the same.

One twin keeps everything in memory, the other one message of each queue; long backlogs are built up and drained in
every way that there is. What is compared after each step: what waits, counts and octets, who was delivered what. A
restart comes with everything durable, so that both find the same.
"""

from random import Random

import pytest

from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.storage.log.executors import Executor
from tests.model import twins
from tests.model.house import Taker, name_of
from tests.model.model import Letter, Name
from tests.model.twins import Twin
from tests.storage.house import ManualExecutor

pytestmark = pytest.mark.usefixtures("moves_much")

KINDS: dict[str, dict[str, object]] = {
    "plain": {},
    "short": {"x-max-length": 12},
    "long": {"x-max-length": 100},
    "small": {"x-max-length-bytes": 600},
    "full": {"x-max-length": 25, "x-overflow": "reject-publish"},
    "mortal": {"x-message-ttl": 400, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "graves"},
    "ranked": {"x-max-priority": 3},
    "ranked-mortal": {"x-max-priority": 2, "x-message-ttl": 500},
    "quorum": {"x-queue-type": "quorum"},
    "single": {"x-single-active-consumer": True},
    "graves": {},
    "loose": {},
    "loose-ranked": {"x-max-priority": 2, "x-message-ttl": 500},
}
LOOSE = ("loose", "loose-ranked")  # these are not durable


class Broker(Twin):
    """One broker, its clients, and what they have seen."""

    def __init__(self, window: int, reads: Executor | None) -> None:
        super().__init__(window, reads)
        self.takers: dict[int, Taker] = {}
        self.seen: list[object] = []
        """What was polled."""
        for name in KINDS:
            self.declare(name)

    def declare(self, name: str) -> None:
        declare_queue(self.house.vhost, name, name not in LOOSE, False, False, KINDS[name], self.house.now)

    def restart(self, down_ms: int) -> None:
        super().restart(down_ms)
        self.takers.clear()
        for name in LOOSE:
            self.declare(name)

    def spill(self) -> None:
        """Has what is not persistent leave memory as well."""
        self.house.broker.spilling.look(self.house.now)

    def queue(self, name: str) -> ClassicQueue:
        found = self.house.vhost.queues[name]
        assert isinstance(found, ClassicQueue)
        return found

    def shown(self, is_whole: bool) -> dict[str, object]:
        """What can be seen of it."""
        waiting = self.house.waiting()
        found: dict[str, object] = {name: waiting[name] for name in KINDS}
        for name in KINDS:
            queue = self.queue(name)
            found[f"{name} look"] = [name_of(entry.message) for entry in queue.look(3, 4)]
            found[f"{name} counts"] = (queue.waiting_count(), queue.byte_count, queue.unacked_count)
            seen = list(self.observed.deliveries.get(name, ()))
            found[f"{name} delivered"] = [(each.name, each.consumer, each.redelivered) for each in seen]
        found["polled"] = list(self.seen)
        return found

    def hold(self, number: int) -> list[Name]:
        """What a client holds, oldest first."""
        return list(self.takers[number].held)


class Deeds(twins.Deeds[Broker]):
    """What happens to both twins."""

    def __init__(self, twins: list[Broker], chance: Random) -> None:
        super().__init__(twins, chance)
        self.clients = 0

    def publish(self) -> None:
        name = self.chance.choice(list(KINDS))
        is_alike = self.chance.random() < 0.6
        for _ in range(self.chance.randrange(1, 30)):
            self.idents += 1
            letter = Letter(
                self.idents, self.chance.choice((20, 20, 60)), "", name, is_alike or self.chance.random() < 0.7,
                self.chance.choice((0, 0, 1, 2, 3, 9)), self.chance.choice((None, None, None, 300)),
            )  # fmt: skip
            for twin in self.twins:
                twin.house.publish(letter)
            if self.chance.random() < 0.3:
                self.both(lambda twin: twin.house.finish())

    def consume(self) -> None:
        self.clients += 1
        name, prefetch, no_ack = self.chance.choice(list(KINDS)), self.chance.randrange(7), self.chance.random() < 0.2
        number = self.clients
        # Whose turn it is depends on who stood by while a page came; nobody is promised that.
        if name != "single" and self.twins[0].queue(name).consumers:
            return
        for twin in self.twins:
            twin.takers[number] = twin.house.consume(name, number, prefetch, no_ack)

    def poll(self) -> None:
        self.clients += 1
        name, number, count = self.chance.choice(list(KINDS)), self.clients, self.chance.randrange(1, 12)
        for twin in self.twins:
            taker = twin.takers[number] = twin.house.holder(name, number)
            for _ in range(count):
                entry = None
                for _ in range(3):  # as clients of AMQP do it: "not yet" is no answer
                    entry = entry or twin.house.get(taker)
                    if entry is None:
                        twin.rest()
                if entry is not None:
                    twin.seen.append((number, name_of(entry.message), entry.is_redelivered))

    def settle(self) -> None:
        number, names = self._pick_held()
        how = self.chance.choice(("ack", "ack", "ack", "reject", "requeue", "fail"))
        for twin in self.twins if names else ():
            taker = twin.takers[number]
            if how in ("requeue", "fail"):
                twin.house.requeue(taker, names, how == "fail")
                continue
            for name in names:
                (twin.house.acknowledge if how == "ack" else twin.house.reject)(taker, name)

    def _pick_held(self) -> tuple[int, list[Name]]:
        holding = [number for number in self.twins[0].takers if self.twins[0].takers[number].held]
        if not holding:
            return 0, []
        number = self.chance.choice(holding)
        held = self.twins[0].hold(number)
        return number, self.chance.sample(held, self.chance.randrange(1, len(held) + 1))

    def purge(self) -> None:
        name = self.chance.choice(list(KINDS))
        counts = {twin.house.purge(name) for twin in self.twins}
        assert len(counts) == 1

    def spill(self) -> None:
        self.both(lambda twin: twin.spill())

    def replace(self) -> None:
        name = self.chance.choice(list(KINDS))
        for twin in self.twins:
            assert twin.house.vhost.delete_queue(name) >= 0
            twin.declare(name)

    def wait(self) -> None:
        ms = self.chance.choice((1, 50, 200, 450))
        self.wait_for(ms)

    def restart(self) -> None:
        down_ms = self.chance.choice((0, 0, 350))
        self.both(lambda twin: twin.restart(down_ms))


DEEDS = (
    *["publish"] * 14, *["settle"] * 8, *["poll"] * 4, *["wait"] * 3, "consume", "consume", "purge", "replace",
    "restart", "press", "press", "tend", "tend", "tend", *["spill"] * 6,
)  # fmt: skip


def live(seed: int, is_slow: bool) -> list[int]:
    """One history."""
    return twins.live(seed, is_slow, Broker, Deeds, DEEDS, 50)


@pytest.mark.parametrize("is_slow", [False, True], ids=["at-once", "later"])
@pytest.mark.parametrize("block", range(2))
def test_a_queue_that_leaves_memory_does_what_any_other_does(block: int, is_slow: bool) -> None:
    paged = [live(seed, is_slow) for seed in range(block * 40, block * 40 + 40)]
    out, back, moved = map(sum, zip(*paged, strict=True))
    assert out > 1000, "nothing has left memory"
    assert back > 300, "nothing has come back"
    assert moved > 20, "nothing was moved"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("is_slow", [False, True], ids=["at-once", "later"])
@pytest.mark.parametrize("block", range(10))
def test_a_queue_that_leaves_memory_does_what_any_other_does_through_many_histories(block: int, is_slow: bool) -> None:
    for seed in range(1000 + block * 200, 1200 + block * 200):
        live(seed, is_slow)


def test_a_queue_may_be_deleted_while_it_is_being_purged_and_a_page_is_read() -> None:
    """The page was read of a queue that the journal had forgotten, and what was settled of it came back: damage."""
    twin = Broker(1, ManualExecutor())
    for ident in range(1, 40):
        twin.house.publish(Letter(ident, 20, "", "plain" if ident % 3 else "single", True, 0, None))
        twin.house.finish()
    taker = twin.house.holder("plain", 1)
    done: list[int] = []
    for _ in range(3):
        twin.house.get(taker)
        twin.rest()
    twin.queue("plain").purge(twin.house.now, done.append)
    twin.house.broker.scheduler.finish(twin.house.now)
    twin.house.vhost.delete_queue("plain")
    twin.house.finish()
    twin.rest()
    assert done
