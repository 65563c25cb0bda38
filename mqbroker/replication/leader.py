"""What the active node decides: who is in sync, who must have a batch before it is confirmed, and when to step down.

A pure machine: it is told what happens and what time it is, and returns effects. It never forgets a member that must
acknowledge: whoever is in the in-sync set, may be in it (a change whose outcome is not known), or is about to be.

    standing   | is required | becomes
    -----------+-------------+-----------------------------------------------------------------------------------
    LEARNING   | no          | JOINING once it follows as it is written
    JOINING    | yes         | IN_SYNC once it has all that is committed, and the store has agreed; LEARNING when it
               |             | takes too long
    IN_SYNC    | yes         | nothing, once it is silent for too long and the store has agreed

A change in the store whose outcome is not known counts as the more demanding of the two. One is under way at a time.
That the store still has the old set does not settle it: a change that was sent may arrive later. So it is tried again
until it is made, or refused because the ballot is another one by then.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from mqbroker.replication.ballot import Ballot
from mqbroker.storage.gate import Gate

NOT_ENOUGH = "more members"
"""Stands for the members that are missing while there are fewer than `min_in_sync`."""
NOTHING = -1
ASLEEP_FACTOR = 4


class Standing(Enum):
    """Where a member is."""

    LEARNING = "learning"
    JOINING = "joining"
    IN_SYNC = "in sync"


class Require(NamedTuple):
    """Nothing is confirmed any more that this member does not have."""

    member: str
    lsn: int


class Release(NamedTuple):
    """It is not needed any more."""

    member: str


class Propose(NamedTuple):
    """Have the store change the in-sync set."""

    isr: frozenset[str]


class StepDown(NamedTuple):
    """Confirm nothing more, end."""

    reason: str


Effect = Require | Release | Propose | StepDown


@dataclass(slots=True)
class Member:
    """A node that follows, or has to."""

    standing: Standing
    heard_at: int
    acked: int = NOTHING
    is_linked: bool = False
    since: int = 0
    """When it began to join."""


class Leader:
    """The active node's part. Every call returns what is to be done."""

    def __init__(
        self, mine: Ballot, gate: Gate, now: int, patience_ms: int, min_in_sync: int = 1, silent: Collection[str] = ()
    ) -> None:  # fmt: skip
        """`mine` is the ballot that made this node the active one. Nothing is confirmed before each other member of
        the set has acknowledged in this epoch, or has left it. The gate is only looked at: effects change it, and
        have to before the next call. `silent` are members that this node has waited for already."""
        self.ballot = mine
        self.node = mine.leader
        self.patience_ms = patience_ms
        self.min_in_sync = min_in_sync
        self.proposed: frozenset[str] | None = None
        long_ago = now - patience_ms - 1
        others = mine.isr - {self.node}
        self.members = {each: Member(Standing.IN_SYNC, long_ago if each in silent else now) for each in others}
        self.is_over = False
        self.required: set[str] = set()
        """Without whom nothing is confirmed."""
        self._gate = gate
        self._ticked_at = now

    def begin(self) -> list[Effect]:
        """Call it before anything is promised."""
        return self._settle()

    def _needed(self) -> set[str]:
        needed = set(self.ballot.isr | (self.proposed or frozenset())) - {self.node}
        needed |= {name for name, each in self.members.items() if each.standing is Standing.JOINING}
        if len(self.ballot.isr) < self.min_in_sync:
            needed.add(NOT_ENOUGH)
        return needed

    # --- what members do ----------------------------------------------------------------------------------------------

    def linked(self, node: str, now: int) -> list[Effect]:
        """A standby's link begins. It may have less than it had, so it has to say anew what it has."""
        member = self.members.setdefault(node, Member(Standing.LEARNING, now))
        member.is_linked, member.heard_at, member.acked = True, now, NOTHING
        return [Require(node, NOTHING)] if node in self.required else []

    def unlinked(self, node: str, now: int) -> list[Effect]:
        """Its link is gone."""
        member = self.members[node]
        member.is_linked = False
        if member.standing is Standing.JOINING and node not in (self.proposed or ()):
            member.standing = Standing.LEARNING
        if member.standing is Standing.LEARNING and node not in (self.proposed or ()):
            del self.members[node]
        return self._settle(now)

    def heard(self, node: str, lsn: int, is_following: bool, now: int) -> list[Effect]:
        """It has everything up to that batch. `is_following`: its log is whole, and it gets what is being written."""
        member = self.members[node]
        member.heard_at, member.acked = now, max(lsn, member.acked)
        if member.standing is Standing.IN_SYNC:
            return []  # it says so after each batch, and nothing follows from it but for commits
        if member.standing is Standing.LEARNING and is_following:
            member.standing, member.since = Standing.JOINING, now
        return self._settle(now)

    def tick(self, now: int) -> list[Effect]:
        """Called a few times in `patience_ms`."""
        if now - self._ticked_at > self.patience_ms * ASLEEP_FACTOR // 5:
            self._forgive(now)  # this process was stopped itself: what members said meanwhile is still to be read
        self._ticked_at = now
        for member in self.members.values():
            if member.standing is Standing.JOINING and now - member.since > self.patience_ms:
                member.standing = Standing.LEARNING
        return self._settle(now)

    def _forgive(self, now: int) -> None:
        for member in self.members.values():
            member.heard_at = member.since = now

    def cut_off(self, now: int) -> list[Effect]:
        """The store has not answered for as long as a lease lasts: another node may have been promoted, unless every
        member of the in-sync set still acknowledges here."""
        silent = sorted(name for name in self.ballot.isr - {self.node} if self.is_silent(name, now))
        if self.is_over or not silent:
            return []
        self.is_over = True
        return [StepDown(f"neither the election store nor {', '.join(silent)} can be reached")]

    def is_silent(self, node: str, now: int) -> bool:
        """Whether a member has not been heard of for too long."""
        member = self.members.get(node)
        return member is None or now - member.heard_at > self.patience_ms

    # --- what the store says ------------------------------------------------------------------------------------------

    def renewed(self, ballot: Ballot, now: int) -> list[Effect]:
        """The store says so beside any change that is under way, whose outcome is not known by that."""
        if self._is_replaced(ballot):
            return self._step_down(ballot)
        if self.proposed is None and self._is_newer(ballot):
            self._adopt(ballot)
        return self._settle(now)

    def settled(self, ballot: Ballot, now: int) -> list[Effect]:
        """The change that was under way is made, or cannot be made any more; the store says so."""
        if self._is_replaced(ballot):
            return self._step_down(ballot)
        self.proposed = None
        if self._is_newer(ballot):
            self._adopt(ballot)
        for name in list(self.members):
            self._place(name)
        return self._settle(now)

    def _is_replaced(self, ballot: Ballot) -> bool:
        """An older epoch is that of a store that was restored from an old copy: nobody was promoted by that."""
        return ballot.epoch > self.ballot.epoch or (ballot.epoch == self.ballot.epoch and ballot.leader != self.node)

    def _is_newer(self, ballot: Ballot) -> bool:
        return ballot.epoch == self.ballot.epoch and ballot.revision > self.ballot.revision

    def _step_down(self, ballot: Ballot) -> list[Effect]:
        if self.is_over:
            return []
        self.is_over = True
        return [StepDown(f"{ballot.leader} is the active node now, in the epoch {ballot.epoch}")]

    def _adopt(self, ballot: Ballot) -> None:
        self.ballot = ballot
        for name in list(self.members):
            self._place(name)

    def _place(self, name: str) -> None:
        member = self.members[name]
        if name in self.ballot.isr:
            member.standing = Standing.IN_SYNC
        elif not member.is_linked:
            del self.members[name]
        elif member.standing is Standing.IN_SYNC:
            member.standing = Standing.LEARNING

    # --- what follows -------------------------------------------------------------------------------------------------

    def _settle(self, now: int | None = None) -> list[Effect]:
        """The effects of what has changed."""
        if self.is_over:
            return []
        effects: list[Effect] = []
        if now is not None and self.proposed is None:
            effects += self._propose(now)
        required = self._needed()
        for name in sorted(required - self.required):
            effects.append(Require(name, self.members[name].acked if name in self.members else NOTHING))
        effects += [Release(name) for name in sorted(self.required - required)]
        self.required = required
        return effects

    def _propose(self, now: int) -> list[Effect]:
        isr = self.ballot.isr
        silent = {name for name in isr - {self.node} if self.is_silent(name, now)}
        ready = {name for name, each in self.members.items() if self._is_ready(name, each)}
        wanted = (isr | ready if ready else isr - silent) | {self.node}
        if wanted == isr or len(wanted) < min(self.min_in_sync, len(isr)):
            return []
        self.proposed = wanted
        return [Propose(wanted)]

    def _is_ready(self, name: str, member: Member) -> bool:
        """Whether it has all that is committed: it is required already, so nothing more is without it."""
        is_required = member.standing is Standing.JOINING and name in self.required
        return is_required and member.acked >= min(self._gate.committed, self._gate.frame)
