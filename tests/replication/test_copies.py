"""A standby that has lost some of its older segments gets just these back, and is not promoted before."""

import logging
from pathlib import Path
from random import Random

import pytest

from mqbroker.errors import LogRefused
from mqbroker.limits import SEGMENT_BYTES_CEILING
from mqbroker.replication.copies import SUFFIX, Copied, Copies, Filling
from mqbroker.storage.log.applier import Applier
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.segment import (
    first_lsn_of,
    pack_segment_header,
    read_segment_header,
    segment_name,
    segment_names,
)
from tests.replication import stores
from tests.replication.pair_house import a_pair
from tests.replication.simulated import World
from tests.replication.test_ha import ha, publish
from tests.support.waiting import eventually

WAIT_S = 45


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "mqbroker.replication")


def a_calm_world(seed: int) -> World:
    """Two nodes with many segments, alike."""
    world = World(seed, "ab", trouble=0)
    for node in world.nodes.values():
        node.start()
    for _ in range(3000):
        world.step()
    world.heal()
    return world


@pytest.mark.parametrize("seed", range(30))
def test_segments_that_a_standby_has_lost_are_copied(seed: int) -> None:
    """It began anew with the whole journal for the sake of one file."""
    world, chance = a_calm_world(seed), Random(seed)
    standby = next(node for node in world.nodes.values() if node.active is None)
    standby.die(has_power_cut=False)
    names = segment_names(standby.disk.names())
    lost = chance.sample(names, chance.randint(1, len(names)))
    for name in lost:
        standby.disk.delete(name)
    standby.guarded(standby.start)
    world.heal()
    world.judge()
    assert not [name for name in standby.disk.names() if name.endswith(SUFFIX)]
    kept = set(names) - set(lost)
    assert not kept & {name.removesuffix(".divergent") for name in standby.disk.names() if "divergent" in name}


def test_links_that_end_while_segments_are_copied_only_delay_it() -> None:
    """A file that was copied half passed for a segment."""
    for seed in range(60):
        world = a_calm_world(seed)
        standby = next(node for node in world.nodes.values() if node.active is None)
        standby.die(has_power_cut=False)
        for name in segment_names(standby.disk.names())[:-1]:
            standby.disk.delete(name)
        for _ in range(6):
            standby.guarded(standby.start)
            for _ in range(world.chance.randrange(200)):
                world.step()
            standby.die(has_power_cut=world.chance.random() < 0.5)
        world.heal()
        world.judge()


def a_disk_with_segments(seed: int = 3) -> Disk:
    world = a_calm_world(seed)
    disk = world.nodes["a"].disk
    assert len(segment_names(disk.names())) > 1
    return disk


def pieces_of(disk: Disk) -> list[Copied]:
    """Those of the segment with the most frames."""
    segments = map(first_lsn_of, segment_names(disk.names()))
    return max((Copies(disk, [first]).next(1 << 30) for first in segments), key=len)


def cluster_of(disk: Disk) -> bytes:
    return Applier(disk, False).cluster_id


def take(filling: Filling, pieces: list[Copied]) -> None:
    for each in pieces:
        filling.take(each)


@pytest.mark.parametrize("harm", ["missing", "twice", "end only", "cut", "flipped", "of another cluster", "endless"])
def test_what_does_not_fit_is_refused(harm: str) -> None:
    disk = a_disk_with_segments()
    pieces, cluster = pieces_of(disk), cluster_of(disk)
    assert len(pieces) > 3
    octets = b"".join(pieces[1].parts)
    match harm:
        case "missing":
            del pieces[1]
        case "twice":
            pieces.insert(1, pieces[1])
        case "end only":
            pieces = pieces[-1:]
        case "cut":
            pieces[1] = pieces[1]._replace(parts=[octets[:-1]])
        case "flipped":
            pieces[1] = pieces[1]._replace(parts=[octets[:-1] + bytes([octets[-1] ^ 1])])
        case "of another cluster":
            cluster = bytes(16)
        case "endless":
            first = b"".join(pieces[0].parts)
            header = read_segment_header(segment_name(pieces[0].segment), first)
            assert header is not None
            opening = pack_segment_header(header._replace(size_bytes=SEGMENT_BYTES_CEILING + 1))
            pieces = [pieces[0]._replace(parts=[opening + first[len(opening) :]])]
    filling = Filling(disk, cluster)
    with pytest.raises(LogRefused):
        take(filling, pieces)
    assert harm != "endless" or not any(name.endswith(SUFFIX) for name in disk.names())


def test_a_segment_that_is_deleted_meanwhile_is_left_out() -> None:
    disk = a_disk_with_segments()
    names = segment_names(disk.names())
    copies = Copies(disk, map(first_lsn_of, names[:-1]))
    copies.next(1)
    for name in names[:-1]:
        disk.delete(name)
    assert copies.next(1 << 30) == []
    assert copies.is_done


@stores.NEEDS_ETCD
@pytest.mark.timeout(180)
def test_a_file_that_somebody_has_deleted_comes_back(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:
        publish(pair.a, 60, bytes(100_000))
        pair.b.kill()
        names = sorted(path.name for path in pair.b.data_dir.glob("*.journal"))
        assert len(names) > 4
        (pair.b.data_dir / names[2]).unlink()
        pair.b.start()
        pair.until_in_sync()
        # It is said once the file has its name, and the node is in sync all the time, as it was gone so shortly.
        eventually(lambda: "was missing here, and is copied" in pair.b.log(), WAIT_S)
        assert (pair.b.data_dir / names[2]).exists()
        assert "never counted" not in pair.b.log()
        code, said = ha(pair.b, "verify")
        assert code == 0, said
