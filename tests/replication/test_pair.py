"""Two real nodes, a real etcd, ordinary clients: whatever happens under load, nothing confirmed is lost."""

import asyncio
import logging
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic

import pika  # type: ignore[import-untyped]
import pytest

from tests.crash.oracle import CONSUMED, Oracle
from tests.crash.workers import Publisher, Worker, consumer, declare
from tests.replication import stores
from tests.replication.pair_house import Pair, a_pair
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not stores.has_etcd(), reason="etcd is not installed (Debian: etcd-server)"),
    pytest.mark.timeout(300),
]

DRAIN_TIMEOUT_S = 60
PROGRESS = 150


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiormq", "aio_pika", "pika"):
        caplog.set_level(logging.CRITICAL, name)


class Load:
    """Publishers and consumers that have both addresses, and the oracle that knows what they were told."""

    def __init__(self, pair: Pair, seed: int, publishers: int = 2) -> None:
        self.pair = pair
        self.oracle = Oracle()
        chance = Random(seed)
        self.publishers = [self._publisher(each, Random(chance.random())) for each in range(publishers)]
        self.consumers = [consumer(self.oracle, self._address(), each, Random(chance.random())) for each in CONSUMED]
        self.workers: list[Worker] = [*self.publishers, *self.consumers]

    def _publisher(self, number: int, chance: Random) -> Publisher:
        return Publisher(self.oracle, self._address(), number, chance)

    def _address(self) -> Callable[[], str]:
        return partial(self.pair.url, [])

    async def until(self, is_so: Callable[[], bool], hope: str) -> None:
        deadline = monotonic() + DRAIN_TIMEOUT_S
        while not is_so():
            for worker in self.workers:
                worker.check()
            assert monotonic() < deadline, f"{hope}: {self.oracle.summary()}; {self.oracle.missing()[:10]}"
            await asyncio.sleep(0.02)

    async def progress(self, messages: int = PROGRESS) -> None:
        """Until so many more are confirmed."""
        goal = len(self.oracle.confirmed) + messages
        await self.until(lambda: len(self.oracle.confirmed) >= goal, "publishers make progress")

    async def drain(self) -> None:
        """Everything confirmed comes out."""
        for publisher in self.publishers:
            await publisher.stop()
        for each in self.consumers:
            each.gives_back = False
        await self.until(lambda: not self.oracle.missing(), "everything confirmed comes out")
        for each in self.consumers:
            await each.stop()
        assert not self.oracle.faults, self.oracle.faults[:10]

    async def dismiss(self) -> None:
        for worker in self.workers:
            await worker.dismiss()


async def under_load(pair: Pair, seed: int, harm: Callable[[Load], "asyncio.Future[None] | object"]) -> Load:
    """Does some harm under load; then everything confirmed has to come out."""
    await declare(pair.active.url)
    load = Load(pair, seed)
    try:
        await load.progress()
        await harm(load)  # type: ignore[misc]
        await load.progress()
        await load.drain()
    finally:
        await load.dismiss()
    print(load.oracle.summary())
    return load


async def test_the_active_node_is_killed_again_and_again_and_nothing_confirmed_is_lost(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:

        async def kill(load: Load) -> None:
            for _ in range(4):
                killed = pair.active
                await asyncio.to_thread(killed.kill)
                await load.progress()
                killed.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 1, kill)
        assert "Traceback" not in pair.logs()


async def test_a_standby_that_is_killed_leaves_the_set_and_comes_back(tmp_path: Path) -> None:
    """Publishers waited for ever for a standby that was gone."""
    with a_pair(tmp_path) as pair:

        async def kill(load: Load) -> None:
            for _ in range(2):
                standby = pair.standby
                await asyncio.to_thread(standby.kill)
                await load.progress()
                assert pair.active.status()["isr"] == [pair.active.name]
                standby.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 2, kill)


async def test_an_active_node_that_was_paused_confirms_nothing_afterwards(tmp_path: Path) -> None:
    """It went on in its old epoch when it woke, and both nodes confirmed."""
    with a_pair(tmp_path) as pair:

        async def pause(load: Load) -> None:
            paused, other = pair.active, pair.standby
            paused.pause()
            await asyncio.to_thread(eventually, lambda: other.is_serving, 30)
            paused.go_on()
            await asyncio.to_thread(eventually, lambda: not paused.is_running, 30)
            assert "is the active node now" in paused.log()
            paused.start()
            await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 3, pause)


def get(port: int, path: str) -> int:
    """The status of an HTTP request."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_load_balancers_and_clients_find_the_active_node(tmp_path: Path) -> None:
    """A standby that accepted connections kept clients from trying the other address."""
    with a_pair(tmp_path) as pair:
        paths = ("active", "ready", "live", "other")
        assert [get(pair.a.health_port, f"/health/{each}") for each in paths] == [200, 200, 200, 404]
        assert [get(pair.b.health_port, f"/health/{each}") for each in paths] == [503, 200, 200, 404]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", pair.b.ports["amqp"]), 5)
        addresses = [pika.URLParameters(node.url) for node in (pair.b, pair.a)]
        pika.BlockingConnection(addresses).close()


def test_a_standby_takes_over_when_the_active_node_stops_in_order(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:
        connection = pika.BlockingConnection(pika.URLParameters(pair.a.url))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("q", durable=True)
        channel.basic_publish("", "q", b"x", pika.BasicProperties(delivery_mode=2))
        connection.close()
        assert pair.a.stop() == 0
        assert pair.active is pair.b
        connection = pika.BlockingConnection(pika.URLParameters(pair.b.url))
        assert connection.channel().queue_declare("q", passive=True).method.message_count == 1
        connection.close()
