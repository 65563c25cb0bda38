"""The election store as a node sees it: eight calls, each of which is one fenced compare-and-swap or a look.

Every call raises ElectionUnreachable when the store does not answer; then it is not known whether a change was made,
and `read` tells. What a node may ask for is decided in ballot.py.
"""

from typing import Any, Protocol

from mqbroker.replication.ballot import Ballot


class Election(Protocol):
    """A store for one pair."""

    async def read(self) -> Ballot | None:
        """What it holds now, None when there is no pair yet."""

    async def found(self, cluster: str, node: str, address: str, epoch: int) -> Ballot | None:
        """Makes the pair, if there is none: `node` leads alone, in that epoch. None when there is one by now."""

    async def acquire(self, seen: Ballot, node: str, address: str) -> Ballot | None:
        """Begins the next epoch with `node` as its leader, if nobody's lease is alive and all else is as it was seen.
        None when it is not."""

    async def renew(self, mine: Ballot) -> Ballot | None:
        """Keeps the lease of the node that leads by that ballot alive; one that has run out begins anew while nobody
        else was promoted. Returns what the store holds, None when this node does not lead any more."""

    async def cas_isr(self, mine: Ballot, isr: frozenset[str]) -> Ballot | None:
        """Changes the in-sync set, if all is as in that ballot. None when it is not: read it."""

    async def resign(self, seen: Ballot) -> None:
        """Ends the lease of the leader of that ballot, if it still leads: it is known to have stopped."""

    async def watch(self, timeout_s: float) -> None:
        """Returns once something may have changed, or after that time."""

    def answer(self, said: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002  what overrides it does
        """What another node is told that asks this one about the election, as only those without a store do."""
        return {"error": "the election has a store: set pair.election alike on all nodes"}

    @property
    def epoch(self) -> int:
        """The newest one that was heard of by such answers."""
        return 0

    async def close(self) -> None:
        """Lets go of connections. The lease lives on until it ends."""
