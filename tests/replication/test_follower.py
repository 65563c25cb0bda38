"""What a standby does with its link when it hears of a later epoch, and where it is not the store that says so."""

import asyncio

from mqbroker.config.addresses import Address
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.follower import Follower
from mqbroker.replication.link import Link
from mqbroker.replication.listener import LinkListener
from mqbroker.replication.replica import Replica
from mqbroker.replication.wire import Beat, Durable, Hello, Packet, Welcome
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

    async def is_heard(self) -> None:
        self.heard.clear()
        await asyncio.wait_for(self.heard.wait(), 10)


async def test_who_hears_of_a_later_epoch_acknowledges_nothing_in_the_older_one() -> None:
    """Without a store the old active node leaves the new one out by itself: it went on confirming with a third one."""
    leader = Leader()
    await leader.listener.open()
    follower = Follower(Replica(SimDisk(), True, "b"), None, PATIENCE_S)
    ballot = Ballot("c" * 32, 1, "a", str(leader.listener.address), frozenset("abc"), 1, True)
    following = asyncio.create_task(follower.follow(ballot))
    async with asyncio.timeout(20):
        while not leader.acknowledged:
            await leader.is_heard()
        follower.leave(1)
        leader.links[0].send([Beat(0, True)])
        while leader.acknowledged < 2:
            await leader.is_heard()
        follower.leave(2)
        leader.links[0].send([Beat(0, True)])
        await following
    assert leader.acknowledged == 2
    follower.close()
    await leader.listener.close()
