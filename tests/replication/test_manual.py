"""Two real nodes without an election store: an operator says who leads, and nothing confirmed is lost by that."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mqbroker.config.addresses import Address
from mqbroker.errors import ElectionUnreachable, StorageError
from mqbroker.replication.elections.manual import NAME, ManualElection
from tests.replication.pair_house import NodeProcess, Pair, closing
from tests.replication.stores import EtcdProcess
from tests.replication.test_ha import ha, publish, waiting
from tests.support.waiting import eventually

WAIT_S = 45


@contextmanager
def a_manual_pair(folder: Path, more: str = "") -> Iterator[Pair]:
    pair = Pair(folder, EtcdProcess(folder / "none"), more=f'election = "manual"\n{more}', direct=True)
    links = ", ".join(f'"127.0.0.1:{node.link_port}"' for node in pair.nodes)
    with closing(pair):
        for node in pair.nodes:
            node.configure(f'"http://127.0.0.1:{node.to_store.port}"', links)
            node.start()
        pair.until_in_sync()
        yield pair


def serves(node: NodeProcess) -> None:
    eventually(lambda: node.is_serving, WAIT_S)


@pytest.mark.timeout(300)
def test_an_operator_decides_and_orderly_stops_and_restarts_need_none(tmp_path: Path) -> None:
    with a_manual_pair(tmp_path) as pair:
        assert pair.active is pair.a
        publish(pair.a, 20)
        assert "is alive" in ha(pair.b, "promote", "--epoch", "2")[1]
        pair.a.kill()
        eventually(lambda: "make sure that it is stopped" in pair.b.log(), WAIT_S)
        code, said = ha(pair.b, "promote", "--epoch", "2")
        assert code != 0
        assert "nobody here knows whether it has confirmed more" in said
        assert not pair.b.is_serving
        code, said = ha(pair.b, "promote", "--epoch", "2", "--force")
        assert code == 0, said
        serves(pair.b)
        assert waiting(pair.b) == 20
        pair.a.start()
        pair.until_in_sync()
        assert ha(pair.b, "switchover")[0] == 0
        serves(pair.a)
        eventually(lambda: not pair.b.is_running, WAIT_S)
        pair.b.start()
        pair.until_in_sync()
        pair.a.kill()
        pair.a.start()
        serves(pair.a)  # it led last, and the other node knows of nobody else
        assert waiting(pair.a) == 20
        pair.until_in_sync()
        assert "Traceback" not in pair.logs()


@pytest.mark.timeout(300)
def test_a_pair_that_confirms_nothing_alone_needs_no_force(tmp_path: Path) -> None:
    """With min_in_sync = 2 whoever is in the set has everything, so an operator was warned of nothing."""
    with a_manual_pair(tmp_path, "min_in_sync = 2") as pair:
        publish(pair.a, 20)
        paused = pair.a
        paused.pause()
        eventually(lambda: "make sure that it is stopped" in pair.b.log(), WAIT_S)
        code, said = ha(pair.b, "promote", "--epoch", "2")
        assert code == 0, said
        serves(pair.b)
        paused.go_on()
        eventually(lambda: not paused.is_running, WAIT_S)
        paused.start()
        pair.until_in_sync()
        assert waiting(pair.b) == 20


async def silent(_address: Address, _said: object) -> dict[str, object]:
    raise TimeoutError


async def test_a_node_that_led_does_not_lead_again_while_another_one_is_silent(tmp_path: Path) -> None:
    """It may have been replaced meanwhile: both would have led."""
    other = Address("b", 1)
    alone = ManualElection("a", tmp_path, [], 1, 1, silent)
    mine = await alone.found("cluster", "a", "a:1", 1)
    assert mine is not None
    found = await ManualElection("a", tmp_path, [other], 1, 1, silent).read()
    assert found is not None
    assert not found.is_held
    assert "one of them may lead by now" in found.hesitation


async def test_nobody_founds_a_pair_while_another_node_is_silent(tmp_path: Path) -> None:
    """A node whose disk was new founded a second pair beside the one that there was."""
    with pytest.raises(ElectionUnreachable, match="waiting for 1 of the other nodes"):
        await ManualElection("a", tmp_path, [Address("b", 1)], 1, 1, silent).read()


@pytest.mark.parametrize("said", [{}, {"known": 1, "claims": True}, {"known": {"cluster": "c"}, "claims": False}])
def test_what_is_no_ballot_is_refused(said: dict[str, object], tmp_path: Path) -> None:
    election = ManualElection("a", tmp_path, [], 1, 1, silent)
    assert election.answer(said) == {"error": "this is no ballot"}


def test_a_ballot_that_is_not_readable_stops_the_start(tmp_path: Path) -> None:
    """A node that had forgotten who led would have led itself."""
    (tmp_path / NAME).write_bytes(b"{")
    with pytest.raises(StorageError, match="not known who led last"):
        ManualElection("a", tmp_path, [], 1, 1, silent)


class Network:
    """Manual elections that reach each other, unless they are parted."""

    def __init__(self, folder: Path, names: str) -> None:
        self.is_parted = False
        self.elections: dict[str, ManualElection] = {}
        for name in names:
            (folder / name).mkdir()
            others = [Address(other, 1) for other in names if other != name]
            self.elections[name] = ManualElection(name, folder / name, others, 30, 1, self.ask)

    async def ask(self, address: Address, said: dict[str, object]) -> dict[str, object]:
        if self.is_parted:
            raise TimeoutError
        return self.elections[address.host].answer(said)


@pytest.mark.parametrize("epoch", [-1, 2**63, 2**64 - 1, 1e19])
def test_an_epoch_after_which_none_fits_is_refused(epoch: float, tmp_path: Path) -> None:
    """It was kept, and the node ended when it was to write down the next one."""
    election = ManualElection("a", tmp_path, [], 1, 1, silent)
    said = {"known": written("c", 1) | {"epoch": epoch}, "claims": False}
    assert election.answer(said) == {"error": "this is no ballot"}
    assert election.epoch == 0


async def test_two_that_were_promoted_to_one_epoch_agree_when_they_meet(tmp_path: Path) -> None:
    """Both led for ever: neither ballot was newer than the other."""
    network = Network(tmp_path, "ab")
    a, b = network.elections["a"], network.elections["b"]
    first = await a.found("cluster", "a", "a:1", 1)
    assert first is not None
    await a.resign(first)
    network.is_parted = True
    mine = [
        await each.acquire(seen, name, name) for name, each in network.elections.items() if (seen := await each.read())
    ]
    assert [each.epoch for each in mine if each] == [2, 2]
    network.is_parted = False
    kept = [await each.renew(ballot) for each, ballot in zip((a, b), mine, strict=True) if ballot]
    assert sum(each is not None for each in kept) == 1
    assert await a.read() == await b.read()


async def test_a_ballot_of_another_pair_is_left_alone(tmp_path: Path) -> None:
    """One wrong address in the list, and a node belonged to a pair whose journal it did not have."""
    network = Network(tmp_path, "ab")
    network.is_parted = True
    for name, each in network.elections.items():
        each.answer({"known": written(name, 1), "claims": False})
    network.is_parted = False
    found = await network.elections["a"].read()
    assert found is not None
    assert found.cluster == "a"
    claim = {"known": written("b", 9), "claims": True}
    assert network.elections["a"].answer(claim)["granted"] is False


def written(cluster: str, epoch: int) -> dict[str, object]:
    return {
        "cluster": cluster, "epoch": epoch, "leader": "c", "address": "c:1", "isr": ["c"], "revision": 1, "free": False,
    }  # fmt: skip


async def test_a_node_whose_own_address_is_in_its_list_is_elected(tmp_path: Path) -> None:
    """It took its own claim for somebody else's, and gave way to it for ever."""
    elections: list[ManualElection] = []

    async def ask(_address: Address, said: dict[str, object]) -> dict[str, object]:
        return elections[0].answer(said)

    elections.append(ManualElection("a", tmp_path, [Address("a", 1)], 30, 1, ask))
    mine = await elections[0].found("cluster", "a", "a:1", 1)
    assert mine is not None
    assert await elections[0].renew(mine) == mine
