"""Messages of a delayed exchange whose bodies leave memory: each comes out when it is due, with its body, in order."""

from random import Random

import pytest

from mqbroker.core.message import Entry, is_absent, new_message
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.protocols.amqp.properties import build
from mqbroker.storage.log.executors import Executor
from tests.model.house import House
from tests.model.model import Observed
from tests.storage.house import ManualExecutor
from tests.storage.simdisk import SimDisk

NOW = 1_700_000_000_000


class Shelf:
    """A broker with a delayed exchange, and what is to come out of it: (due, number, body)."""

    def __init__(self, chance: Random, reads: Executor | None) -> None:
        self.chance = chance
        self.reads = reads
        self.lives = self.sent = 0
        self.expected: list[tuple[int, int, bytes]] = []
        self.modes: tuple[int, ...] = (2, 1, 2)
        self.fleeting: set[bytes] = set()
        """What is not persistent of that."""
        self.paged_out = 0
        self._open(SimDisk(), NOW)
        declare_queue(self.house.vhost, "out", True, False, False, {}, NOW)
        arguments = {"x-delayed-type": "fanout"}
        exchange = declare_exchange(self.house.vhost, "late", "x-delayed-message", True, False, False, arguments)
        self.house.vhost.bind(exchange, self.house.vhost.queues["out"], "", {})

    def _open(self, disk: SimDisk, now: int) -> None:
        self.lives += 1
        self.house = House(disk, True, now, Observed(), self.lives << 32, 1, self.reads)
        self.house.begin()
        self.rest()

    @property
    def delayed(self) -> DelayedMessages:
        return self.house.vhost.delayed["late"]

    def rest(self) -> None:
        """Does everything that can be done now."""
        self.house.finish()
        for _ in self.house.steps(self.house.now):
            pass
        while isinstance(self.reads, ManualExecutor) and self.reads.step():
            self.house.broker.scheduler.finish(self.house.now)
        self.house.finish()

    def send(self) -> None:
        for _ in range(self.chance.randrange(1, 25)):
            self.sent += 1
            body = str(self.sent).encode().ljust(self.chance.choice((20, 100, 300)), b".")
            delay = self.chance.randrange(1, 5000)
            mode = self.modes[self.sent % len(self.modes)]
            if mode == 1:
                self.fleeting.add(body)
            properties = build(delivery_mode=mode, headers={"x-delay": delay})
            message = new_message("late", "", properties, body, self.house.now)
            self.house.vhost.publish(self.house.vhost.route("late", ""), message, self.house.now)
            self.expected.append((self.house.now + delay, self.sent, body))
            if self.chance.random() < 0.3:
                self.house.finish()

    def wait(self) -> None:
        for _ in self.house.steps(self.house.now + self.chance.choice((1, 100, 900))):
            self.rest()
        self.rest()

    def tend(self) -> None:
        self.house.ledger.tend()

    def restart(self) -> None:
        self.rest()
        self.paged_out += self.house.ledger.pager.paged_out
        self.expected = [each for each in self.expected if each[2] not in self.fleeting]
        self._open(self.house.disk.after_kill(), self.house.now + self.chance.choice((0, 300)))

    def body_of(self, entry: Entry) -> bytes:
        """That of what waits, wherever it is."""
        self.delayed.read_body(entry)
        return entry.message.content()

    def look(self) -> None:
        """Somebody wants to see what waits."""
        bodies = [self.body_of(entry) for entry in self.delayed.held()]
        assert sorted(bodies) == sorted(body for due, _, body in self.expected if due > self.house.now)

    def take_back(self) -> None:
        """Some of what waits is not to come."""
        taken = [entry for entry in self.delayed.held() if self.chance.random() < 0.2]
        bodies = {self.body_of(entry) for entry in taken}
        self.delayed.release(taken)
        self.expected = [each for each in self.expected if each[2] not in bodies]

    def check(self) -> None:
        """What is due is in the queue, in order, and nothing else."""
        self.rest()
        due = sorted(each for each in self.expected if each[0] <= self.house.now)
        assert [entry.message.content() for entry in self.house.vhost.queues["out"].waiting()] == [
            body for _, _, body in due
        ]
        assert len(self.delayed) == len(self.expected) - len(due)
        assert self.delayed.byte_count == sum(len(body) for at, _, body in self.expected if at > self.house.now)


def some_on_the_disk() -> tuple[Shelf, list[Entry]]:
    """A shelf, and entries whose bodies have left memory together."""
    shelf = Shelf(Random(1), ManualExecutor())
    shelf.modes = (2,)
    for _ in range(12):
        shelf.send()
        shelf.rest()
    parcels: dict[int, list[Entry]] = {}
    for entry in shelf.delayed.held():
        if is_absent(entry):
            parcels.setdefault(entry.message.slot, []).append(entry)
    return shelf, next(entries for entries in parcels.values() if len(entries) > 1)


def test_a_message_may_be_removed_whose_body_is_on_the_disk() -> None:
    """The broker stopped when another one of that part of the journal was due: the message removed was missed there."""
    shelf, entries = some_on_the_disk()
    sent = shelf.sent
    shelf.delayed.release(entries[:1])
    assert shelf.delayed.byte_count == sum(entry.message.size for entry in shelf.delayed.held())
    for _ in shelf.house.steps(NOW + 6000):
        shelf.rest()
    assert len(shelf.delayed) == 0
    assert shelf.house.vhost.queues["out"].waiting_count() == sent - 1


def test_the_exchange_may_be_deleted_while_a_body_comes() -> None:
    """The broker stopped: what came was missed in the journal, which had been told to forget it."""
    shelf, _ = some_on_the_disk()
    shelf.house.now += 6000
    shelf.house.broker.scheduler.add(shelf.delayed)
    shelf.house.broker.scheduler.finish(shelf.house.now)
    assert isinstance(shelf.reads, ManualExecutor)
    assert shelf.reads.orders, "nothing is on its way"
    shelf.house.vhost.delete_exchange("late")
    shelf.rest()
    assert not shelf.reads.orders
    assert not shelf.house.vhost.queues["out"].waiting_count()


def live(seed: int, is_slow: bool) -> int:
    """One history; how much has left memory."""
    shelf = Shelf(Random(seed), ManualExecutor() if is_slow else None)
    for _ in range(shelf.chance.randrange(10, 40)):
        deed = shelf.chance.choice(("send", "send", "send", "wait", "wait", "tend", "restart", "look", "take_back"))
        getattr(shelf, deed)()
        shelf.check()
    return shelf.paged_out


@pytest.mark.usefixtures("moves_much")
@pytest.mark.parametrize("is_slow", [False, True], ids=["at-once", "later"])
def test_a_delayed_message_comes_out_with_its_body(is_slow: bool) -> None:
    assert sum(live(seed, is_slow) for seed in range(20)) > 200, "nothing has left memory"
