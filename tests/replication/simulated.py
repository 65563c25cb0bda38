"""A simulated pair: nodes with simulated disks, links that carry octets in pieces, a store that may not answer, time.

The machines are the real ones (Active, Replica, Leader, Feed, the ledger, the applier); what a shell does around them
is done here in steps that a seed chooses. The oracle knows what was confirmed by whom in which epoch.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from mqbroker.core.message import Entry, new_entry
from mqbroker.errors import DiskFailed, LinkBroken, LinkRefused, LogRefused, StorageError
from mqbroker.replication.active import Active
from mqbroker.replication.ballot import Ballot, campaign_trouble, founding_trouble
from mqbroker.replication.course import course_of
from mqbroker.replication.elections.memory import MemoryStore
from mqbroker.replication.replica import Replica
from mqbroker.replication.wire import Durable, Hello, Packet, Unpacker, Welcome, packed
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.recovery import Recovered, Recovery
from tests.storage.house import FORMATS, Journal, ManualExecutor, a_message
from tests.storage.simdisk import PowerCut, SimDisk

PATIENCE_MS = 3000
TTL_MS = 5000
TICK_MS = 300
QUEUE = 1
HEALING_STEPS_MAX = 30_000
CLUSTER = "c" * 32


class Pipe:
    """One connection: octets under way in both directions."""

    def __init__(self, standby: "Node", active: "Node") -> None:
        self.standby, self.active = standby, active
        self.to_active = bytearray()
        self.to_standby = bytearray()
        self.at_active, self.at_standby = Unpacker(), Unpacker()
        self.at_active.trust()
        self.at_standby.trust()
        self.node = ""
        """Who the active node takes the other end for; empty before the hello."""
        self.is_cut = False

    def cut(self) -> None:
        """It is gone; whoever uses it finds out."""
        self.is_cut = True


class Node:
    """One node, through all its lives."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.disk = SimDisk()
        self.replica: Replica | None = None
        self.active: Active | None = None
        self.journal: Journal | None = None
        self.pipe: Pipe | None = None
        self.heard_at = 0
        self.asks: list[tuple[Callable[[], Any], Callable[[Any], None], Callable[[], None]]] = []
        """What the store was asked, who takes the answer, and what to do without one."""
        self.unreachable_since = 0
        self.live: list[Entry] = []
        self.sequence = 0
        self.trouble = ""

    @property
    def is_up(self) -> bool:
        return self.replica is not None or self.active is not None

    # --- lives --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.heard_at = self.world.now
        self.replica = Replica(self.disk, True, self.name)

    def die(self, has_power_cut: bool) -> None:
        """The process ends; with a power cut the disk loses what was not synced."""
        chance = self.world.chance
        self.disk = self.disk.after_power_cut(chance) if has_power_cut else self.disk.after_kill()
        if self.active is not None:
            for pipe in self.world.pipes_to(self):
                pipe.cut()
        if self.pipe is not None:
            self.pipe.cut()
        self.replica = self.active = self.journal = self.pipe = None
        self.asks.clear()

    def guarded(self, work: Callable[[], object]) -> None:
        """Does something that may be cut short by the disk."""
        try:
            work()
        except (PowerCut, DiskFailed):
            self.die(self.world.chance.random() < 0.5)

    # --- what a shell does --------------------------------------------------------------------------------------------

    def tick(self) -> None:
        if self.active is not None:
            self._lead_on(self.active)
        elif self.replica is not None and not self._has_link() and not self.asks:
            self._drop_link()
            self._ask(self.world.store.read, self._standby_read)

    def _has_link(self) -> bool:
        pipe = self.pipe
        return pipe is not None and not pipe.is_cut and self.world.now - self.heard_at <= PATIENCE_MS

    def _drop_link(self) -> None:
        if self.pipe is not None:
            self.pipe.cut()
            self.pipe = None

    def _ask(
        self, call: Callable[[], Any], answered: Callable[[Any], None], failed: Callable[[], None] = lambda: None
    ) -> None:
        self.asks.append((call, answered, failed))

    def _standby_read(self, ballot: Ballot | None) -> None:
        replica = self.replica
        assert replica is not None
        if ballot is None:
            self.trouble = founding_trouble(replica.standing, founds=self.name == "a")
            if not self.trouble:
                epoch = replica.claim(CLUSTER)
                self._ask(partial(self.world.store.found, CLUSTER, self.name, self.name, epoch), self._promoted)
        elif ballot.is_held and ballot.leader != self.name:
            self._connect(ballot)
        elif ballot.is_held and ballot.epoch == replica.standing.promised:
            self._ask(partial(self.world.store.resign, ballot), lambda _: None)
        elif not ballot.is_held:
            self.trouble = campaign_trouble(self.name, replica.standing, ballot, replica.lsn > 0)
            if not self.trouble:
                self._ask(partial(self.world.store.acquire, ballot, self.name, self.name), self._promoted)

    def _connect(self, ballot: Ballot) -> None:
        leader = self.world.nodes[ballot.leader]
        if self.world.are_parted(self, leader) or leader.active is None:
            return
        assert self.replica is not None
        try:
            hello = self.replica.greet(ballot)
        except LinkRefused as error:
            self.trouble = str(error)
            return
        self.pipe = Pipe(self, leader)
        self.world.pipes.append(self.pipe)
        self.heard_at = self.world.now
        self.pipe.to_active += b"".join(packed([hello]))

    def _promoted(self, mine: Ballot | None) -> None:
        if mine is None or self.replica is None:
            return
        assert self.pipe is None, "whoever campaigns has no link, and acknowledges nothing"
        self.replica.promote(mine)
        world, self.replica = self.world, None
        before = course_of(self.disk, 0)
        self.appends = ManualExecutor()
        journal = Journal(
            self.disk, world.segment_bytes, self.appends, entropy_start=world.chance.randrange(1 << 60),
            epoch=mine.epoch, required=mine.isr - {self.name},
        )  # fmt: skip
        replaced = world.chance.choice(("a", "b", ""))
        self.active = Active(journal.ledger, self.disk, before, mine, world.now, PATIENCE_MS, silent=(replaced,))
        self.journal = journal
        self.live = [entry for entries in journal.recovered.entries.values() for entry in entries]
        self.sequence = max((entry.sequence for entry in self.live), default=self.sequence)
        self.unreachable_since = 0
        world.note_promotion(self.name, mine.epoch, {entry.message.body for entry in self.live})

    def _lead_on(self, active: Active) -> None:
        world = self.world
        active.tick(world.now)
        if self.unreachable_since and world.now - self.unreachable_since > TTL_MS:
            active.cut_off(world.now)
        for pipe in world.pipes_to(self):
            if pipe.node:
                pipe.to_standby += b"".join(packed([active.beat(pipe.node)]))
        if not self.asks:
            if active.proposal is not None:
                isr, active.proposal = active.proposal, None
                self._propose(active, isr)
            else:
                self._ask(partial(world.store.renew, active.ballot), self._renewed)

    def _propose(self, active: Active, isr: frozenset[str]) -> None:
        """Tries until the outcome is known."""
        again = partial(self._propose, active, isr)
        self._ask(partial(self.world.store.cas_isr, active.ballot, isr), self._proposed, again)

    def _proposed(self, ballot: Ballot | None) -> None:
        if ballot is None:
            self._ask(self.world.store.read, self._settled, lambda: self._proposed(None))
        else:
            self._settled(ballot)

    def _settled(self, ballot: Ballot | None) -> None:
        if self.active is not None and ballot is not None:
            self.active.settled(ballot, self.world.now)

    def _renewed(self, ballot: Ballot | None) -> None:
        if ballot is None:
            self._ask(self.world.store.read, self._renewed)
        elif self.active is not None:
            self.active.renewed(ballot, self.world.now)

    def answer(self) -> None:
        """The store answers the oldest question, or does not; then it has done it, or will, or never does."""
        call, answered, failed = self.asks.pop(0)
        world = self.world
        if self.name in world.without_store:
            self._unanswered(failed)
        elif world.chance.random() < world.trouble / 2:
            world.chance.choice((call, partial(world.late.append, call), lambda: None))()
            self._unanswered(failed)
        else:
            self.unreachable_since = 0
            self.guarded(lambda: answered(call()))

    def _unanswered(self, failed: Callable[[], None]) -> None:
        self.unreachable_since = self.unreachable_since or self.world.now
        failed()

    # --- what clients do ----------------------------------------------------------------------------------------------

    def publish(self) -> None:
        assert self.journal is not None
        body = self.world.new_body()
        self.sequence += 1
        entry = new_entry(a_message(body), QUEUE, self.sequence)
        ledger = self.journal.ledger
        ledger.enqueue(entry)
        ledger.promise(ledger.position, partial(self.world.confirmed, self, body))
        self.live.append(entry)

    def settle(self) -> None:
        if self.live and self.journal is not None:
            entry = self.live.pop(0)
            self.world.maybe_gone.add(entry.message.body)
            self.journal.ledger.settle(entry)

    # --- links --------------------------------------------------------------------------------------------------------

    def feed(self, pipe: Pipe, size: int) -> None:
        """The active node sends what there is."""
        active = self.active
        if active is None or not pipe.node or pipe.is_cut:
            return
        feed = active.feeds[pipe.node]
        pipe.to_standby += b"".join(packed(feed.next(size)))
        active.sent()

    def received(self, pipe: Pipe, packet: Packet) -> None:
        """The active node gets a packet."""
        active = self.active
        if active is None:
            pipe.cut()
        elif isinstance(packet, Hello):
            answer = active.greet(packet, lambda: None, self.world.now)
            if isinstance(answer, Welcome):
                for other in self.world.pipes_to(self):
                    if other.node == packet.node:
                        other.cut()
                        other.node = ""
                pipe.node = packet.node
            pipe.to_standby += b"".join(packed([answer]))
        elif isinstance(packet, Durable) and pipe.node:
            active.durable(pipe.node, packet, self.world.now)

    def took(self, pipe: Pipe, packets: list[Packet]) -> None:
        """The standby gets packets."""
        replica = self.replica
        if replica is None or self.pipe is not pipe:
            pipe.cut()
            return
        self.heard_at = self.world.now
        try:
            for packet in packets:
                answer = replica.welcomed(packet) if isinstance(packet, Welcome) else replica.take([packet])
                if answer is not None:
                    pipe.to_active += b"".join(packed([answer]))
        except (LinkBroken, LinkRefused, LogRefused) as error:
            self.trouble = str(error)
            self.world.refusals.append((self.name, repr(error)))
            self._drop_link()


class World:
    """All of it."""

    def __init__(self, seed: int, names: str = "ab", trouble: float = 0.3) -> None:
        self.chance = Random(seed)
        self.trouble = trouble
        self.now = 1_000_000
        self.segment_bytes = self.chance.choice((2048, 4096, 8192))
        self.store = MemoryStore(lambda: self.now, TTL_MS)
        self.nodes = {name: Node(self, name) for name in names}
        self.pipes: list[Pipe] = []
        self.parted: set[frozenset[str]] = set()
        self.without_store: set[str] = set()
        self.confirmed_bodies: dict[bytes, int] = {}
        self.maybe_gone: set[bytes] = set()
        self.newest_confirming = 0
        self.refusals: list[tuple[str, str]] = []
        self.promotions: list[tuple[str, int]] = []
        self.late: list[Callable[[], Any]] = []
        """What the store was asked and nobody waits for any more: it may do it all the same."""
        self.is_healing = False
        self._bodies = 0

    # --- the oracle ---------------------------------------------------------------------------------------------------

    def new_body(self) -> bytes:
        self._bodies += 1
        return b"%d:" % self._bodies + bytes(self.chance.choice((0, 40, 40, 300, 900)))

    def confirmed(self, node: Node, body: bytes) -> None:
        assert node.active is not None
        epoch = node.active.ballot.epoch
        assert epoch >= self.newest_confirming, f"{node.name} confirms in {epoch} after {self.newest_confirming} did"
        self.newest_confirming = epoch
        self.confirmed_bodies[body] = epoch

    def note_promotion(self, name: str, epoch: int, found: set[bytes]) -> None:
        self.promotions.append((name, epoch))
        missing = set(self.confirmed_bodies) - self.maybe_gone - found
        assert not missing, f"{name} was promoted to {epoch} without {sorted(missing)[:5]}"

    # --- the network --------------------------------------------------------------------------------------------------

    def pipes_to(self, node: Node) -> list[Pipe]:
        return [pipe for pipe in self.pipes if pipe.active is node and not pipe.is_cut]

    def are_parted(self, one: Node, other: Node) -> bool:
        return frozenset((one.name, other.name)) in self.parted

    def carry(self, pipe: Pipe) -> None:
        """Some octets arrive on one side or the other."""
        if self.are_parted(pipe.standby, pipe.active):
            return
        size = self.chance.choice((1, 70, 500, 100_000))
        if self.chance.random() < 0.5:
            data, pipe.to_active[:] = bytes(pipe.to_active[:size]), pipe.to_active[size:]
            packets = list(pipe.at_active.receive(data))
            for packet in packets:
                pipe.active.guarded(partial(pipe.active.received, pipe, packet))
        else:
            data, pipe.to_standby[:] = bytes(pipe.to_standby[:size]), pipe.to_standby[size:]
            packets = list(pipe.at_standby.receive(data))
            if packets:
                pipe.standby.guarded(partial(pipe.standby.took, pipe, packets))

    def sweep(self) -> None:
        """Both ends find out about links that are gone."""
        for pipe in [each for each in self.pipes if each.is_cut]:
            self.pipes.remove(pipe)
            active = pipe.active.active
            if pipe.node and active is not None:
                active.gone(pipe.node, self.now)
            if pipe.standby.pipe is pipe:
                pipe.standby.pipe = None

    # --- steps --------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        node = self.chance.choice(list(self.nodes.values()))
        deeds: list[tuple[float, Callable[[], None]]] = [
            (30, partial(self._serve, node)), (40, self._carry), (20, self._feed), (12, partial(self._answer, node)),
            (1, self._do_late), (6, self._pass_time), (self.trouble * 2, partial(self._harm, node)), (4, self._mend),
        ]  # fmt: skip
        weights, calls = zip(*deeds, strict=True)
        self.chance.choices(calls, weights)[0]()
        self.sweep()

    def _serve(self, node: Node) -> None:
        if node.journal is None:
            return
        ledger, chance = node.journal.ledger, self.chance
        clients = () if self.is_healing else (node.publish, node.publish, node.settle)
        work = chance.choice((*clients, ledger.seal, node.appends.step, ledger.tend))
        node.guarded(work)

    def _carry(self) -> None:
        if self.pipes:
            self.carry(self.chance.choice(self.pipes))

    def _feed(self) -> None:
        if self.pipes:
            pipe = self.chance.choice(self.pipes)
            pipe.active.guarded(partial(pipe.active.feed, pipe, self.chance.choice((1, 3000, 100_000))))

    def _answer(self, node: Node) -> None:
        if node.asks:
            node.answer()

    def _do_late(self) -> None:
        if self.late:
            self.late.pop(self.chance.randrange(len(self.late)))()

    def _pass_time(self) -> None:
        self.now += self.chance.choice((1, 50, TICK_MS, TICK_MS))
        for node in self.nodes.values():
            if node.is_up and self.chance.random() < 0.95:
                node.guarded(node.tick)
            if node.active is not None and node.active.over:
                node.die(False)

    def _harm(self, node: Node) -> None:
        chance = self.chance
        harms: list[Callable[[], None]] = [
            partial(self._kill, node), partial(self._break_disk, node), self._cut_some, self._part_some,
            partial(self.without_store.add, node.name), self._stall, partial(self._kill, node),
        ]  # fmt: skip
        chance.choice(harms)()

    def _kill(self, node: Node) -> None:
        if node.is_up:
            node.die(self.chance.random() < 0.5)

    def _break_disk(self, node: Node) -> None:
        if node.is_up:
            node.disk.fail_at, node.disk.failure = node.disk.calls + self.chance.randrange(1, 12), PowerCut()

    def _cut_some(self) -> None:
        if self.pipes:
            self.chance.choice(self.pipes).cut()

    def _part_some(self) -> None:
        names = self.chance.sample(list(self.nodes), 2)
        self.parted.add(frozenset(names))

    def _stall(self) -> None:
        """Nobody does anything for long: leases run out."""
        self.now += self.chance.choice((1000, 4000, 20_000))

    def _mend(self) -> None:
        chance = self.chance
        if self.parted and chance.random() < 0.5:
            self.parted.pop()
        elif self.without_store and chance.random() < 0.5:
            self.without_store.pop()
        else:
            down = [node for node in self.nodes.values() if not node.is_up]
            if down:
                node = chance.choice(down)
                node.guarded(node.start)

    # --- the end ------------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Everything works again until all nodes are alike. AssertionError when that does not come."""
        self.trouble, self.is_healing = 0, True
        self.parted.clear()
        self.without_store.clear()
        for _ in range(HEALING_STEPS_MAX):
            if self._is_calm():
                return
            for node in self.nodes.values():
                node.disk.fail_at = 0
                if not node.is_up:
                    node.start()
            self.step()
        state = [(n.name, n.active and (n.active.ballot, n.active.waits_for), n.trouble) for n in self.nodes.values()]
        raise AssertionError(f"no peace: {state}, {self.store.read()}, {self.refusals[-3:]}")

    def _is_calm(self) -> bool:
        leaders = [node for node in self.nodes.values() if node.active is not None]
        if len(leaders) != 1 or self.store.ballot is None or self.store.ballot.isr != frozenset(self.nodes):
            return False
        journal, active = leaders[0].journal, leaders[0].active
        assert journal is not None
        assert active is not None
        ledger = journal.ledger
        is_quiet = not ledger.writer.is_busy and not ledger.waiting and not ledger._has_facts()
        return is_quiet and all(each.is_up and _is_alike(each.disk, leaders[0].disk) for each in self.nodes.values())

    def judge(self) -> None:
        """Everything confirmed is on every node."""
        for node in self.nodes.values():
            found = {entry.message.body for entries in recovered(node.disk).entries.values() for entry in entries}
            missing = set(self.confirmed_bodies) - self.maybe_gone - found
            assert not missing, f"{node.name} has not {sorted(missing)[:5]}"


def _is_alike(one: SimDisk, other: SimDisk) -> bool:
    names = segment_names(one.names())
    return names == segment_names(other.names()) and all(one.read(name) == other.read(name) for name in names)


def recovered(disk: SimDisk) -> Recovered:
    """What a journal on that disk says."""
    recovery = Recovery(disk.after_kill(), FORMATS)
    recovery.run()
    return recovery.recovered


def survive(seed: int, steps: int, names: str = "ab", trouble: float = 0.3) -> World:
    """A random history with faults, after which all is well again."""
    world = World(seed, names, trouble)
    for node in world.nodes.values():
        node.start()
    try:
        for _ in range(steps):
            world.step()
        world.heal()
        world.judge()
    except StorageError as error:
        raise AssertionError(f"a journal cannot be used: {error}") from error
    return world
