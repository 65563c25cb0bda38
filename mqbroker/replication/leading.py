"""The active node's loop: keeps its lease, has the store change the in-sync set, feeds the standbys."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from time import monotonic_ns, perf_counter

from mqbroker.config.sections import PairConfig
from mqbroker.core.events import Events
from mqbroker.errors import ElectionUnreachable, StorageError
from mqbroker.limits import PAIR_BEAT_MS
from mqbroker.replication.active import Active
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.course import Course
from mqbroker.replication.election import Election
from mqbroker.replication.link import Link, wait_at_most
from mqbroker.replication.pace import Pace
from mqbroker.replication.wire import Durable, Hello, Packet, Refused
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.disk import Disk

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 5
RETRY_S = 0.2
JOINING_LOOK_S = 0.005
HAND_OVER_TIMEOUT_S = 2.0


def _now() -> int:
    return monotonic_ns() // 1_000_000


class Leading:
    """This node leads."""

    def __init__(
        self, config: PairConfig, election: Election, mine: Ballot, replaced: str, fail: Callable[[], None]
    ) -> None:  # fmt: skip
        """`replaced` is who led before."""
        self.active: Active | None = None
        """None while recovery goes on."""
        self._config = config
        self._election = election
        self._mine = mine
        self._replaced = replaced
        self._fail = fail
        self._links: dict[str, Link] = {}
        self._run: Callable[[Callable[[], None]], None] = lambda work: work()
        self._events: Events | None = None
        self._isr = mine.isr
        self._unreachable_since = 0
        self._is_store_lost = False
        self._wanted = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_over = False
        self._ledger: JournalLedger | None = None

    def start(self) -> None:
        """Keeps the lease from here on."""
        self._start(self._store_task())

    def attach(
        self, ledger: JournalLedger, disk: Disk, before: Course, run: Callable[[Callable[[], None]], None],
        events: Events,
    ) -> None:  # fmt: skip
        """Recovery is done. `run` does work that may keep promises."""
        config = self._config
        self._run, self._events, self._ledger = run, events, ledger
        self.active = Active(
            ledger, disk, before, self._mine, _now(), config.ack_timeout_ms, config.min_in_sync, (self._replaced,)
        )  # fmt: skip
        self._start(self._tick_task())
        events.tell("pair.promoted", node=config.node, epoch=self._mine.epoch)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("the broker stops: a task of the pair failed", exc_info=error)
            self._fail()

    # --- the store ----------------------------------------------------------------------------------------------------

    async def _store_task(self) -> None:
        while not self._is_over:
            self._wanted.clear()
            try:
                await self._ask()
            except ElectionUnreachable as error:
                self._unreached(str(error))
                await asyncio.sleep(RETRY_S)
                continue
            if self.active is None or self.active.proposal is None:
                await wait_at_most(self._wanted, self._config.lease_s / RENEWALS_PER_LEASE)

    async def _ask(self) -> None:
        active = self.active
        if active is not None and active.proposal is not None:
            ballot = await self._election.cas_isr(active.ballot, active.proposal) or await self._election.read()
            # Only now: until the outcome is known the change is tried again.
            active.proposal = None
            self._reached()
            if ballot is None:
                self._lost_store()
            else:
                self._do(partial(active.settled, ballot, _now()))
            return
        ballot = await self._election.renew(self._mine) or await self._election.read()
        if ballot is None or ballot.epoch < self._mine.epoch:
            self._lost_store()
            return
        self._reached()
        if active is not None:
            self._do(partial(active.renewed, ballot, _now()))
        elif not ballot.is_led_by(self._mine.leader, self._mine.epoch):
            self._step_down(f"{ballot.leader} is the active node now, in the epoch {ballot.epoch}")

    def _lost_store(self) -> None:
        """It answers, and does not know this epoch: it was wiped, or restored from an old copy. Nobody was promoted
        by that, so this is like a store that cannot be reached."""
        self._unreachable_since = self._unreachable_since or _now()
        if self._is_store_lost:
            return
        self._is_store_lost = True
        log.error(
            "the election store has lost the epoch %d: it was wiped or restored from an old copy. This node goes on "
            "while its standbys do; restore the newest copy of the store before a node is stopped",
            self._mine.epoch,
        )

    def _unreached(self, trouble: str) -> None:
        if not self._unreachable_since:
            self._unreachable_since = _now()
            log.error("%s", trouble)

    def _reached(self) -> None:
        if self._unreachable_since:
            self._unreachable_since = 0
            self._is_store_lost = False
            log.info("the election store can be reached again")

    # --- time ---------------------------------------------------------------------------------------------------------

    async def _tick_task(self) -> None:
        active = self.active
        assert active is not None
        while not self._is_over:
            now = _now()
            self._do(partial(active.tick, now))
            if self._unreachable_since and now - self._unreachable_since > self._config.lease_s * 1000:
                self._do(partial(active.cut_off, now))
            for node, link in list(self._links.items()):
                link.send([active.beat(node)])
            await asyncio.sleep(PAIR_BEAT_MS / 1000)

    def _do(self, work: Callable[[], None]) -> None:
        """Does work that may keep promises or end it all."""
        active = self.active
        if self._is_over or active is None:
            return
        self._run(work)
        if active.proposal is not None:
            self._wanted.set()
        if active.over:
            self._step_down(active.over)
        if active.ballot.isr != self._isr:
            self._isr_changed(active.ballot.isr)

    def _isr_changed(self, isr: frozenset[str]) -> None:
        gone, come = sorted(self._isr - isr), sorted(isr - self._isr)
        self._isr = isr
        if gone:
            log.warning("no longer in sync: %s. What is confirmed from here on is on %s only", gone, sorted(isr))
        if come:
            log.info("in sync: %s", ", ".join(sorted(isr)))
        if self._events is not None:
            self._events.tell("pair.in.sync.changed", nodes=sorted(isr), epoch=self._mine.epoch)

    def _step_down(self, reason: str) -> None:
        if not self._is_over:
            self._is_over = True
            log.critical("this node stops being active, and ends: %s", reason)
            self._fail()

    # --- links --------------------------------------------------------------------------------------------------------

    def received(self, link: Link, packet: Packet) -> None:
        """A standby says something."""
        if isinstance(packet, Hello) and not link.node:
            self._greet(link, packet)
        elif isinstance(packet, Durable) and self._links.get(link.node) is link:
            assert self.active is not None
            self._do(partial(self.active.durable, link.node, packet, _now()))
            self._acknowledged.set()
        else:
            link.abort()

    def _greet(self, link: Link, hello: Hello) -> None:
        active = self.active
        assert active is not None
        earlier = self._links.pop(hello.node, None)
        if earlier is not None:
            earlier.abort()
        try:
            answer = active.greet(hello, partial(self._pump, hello.node), _now())
        except StorageError as error:
            answer = Refused(f"the log of {self._mine.leader} cannot be read: {error}")
        link.send([answer])
        if isinstance(answer, Refused):
            log.warning("%s at %s may not follow: %s", hello.node or "a node", link.peer, answer.reason)
            link.close()
            return
        link.trust(hello.node)
        link.resumed = partial(self._pump, hello.node)
        self._links[hello.node] = link
        log.info("%s follows from %s, after batch %d", hello.node, link.peer, answer.keep)
        self._start(self._feed_task(hello.node, link))

    def lost(self, link: Link) -> None:
        """A link has ended."""
        if link.node and self._links.get(link.node) is link:
            del self._links[link.node]
            log.warning("the link with %s at %s has ended", link.node, link.peer)
            if self.active is not None:
                self._do(partial(self.active.gone, link.node, _now()))

    def _pump(self, node: str) -> None:
        """Sends what was written just now."""
        active = self.active
        assert active is not None
        link, feed = self._links.get(node), active.feeds.get(node)
        if link is None or feed is None or not feed.is_live:
            return
        while feed.has_more and link.has_room:
            link.send(feed.next())
        active.sent()

    async def _feed_task(self, node: str, link: Link) -> None:
        """Sends what the files have; as long as the standby follows as it is written, there is nothing to do."""
        active = self.active
        assert active is not None
        pace = Pace(_now())
        while link.is_open and self._links.get(node) is link:
            feed = active.feeds[node]
            if feed.is_live:
                await asyncio.sleep(PAIR_BEAT_MS / 1000)
                continue
            began = perf_counter()
            try:
                link.send(feed.next())
            except StorageError as error:
                log.critical("%s cannot be brought up to date: %s", node, error)
                link.abort()
                return
            active.sent()
            taken_s = perf_counter() - began
            await link.drained()
            rest_s = pace.rest(taken_s, active.last_lsn, feed.sent, _now())
            await asyncio.sleep(rest_s if feed.has_more else JOINING_LOOK_S)

    # --- what others ask ----------------------------------------------------------------------------------------------

    def others_in_sync(self) -> list[str]:
        """Who could take over."""
        return sorted(self._isr - {self._mine.leader})

    def status(self) -> dict[str, object]:
        """What there is to know."""
        active, ledger = self.active, self._ledger
        assert active is not None
        assert ledger is not None
        lag = {node: active.last_lsn - max(feed.acked, 0) for node, feed in active.feeds.items()}
        return {
            "role": "active", "epoch": self._mine.epoch, "lsn": active.last_lsn, "committed": ledger.gate.committed,
            "isr": sorted(self._isr), "waits_for": sorted(active.waits_for), "lag": lag,
            "in_flight": {node: feed.in_flight for node, feed in active.feeds.items()},
            "is_store_reached": not self._unreachable_since, "leader": self._mine.leader,
        }  # fmt: skip

    def numbers(self) -> dict[str, int]:
        """What is sampled: how many nodes have what is confirmed, and how far behind the slowest of them is."""
        active = self.active
        assert active is not None
        return {
            "pair_epoch": self._mine.epoch,
            "pair_in_sync": len(self._isr),
            "pair_batches_behind": active.batches_behind,
            "pair_bytes_in_flight": active.bytes_in_flight,
            "pair_commit_wait_ms": active.commit_wait(_now()),
        }

    # --- the end ------------------------------------------------------------------------------------------------------

    async def hand_over(self) -> None:
        """Waits a moment for the standbys to have the end of the log, then gives the lease back."""
        active = self.active
        if active is None or self._is_over:
            return
        deadline = _now() + int(HAND_OVER_TIMEOUT_S * 1000)
        while _now() < deadline and any(self._is_behind(node) for node in self.others_in_sync()):
            await wait_at_most(self._acknowledged, RETRY_S)
            self._acknowledged.clear()
        self._is_over = True
        try:
            await self._election.resign(self._mine)
        except ElectionUnreachable as error:
            log.warning("the lease runs out by itself: %s", error)

    def _is_behind(self, node: str) -> bool:
        active = self.active
        feed = active.feeds.get(node) if active is not None else None
        return active is not None and feed is not None and feed.acked < active.last_lsn

    def close(self) -> None:
        """Ends all tasks."""
        self._is_over = True
        for task in list(self._tasks):
            task.cancel()
