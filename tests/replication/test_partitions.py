"""Networks that fail between two real nodes and their store: nobody confirms what could be lost, and all comes back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.replication import stores
from tests.replication.load import Load, under_load
from tests.replication.pair_house import Pair, a_pair, begin_anew
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:coroutine 'Connection.close' was never awaited"),  # aiormq's own
]
WAIT_S = 45


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiormq", "aio_pika"):
        caplog.set_level(logging.CRITICAL, name)


async def until(is_so: Callable[[], bool]) -> None:
    await asyncio.to_thread(eventually, is_so, WAIT_S)


async def endure(folder: Path, harm: Callable[[Pair, Load], Awaitable[None]], **options: int) -> None:
    with a_pair(folder, **options) as pair:
        await under_load(pair, 5, lambda load: harm(pair, load))
        assert "Traceback" not in pair.logs()


async def test_nodes_that_do_not_hear_each_other_go_on_with_one(tmp_path: Path) -> None:
    """A - B: the active node has the store, so it goes on alone; the other one must not be promoted."""

    async def part(pair: Pair, load: Load) -> None:
        active, standby = pair.active, pair.standby
        active.to_link.stall()
        await until(lambda: active.status().get("isr") == [active.name])
        await load.progress()
        assert not standby.is_serving
        active.to_link.heal()
        await asyncio.to_thread(pair.until_in_sync)
        assert pair.active is active

    await endure(tmp_path, part)


async def test_a_standby_that_hears_and_is_not_heard_is_left_out(tmp_path: Path) -> None:
    """A - B, one way: the standby follows happily, and publishers would have waited for ever."""

    async def part(pair: Pair, load: Load) -> None:
        active = pair.active
        active.to_link.stall_one_way()
        await until(lambda: active.status().get("isr") == [active.name])
        await load.progress()
        active.to_link.heal()
        await asyncio.to_thread(pair.until_in_sync)
        assert pair.active is active

    await endure(tmp_path, part)


async def test_an_active_node_without_its_store_goes_on_with_its_standby(tmp_path: Path) -> None:
    """A - etcd: its lease runs out, and it serves on, because its standby acknowledges (pair.md 2.3.4)."""

    async def part(pair: Pair, load: Load) -> None:
        active = pair.active
        active.to_store.stall()
        await until(lambda: not active.status().get("is_store_reached", True))
        await asyncio.sleep(pair.lease_s * 2)
        await load.progress()
        assert active.is_serving
        active.to_store.heal()
        await until(lambda: bool(active.status().get("is_store_reached")))

    await endure(tmp_path, part)


async def test_an_active_node_that_is_alone_is_replaced(tmp_path: Path) -> None:
    """A - B and A - etcd: the standby is promoted after the lease, and the old one confirms nothing and ends."""

    async def part(pair: Pair, load: Load) -> None:
        active, standby = pair.active, pair.standby
        active.to_store.stall()
        active.to_link.stall()
        await until(lambda: standby.is_serving)
        await until(lambda: not active.is_running)
        await load.progress()
        active.to_store.heal()
        active.to_link.heal()
        active.start()
        await asyncio.to_thread(pair.until_in_sync)

    await endure(tmp_path, part)


async def test_a_standby_without_the_store_still_counts(tmp_path: Path) -> None:
    """B - etcd: nothing happens at all."""

    async def part(pair: Pair, load: Load) -> None:
        pair.standby.to_store.stall()
        await asyncio.sleep(pair.lease_s * 2)
        await load.progress()
        assert set(pair.active.status()["isr"]) == {"a", "b"}
        pair.standby.to_store.heal()

    await endure(tmp_path, part)


async def test_a_store_that_is_down_stops_nothing(tmp_path: Path) -> None:
    async def stop(pair: Pair, load: Load) -> None:
        await asyncio.to_thread(pair.store.stop)
        await asyncio.sleep(pair.lease_s * 3)
        await load.progress()
        await asyncio.to_thread(pair.store.start)
        await until(lambda: bool(pair.active.status().get("is_store_reached")))

    await endure(tmp_path, stop)


async def test_a_store_that_was_wiped_stops_nothing_and_promotes_nobody(tmp_path: Path) -> None:
    """An empty store would have let whoever came first begin anew, without what was confirmed."""
    with a_pair(tmp_path) as pair:

        async def wipe(load: Load) -> None:
            await asyncio.to_thread(pair.store.wipe)
            await until(lambda: "wiped or restored" in pair.active.log())
            await load.progress()

        await under_load(pair, 6, wipe)
        active, standby = pair.active, pair.standby
        active.kill()
        await until(lambda: "was wiped" in standby.log())
        active.start()
        await until(lambda: "was wiped" in active.log())
        assert not active.is_serving
        assert not standby.is_serving
        begin_anew(active, standby)
        await asyncio.to_thread(pair.until_in_sync)
        await under_load(pair, 7, lambda load: load.progress())


async def test_a_link_that_flaps_loses_nothing(tmp_path: Path) -> None:
    async def flap(pair: Pair, load: Load) -> None:
        active = pair.active
        for _ in range(6):
            active.to_link.cut()
            await asyncio.sleep(0.3)
            active.to_link.heal()
            await load.progress(30)
        await asyncio.to_thread(pair.until_in_sync)

    await endure(tmp_path, flap)


async def test_a_standby_that_dies_while_it_catches_up_begins_again(tmp_path: Path) -> None:
    async def kill(pair: Pair, load: Load) -> None:
        standby = pair.standby
        standby.kill()
        await load.progress(600)
        for _ in range(3):
            standby.start()
            await until(lambda: "following" in standby.log())
            standby.kill()
        standby.start()
        await asyncio.to_thread(pair.until_in_sync)

    await endure(tmp_path, kill)


async def test_two_nodes_that_both_die_come_back_with_everything(tmp_path: Path) -> None:
    async def kill(pair: Pair, load: Load) -> None:
        for node in pair.nodes:
            node.kill()
        for node in pair.nodes:
            node.start()
        await asyncio.to_thread(pair.until_in_sync)

    await endure(tmp_path, kill)


async def test_an_active_node_that_dies_alone_is_waited_for(tmp_path: Path) -> None:
    """The standby had left the set: promoting it would have lost what was confirmed since."""

    async def kill(pair: Pair, load: Load) -> None:
        active, standby = pair.active, pair.standby
        standby.kill()
        await load.progress()
        active.kill()
        standby.start()
        await until(lambda: "not in the in-sync set" in standby.log())
        assert not standby.is_serving
        active.start()
        await asyncio.to_thread(pair.until_in_sync)
        assert pair.active is active

    await endure(tmp_path, kill)
