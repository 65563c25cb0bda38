"""An election store in this process, for tests and the simulator: what the rules of every other one are measured by."""

import asyncio
from collections.abc import Callable

from mqbroker.replication.ballot import Ballot
from mqbroker.replication.election import Election

LOOK_S = 0.05


class MemoryStore:
    """The store itself. Times are those of the injected clock, in milliseconds."""

    def __init__(self, now: Callable[[], int], ttl_ms: int) -> None:
        self.ballot: Ballot | None = None
        self._now = now
        self._ttl_ms = ttl_ms
        self._held_until = 0

    @property
    def is_held(self) -> bool:
        """Whether the leader's lease is alive."""
        return self._now() < self._held_until

    def read(self) -> Ballot | None:
        """As in Election, like all that follow."""
        return self.ballot and self.ballot._replace(is_held=self.is_held)

    def found(self, cluster: str, node: str, address: str, epoch: int) -> Ballot | None:
        if self.ballot is not None:
            return None
        return self._lead(Ballot(cluster, epoch, node, address, frozenset((node,)), 1, True))

    def acquire(self, seen: Ballot, node: str, address: str) -> Ballot | None:
        ballot = self.ballot
        if ballot is None or ballot.revision != seen.revision or self.is_held:
            return None
        revision = ballot.revision + 1
        return self._lead(ballot._replace(epoch=ballot.epoch + 1, leader=node, address=address, revision=revision))

    def _lead(self, ballot: Ballot) -> Ballot:
        self.ballot = ballot
        self._held_until = self._now() + self._ttl_ms
        return ballot._replace(is_held=True)

    def renew(self, mine: Ballot) -> Ballot | None:
        ballot = self.ballot
        return self._lead(ballot) if ballot and ballot.is_led_by(mine.leader, mine.epoch) else None

    def cas_isr(self, mine: Ballot, isr: frozenset[str]) -> Ballot | None:
        ballot = self.ballot
        if ballot is None or ballot.revision != mine.revision:
            return None
        self.ballot = ballot._replace(isr=isr, revision=ballot.revision + 1)
        return self.read()

    def resign(self, seen: Ballot) -> None:
        if self.ballot and self.ballot.is_led_by(seen.leader, seen.epoch):
            self._held_until = 0


class MemoryElection(Election):
    """One node's view of it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def read(self) -> Ballot | None:
        return self._store.read()

    async def found(self, cluster: str, node: str, address: str, epoch: int) -> Ballot | None:
        return self._store.found(cluster, node, address, epoch)

    async def acquire(self, seen: Ballot, node: str, address: str) -> Ballot | None:
        return self._store.acquire(seen, node, address)

    async def renew(self, mine: Ballot) -> Ballot | None:
        return self._store.renew(mine)

    async def cas_isr(self, mine: Ballot, isr: frozenset[str]) -> Ballot | None:
        return self._store.cas_isr(mine, isr)

    async def resign(self, seen: Ballot) -> None:
        self._store.resign(seen)

    async def watch(self, timeout_s: float) -> None:
        await asyncio.sleep(min(timeout_s, LOOK_S))

    async def close(self) -> None:
        return None
