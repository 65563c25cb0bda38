"""Clients of a pair: publishers and consumers that know both addresses, and what must be true in the end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from time import monotonic

from tests.crash.oracle import CONSUMED, Oracle
from tests.crash.workers import Publisher, Worker, consumer, declare
from tests.replication.pair_house import Pair

DRAIN_TIMEOUT_S = 60
PROGRESS = 150


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


async def under_load(pair: Pair, seed: int, harm: Callable[[Load], Awaitable[None]]) -> Load:
    """Does some harm under load; then everything confirmed has to come out."""
    await declare(pair.active.url)
    load = Load(pair, seed)
    try:
        await load.progress()
        await harm(load)
        await load.progress()
        await load.drain()
    finally:
        await load.dismiss()
    print(load.oracle.summary())
    return load
