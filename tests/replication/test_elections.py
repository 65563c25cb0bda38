"""One contract for every election store, the real servers included: each change is one fenced compare-and-swap."""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mqbroker.config.addresses import Address
from mqbroker.errors import ElectionUnreachable
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.election import Election
from mqbroker.replication.elections.etcd import EtcdElection
from mqbroker.replication.elections.manual import ManualElection
from mqbroker.replication.elections.memory import MemoryElection, MemoryStore
from mqbroker.replication.elections.postgresql import PostgresqlElection
from tests.replication import stores
from tests.support.ports import free_port

TTL_S = 2
NAMES = map("pair{}".format, itertools.count())
Make = Callable[[], Election]


@pytest.fixture(scope="module")
def etcd_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    stores.require_etcd()
    with stores.etcd(tmp_path_factory.mktemp("etcd") / "etcd") as process:
        yield process.url


@pytest.fixture(scope="module")
def etcd_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.EtcdProcess]:
    stores.require_etcd()
    with stores.etcd(tmp_path_factory.mktemp("etcd") / "etcd", is_tls=True) as process:
        yield process


@pytest.fixture(scope="module")
def etcd_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.EtcdProcess]:
    stores.require_etcd()
    with stores.etcd(tmp_path_factory.mktemp("etcd") / "etcd") as process:
        process.demand_password()
        yield process


@pytest.fixture(scope="module")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    stores.require_postgresql()
    with stores.postgresql(tmp_path_factory.mktemp("postgresql") / "postgresql") as url:
        yield url


@pytest.fixture(params=["memory", "etcd", "etcd over TLS", "etcd with a user", "postgresql", "manual"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes one node's view of a store that nobody has used: that of `a`, then that of `b`."""
    name = next(NAMES)
    if request.param == "manual":
        return iter(manual_elections(request.getfixturevalue("tmp_path"))).__next__
    if request.param == "memory":
        store = MemoryStore(lambda: time.monotonic_ns() // 1_000_000, TTL_S * 1000)
        return lambda: MemoryElection(store)
    if request.param == "etcd over TLS":
        process = request.getfixturevalue("etcd_tls")
        context = ssl.create_default_context(cafile=process.certificates / "ca.pem")
        return lambda: EtcdElection([process.url], name, TTL_S, context=context)
    if request.param == "etcd with a user":
        process = request.getfixturevalue("etcd_user")
        return lambda: EtcdElection([process.url], name, TTL_S, stores.USER, stores.PASSWORD)
    if request.param == "etcd":
        url = request.getfixturevalue("etcd_url")
        return lambda: EtcdElection([url], name, TTL_S)
    url = request.getfixturevalue("postgresql_url")
    return lambda: PostgresqlElection(url, name, TTL_S)


def manual_elections(folder: Path) -> list[Election]:
    """Those of two nodes that reach each other."""
    elections: dict[int, ManualElection] = {}

    async def ask(address: Address, said: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        return elections[address.port].answer(said)

    for port, node in enumerate("ab"):
        other = Address(node, 1 - port)
        (folder / node).mkdir()
        elections[port] = ManualElection(node, folder / node, [other], TTL_S, 1, ask)
    return list(elections.values())


@pytest.fixture
async def two(make: Make) -> AsyncIterator[tuple[Election, Election]]:
    one, other = make(), make()
    yield one, other
    await one.close()
    await other.close()


Two = tuple[Election, Election]


async def founded(election: Election) -> Ballot:
    ballot = await election.found("cluster", "a", "a:5670", 1)
    assert ballot is not None
    return ballot


async def until_free(election: Election) -> Ballot:
    """Waits until the leader's lease has run out."""
    async with asyncio.timeout(20):
        while (seen := await election.read()) is not None and seen.is_held:
            await election.watch(1)
    assert seen is not None
    return seen


async def test_a_pair_is_founded_once(two: Two) -> None:
    """Two nodes that start for the first time would otherwise both lead."""
    one, other = two
    assert await one.read() is None
    mine = await founded(one)
    assert (mine.epoch, mine.leader, mine.isr, mine.is_held) == (1, "a", frozenset("a"), True)
    assert await other.found("other", "b", "b:5670", 1) is None
    assert await other.read() == mine


async def test_nobody_is_promoted_while_the_lease_is_alive(two: Two) -> None:
    one, other = two
    mine = await founded(one)
    assert await other.acquire(mine, "b", "b:5670") is None
    assert await other.read() == mine


async def test_a_lease_that_is_renewed_lives_on(two: Two) -> None:
    one, other = two
    mine = await founded(one)
    for _ in range(4):
        await asyncio.sleep(TTL_S / 3)
        assert await one.renew(mine) == mine
    seen = await other.read()
    assert seen is not None
    assert seen.is_held


async def test_after_the_lease_exactly_one_is_promoted(two: Two) -> None:
    """Two standbys that saw the same ballot both led."""
    one, other = two
    await founded(one)
    seen = await until_free(other)
    results = await asyncio.gather(one.acquire(seen, "a", "a:1"), other.acquire(seen, "b", "b:1"))
    winners = [each for each in results if each is not None]
    assert [each.epoch for each in winners] == [2]
    assert await one.read() == winners[0]


async def test_who_was_replaced_can_change_nothing(two: Two) -> None:
    """The old active took the standby out of the set, and went on confirming alone."""
    one, other = two
    mine = await founded(one)
    theirs = await other.acquire(await until_free(other), "b", "b:5670")
    assert theirs is not None
    assert await one.renew(mine) is None
    assert await one.cas_isr(mine, frozenset("a")) is None
    await one.resign(mine)
    assert await one.read() == theirs


async def test_a_change_of_the_set_is_refused_when_it_has_changed_since(two: Two) -> None:
    one, other = two
    mine = await founded(one)
    newer = await one.cas_isr(mine, frozenset("ab"))
    assert newer is not None
    assert newer.isr == frozenset("ab")
    assert newer.epoch == mine.epoch
    assert await one.cas_isr(mine, frozenset("a")) is None
    assert await other.read() == newer


async def test_a_promotion_is_refused_when_the_set_has_changed_since(two: Two) -> None:
    """A standby that had just been left out of the set was promoted without what was confirmed meanwhile."""
    one, other = two
    mine = await founded(one)
    seen = await until_free(other)
    assert await one.cas_isr(mine._replace(revision=seen.revision), frozenset("ab")) is not None
    assert await other.acquire(seen, "b", "b:5670") is None


async def test_a_lease_that_has_run_out_begins_anew_while_nobody_was_promoted(two: Two) -> None:
    """A short outage of the store alone would have ended the active node."""
    one, other = two
    mine = await founded(one)
    await until_free(other)
    assert await one.renew(mine) == mine
    seen = await other.read()
    assert seen is not None
    assert seen.is_held
    assert await other.acquire(seen, "b", "b:5670") is None


async def test_who_resigns_is_replaced_at_once(two: Two) -> None:
    one, other = two
    mine = await founded(one)
    await one.resign(mine)
    began = time.monotonic()
    seen = await until_free(other)
    assert await other.acquire(seen, "b", "b:5670") is not None
    assert time.monotonic() - began < TTL_S


async def test_a_watch_returns_when_something_changes(two: Two) -> None:
    one, other = two
    mine = await founded(one)
    assert await other.read() == mine
    watching = asyncio.create_task(other.watch(15))
    await asyncio.sleep(0.1)
    await one.resign(mine)
    await asyncio.wait_for(watching, 10)


@pytest.mark.parametrize(
    "election",
    [
        lambda port: EtcdElection([f"http://127.0.0.1:{port}"], "pair", TTL_S),
        lambda port: PostgresqlElection(f"postgresql://nobody@127.0.0.1:{port}/none", "pair", TTL_S),
    ],
    ids=["etcd", "postgresql"],
)
async def test_a_store_that_does_not_answer_is_unreachable(election: Callable[[int], Election]) -> None:
    """What the shell does not know for an outage would have ended the process."""
    store = election(free_port())
    with pytest.raises(ElectionUnreachable, match="cannot be asked"):
        await store.read()
    await store.close()


async def test_an_etcd_that_loses_its_data_is_noticed(tmp_path: Path) -> None:
    """A store that was wiped began with the epoch 1 again, and old epochs came back."""
    stores.require_etcd()
    with stores.etcd(tmp_path / "etcd") as process:
        election = EtcdElection([process.url], "pair", TTL_S)
        mine = await founded(election)
        await asyncio.to_thread(process.wipe)
        assert await election.renew(mine) is None
        assert await election.read() is None
        await election.close()


async def test_an_etcd_that_forgets_who_is_logged_in_is_told_again(tmp_path: Path) -> None:
    """Its tokens end with its process and with every change of its users: the pair took that for an outage."""
    stores.require_etcd()
    with stores.etcd(tmp_path / "etcd") as process:
        process.demand_password()
        election = EtcdElection([process.url], "pair", TTL_S, stores.USER, stores.PASSWORD)
        mine = await founded(election)
        await asyncio.to_thread(process.stop)
        await asyncio.to_thread(process.start)
        assert await election.read() is not None
        await asyncio.to_thread(process.control, "--user", "root:root", "user", "add", "somebody:else")
        assert await election.renew(mine) is not None
        await election.close()


async def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    """An operator saw a KeyError instead."""
    stores.require_etcd()
    with stores.etcd(tmp_path / "etcd") as process:
        process.demand_password()
        election = EtcdElection([process.url], "pair", TTL_S, stores.USER, "wrong")
        with pytest.raises(ElectionUnreachable, match=r"user 'mqbroker' cannot log in: .*authentication failed"):
            await election.read()
        await election.close()
