"""Publishers are held while the journal is behind: who is, for how long, and that they are read again by themselves.

The journal's executor does nothing until it is told to: that is a disk which takes its time.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mqbroker.limits import JOURNAL_BEHIND_BYTES_MIN, JOURNAL_FAR_BEHIND_FACTOR
from tests.net.house import House, Streams, ask, open_house, say_goodbye, until
from tests.storage.house import Journal, ManualExecutor

MUCH = b"KEEP %d" % (JOURNAL_BEHIND_BYTES_MIN + 1)
LITTLE = b"KEEP 10"


class SlowHouse:
    """A house whose journal has a batch under way that takes until `write` is called."""

    def __init__(self, house: House, executor: ManualExecutor) -> None:
        self.house = house
        self.executor = executor

    @property
    def held(self) -> int:
        """How many connections are held."""
        return len(self.house.connections.congestion)

    async def connect(self) -> Streams:
        """A connection that is known to the broker."""
        streams = await self.house.connect()
        assert await ask(streams, b"SAY here") == b"here\n"
        return streams

    async def hold(self, streams: Streams, line: bytes = MUCH) -> None:
        """Has it add to the journal, and waits until it is held."""
        held = self.held
        streams[1].write(line + b"\n")
        await until(lambda: self.held > held)

    def write(self) -> None:
        """The disk is done with a batch; the broker hears of it, and nothing else happens."""
        assert self.executor.step()
        self.house.wake()


@asynccontextmanager
async def slow_house() -> AsyncIterator[SlowHouse]:
    executor = ManualExecutor()
    async with open_house() as house:
        house.keep_journal(Journal(segment_bytes=1 << 24, appends=executor).ledger)
        slow = SlowHouse(house, executor)
        first = await slow.connect()
        first[1].write(LITTLE + b"\n")
        await until(lambda: executor.orders)
        yield slow
        await say_goodbye(first)


async def test_who_adds_most_is_not_read_while_the_journal_is_behind_and_all_others_are() -> None:
    """One publisher without confirms made the confirm of another take 5.5 s instead of 0.8 ms, without any bound."""
    async with slow_house() as slow:
        greedy, modest = await slow.connect(), await slow.connect()
        await slow.hold(greedy)
        greedy[1].write(b"SAY late\n")
        for _ in range(5):
            modest[1].write(LITTLE + b"\n")
            assert await ask(modest, b"SAY in time") == b"in time\n"
        assert slow.held == 1
        assert b"SAY late" not in slow.house.sessions[1].lines
        slow.write()
        assert await greedy[0].readline() == b"late\n"
        await say_goodbye(greedy, modest)


async def test_all_who_are_held_are_read_again_without_any_other_event() -> None:
    async with slow_house() as slow:
        crowd = [await slow.connect() for _ in range(10)]
        for each in crowd:
            await slow.hold(each)
        slow.write()
        await until(lambda: slow.held == 0)
        for each in crowd:
            assert await ask(each, b"SAY free") == b"free\n"
        await say_goodbye(*crowd)


async def test_far_behind_everybody_is_held_who_adds_anything_but_not_who_adds_nothing() -> None:
    async with slow_house() as slow:
        greedy, modest, reader = await slow.connect(), await slow.connect(), await slow.connect()
        await slow.hold(greedy, b"KEEP %d" % (JOURNAL_BEHIND_BYTES_MIN * JOURNAL_FAR_BEHIND_FACTOR + 1))
        await slow.hold(modest, LITTLE)
        assert await ask(reader, b"SAY still here") == b"still here\n"
        slow.write()
        await until(lambda: slow.held == 0)
        await say_goodbye(greedy, modest, reader)


async def test_one_that_leaves_while_it_is_held_keeps_nobody_waiting() -> None:
    async with slow_house() as slow:
        greedy, other = await slow.connect(), await slow.connect()
        await slow.hold(greedy)
        await slow.hold(other)
        greedy[1].transport.abort()
        other[1].write(b"SAY next\n")
        slow.write()
        assert await other[0].readline() == b"next\n"
        await say_goodbye(other)


async def test_one_that_does_not_want_to_be_read_is_not_read_when_it_is_let_go() -> None:
    async with slow_house() as slow:
        stubborn, other = await slow.connect(), await slow.connect()
        await slow.hold(stubborn, MUCH + b"\nSTOP")
        stubborn[1].write(b"SAY never\n")
        slow.write()
        await until(lambda: slow.held == 0)
        assert await ask(other, b"SAY here") == b"here\n"
        assert b"SAY never" not in slow.house.sessions[1].lines
        await say_goodbye(stubborn, other)


async def test_without_a_backlog_nobody_is_held() -> None:
    async with open_house() as house:
        house.keep_journal(Journal(segment_bytes=1 << 24).ledger)
        streams = await house.connect()
        for _ in range(5):
            streams[1].write(MUCH + b"\n")
            assert await ask(streams, b"SAY on") == b"on\n"
        await until(lambda: len(house.connections.congestion) == 0)
        await say_goodbye(streams)
