"""What another service says of rights: one that answers when a test says so, by a clock that the test moves."""

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AccessPending
from mqbroker.limits import BACKEND_DECISION_MS_MIN
from mqbroker.protocols.backends import Verdict
from mqbroker.runtime.backend_judge import BackendJudge


def move(clock: Clock, ms: int) -> None:
    clock.set(clock.now() + ms)


class Slow:
    """A backend that takes its time: of the clock, not of the test."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.took_ms = 0
        self.is_allowed = True
        self.count = 0

    async def authenticate(self, user: str, password: bytes, address: str) -> Verdict:
        raise NotImplementedError

    async def allows(self, fields: Mapping[str, str]) -> bool:
        self.count += 1
        move(self.clock, self.took_ms)
        return self.is_allowed

    def close(self) -> None: ...


class House:
    """A judge, and who asks it."""

    def __init__(self, cache_ms: int) -> None:
        self.clock = Clock()
        self.broker = Broker(Ledger(), lambda: "name")
        self.backend = Slow(self.clock)
        self.judge = BackendJudge(self.broker, self.clock, self.backend, lambda _: True, (True, True), cache_ms)

    async def ask(self, name: str) -> bool | None:
        """The answer; None, and it is there the next time, where it had to be asked for."""
        try:
            return self.judge.may("joe", "/", "queue", name, "read")
        except AccessPending as pending:
            is_there = asyncio.Event()
            pending.when_known(lambda _: is_there.set())
            await asyncio.wait_for(is_there.wait(), 10)
            return None

    def advance(self, ms: int) -> None:
        move(self.clock, ms)
        self.broker.advance(self.clock.now())


@pytest.fixture
def house() -> Iterator[House]:
    """One whose answers count for two seconds."""
    made = House(2000)
    yield made
    made.judge.close()


async def test_what_asks_several_questions_of_a_slow_service_comes_to_an_end(house: House) -> None:
    """The first answer counted no longer when the last one came: all of them were asked again, for ever."""
    house.backend.took_ms = 1500
    names = ["a", "b", "c"]
    for _ in names:
        for name in names:
            if await house.ask(name) is None:
                break
    assert [await house.ask(name) for name in names] == [True] * 3
    assert house.backend.count == 3


async def test_answers_that_end_one_after_the_other_are_forgotten_together(house: House) -> None:
    """All answers were looked through whenever one of them ended, and all protocols forgot what they knew."""
    for number in range(100):
        await house.ask(str(number))
        move(house.clock, 10)
    before = house.broker.access.generation
    for _ in range(400):
        house.advance(10)
    assert house.broker.access.generation - before in range(2, 5)


async def test_a_short_answer_is_not_kept_as_long_as_one_before_it(house: House) -> None:
    """Publishers went on for as long as the longest answer counted."""
    house.backend.took_ms = 100_000
    await house.ask("slow")
    house.backend.took_ms = 0
    await house.ask("fast")
    before = house.broker.access.generation
    house.advance(2000 + BACKEND_DECISION_MS_MIN)
    assert house.broker.access.generation > before
    house.backend.is_allowed = False
    assert await house.ask("fast") is None
    assert await house.ask("fast") is False
    assert await house.ask("slow") is True
