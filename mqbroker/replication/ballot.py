"""What the election store holds, and the rules by which a node may change it. Pure; the stores are beside it.

    epoch    only grows: the term. Whoever has acquired the newest one may write, nobody else.
    leader   who has acquired it, and where its link listens
    isr      the in-sync set: without every one of them nothing is confirmed, and only one of them can be promoted
    is_held  whether the leader's lease is alive. It serves liveness only: safety never depends on it.
    revision changes with everything but the lease; every change is a compare-and-swap against it

Why safety does not depend on leases: a confirm in the epoch E needs every member of the in-sync set to have synced it
in E. A member leaves the set only by a change that fails when the epoch is not E any more. Whoever is promoted to E + 1
was in the set at that very moment, and had stopped acknowledging in E before it looked where its log ends. So it has
every batch that was confirmed in E. If it dies before it has confirmed anything, any other member of the unchanged set
has them as well.
"""

from typing import NamedTuple


class Ballot(NamedTuple):
    """What the election store says at one moment."""

    cluster: str
    epoch: int
    leader: str
    address: str
    isr: frozenset[str]
    revision: int
    is_held: bool
    hesitation: str = ""
    """Why nobody is promoted by this without the word of an operator; only a manual election has such reasons."""
    doubt: str = ""
    """Why a member of the set may lack confirmed messages all the same; the same holds of it."""

    def is_led_by(self, node: str, epoch: int) -> bool:
        """Whether that node still is the newest one to write."""
        return (self.leader, self.epoch) == (node, epoch)


class Standing(NamedTuple):
    """What a node knows of itself; it lasts across restarts (standing.py)."""

    cluster: str = ""
    """Whose log it holds; empty for none yet."""
    promised: int = 0
    """The newest epoch that it took part in: whatever is older is refused for ever."""
    is_whole: bool = False
    """Whether its log has all that can have been confirmed while it is in the in-sync set."""
    cut: int = -1
    """After which batch its log is being cut, or is not synced: a crash has it cut there. -1 for neither."""


def founding_trouble(standing: Standing, founds: bool) -> str:
    """Why a node must not found a pair in an empty election store; empty when it may."""
    if standing.promised:
        return (
            f"the election store is empty, though this node has been in a pair (epoch {standing.promised}): the store "
            "was wiped or is another one. Restore it; or begin anew with the node that led last (docs/pair.md)"
        )
    if not founds:
        return "the election store holds no pair yet, and pair.founds is not set here: waiting for the other node"
    return ""


def following_trouble(standing: Standing, ballot: Ballot) -> str:
    """Why a node must not have anything to do with that store; empty when all is well."""
    if standing.cluster not in ("", ballot.cluster):
        return (
            f"the journal here belongs to the cluster {standing.cluster} and the election store to {ballot.cluster}: "
            "correct pair.name or pair.election; or, to join as a new node, empty the data folder first"
        )
    if standing.promised > ballot.epoch:
        return (
            f"the election store is in the epoch {ballot.epoch} and this node in {standing.promised}: the store was "
            "reset or restored from an old copy. Restore the newest one; or begin anew with the node that led last, "
            "and an empty store (docs/pair.md)"
        )
    return ""


def campaign_trouble(node: str, standing: Standing, ballot: Ballot, has_log: bool = True) -> str:
    """Why a node must not ask to be promoted; empty when it may. `has_log`: there is a batch in its log."""
    trouble = following_trouble(standing, ballot)
    if trouble:
        return trouble
    if node not in ballot.isr:
        members = ", ".join(sorted(ballot.isr))
        return f"this node is not in the in-sync set ({members}): it may lack confirmed messages"
    if not standing.is_whole or not standing.cluster:
        return "the log here is not whole: it has not caught up since it began anew"
    if not has_log and len(ballot.isr) > 1:
        return "the log here is empty: somebody has deleted its files. It gets them again from the other nodes"
    return ballot.doubt
