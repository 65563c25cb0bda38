"""A log and its copy: whatever the writing node does and whichever of both crashes, the files are the same octets."""

from random import Random

import pytest

from mqbroker.errors import StorageError
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.applier import Applier
from mqbroker.storage.log.segment import read_segment_header, segment_names
from mqbroker.storage.tools.verify import report
from tests.storage.following import Link, segments_of
from tests.storage.house import KEYRINGS
from tests.storage.simdisk import PowerCut, SimDisk
from tests.storage.world import State, World, found_in, read


class Pair:
    """Two nodes. The one that writes may be replaced by its next life, the standby by the next one of its own."""

    def __init__(self, seed: int, keyring: Keyring | None) -> None:
        self.chance = Random(seed)
        self.keyring = keyring
        self.disk = SimDisk()
        self.copy = SimDisk()
        self.past = State()
        self.world = World(self.disk, self.chance, self.past)
        self.link: Link | None = None
        self.cuts = 0
        """How often the standby had more than the log."""

    def step(self) -> None:
        if self.chance.random() < 0.6:
            try:
                self.world.step()
            except PowerCut:
                self.next_life()
        else:
            self._follow()

    def _follow(self) -> None:
        if self.chance.random() < 0.02:
            self.copy.fail_at = self.copy.calls + self.chance.randrange(1, 8)
            self.copy.failure = PowerCut()
        if self.link is not None and self.chance.random() < 0.01:
            self.link.cut()
            self.link = None
        try:
            if self.link is None:
                self.link = Link(self.world.ledger, self.disk, self.copy)
            self.link.step(self.chance)
        except PowerCut:
            self.copy = self.copy.after_power_cut(self.chance) if self.chance.random() < 0.5 else self.copy.after_kill()
            self._unfollow()

    def _unfollow(self) -> None:
        if self.link is not None:
            self.link.cut()
            self.link = None

    def next_life(self) -> None:
        """The writing node crashes and starts again. What only the standby had of the log is dropped there."""
        if self.link is not None and self.chance.random() < 0.7:
            self._take_what_was_sent(self.link)
        self._unfollow()
        crashed = self.disk.after_power_cut(self.chance) if self.chance.random() < 0.5 else self.disk.after_kill()
        self.past = self.world.judge(read(crashed, self.keyring), None)
        self.disk = crashed
        self.world = World(self.disk, self.chance, self.past, keyring=self.keyring)
        if self.chance.random() < 0.5:
            self.disk.fail_at = self.disk.calls + self.chance.randrange(1, 60)
            self.disk.failure = PowerCut()
        self._drop_divergent()

    def _take_what_was_sent(self, link: Link) -> None:
        try:
            while link.joined >= 0 and link.reader.lsn >= link.joined and link.live:
                link.step(self.chance)
        except PowerCut:
            self.copy = self.copy.after_kill()

    def _drop_divergent(self) -> None:
        name = segment_names(self.disk.names())[-1]
        header = read_segment_header(name, self.disk.read(name))
        assert header is not None
        while (applier := Applier(self.copy, True)).lsn > header.previous_lsn:
            self.cuts += 1
            try:
                applier.truncate(header.previous_lsn)
            except PowerCut:
                self.copy = self.copy.after_power_cut(self.chance)

    def rest(self) -> None:
        """Everything under way is done, and the standby follows to the end."""
        self.copy.fail_at = self.disk.fail_at = 0
        world = self.world
        while world.ledger.writer.wait():
            pass
        while self.link is None or not self.link.is_up_to_date:
            self._follow_calmly()

    def _follow_calmly(self) -> None:
        if self.link is None:
            self.link = Link(self.world.ledger, self.disk, self.copy)
        self.link.step(self.chance)


def follow_and_judge(seed: int, keyring: Keyring | None, steps: int) -> int:
    """A random history of both nodes, at whose end they are alike. Returns how often the standby had more."""
    pair = Pair(seed, keyring)
    for life in range(3):
        if life:
            pair.next_life()
        for _ in range(pair.chance.randrange(steps)):
            pair.step()
    pair.rest()
    assert segments_of(pair.copy) == segments_of(pair.disk)
    assert found_in(read(pair.copy, keyring)) == found_in(read(pair.disk, keyring))
    found = report(pair.copy, keyring)
    assert found.is_sound, str(found)
    return pair.cuts


@KEYRINGS
@pytest.mark.parametrize("block", range(10))
def test_the_copy_is_the_same_octets_whatever_happened(block: int, keyring: Keyring | None) -> None:
    cuts = sum(follow_and_judge(seed, keyring, 300) for seed in range(block * 40, block * 40 + 40))
    assert cuts, "no history was one in which the writing node lost what it had sent"


@pytest.mark.slow
@pytest.mark.timeout(600)
@KEYRINGS
@pytest.mark.parametrize("block", range(50))
def test_the_copy_is_the_same_octets_whatever_happened_many_times(block: int, keyring: Keyring | None) -> None:
    for seed in range(10_000 + block * 50, 10_000 + block * 50 + 50):
        follow_and_judge(seed, keyring, 600)


def a_history(keyring: Keyring | None) -> tuple[World, SimDisk]:
    """The same each time, with rolls and deletions."""
    disk = SimDisk()
    world = World(disk, Random(7), State(), executor=False, keyring=keyring)
    return world, disk


@KEYRINGS
@pytest.mark.parametrize("is_power_cut", [False, True], ids=["killed", "power cut"])
def test_whichever_disk_call_of_the_standby_fails_it_goes_on_to_the_same_octets(
    is_power_cut: bool, keyring: Keyring | None
) -> None:
    fail_at = 0
    while True:
        fail_at += 1
        copy = SimDisk()
        copy.fail_at, copy.failure = fail_at, PowerCut()
        world, disk = a_history(keyring)
        chance = Random(fail_at)
        calls = _follow_through(world, disk, copy, chance, is_power_cut)
        if calls < fail_at:
            break
    assert fail_at > 100


def _follow_through(world: World, disk: SimDisk, copy: SimDisk, chance: Random, is_power_cut: bool) -> int:
    """The disk calls of the standby up to where it failed; asserts that it is like its node at the end."""
    first = copy
    link: Link | None = None
    for _ in range(400):
        world.step()
        try:
            link = link or Link(world.ledger, disk, copy)
            while not link.is_up_to_date:
                link.step(chance)
        except PowerCut:
            copy = copy.after_power_cut(chance) if is_power_cut else copy.after_kill()
            link = Link(world.ledger, disk, copy)
    assert link is not None
    while not link.is_up_to_date:
        link.step(chance)
    assert segments_of(copy) == segments_of(disk)
    return first.calls


def test_a_batch_that_the_log_does_not_have_is_not_read_after() -> None:
    """A standby whose log took another course was sent frames that did not continue it."""
    world, disk = a_history(None)
    world.live_on(200)
    copy = SimDisk()
    link = Link(world.ledger, disk, copy)
    while not link.is_up_to_date:
        link.step(world.chance)
    with pytest.raises(StorageError, match="has no batch"):
        Link(world.ledger, SimDisk(), copy).step(world.chance)
