"""An election without a store: an operator decides (`mqbroker ha promote`), and the nodes tell each other who leads.

Every node keeps the newest ballot that it knows of in the file `ballot` of its data folder, and asks the others for
theirs over their link addresses. Of two ballots the newer one counts: of the later epoch, and in that of the later
revision. The lease is that the node that leads answers, and says so.

Nobody may be promoted because somebody else is silent: it may lead on, unseen. So a node is promoted only

    when an operator says so, who has made sure that the old one is stopped; or
    when the node that led has resigned in order, and every third node answers; or
    when it led itself, every other node answers, and none of them knows of a later epoch.

An epoch is claimed with all nodes that answer before it begins: each of them grants it to one node only. Of two that
claim the same one at once, the first by name has it.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import orjson

from mqbroker.config.addresses import Address
from mqbroker.errors import ElectionUnreachable, StorageError
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.election import Election

NAME = "ballot"
DO = "ballot"
CALL_TIMEOUT_S = 1.0
NUMBER_MAX = 2**62
"""A later epoch or revision than any node gets to: its successors fit into what is written of them."""

Json = dict[str, Any]
Ask = Callable[[Address, Json], Awaitable[Json]]
"""Asks the node at that address; OSError and TimeoutError without an answer."""


class Known(NamedTuple):
    """What a node knows was decided last."""

    ballot: Ballot
    is_free: bool = False
    """Whether the node that led by it has resigned in order."""


class Reply(NamedTuple):
    """What another node answers."""

    node: str
    known: Known | None
    holds: bool
    """Whether it leads."""
    granted: bool


class ManualElection(Election):
    """One node's view. `others` are the link addresses of the other nodes."""

    def __init__(
        self, node: str, folder: Path, others: Collection[Address], ttl_s: float, min_in_sync: int, ask: Ask
    ) -> None:  # fmt: skip
        """StorageError when what was kept is not readable."""
        self._node = node
        self._folder = folder
        self._others = tuple(others)
        self._ttl_s = ttl_s
        self._min_in_sync = min_in_sync
        self._ask = ask
        self._known = _load(folder)
        self._held_until = 0.0
        self._claim: Known | None = None
        self._answering = 0
        """How many others answered when this node looked last: who is silent by now may have been promoted since."""
        self._changed = asyncio.Event()
        self._tellings: set[asyncio.Task[list[Reply]]] = set()

    # --- an election --------------------------------------------------------------------------------------------------

    async def read(self) -> Ballot | None:
        replies = await self._exchange()
        self._answering = len(replies)
        known, silent = self._known, len(self._others) - len(replies)
        if known is None:
            if silent:
                raise ElectionUnreachable(f"the election is manual: waiting for {silent} of the other nodes to answer")
            return None
        ballot = known.ballot
        if self._leads or any(each.holds and _epoch(each.known) == ballot.epoch for each in replies):
            return ballot._replace(is_held=True)
        if ballot.leader == self._node:
            return ballot._replace(hesitation=_alone(ballot, silent) if silent else "")
        if ballot.leader in (each.node for each in replies):
            is_over = known.is_free and not silent
            return ballot if is_over else ballot._replace(hesitation=f"{ballot.leader} led last, and may lead again")
        if known.is_free and silent == 1:
            return ballot
        # The others can have confirmed something without this node if they are enough for that.
        is_certain = known.is_free or len(self._others) < self._min_in_sync
        return ballot._replace(hesitation=_bereft(ballot), doubt="" if is_certain else _doubt(ballot))

    async def found(self, cluster: str, node: str, address: str, epoch: int) -> Ballot | None:
        if await self.read() is not None:
            return None
        return await self._claimed(Ballot(cluster, epoch, node, address, frozenset((node,)), 1, False))

    async def acquire(self, seen: Ballot, node: str, address: str) -> Ballot | None:
        ballot = await self.read()
        if ballot is None or ballot.is_held or _age(ballot) != _age(seen):
            return None
        epoch, revision = ballot.epoch + 1, ballot.revision + 1
        return await self._claimed(Ballot(ballot.cluster, epoch, node, address, ballot.isr, revision, False))

    async def _claimed(self, ballot: Ballot) -> Ballot | None:
        claim = self._claim = Known(ballot)
        replies = await self._exchange(claim)
        is_mine = self._claim is claim and all(each.granted for each in replies) and len(replies) >= self._answering
        self._claim = None
        if not is_mine:
            return None
        self._keep(claim)
        return self._hold()

    async def renew(self, mine: Ballot) -> Ballot | None:
        await self._exchange()
        known = self._known
        if known is None or not known.ballot.is_led_by(mine.leader, mine.epoch):
            return None
        return self._hold()

    async def cas_isr(self, mine: Ballot, isr: frozenset[str]) -> Ballot | None:
        known = self._known
        if known is None or _age(known.ballot) != _age(mine) or known.ballot.leader != self._node:
            return None
        ballot = known.ballot._replace(isr=isr, revision=mine.revision + 1)
        self._keep(Known(ballot))
        self._tell_others()
        return ballot._replace(is_held=self._leads)

    async def resign(self, seen: Ballot) -> None:
        known = self._known
        if known is None or seen.leader != self._node or not known.ballot.is_led_by(seen.leader, seen.epoch):
            return  # only the operator may say that somebody else has stopped
        self._held_until = 0.0
        self._keep(Known(known.ballot._replace(revision=known.ballot.revision + 1), True))
        await self._exchange()

    async def watch(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def close(self) -> None:
        for task in self._tellings:
            task.cancel()

    @property
    def epoch(self) -> int:
        return _epoch(self._known)

    # --- what this node knows -----------------------------------------------------------------------------------------

    @property
    def _leads(self) -> bool:
        known = self._known
        return known is not None and known.ballot.leader == self._node and monotonic() < self._held_until

    def _hold(self) -> Ballot:
        assert self._known is not None
        self._held_until = monotonic() + self._ttl_s
        return self._known.ballot._replace(is_held=True)

    def _keep(self, known: Known) -> None:
        _save(self._folder, known)
        self._known = known
        self._changed.set()

    def _learn(self, known: Known | None) -> None:
        mine = self._known
        if known is None or (mine is not None and _is_other(mine.ballot, known.ballot)):
            return
        if mine is None or _age(known.ballot) > _age(mine.ballot):
            self._keep(known)

    # --- the others ---------------------------------------------------------------------------------------------------

    def _tell_others(self) -> None:
        task = asyncio.get_running_loop().create_task(self._exchange())
        self._tellings.add(task)
        task.add_done_callback(self._tellings.discard)

    async def _exchange(self, claim: Known | None = None) -> list[Reply]:
        """Tells all others what this node knows, or claims, and learns what they know. Who is silent is left out."""
        said = {"do": DO, "node": self._node, "known": _written(claim or self._known), "claims": claim is not None}
        results = await asyncio.gather(*(self._reply(each, said) for each in self._others))
        replies = [each for each in results if each is not None]
        for each in replies:
            self._learn(each.known)
        return replies

    async def _reply(self, address: Address, said: Json) -> Reply | None:
        try:
            answer = await self._ask(address, said)
            return Reply(
                str(answer["node"]), _read(answer["known"]), answer["holds"] is True, answer["granted"] is True
            )
        except (OSError, TimeoutError, KeyError, TypeError, ValueError):
            return None

    def answer(self, said: Json) -> Json:
        """What another node is told that says what it knows or claims."""
        try:
            theirs, claims = _read(said["known"]), said["claims"] is True
        except (KeyError, TypeError, ValueError):
            return {"error": "this is no ballot"}
        granted = claims and theirs is not None and self._grants(theirs)
        if granted or not claims:
            self._learn(theirs)
        return {"node": self._node, "known": _written(self._known), "holds": self._leads, "granted": granted}

    def _grants(self, theirs: Known) -> bool:
        mine, epoch = self._known, theirs.ballot.epoch
        if self._leads or (mine is not None and _is_other(mine.ballot, theirs.ballot)):
            return False
        if self._claim is not None and self._claim.ballot.epoch >= epoch and self._claim != theirs:
            if self._node < theirs.ballot.leader:
                return False
            self._claim = None
        return mine is None or mine.ballot.epoch < epoch


def _alone(ballot: Ballot, silent: int) -> str:
    return (
        f"the election is manual, and {silent} of the other nodes do not answer: one of them may lead by now. If none "
        f"does, run `mqbroker ha promote --epoch {ballot.epoch + 1}` here"
    )


def _bereft(ballot: Ballot) -> str:
    return (
        f"the election is manual, and {ballot.leader} does not answer: make sure that it is stopped, then run "
        f"`mqbroker ha promote --epoch {ballot.epoch + 1}` here"
    )


def _doubt(ballot: Ballot) -> str:
    return (
        f"{ballot.leader} does not answer, so nobody here knows whether it has confirmed more without this node: make "
        f"sure that it is stopped, then run `mqbroker ha promote --epoch {ballot.epoch + 1} --force`"
    )


def _age(ballot: Ballot) -> tuple[int, int, str]:
    """Grows with every decision. Two that were promoted to one epoch, while they did not reach each other, are told
    apart by their names when nothing else does, so that one of them gives way."""
    return ballot.epoch, ballot.revision, ballot.leader


def _is_other(mine: Ballot, theirs: Ballot) -> bool:
    """Whether it is of another pair, whose address is in the list by mistake."""
    return mine.cluster != theirs.cluster


def _epoch(known: Known | None) -> int:
    return known.ballot.epoch if known is not None else 0


def _written(known: Known | None) -> Json | None:
    if known is None:
        return None
    ballot = known.ballot
    return {
        "cluster": ballot.cluster, "epoch": ballot.epoch, "leader": ballot.leader, "address": ballot.address,
        "isr": sorted(ballot.isr), "revision": ballot.revision, "free": known.is_free,
    }  # fmt: skip


def _read(said: Any) -> Known | None:
    """KeyError, TypeError and ValueError when it is none."""
    if said is None:
        return None
    isr = frozenset(map(str, said["isr"]))
    ballot = Ballot(
        str(said["cluster"]), _number(said["epoch"]), str(said["leader"]), str(said["address"]), isr,
        _number(said["revision"]), False,
    )  # fmt: skip
    return Known(ballot, said["free"] is True)


def _number(said: Any) -> int:
    """One that can be counted on from, and be written down after that. ValueError when it is none."""
    number = int(said)
    if not 0 <= number <= NUMBER_MAX:
        raise ValueError(f"{number} is no number of a ballot")
    return number


def _save(folder: Path, known: Known) -> None:
    """Returns once it lasts. Not by the journal's disk, which is closed before a node resigns."""
    new = folder / f"{NAME}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(_written(known)))
        file.flush()
        os.fsync(file.fileno())
    new.rename(folder / NAME)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _load(folder: Path) -> Known | None:
    try:
        return _read(orjson.loads((folder / NAME).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{folder}/{NAME} is not readable, so it is not known who led last: {error}. If other nodes know it, "
            "move the file away"
        ) from None
