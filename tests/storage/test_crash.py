"""Power cuts, kills and failing disks, against the oracle of world.py. A seed that fails is replayed by its number."""

import errno
from random import Random

import pytest

from mqbroker.errors import StorageError
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.pages import relocator
from tests.storage.house import KEYRINGS, Journal
from tests.storage.simdisk import PowerCut, SimDisk
from tests.storage.world import State, World, lives


@KEYRINGS
@pytest.mark.parametrize("block", range(20))
def test_after_any_crash_the_journal_is_its_history_up_to_some_batch(block: int, keyring: Keyring | None) -> None:
    for seed in range(block * 25, block * 25 + 25):
        lives(seed, generations=4, steps=150, keyring=keyring)


@KEYRINGS
@pytest.mark.parametrize("block", range(10))
def test_after_any_crash_the_same_is_found_by_indexes(
    block: int, keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left on the disk is not what was there, or is counted wrongly, or went when its segment was emptied."""
    monkeypatch.setattr(relocator, "DISK_USE_MAX", 1.2)
    monkeypatch.setattr(relocator, "DISK_SLACK_SEGMENTS", 0)
    for seed in range(block * 25, block * 25 + 25):
        lives(seed, generations=5, steps=200, keyring=keyring, windows=(1, 1, 2, 0, 1))


@pytest.mark.slow
@pytest.mark.timeout(600)
@KEYRINGS
@pytest.mark.parametrize("block", range(100))
def test_after_any_of_many_crashes_the_same_is_found_by_indexes(
    block: int, keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocator, "DISK_USE_MAX", 1.2)
    monkeypatch.setattr(relocator, "DISK_SLACK_SEGMENTS", 0)
    for seed in range(1000 + block * 100, 1000 + block * 100 + 100):
        lives(seed, generations=5, steps=300, keyring=keyring, windows=(1, 1, 2, 0, 1))


@pytest.mark.slow
@pytest.mark.timeout(600)
@KEYRINGS
@pytest.mark.parametrize("block", range(100))
def test_after_any_of_many_crashes_the_journal_is_its_history_up_to_some_batch(
    block: int, keyring: Keyring | None
) -> None:
    for seed in range(1000 + block * 100, 1000 + block * 100 + 100):
        lives(seed, generations=5, steps=300, keyring=keyring)


def a_life(fail_at: int, failure: BaseException, keyring: Keyring | None = None) -> tuple[World | None, SimDisk]:
    """The same life each time, but for the disk call that fails."""
    disk = SimDisk()
    disk.fail_at, disk.failure = fail_at, failure
    world = None
    try:
        world = World(disk, Random(7), State(), executor=False, keyring=keyring)
        world.live_on(600)
        world.close()
    except (PowerCut, StorageError):
        pass
    return world, disk


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_whichever_disk_call_fails_nothing_promised_is_lost(code: int) -> None:
    fail_at = 0
    while True:
        fail_at += 1
        world, disk = a_life(fail_at, OSError(code, "made to fail"))
        again = Journal(disk.after_power_cut(Random(fail_at)), segment_bytes=8192)
        if world is not None:
            assert len(world.journal.fatal.errors) <= 1
            world.judge(again.recovered, was_clean=None)
        if disk.calls < fail_at:
            break
    assert fail_at > 100


@KEYRINGS
def test_whichever_disk_call_the_power_fails_in_nothing_promised_is_lost(keyring: Keyring | None) -> None:
    fail_at = 0
    while True:
        fail_at += 1
        world, disk = a_life(fail_at, PowerCut(), keyring)
        for image in range(3):
            again = Journal(disk.after_power_cut(Random(fail_at * 10 + image)), segment_bytes=8192, keyring=keyring)
            if world is not None:
                world.judge(again.recovered, was_clean=None)
        if disk.calls < fail_at:
            break
    assert fail_at > 100
