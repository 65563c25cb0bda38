"""The active node's side of all links: it puts the ledger, the leader's decisions and the feeds together.

Without loop, clock or socket. What the election store is to be asked stands in `proposal`; when `over` says why, this
node confirms nothing more and has to end.
"""

import logging
from collections.abc import Callable, Collection

from mqbroker.limits import PAIR_IN_FLIGHT_BYTES_MAX
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.course import Course, course_of
from mqbroker.replication.feed import Feed, Source
from mqbroker.replication.leader import Effect, Leader, Propose, Release, Require, StepDown
from mqbroker.replication.wire import VERSION, Beat, Durable, Hello, Refused, Welcome
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.disk import Disk

log = logging.getLogger(__name__)


class Active:
    """This node writes."""

    def __init__(
        self, ledger: JournalLedger, disk: Disk, before: Course, mine: Ballot, now: int, patience_ms: int,
        min_in_sync: int = 1, silent: Collection[str] = (),
    ) -> None:  # fmt: skip
        """`mine` is the ballot that this node was elected by, `before` the course of its log before this run. Nothing
        is confirmed from here on that a member of the in-sync set does not have. `silent` are those of them that this
        node has waited for already: whom it replaces."""
        self.proposal: frozenset[str] | None = None
        """The in-sync set that the store is to be asked for; taken by whoever asks."""
        self.over = ""
        self.feeds: dict[str, Feed] = {}
        self._ledger = ledger
        self._source = Source(disk, ledger.tap, ledger.gate, before, course_of(disk, 0).stretches[-1])
        self._leader = Leader(mine, ledger.gate, now, patience_ms, min_in_sync, silent)
        self._gate = ledger.gate
        self._wait_ms = self._marked_lsn = self._marked_at = 0
        """How long one batch at a time waits for its confirms, and which one that is."""
        self._do(self._leader.begin())

    @property
    def ballot(self) -> Ballot:
        """What the store said last."""
        return self._leader.ballot

    @property
    def waits_for(self) -> set[str]:
        """Without whom nothing is confirmed."""
        return self._leader.required

    @property
    def last_lsn(self) -> int:
        """The newest batch, which may be on its way to the disk."""
        return self._source.tap.last_lsn

    @property
    def batches_behind(self) -> int:
        """How far the member that is waited for and has least is behind."""
        acked = [feed.acked for node, feed in self.feeds.items() if node in self.waits_for]
        return max(0, self.last_lsn - min(acked, default=self.last_lsn))

    @property
    def bytes_in_flight(self) -> int:
        """What was sent to such members and not acknowledged."""
        return max((feed.in_flight for node, feed in self.feeds.items() if node in self.waits_for), default=0)

    def commit_wait(self, now: int) -> int:
        """How many milliseconds a batch took lately from here to its confirms, or has been waiting for by now."""
        return max(self._wait_ms, now - self._marked_at if self._marked_lsn else 0)

    def _measure(self, now: int) -> None:
        if self._marked_lsn and self._gate.committed >= self._marked_lsn:
            self._wait_ms, self._marked_lsn = now - self._marked_at, 0
        if not self._marked_lsn and self.last_lsn > self._gate.committed:
            self._marked_lsn, self._marked_at = self.last_lsn, now

    def greet(self, hello: Hello, wake: Callable[[], None], now: int) -> Welcome | Refused:
        """A standby asks to follow. It has a feed when it is welcome, in place of any earlier one."""
        trouble = self._trouble(hello)
        if trouble:
            return Refused(trouble)
        found = self._source.meet(hello.course)
        self.gone(hello.node, now)
        self.feeds[hello.node] = Feed(self._source, found, hello.course, wake)
        self._do(self._leader.linked(hello.node, now))
        mine = self.ballot
        if found.missing:
            log.warning("%s lacks %d of the older segments: they are copied", hello.node, len(found.missing))
        return Welcome(mine.cluster, mine.leader, mine.epoch, found.keep, found.is_whole)

    def _trouble(self, hello: Hello) -> str:
        mine = self.ballot
        if hello.version != VERSION:
            return f"{mine.leader} speaks version {VERSION} of the link, and {hello.node} {hello.version}: update"
        if hello.cluster not in ("", mine.cluster):
            return (
                f"the journal of {hello.node} belongs to the cluster {hello.cluster}, and that of {mine.leader} to "
                f"{mine.cluster}: to join as a new node, empty its data folder first"
            )
        if hello.node == mine.leader:
            return f"{hello.node} is the name of the active node: give each node its own pair.node"
        if hello.promised > mine.epoch:
            return f"{mine.leader} leads in the epoch {mine.epoch}, which is over: {hello.promised} has begun"
        return ""

    def durable(self, node: str, said: Durable, now: int) -> None:
        """A standby acknowledges."""
        feed = self.feeds[node]
        feed.durable(said.lsn)
        is_following = said.is_whole and feed.is_live and bool(feed.acked >= feed.joined)
        self._do(self._leader.heard(node, said.lsn, is_following, now))
        self._measure(now)

    def gone(self, node: str, now: int) -> None:
        """The link of a standby has ended."""
        feed = self.feeds.pop(node, None)
        if feed is not None:
            feed.close()
            self._do(self._leader.unlinked(node, now))

    def beat(self, node: str) -> Beat:
        """What to tell a standby now and then."""
        return Beat(self._gate.committed, node in self.ballot.isr)

    def sent(self) -> None:
        """Something was sent, or is to be."""
        self._hold()

    def tick(self, now: int) -> None:
        """Called a few times a second."""
        self._do(self._leader.tick(now))
        self._measure(now)

    def cut_off(self, now: int) -> None:
        """The store has not answered for as long as a lease lasts."""
        self._do(self._leader.cut_off(now))

    def renewed(self, ballot: Ballot, now: int) -> None:
        """What the store says now and then."""
        self._do(self._leader.renewed(ballot, now))

    def settled(self, ballot: Ballot, now: int) -> None:
        """What the store says after the change that was proposed is made, or cannot be made any more."""
        self._do(self._leader.settled(ballot, now))

    def _do(self, effects: list[Effect]) -> None:
        gate = self._gate
        for effect in effects:
            match effect:
                case Require(member, lsn):
                    gate.require(member, lsn)
                case Release(member):
                    gate.release(member)
                case Propose(isr):
                    self.proposal = isr
                case StepDown(reason):
                    self.over = reason
        for node, feed in self.feeds.items():
            gate.acknowledged(node, feed.acked)
        self._hold()
        if not self.over:
            self._ledger.keep_promises()

    def _hold(self) -> None:
        """Writes nothing more while too much is on its way to a member that it waits for."""
        self._ledger.is_held = self.bytes_in_flight > PAIR_IN_FLIGHT_BYTES_MAX
