"""Messages of a delayed exchange whose bodies leave memory: each comes out when it is due, with its body, in order."""

from random import Random

import pytest

from mqbroker.core.message import new_message
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.protocols.amqp.properties import build
from mqbroker.storage.log.executors import Executor
from mqbroker.storage.pages import relocator
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
            properties = build(delivery_mode=2, headers={"x-delay": delay})
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
        self._open(self.house.disk.after_kill(), self.house.now + self.chance.choice((0, 300)))

    def look(self) -> None:
        """Somebody wants to see what waits."""
        bodies = [self.delayed.content(entry) for entry in self.delayed.held()]
        assert sorted(bodies) == sorted(body for due, _, body in self.expected if due > self.house.now)

    def take_back(self) -> None:
        """Some of what waits is not to come."""
        taken = [entry for entry in self.delayed.held() if self.chance.random() < 0.2]
        bodies = {self.delayed.content(entry) for entry in taken}
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


def live(seed: int, is_slow: bool) -> int:
    """One history; how much has left memory."""
    shelf = Shelf(Random(seed), ManualExecutor() if is_slow else None)
    for _ in range(shelf.chance.randrange(10, 40)):
        deed = shelf.chance.choice(("send", "send", "send", "wait", "wait", "tend", "restart", "look", "take_back"))
        getattr(shelf, deed)()
        shelf.check()
    return shelf.paged_out


@pytest.mark.parametrize("is_slow", [False, True], ids=["at-once", "later"])
def test_a_delayed_message_comes_out_with_its_body(is_slow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relocator, "DISK_USE_MAX", 1.2)
    monkeypatch.setattr(relocator, "DISK_SLACK_SEGMENTS", 0)
    assert sum(live(seed, is_slow) for seed in range(20)) > 200, "nothing has left memory"
