"""What a standby does with its link when it hears of a later epoch, and where it is not the store that says so."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from mqbroker.config.addresses import Address
from mqbroker.errors import DiskFailed, LogRefused
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.follower import Follower
from mqbroker.replication.link import Link
from mqbroker.replication.listener import LinkListener
from mqbroker.replication.replica import Replica
from mqbroker.replication.wire import Beat, Durable, Hello, Joined, Packet, Welcome
from mqbroker.storage.log.pieces import Appended
from tests.storage.simdisk import SimDisk

PATIENCE_S = 60.0


class Leader:
    """Welcomes whoever follows, and counts what it is told."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.heard = asyncio.Event()
        self.links: list[Link] = []
        self.listener = LinkListener(Address("127.0.0.1", 0), None, self._received, lambda _: None)

    def _received(self, link: Link, packets: list[Packet]) -> None:
        for packet in packets:
            if isinstance(packet, Hello):
                link.trust("standby")
                link.send([Welcome("c" * 32, "a", 1, 0, True)])
                self.links.append(link)
            self.acknowledged += isinstance(packet, Durable)
            self.heard.set()

    async def has_heard(self, count: int) -> None:
        while self.acknowledged < count:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 10)


@asynccontextmanager
async def followed(replica: Replica, members: str) -> AsyncIterator[tuple[Leader, Follower, "asyncio.Task[None]"]]:
    """A leader that a node follows, and has acknowledged what it has; and what follows."""
    leader = Leader()
    await leader.listener.open()
    follower = Follower(replica, None, PATIENCE_S)
    ballot = Ballot("c" * 32, 1, "a", str(leader.listener.address), frozenset(members), 1, True)
    following = asyncio.create_task(follower.follow(ballot))
    async with asyncio.timeout(20):
        await leader.has_heard(1)
        yield leader, follower, following
    follower.close()
    await leader.listener.close()


async def test_who_hears_of_a_later_epoch_acknowledges_nothing_in_the_older_one() -> None:
    """Without a store the old active node leaves the new one out by itself: it went on confirming with a third one."""
    async with followed(Replica(SimDisk(), True, "b"), "abc") as (leader, follower, following):
        follower.leave(1)
        leader.links[0].send([Beat(0, True)])
        await leader.has_heard(2)
        follower.leave(2)
        leader.links[0].send([Beat(0, True)])
        await following
    assert leader.acknowledged == 2


class Failing(Replica):
    """One whose disk fails with the first batch."""

    def take(self, packets: Iterable[Packet]) -> Durable | None:
        given = list(packets)
        if any(isinstance(each, Appended) for each in given):
            raise OSError("the disk is gone")
        return super().take(given)


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize(("kind", "error"), [(Replica, LogRefused), (Failing, DiskFailed)])
async def test_what_is_wrong_with_a_batch_ends_the_link(
    sync: bool, kind: type[Replica], error: type[Exception]
) -> None:
    """Without a sync a batch is written where it is received: what is raised there would go to the loop, and the link
    would go on without the batch."""
    async with followed(kind(SimDisk(), sync, "b"), "ab") as (leader, _, following):
        leader.links[0].send([Joined(0)])
        await leader.has_heard(2)
        leader.links[0].send([Beat(0, True), Appended(1, 100, 1, [b"what"])])
        with pytest.raises(error):
            await following
    assert leader.acknowledged == 2
