"""Random histories of a pair: kills, power cuts, partitions, a store that does not answer. Nothing confirmed is lost.

The oracle (simulated.py): nobody confirms in an older epoch after somebody has in a newer one; whoever is promoted has
every confirmed message; in the end all nodes hold the same octets, and every confirmed message is in them.
"""

import logging

import pytest

from mqbroker.storage import gate
from tests.replication import histories
from tests.replication.simulated import survive


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "mqbroker.replication")


@pytest.mark.parametrize("block", range(20))
def test_two_nodes_lose_nothing_that_was_confirmed(block: int) -> None:
    worlds = [survive(seed, 1500) for seed in range(block * 8, block * 8 + 8)]
    assert sum(len(world.confirmed_bodies) for world in worlds) > 100
    assert any(len(world.promotions) > 1 for world in worlds)


@pytest.mark.parametrize("block", range(10))
def test_three_nodes_lose_nothing_that_was_confirmed(block: int) -> None:
    for seed in range(5000 + block * 4, 5000 + block * 4 + 4):
        survive(seed, 2000, "abc")


@pytest.mark.slow
@pytest.mark.timeout(histories.BOUND_S + 120)
def test_ten_thousand_histories_lose_nothing_that_was_confirmed() -> None:
    passed, failed = histories.run(histories.FIRST, histories.COUNT)
    assert not failed
    assert passed == histories.COUNT, "the time was over"


def test_the_oracle_notices_a_gate_that_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """An oracle that sees nothing would have let every mistake pass."""
    monkeypatch.setattr(gate.Gate, "require", lambda self, member, lsn: self.committed)
    failed = []
    for seed in range(100):
        try:
            survive(seed, 2500)
        except AssertionError as error:
            failed.append(str(error))
    assert any("was promoted to" in each for each in failed)
