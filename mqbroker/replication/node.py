"""One node of a pair: a standby until it is elected, then the active one until the process ends.

    start --> standby: read the store --> somebody leads ----> follow, until the link ends
                 ^                   \\-> nobody does ------> ask to be promoted, if this node may
                 \\------------------------------------------/                \\--> `elected` returns; recovery; `lead`

An active node never becomes a standby again: it ends, and its supervisor starts it anew. So whatever it had in memory
and its clients' connections go with it.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from pathlib import Path

from mqbroker.config.sections import PairConfig
from mqbroker.core.events import Events
from mqbroker.errors import ConfigError, ElectionUnreachable, LinkBroken, LinkRefused, LogRefused, StorageError
from mqbroker.replication.ballot import Ballot, campaign_trouble, following_trouble, founding_trouble
from mqbroker.replication.course import Course
from mqbroker.replication.digest import digest
from mqbroker.replication.election import Election
from mqbroker.replication.elections.choice import election_of
from mqbroker.replication.follower import Follower
from mqbroker.replication.health import Health
from mqbroker.replication.leading import Leading
from mqbroker.replication.link import Link
from mqbroker.replication.listener import LinkListener
from mqbroker.replication.replica import Replica
from mqbroker.replication.tls import link_contexts, reload_links
from mqbroker.replication.wire import Answer, Hello, Packet, Refused, Request
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.disk import Disk

log = logging.getLogger(__name__)

LOOK_S = 0.5
REFUSALS_BEFORE_TAKEOVER = 2
RETRY_S = 0.1


class PairNode:
    """This node."""

    def __init__(
        self, config: PairConfig, disk: Disk, sync: bool, keyring: Keyring | None, fail: Callable[[], None]
    ) -> None:  # fmt: skip
        """`keyring` opens the journal once this node is promoted. `fail` ends the process. Raises ConfigError and
        StorageError."""
        self.config = config
        self.is_stopping = False
        self.on_switchover: Callable[[], None] = lambda: None
        """Has the process stop in order, so that a standby takes over."""
        self.leading: Leading | None = None
        self.ballot: Ballot | None = None
        """What the store said last."""
        self.trouble = ""
        """Why this node neither leads nor follows."""
        self._disk = disk
        self._fail = fail
        self._keyring = keyring
        self._server_context, self._client_context = link_contexts(config)
        self._replica = Replica(disk, sync, config.node)
        self._follower = Follower(self._replica, self._client_context, config.ack_timeout_ms / 1000)
        self.election: Election = election_of(config, Path(disk.path), self._client_context)
        self._listener = LinkListener(config.listen, self._server_context, self._received, self._lost)
        self._health = Health(config.health, lambda: self.leading is not None, lambda: self.is_ready)
        self._refusals = 0
        self._has_news = False
        """Whether the store is to be read again at once."""
        self._before: Course | None = None
        self._recovering: Leading | None = None
        self._stopper: asyncio.Task[None] | None = None
        self._forced_epoch = 0
        self._digests: deque[asyncio.Task[None]] = deque(maxlen=8)

    @property
    def is_ready(self) -> bool:
        """Whether nothing would be lost if the other node died now, as far as this one knows."""
        return self.leading is not None or self._replica.is_in_sync

    @property
    def has_successor(self) -> bool:
        """Whether another node takes over when this one stops in order."""
        return self.leading is not None and bool(self.leading.others_in_sync())

    @property
    def address(self) -> str:
        """Where the other nodes reach this one."""
        return str(self.config.advertise or self._listener.address)

    def reload(self) -> None:
        """Reads the certificates of links again, where there are some."""
        if self._server_context is None:
            return
        try:
            reload_links(self.config, self._server_context, self._client_context)
        except ConfigError as error:
            log.error("the certificates of links stay as they were: %s", error)
        else:
            log.info("the certificates of links were read again")

    # --- a standby ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listens for links and for load balancers. Raises ConfigError."""
        await self._listener.open()
        await self._health.open()
        log.info("node %s of the pair %s: links at %s", self.config.node, self.config.name, self.address)

    async def elected(self, stop: asyncio.Event) -> Ballot | None:
        """Is a standby until it is elected, or until `stop`; None then. DiskFailed and StorageError when the log here
        cannot be used."""
        self._stopper = asyncio.get_running_loop().create_task(self._obey(stop))
        while not self.is_stopping:
            mine = await self._step()
            if mine is not None:
                return await self._promoted(mine)
        return None

    async def _obey(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.is_stopping = self._follower.is_stopping = True

    async def _step(self) -> Ballot | None:
        self._has_news = False
        try:
            self.ballot = await self.election.read()
            mine = await self._decide(self.ballot)
            if mine is None and not self.is_stopping and not self._has_news:
                await self.election.watch(RETRY_S if self._refusals else LOOK_S)
            return mine
        except ElectionUnreachable as error:
            self._tell(str(error))
            await asyncio.sleep(LOOK_S)
            return None

    async def _decide(self, ballot: Ballot | None) -> Ballot | None:
        """Founds, follows or campaigns; the ballot by which this node leads, None to look again."""
        standing = self._replica.standing
        if ballot is None:
            trouble = founding_trouble(standing, self.config.founds)
            return self._wait(trouble) if trouble else await self._found()
        trouble = following_trouble(standing, ballot)
        if trouble:
            return self._wait(trouble)
        if ballot.is_held:
            self._forced_epoch = 0  # it was said for a pair that nobody led
        if ballot.is_held and ballot.leader != self.config.node:
            await self._follow(ballot)
            return None
        if ballot.is_held:
            if ballot.epoch == standing.promised:
                await self.election.resign(ballot)  # of an earlier life of this node: nobody else has its data folder
            return None
        trouble = campaign_trouble(self.config.node, standing, ballot, self._replica.lsn > 0) or ballot.hesitation
        if trouble and self._forced_epoch != ballot.epoch + 1:
            return self._wait(trouble)
        trouble = await self._follower.work(self._replica.key_trouble, self._keyring)
        if trouble:
            return self._wait(trouble)
        log.info("nobody leads: asking to be promoted to the epoch %d", ballot.epoch + 1)
        return await self.election.acquire(ballot, self.config.node, self.address)

    def _tell(self, trouble: str) -> None:
        """Says what keeps this node from taking part, once."""
        if trouble != self.trouble:
            self.trouble = trouble
            log.warning("waiting: %s", trouble)

    def _wait(self, trouble: str) -> Ballot | None:
        self._tell(trouble)
        return None

    async def _found(self) -> Ballot | None:
        cluster = secrets.token_hex(16)
        epoch = await self._follower.work(self._replica.claim, cluster)
        mine = await self.election.found(cluster, self.config.node, self.address, epoch)
        if mine is None:
            await self._follower.work(self._replica.disclaim)
        return mine

    async def _follow(self, ballot: Ballot) -> None:
        try:
            await self._follower.follow(ballot)
            self._has_news = True
            self._refusals = 1  # that it has ended is half of what shows that the process is gone
            log.warning("the link with %s has ended", ballot.leader)
        except ConnectionRefusedError:
            await self._refused(ballot)
        except (LinkRefused, LinkBroken, LogRefused) as error:
            self._tell(str(error))
        except (OSError, TimeoutError) as error:
            self._tell(f"{ballot.leader} at {ballot.address} cannot be reached: {str(error) or 'no answer'}")

    async def _refused(self, ballot: Ballot) -> None:
        """The machine of the active node says that nobody listens there: its process is gone. Taking over is safe
        even if that is wrong, because this node acknowledges nothing to it any more."""
        self._refusals += 1
        is_member = self.config.node in ballot.isr and self._replica.standing.is_whole
        is_asked = self.config.fast_takeover and self.config.election != "manual"
        if is_asked and is_member and self._refusals >= REFUSALS_BEFORE_TAKEOVER:
            log.warning("%s at %s is gone: taking over", ballot.leader, ballot.address)
            self._refusals = 0
            await self.election.resign(ballot)
            self._has_news = True

    async def _promoted(self, mine: Ballot) -> Ballot:
        replaced = self.ballot.leader if self.ballot is not None else ""
        self.ballot, self.trouble = mine, ""
        self._before = await self._follower.work(self._replica.course)
        await self._follower.work(self._replica.promote, mine)
        self._follower.close()
        log.warning("this node is promoted: it leads in the epoch %d, in sync: %s", mine.epoch, _names(mine.isr))
        self._recovering = Leading(self.config, self.election, mine, replaced, self._fail)
        self._recovering.start()
        return mine

    # --- the active node ----------------------------------------------------------------------------------------------

    def lead(
        self, ledger: JournalLedger, run: Callable[[Callable[[], None]], None], events: Events
    ) -> None:  # fmt: skip
        """Recovery is done: standbys may follow. `run` does work that may keep promises."""
        leading = self._recovering
        assert self._before is not None
        assert leading is not None
        leading.attach(ledger, self._disk, self._before, run, events)
        self.leading = leading

    def _received(self, link: Link, packets: list[Packet]) -> None:
        for packet in packets:
            if isinstance(packet, Request) and packet.content.get("do") == "digest":
                self._digests.append(asyncio.get_running_loop().create_task(self._digest(link, packet)))
            elif isinstance(packet, Request):
                link.send([Answer(self._answer(packet))])
            elif self.leading is not None:
                self.leading.received(link, packet)
            elif isinstance(packet, Hello):
                link.send([Refused(f"{self.config.node} is not the active node, or not yet")])
                link.close()

    def _lost(self, link: Link) -> None:
        if self.leading is not None:
            self.leading.lost(link)

    async def _digest(self, link: Link, request: Request) -> None:
        try:
            found = await asyncio.to_thread(digest, self._disk, int(request.content["upto"]))
        except (OSError, StorageError, KeyError, TypeError, ValueError) as error:
            link.send([Answer({"error": str(error)})])
        else:
            link.send([Answer({"segments": found})])

    def _answer(self, request: Request) -> dict[str, object]:
        match request.content.get("do"):
            case "status":
                return self.status()
            case "switchover":
                return self.switch_over()
            case "promote":
                return self._promote(request.content)
            case "ballot":
                said = self.election.answer(request.content)
                self._follower.leave(self.election.epoch)
                return said
        return {"error": f"there is no request {request.content.get('do')!r}"}

    def status(self) -> dict[str, object]:
        """What `mqbroker ha status` shows."""
        ballot, replica = self.ballot, self._replica
        isr = set(ballot.isr if ballot else ())
        if replica.is_in_sync:
            isr.add(self.config.node)  # it joined after it had read the ballot
        found: dict[str, object] = {
            "node": self.config.node, "pair": self.config.name, "trouble": self.trouble, "role": "standby",
            "epoch": replica.standing.promised, "lsn": replica.lsn, "in_sync": replica.is_in_sync,
            "linked": self._follower.is_linked, "leader": ballot.leader if ballot else "",
            "leader_address": ballot.address if ballot else "", "isr": sorted(isr),
        }  # fmt: skip
        if self.leading is not None:
            found |= self.leading.status()
        return found

    def numbers(self) -> dict[str, int]:
        """What is sampled of an active node."""
        return {} if self.leading is None else self.leading.numbers()

    def switch_over(self, delay_s: float = 0) -> dict[str, object]:
        """Stops in order, so that a standby takes over; after a delay, in which who asked is answered."""
        if self.leading is None:
            return {"error": f"{self.config.node} is not the active node"}
        ready = self.leading.others_in_sync()
        if not ready:
            return {"error": "no standby is in sync: nobody could take over"}
        self.is_stopping = True
        asyncio.get_running_loop().call_later(delay_s, self.on_switchover)
        return {"done": f"{self.config.node} stops, and one of {', '.join(ready)} takes over"}

    def _promote(self, said: dict[str, object]) -> dict[str, object]:
        """An operator wants this node promoted though it may lack confirmed messages."""
        ballot = self.ballot
        if self.leading is not None or ballot is None:
            return {"error": "this node is active already" if self.leading else "the election store holds no pair yet"}
        if self._follower.is_linked or ballot.is_held:
            return {"error": f"{ballot.leader} is alive: use `mqbroker ha switchover` there, or stop it first"}
        if said.get("epoch") != ballot.epoch + 1:
            return {"error": f"the pair is in the epoch {ballot.epoch}: the next one is {ballot.epoch + 1}"}
        lsn, committed = self._replica.lsn, self._replica.committed
        trouble = campaign_trouble(self.config.node, self._replica.standing, ballot, lsn > 0)
        window = (
            f"this node has batches up to {lsn}; {ballot.leader} had confirmed up to {committed} when last heard of"
        )
        if trouble and not said.get("force"):
            return {"error": f"{trouble}. {window}. With --force what is missing is lost"}
        self._forced_epoch = ballot.epoch + 1
        return {"done": f"asking to be promoted to the epoch {self._forced_epoch}; {window}"}

    # --- the end ------------------------------------------------------------------------------------------------------

    async def hand_over(self) -> None:
        """The journal is closed: waits a moment for the standbys to have its end, then lets one of them take over."""
        if self.leading is not None:
            await self.leading.hand_over()

    async def close(self) -> None:
        """Ends all links."""
        await self._listener.close()
        await self._health.close()
        if self._recovering is not None:
            self._recovering.close()
        await self.election.close()


def _names(isr: frozenset[str]) -> str:
    return ", ".join(sorted(isr))
