"""Three real nodes, and two that never confirm with one copy: nothing confirmed is lost, whichever of them fail."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from tests.replication import stores
from tests.replication.clients import KINDS
from tests.replication.crew import Crew
from tests.replication.load import Load, under_load
from tests.replication.pair_house import NodeProcess, a_pair
from tests.replication.test_ha import ha
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:coroutine 'Connection.close' was never awaited"),  # aiormq's own
]
WAIT_S = 45
QUIET_S = 3.0  # nothing is to happen for thrice the time after which a silent standby would be left out


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiormq", "aio_pika", "pika"):
        caplog.set_level(logging.CRITICAL, name)


def until_member(node: NodeProcess, active: NodeProcess) -> None:
    eventually(lambda: node.name in active.status()["isr"], WAIT_S)


async def test_of_three_nodes_any_two_may_fail_one_after_the_other(tmp_path: Path) -> None:
    with a_pair(tmp_path, names="abc") as pair:

        async def kill(load: Load) -> None:
            for _ in range(2):
                first = pair.active
                await asyncio.to_thread(first.kill)
                await load.progress()
                second = pair.active
                alone = next(node for node in pair.nodes if node not in (first, second))
                await asyncio.to_thread(until_member, alone, second)
                await asyncio.to_thread(second.kill)
                await load.progress()
                assert pair.active is alone
                first.start()
                second.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 8, kill)
        for node in pair.nodes:
            if node is not pair.active:
                code, said = await asyncio.to_thread(ha, node, "verify")
                assert code == 0, said
        assert "Traceback" not in pair.logs()


@pytest.mark.slow
async def test_a_third_node_that_is_new_gets_everything(tmp_path: Path) -> None:
    """A standby that joined a pair which runs held it up, or got what came after only."""
    with a_pair(tmp_path, names="abc") as pair:
        late = pair.nodes[2]

        async def join(load: Load) -> None:
            await asyncio.to_thread(late.kill)
            for path in late.data_dir.iterdir():
                path.unlink()
            await load.progress(500)
            late.start()
            await asyncio.to_thread(pair.until_in_sync)
            for node in pair.nodes[:2]:
                await asyncio.to_thread(node.kill)
                await load.progress()  # somebody of those who are left has all

        await under_load(pair, 9, join)


def test_a_pair_that_keeps_two_copies_waits_for_the_second(tmp_path: Path) -> None:
    """min_in_sync = 2: what was confirmed with one copy was lost with that copy's disk."""
    with a_pair(tmp_path, schemes=tuple(KINDS), more="min_in_sync = 2", direct=True) as pair, Crew(pair) as crew:
        crew.progress()
        active, standby = pair.active, pair.standby
        standby.kill()
        before = [len(each.confirmed) for each in crew.clients]
        eventually(lambda: "has ended" in active.log(), WAIT_S)
        time.sleep(QUIET_S)
        confirmed = [len(each.confirmed) for each in crew.clients]
        assert all(after - earlier <= 1 for earlier, after in zip(before, confirmed, strict=True)), (before, confirmed)
        assert sorted(active.status()["isr"]) == ["a", "b"]
        standby.start()
        pair.until_in_sync()
        crew.progress()
        active.kill()
        eventually(lambda: standby.is_serving, WAIT_S)
        active.start()
        crew.progress()
        pair.until_in_sync()
        crew.drain()
        assert "Traceback" not in pair.logs()


@pytest.mark.slow
async def test_three_nodes_that_keep_two_copies_go_on_without_one(tmp_path: Path) -> None:
    with a_pair(tmp_path, names="abc", more="min_in_sync = 2") as pair:

        async def kill(load: Load) -> None:
            for _ in range(2):
                killed = pair.active
                await asyncio.to_thread(killed.kill)
                await load.progress()
                assert len(pair.active.status()["isr"]) == 2
                killed.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 10, kill)
