"""A broker under load is killed with SIGKILL again and again; at the end everything is drained and compared.

Publishers with confirms, consumers with acknowledgements and transactions, expiry with dead-lettering, a fan-out and
priorities, bodies from nothing to 300 KiB, small segments so that the journal rolls. Durability changes with each life:
SIGKILL leaves the page cache alone, so `write` has to hold what `fsync` does.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.tools.verify import verify
from tests.crash.oracle import CONSUMED, SHORT, Oracle
from tests.crash.workers import Consumer, Publisher, Worker, consumer, declare
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.waiting import eventually

PUBLISHERS = 4
CONFIRMED_PER_LIFE = 150  # a life is killed at a random moment after this progress, so that each kill meets traffic
DURABILITIES = ("fsync", "write")
DRAIN_TIMEOUT_S = 60
CONFIG = """
[journal]
segment_bytes = 1048576

[limits]
disk_free_min_bytes = 1048576
"""


class Ordeal:
    """One broker, its clients, and the one who kills it."""

    def __init__(self, data_dir: Path, seed: int, config: str) -> None:
        self.chance = Random(seed)
        self.broker = BrokerProcess(data_dir, config=config)
        self.oracle = Oracle()
        self.publishers: list[Publisher] = []
        self.consumers: list[Consumer] = []
        self.restarts: list[float] = []

    async def start(self, life: int) -> None:
        """Starts the broker, with another durability each time."""
        self.broker.options = ("--dev", "--durability", DURABILITIES[life % 2])
        begun = monotonic()
        await asyncio.to_thread(self.broker.start)
        self.restarts.append(monotonic() - begun)

    def employ(self) -> None:
        """Sets the clients to work."""
        for number in range(PUBLISHERS):
            self.publishers.append(Publisher(self.oracle, self._url, number, Random(self.chance.random())))
        for queue in CONSUMED:
            self.consumers.append(consumer(self.oracle, self._url, queue, Random(self.chance.random())))

    def _url(self) -> str:
        return self.broker.url

    async def survive(self, kills: int) -> None:
        """Lives and dies."""
        for life in range(1, kills + 1):
            goal = len(self.oracle.confirmed) + CONFIRMED_PER_LIFE
            await until(
                lambda goal=goal: len(self.oracle.confirmed) >= goal,  # type: ignore[misc]
                "publishers make progress",
                self,
            )
            await asyncio.sleep(self.chance.random() * 0.4)
            await asyncio.to_thread(self.broker.kill)
            await self.start(life)

    async def drain(self) -> None:
        """Lets consumers finish; then the broker stops in order and starts once more, and nothing comes back."""
        for publisher in self.publishers:
            await publisher.stop()
        for each in self.consumers:
            each.gives_back = False
        await until(lambda: not self.oracle.missing(), "everything confirmed comes out", self)
        for queue in (SHORT, *CONSUMED):  # in this order: what leaves the first one goes to another
            await asyncio.to_thread(wait_empty, self.broker.ports["amqp"], queue)
        for each in self.consumers:
            await each.stop()
        assert await asyncio.to_thread(self.broker.stop) == 0
        await self.start(0)
        left = await asyncio.to_thread(waiting_in, self.broker.ports["amqp"], (SHORT, *CONSUMED))
        assert not left, f"there are messages again: {sorted(left)[:20]}"

    def workers(self) -> list[Worker]:
        """All clients."""
        return [*self.publishers, *self.consumers]

    async def explain(self) -> str:
        """What became of clients: they are the test's, so that is no fault of the broker's by itself."""
        hangs = [hang for worker in self.workers() for hang in worker.hangs]
        return f"clients that hung: {hangs or 'none'}"

    async def account(self) -> str:
        """Who is to blame for what has not come out: a client that hangs has it, or it is lost.

        Once the broker has been killed and started again, nobody has anything, so what is not there is lost.
        """
        missing = self.oracle.missing()
        for worker in self.workers():
            await worker.dismiss()
        await asyncio.to_thread(self.broker.kill)
        await self.start(0)
        there = await asyncio.to_thread(waiting_in, self.broker.ports["amqp"], (SHORT, *CONSUMED))
        lost = [each for each in missing if each not in there]
        blame = f"{len(missing) - len(lost)} are still in the broker and their consumers do not take them"
        return f"lost: {lost[:20]}; {blame}; {await self.explain()}"


def waiting_in(port: int, queues: Iterable[str]) -> set[str]:
    """Takes what waits in the queues, with a client that cannot hang; as `Oracle.missing` names it."""
    found = set()
    with RawAmqp(port) as client:
        client.open()
        for queue in queues:
            while (message := client.get(queue)) is not None:
                assert message.properties is not None
                found.add(f"{message.properties.text('message_id')} from {queue}")
    return found


def wait_empty(port: int, queue: str) -> None:
    """Returns once nothing waits in the queue."""
    with RawAmqp(port) as client:
        client.open()
        eventually(lambda: client.count(queue) == 0, DRAIN_TIMEOUT_S)


async def until(is_done: Callable[[], bool], hope: str, ordeal: Ordeal) -> None:
    """Waits for something that has to happen; says what did not."""
    deadline = monotonic() + DRAIN_TIMEOUT_S
    while not is_done():
        for worker in ordeal.workers():
            worker.check()
        if monotonic() >= deadline:
            raise AssertionError(f"{hope}: not within {DRAIN_TIMEOUT_S} s; {await ordeal.account()}")
        await asyncio.sleep(0.02)


async def endure(data_dir: Path, kills: int, seed: int, config: str = CONFIG) -> None:
    """The whole ordeal."""
    ordeal = Ordeal(data_dir, seed, config)
    await ordeal.start(0)
    try:
        await declare(ordeal.broker.url)
        ordeal.employ()
        await ordeal.survive(kills)
        await ordeal.drain()
    finally:
        if ordeal.broker.process is not None and ordeal.broker.process.poll() is None:
            await asyncio.to_thread(ordeal.broker.kill)
        for worker in ordeal.workers():
            await worker.dismiss()
        slowest = max(ordeal.restarts)
        print(f"{kills} kills with seed {seed}: {ordeal.oracle.summary()}; restarts took up to {slowest:.2f} s")
        assert not ordeal.oracle.faults, ordeal.oracle.faults[:20]
    assert "Traceback" not in ordeal.broker.log()


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    """The client library logs every connection that breaks, which here is the point."""
    for name in ("aiormq", "aio_pika"):
        caplog.set_level(logging.CRITICAL, name)


@pytest.mark.timeout(300)
async def test_five_kills_lose_nothing_that_was_confirmed(tmp_path: Path) -> None:
    await endure(tmp_path / "data", kills=5, seed=1)


@pytest.mark.timeout(300)
async def test_two_kills_of_an_encrypted_broker_lose_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_JOURNAL_KEY", "5e" * 32)
    config = CONFIG.replace("[journal]", '[journal]\nencryption_keys = ["env:A_JOURNAL_KEY"]')
    await endure(tmp_path / "data", kills=2, seed=3, config=config)
    report = verify(tmp_path / "data", Keyring([b"\x5e" * 32]))
    assert report.is_sound
    assert all(segment.key_id for segment in report.segments)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_fifty_kills_lose_nothing_that_was_confirmed(tmp_path: Path) -> None:
    await endure(tmp_path / "data", kills=50, seed=2)
