"""The end of a turn: what it does once, and what it must not go on doing."""

import asyncio

from mqbroker.clock import Clock
from mqbroker.config.sections import LimitsConfig
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.scheduler import Task
from mqbroker.net.connections import Connections
from mqbroker.runtime.turn import Turn


class SlowLedger(Ledger):
    """A ledger whose disk has not answered yet."""

    __slots__ = ("seals",)

    def __init__(self) -> None:
        Ledger.__init__(self)
        self.seals = 0

    def seal(self) -> None:
        self.seals += 1


def _nothing() -> None:
    return None


def _broker(ledger: Ledger) -> Broker:
    return Broker(ledger, lambda: "name")


def _turn(broker: Broker) -> Turn:
    clock = Clock()
    turn = Turn(clock, _nothing)
    turn.attach(broker, Connections(LimitsConfig(), clock))
    return turn


async def test_a_promise_that_waits_for_the_disk_does_not_keep_the_loop_busy() -> None:
    """The bug: every turn asked for the next one while a sync was under way, and the journal's thread starved."""
    ledger = SlowLedger()
    turn = _turn(_broker(ledger))
    ledger.promise(ledger.position, _nothing)
    turn.schedule()
    for _ in range(20):
        await asyncio.sleep(0)
    assert ledger.seals == 1


async def test_a_promise_made_while_another_is_kept_is_kept_in_the_same_turn() -> None:
    ledger = Ledger()
    turn = _turn(_broker(ledger))
    kept: list[str] = []

    def keep_first() -> None:
        kept.append("first")
        ledger.promise(ledger.position, lambda: kept.append("second"))

    ledger.promise(ledger.position, keep_first)
    turn.schedule()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert kept == ["first", "second"]


class Endless(Task):
    """Work that is never done, until it is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.portions = 0
        self.is_over = False

    def run(self, now: int, portion: int) -> bool:
        self.portions += 1
        return not self.is_over


async def test_work_in_portions_goes_on_by_itself_and_lets_the_loop_do_other_things() -> None:
    broker = _broker(Ledger())
    _turn(broker)
    work = Endless()
    broker.scheduler.add(work)
    seen = []
    for _ in range(5):
        await asyncio.sleep(0)
        seen.append(work.portions)
    assert seen == sorted(set(seen))
    work.is_over = True
    await asyncio.sleep(0)
    last = work.portions
    await asyncio.sleep(0)
    assert work.portions == last


async def test_no_turn_comes_after_what_it_uses_is_closed() -> None:
    """The bug: a node that handed over still took samples of memory, whose file was closed: "internal error"."""
    broker = _broker(Ledger())
    turn = _turn(broker)
    work = Endless()
    broker.scheduler.add(work)
    broker.timers.at(1, lambda _now: broker.scheduler.add(work))
    turn.close()
    turn.schedule()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.portions == 0
