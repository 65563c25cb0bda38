"""The standby's side of a link: follows the active node until the link ends. Disk work is done in a thread of its own.

What arrives while the thread works is its next portion, so acknowledgements come as fast as the disk syncs. Where they
need no sync, batches are written when they arrive: that takes less time than handing them over to the thread, as long
as the page cache takes them at once.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TypeVar

from mqbroker.config.addresses import Address
from mqbroker.errors import DiskFailed, LinkBroken, LinkRefused
from mqbroker.limits import PAIR_QUEUED_BYTES_MAX
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.copies import Copied
from mqbroker.replication.link import Link, wait_at_most
from mqbroker.replication.replica import Replica
from mqbroker.replication.wire import Beat, Durable, Packet, Refused, Welcome
from mqbroker.storage.log.executors import WriteSpeed
from mqbroker.storage.log.pieces import Appended

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 2.0
_LOOK_S = 0.1

T = TypeVar("T")


class Follower:
    """Follows whoever is active, one link at a time."""

    def __init__(self, replica: Replica, context: ssl.SSLContext | None, patience_s: float) -> None:
        self.replica = replica
        self.is_linked = False
        self.is_stopping = False
        """Whether to follow nobody any more."""
        self._context = context
        self._patience_s = patience_s
        self._thread = ThreadPoolExecutor(1, "replica")
        self._queue: list[Packet] = []
        self._queued_bytes = 0
        self._arrived = asyncio.Event()
        self._heard_at = 0.0
        self._epoch = 0
        """That of the node which is followed; 0 for none, or when a later one has begun."""
        self._preparation: asyncio.Task[None] | None = None
        self._works = 0
        """How much is to be done by the thread, or waits to be."""
        self._speed = WriteSpeed()
        self._trouble: Exception | None = None
        """What was raised by something that was done at once."""

    async def follow(self, ballot: Ballot) -> None:
        """Follows the leader of that ballot, which was read just now, until the link ends.

        ConnectionRefusedError when nobody listens there, OSError when it cannot be reached, LinkRefused when one side
        will not have the other, LogRefused and LinkBroken when what comes does not fit; DiskFailed and JournalCorrupt
        when this node cannot go on.
        """
        address = Address.parse(ballot.address)
        self._epoch = ballot.epoch
        link = Link(self._received, self._ended)
        self._queue.clear()
        self._queued_bytes = 0
        self._trouble = None
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(
                lambda: link, address.host, address.port, ssl=self._context
            )
        try:
            link.trust(ballot.leader)
            link.send([await self.work(self.replica.greet, ballot)])
            self._heard_at = monotonic()
            await self._obey(link, ballot)
        finally:
            await self._prepared()
            self.is_linked = False
            self.replica.is_in_sync = False
            link.abort()

    def leave(self, epoch: int) -> None:
        """That epoch has begun: acknowledges nothing more to who leads in an older one."""
        if epoch > self._epoch:
            self._epoch = 0
            self._arrived.set()

    def _may_follow(self, link: Link) -> bool:
        is_heard = monotonic() - self._heard_at <= self._patience_s
        return link.is_open and is_heard and self._epoch > 0 and not self.is_stopping

    async def _obey(self, link: Link, ballot: Ballot) -> None:
        while self._trouble is None and self._may_follow(link):
            packets, self._queue, self._queued_bytes = self._queue, [], 0
            if not packets:
                self._arrived.clear()
                await wait_at_most(self._arrived, _LOOK_S)
                continue
            link.set_reading(True)
            self._works += 1
            try:
                self._answer(link, await self._take(packets, ballot))
            finally:
                self._works -= 1
        if self._trouble is not None:
            raise self._trouble

    def _answer(self, link: Link, answer: Durable | None) -> None:
        if answer is not None and self._epoch:
            link.send([answer])

    async def _take(self, packets: list[Packet], ballot: Ballot) -> Durable | None:
        """What to answer."""
        if self.is_linked:
            if any(isinstance(each, Appended) and not each.offset for each in packets):
                await self._prepared()
            answer = await self.work(self.replica.take, packets)
            self._prepare()
            return answer
        match packets:
            case [Welcome() as said, *rest]:
                answer = await self.work(self.replica.welcomed, said)
                log.info("following %s at %s in the epoch %d", said.node, ballot.address, said.epoch)
                self.is_linked = True
                return await self.work(self.replica.take, rest) or answer
            case [Refused(reason), *_]:
                raise LinkRefused(reason)
        raise LinkBroken(f"{ballot.leader} does not answer as a node does")

    def _prepare(self) -> None:
        """Has the next segment prepared beside what arrives meanwhile."""
        if self._preparation is None and self.replica.is_following:
            preparation = asyncio.to_thread(self.replica.prepare_next)
            self._preparation = asyncio.get_running_loop().create_task(preparation)

    async def _prepared(self) -> None:
        """The next segment begins: nothing else may be done with its file."""
        preparation, self._preparation = self._preparation, None
        if preparation is not None:
            with suppress(OSError):  # nothing is lost: the segment is prepared when it begins
                await preparation

    async def work(self, work: Callable[..., T], *values: object) -> T:
        """Does something with the replica, after all that is under way with it. DiskFailed when the disk fails."""
        self._works += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)
        except OSError as error:
            raise _failure(error) from error
        finally:
            self._works -= 1

    def _received(self, link: Link, packets: list[Packet]) -> None:
        self._heard_at = monotonic()
        if self._may_take_at_once(packets):
            self._take_at_once(link, packets)
            return
        self._queue += packets
        self._queued_bytes += sum(each.size for each in packets if isinstance(each, Appended | Copied))
        if self._queued_bytes > PAIR_QUEUED_BYTES_MAX:
            link.set_reading(False)
        self._arrived.set()

    def _may_take_at_once(self, packets: list[Packet]) -> bool:
        is_idle = self.is_linked and not self._works and not self._queue and self._trouble is None
        if not is_idle or not self.replica.is_quick or self._speed.is_slow:
            return False
        # The beginning of a segment is synced, and so is the end of one.
        return all(isinstance(each, Beat) or (isinstance(each, Appended) and each.offset > 0) for each in packets)

    def _take_at_once(self, link: Link, packets: list[Packet]) -> None:
        try:
            answer = self._speed.timed(partial(self.replica.take, packets))
        except Exception as error:
            self._trouble = _failure(error) if isinstance(error, OSError) else error
            self._arrived.set()
            return
        self._answer(link, answer)
        self._prepare()

    def _ended(self, _link: Link) -> None:
        self._arrived.set()

    def close(self) -> None:
        """Waits for the thread."""
        self._thread.shutdown()


def _failure(error: OSError) -> DiskFailed:
    return DiskFailed(f"the journal could not be written: {error}")
