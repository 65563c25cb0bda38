"""The composition root: makes a broker out of its parts, runs it until a signal comes, and takes it apart again."""

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import uvloop

import mqbroker
from mqbroker.built import FORM
from mqbroker.clock import Clock
from mqbroker.config.destinations import DestinationsConfig
from mqbroker.config.keys import read_keys
from mqbroker.config.sections import Config
from mqbroker.core import definitions, restoration
from mqbroker.core.broker import Broker
from mqbroker.core.destinations.naming import Naming
from mqbroker.core.events import Events
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.core.properties import Formats, Properties, registered
from mqbroker.core.restoration import restore
from mqbroker.errors import ConfigError, DiskFailed
from mqbroker.limits import QUEUE_WINDOW, SPILL_INTERVAL_MS
from mqbroker.net import devcerts
from mqbroker.net.choice import SessionFactory, with_guests
from mqbroker.net.connections import Connections
from mqbroker.net.listener import Listeners
from mqbroker.net.tls import ServerTls
from mqbroker.protocols.node import Node
from mqbroker.protocols.protocol import Protocol, Speaker
from mqbroker.protocols.recognition import Recognition
from mqbroker.protocols.services import Alarms as AlarmsView
from mqbroker.protocols.services import Authenticator, Services
from mqbroker.protocols.session import Outbox
from mqbroker.runtime import allocator, descriptors, memory, timekeeper
from mqbroker.runtime.alarms import Alarms
from mqbroker.runtime.audit.trail import Trail, service_event
from mqbroker.runtime.authenticator import PooledAuthenticator
from mqbroker.runtime.backend_chain import INTERNAL, BackendChain
from mqbroker.runtime.backend_judge import BackendJudge
from mqbroker.runtime.evictions import Evictions
from mqbroker.runtime.logs import setup as logs
from mqbroker.runtime.provisioning import Provisioning
from mqbroker.runtime.sampler import Sampler
from mqbroker.runtime.tasks import Tasks
from mqbroker.runtime.thread_wake import ThreadWake
from mqbroker.runtime.timekeeper import Timekeeper
from mqbroker.runtime.turn import Turn
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.journal import open_journal
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.disk import FileDisk

if TYPE_CHECKING:
    from mqbroker.replication.ballot import Ballot
    from mqbroker.replication.node import PairNode

log = logging.getLogger("mqbroker")

Opened = tuple[Ledger, Mapping[str, bytes], Mapping[int, list[Entry]]]
"""The ledger, the definitions and the messages that were recovered."""

_SWITCH_INTERVAL_S = 0.0005  # at Python's own 5 ms the journal's thread waits too long for a busy loop's GIL
_GC_THRESHOLDS = (5000, 5, 1000)  # by what connections bring along; messages are not the collector's. A walk over
# 100,000 objects at once would hold up everything for a tenth of a second.
_INPUT_SHARE = 64  # so many looks at the memory while input of the size of its limit arrives
_SPILL_S_MIN = 0.01
_TICK_S = 0.5  # how exact deadlines of sessions are
_SWITCHOVER_TIMEOUT_S = 0.2  # for clients to close while another node is about to take over, which they wait for
_ABORT_TIMEOUT_S = 1.0  # for connections that were cut to be gone


class Server:
    """One running broker."""

    def __init__(
        self, config: Config, protocols: Sequence[Protocol] = PROTOCOLS, load: Callable[[], Config] | None = None
    ) -> None:
        """`load` reads the configuration again; without it there is none to read."""
        self._config = config
        self._load = load
        self._protocols = protocols
        self._clock = Clock()
        self._stop_event = asyncio.Event()
        self.exit_code = 0
        self._stack = AsyncExitStack()
        self._tls: ServerTls | None = None
        self._pair: PairNode | None = None
        self._speakers: list[Speaker] = []
        self._tasks = Tasks(self._fail)
        self._hashing = asyncio.Lock()
        self._is_serving = False

    async def start(self) -> bool:
        """Recovers, then listens; in a pair once it is elected. False when it was stopped before. Raises ConfigError,
        StorageError."""
        self._obey_signals()
        config, clock = self._config, self._clock
        self._turn = Turn(clock, self._fail)
        self._wake = ThreadWake(self._turn.run, is_held=bool(config.pair.node))
        opened = await self._open()
        if opened is None:
            return False
        self._ledger, found, entries = opened
        self._timekeeper = Timekeeper(clock, self._ledger)
        self._timekeeper.begin(found, is_free=not entries and not _has_deadlines(self._protocols, found))
        self._stack.callback(self._timekeeper.note)
        self._broker = Broker(self._ledger, lambda: secrets.token_urlsafe(16), Events(clock.now))
        if self._pair is None:
            restore(self._broker, found, entries, clock.now())
        else:
            await self._restore_elected(self._pair, found, entries)
        self._alarms = Alarms(
            config.limits,
            config.data_dir if config.durability != "memory" else None,
            lambda: isinstance(self._ledger, JournalLedger) and self._ledger.is_full,
            lambda: asyncio.get_running_loop().run_in_executor(None, allocator.trim),
            self._broker.events,
        )
        self._stack.callback(self._alarms.close)
        authenticator = self._logins = PooledAuthenticator(self._broker.access, clock)
        self._stack.callback(authenticator.close)
        provisioning = Provisioning(self._broker, config, authenticator, self._turn.schedule)
        provisioning.apply()
        if not self._broker.access.users:
            text = "there is no user, so nobody can log in: name one in [[users]], or set default_user and default_pass"
            log.warning(text)
        parts = self._broker, self._chained(authenticator), self._alarms, self._turn.outbox, clock
        services = _services(config, self._protocols, *parts)
        self._open_trail(services)
        services.memory_bytes = self._alarms.resident_bytes
        services.memory_bytes_max = int(self._alarms.memory_limit_bytes)
        self._registry = services.registry
        provisioning.end_sessions = self._end_sessions
        evictions = Evictions(services.registry, clock, asyncio.get_running_loop().call_soon)
        self._broker.events.subscribe(evictions.take)
        factories = self._start_protocols(services, found)
        self._connections = Connections(descriptors.fitting(config.limits, descriptors.claim()), clock)
        self._turn.attach(self._broker, self._connections)
        self._stack.callback(self._turn.close)
        self._connections.watch_input(int(self._alarms.memory_limit_bytes) // _INPUT_SHARE, self._look_soon)
        self._listen(factories)
        if isinstance(self._ledger, JournalLedger):
            self._ledger.watch_space(lambda _: self._check_alarms())
            self._ledger.segment_begun = self._tell_of_segment
        self.sampler = Sampler(self._broker, self._node_numbers)
        self.sampler.start(clock.now())
        node = self._node()
        for speaker in self._speakers:
            speaker.begin(node)
        self._advise()
        self._turn.schedule()
        self._is_serving = True
        self._tasks.start("hashing the passwords of the configuration", self._hash(provisioning))
        self._tasks.start("the clock of sessions and alarms", self._tick_task())
        if self._ledger.window:
            self._tasks.start("the search for long queues", self._spill_task())
        return True

    def _chained(self, internal: PooledAuthenticator) -> Authenticator:
        """Who decides about log-ins, with other sources of users where the configuration names some."""
        auth = self._config.auth
        if tuple(auth.backends) == (INTERNAL,):
            return internal
        from mqbroker.delivery.auth_backend import HttpBackend  # brokers without go without its weight

        backends = {"http": HttpBackend(auth.http, self._broker.access.users, self._broker.vhosts)}
        chain = BackendChain(self._broker, self._clock, internal, auth.backends, backends, auth.http.cache_s * 1000)
        self._stack.callback(chain.close)
        if auth.http.resource_path or auth.http.topic_path:
            asked = bool(auth.http.resource_path), bool(auth.http.topic_path)
            judge = BackendJudge(
                self._broker, self._clock, backends["http"], chain.is_foreign, asked, auth.http.cache_s * 1000
            )
            judge.wake = self._turn.schedule
            self._broker.access.judge = judge
            self._stack.callback(judge.close)
        return chain

    def _open_trail(self, services: Services) -> None:
        audit = self._config.audit
        if not audit.enabled or (self._config.durability == "memory" and audit.folder is None):
            return
        try:
            services.audit = trail = Trail(audit, self._config.data_dir, self._clock)
        except (OSError, ValueError) as error:
            raise ConfigError(f"the audit trail cannot be opened: {error}") from None
        trail.record({**service_event("StartBroker"), "additionalEventData": {"version": mqbroker.__version__}})
        self._stack.callback(trail.close)

    def _listen(self, factories: Mapping[str, SessionFactory]) -> None:
        config = self._config
        self._tls = self._open_tls()
        self._listeners = Listeners(
            self._connections,
            self._protocols,
            factories,
            self._clock,
            config.proxy_protocol.sources,
            self._tls,
            config.websocket,
        )
        self._stack.callback(self._listeners.close)
        for listener in config.listeners:
            self._listeners.open(listener)

    def _start_protocols(self, services: Services, found: Mapping[str, bytes]) -> dict[str, SessionFactory]:
        """What makes the sessions of each protocol, by its name."""
        factories: dict[str, SessionFactory] = {}
        for protocol in self._protocols:
            speaker = protocol.start(services, self._config)
            speaker.restore(found, self._clock.now())
            self._speakers.append(speaker)
            self._stack.push_async_callback(speaker.close)
            self._stack.callback(speaker.stop)
            factories[protocol.name] = speaker.new_session
        return with_guests(self._protocols, factories, services.outbox, self._clock.now, services.preauth_timeout_ms)

    def _node(self) -> Node:
        return Node(
            self._clock.now(),
            str(self._config.data_dir),
            self._alarms.disk_free_min_bytes,
            self._node_numbers,
            lambda: self._listeners.addresses,
            self.sampler,
            self._compose,
            lambda: 0 if self._tls is None else self._tls.expires_at(),
            self._reload,
            {view.name: view for speaker in self._speakers for view in speaker.views()},
            self._listeners,
            None if self._pair is None else self._pair.status,
            None if self._pair is None else self._pair.switch_over,
        )

    def _advise(self) -> None:
        if not self._config.destinations.advisories:
            return
        from mqbroker.runtime.advisories.advisories import Advisories  # brokers without go without its weight

        Advisories(self._broker, self._registry, self._compose, self._config.pair.node or socket.gethostname())

    def _compose(self, fields: Mapping[str, object]) -> Properties:
        composed = (protocol.compose(fields) for protocol in self._protocols)
        return next(each for each in composed if each is not None)

    async def _open(self) -> Opened | None:
        """Recovers; in a pair once this node is elected. None when it was stopped before."""
        if self._config.durability == "memory":
            return Ledger(), {}, {}
        keyring = self._keyring()  # before anything is made, which is of no use without the keys
        disk = FileDisk(self._config.data_dir)
        self._stack.callback(disk.close)
        if self._config.pair.node:
            return await self._open_elected(disk, keyring)
        return self._open_ledger(disk, keyring, None)

    def _keyring(self) -> Keyring | None:
        keys = read_keys(self._config.journal.encryption_keys, os.environ)
        return Keyring(keys) if keys else None

    async def _open_elected(self, disk: FileDisk, keyring: Keyring | None) -> Opened | None:
        """Is a standby until this node is elected, then recovers what it has of the log."""
        from mqbroker.replication.node import PairNode  # a node alone starts without its weight

        # What the configuration names is made once for nobody: a mistake shows now and not at the promotion, which does
        # not wait for modules that are loaded at their first use either.
        rehearse(self._config, self._protocols)
        sync = self._config.durability == "fsync"
        self._pair = pair = PairNode(self._config.pair, disk, sync, keyring, self._fail)
        self._stack.push_async_callback(pair.close)
        await pair.start()
        self._stack.push_async_callback(pair.hand_over)
        pair.on_switchover = self._stop_event.set
        mine = await pair.elected(self._stop_event)
        if mine is None:
            return None
        # In a thread of its own, so that the lease is kept meanwhile.
        opened = await asyncio.to_thread(self._open_ledger, disk, keyring, mine)
        self._wake.release()
        return opened

    async def _restore_elected(
        self, pair: "PairNode", found: Mapping[str, bytes], entries: Mapping[int, list[Entry]]
    ) -> None:  # fmt: skip
        await asyncio.to_thread(restore, self._broker, found, entries, self._clock.now())
        assert isinstance(self._ledger, JournalLedger)
        pair.lead(self._ledger, self._turn.run, self._broker.events)

    def _open_ledger(self, disk: FileDisk, keyring: Keyring | None, mine: "Ballot | None") -> Opened:
        config = self._config
        ledger, found = open_journal(
            disk,
            formats_of(self._protocols),
            config.durability,
            self._wake,
            self._disk_failed,
            config.journal.segment_bytes,
            keyring,
            lambda found: definitions.require_known(found, kinds_of(self._protocols)),
            memory.Budget(memory.group_limit_bytes()).require,
            None if mine is None else mine.epoch,
            () if mine is None else mine.isr - {mine.leader},
            window=config.journal.queue_window,
        )
        self._stack.callback(ledger.close)
        if found.note:
            log.warning("%s", found.note)
        if keyring is not None:
            _log_encryption(keyring, found.plain_segments)
        count, queues, paged = found.entries.total, len(found.entries), found.entries.paged
        log.info("recovered %d messages in %d queues, %d of them left in the journal", count, queues, paged)
        return ledger, found.definitions, found.entries

    def _open_tls(self) -> ServerTls | None:
        config = self._config
        if not any(listener.is_tls for listener in config.listeners):
            return None
        tls = config.tls
        if tls.certificate is None and config.dev:
            tls = devcerts.ensure(config.data_dir / "certs").tls_config(tls)
        return ServerTls(tls)

    def _obey_signals(self) -> None:
        """Before anything listens: whoever sees the banner may send a signal, and must get an orderly stop for it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_event.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> str:
        """Reads certificates and the configuration again. What is wrong with them; empty when they are in force."""
        if self._tls is not None:
            self._tls.reload()
        if self._pair is not None:
            self._pair.reload()
        logs.reopen()
        if self._load is None or not self._is_serving:
            return ""
        try:
            config = self._load()
            self._provision(config)
        except ConfigError as error:
            log.error("the configuration is not taken over, and all stays as it was: %s", error)
            return str(error)
        idle = self._changed(config)
        if idle:
            log.warning("a restart is needed for changes of %s", ", ".join(idle))
        log.info("the configuration was read again")
        return ""

    def _provision(self, config: Config) -> None:
        """Vhosts, users, permissions and access keys as the configuration has them now. Raises ConfigError."""
        provisioning = Provisioning(self._broker, config, self._logins, self._turn.schedule)
        provisioning.end_sessions = self._end_sessions
        provisioning.apply()
        self._turn.schedule()
        logs.set_levels(config)
        self._tasks.start("hashing the passwords of the configuration", self._hash(provisioning))

    async def _hash(self, provisioning: Provisioning) -> None:
        """After what was read earlier: its passwords would replace those that the file has now."""
        async with self._hashing:
            await provisioning.hash_task()

    def _changed(self, config: Config) -> list[str]:
        """The options and sections that are other ones than at the start, and that only a start takes over."""
        taken = {"users", "vhosts", "apply_users", "default_user", "default_pass", "log_level"}
        names = [each.name for each in fields(config) if each.name not in taken]
        before = replace(self._config, log=replace(self._config.log, levels=config.log.levels))
        return [name for name in names if getattr(config, name) != getattr(before, name)]

    def _end_sessions(self, user: str, reason: str) -> None:
        for session in self._registry.of_user(user):
            session.end(reason, self._clock.now())

    def banner(self) -> str:
        """What is running, where, and how safe messages are."""
        config = self._config
        where = "memory only" if config.durability == "memory" else str(config.data_dir.absolute())
        version = f"mqbroker {mqbroker.__version__} ({FORM})"
        lines = [version, f"  data        {where}", f"  durability  {config.durability}"]
        for listener, host, port in self._listeners.addresses:
            shown = f"[{host}]" if ":" in host else host
            lines.append(f"  listening   {listener.scheme}://{shown}:{port}")
        return "\n".join(lines)

    async def run(self) -> int:
        """Serves until a signal or a failure; the process's exit code."""
        await self._stop_event.wait()
        if not self.exit_code:
            await self._shut_down()
        return self.exit_code

    async def close(self) -> None:
        """Releases everything that was opened, in the reverse order."""
        self._tasks.close()
        if self.exit_code:
            return  # the disk or the core has failed: nothing more is written
        await self._stack.aclose()

    async def _shut_down(self) -> None:
        log.info("shutting down")
        self._listeners.close()
        self._connections.shut_down(self._clock.now())
        self._turn.schedule()
        timeout_s = float(self._config.shutdown_timeout_s)
        if self._pair is not None and self._pair.has_successor:
            timeout_s = min(timeout_s, _SWITCHOVER_TIMEOUT_S)
        if not await self._connections.wait_closed(timeout_s):
            self._connections.abort()
            await self._connections.wait_closed(_ABORT_TIMEOUT_S)
        self._broker.scheduler.finish(self._clock.now())  # what they held goes back, and the journal hears of it

    async def _tick_task(self) -> None:
        """Deadlines of sessions, and resources, looked at regularly."""
        next_check = 0
        while True:
            now = self._clock.now()
            self._connections.tick(now)
            if now >= next_check:
                next_check = now + self._config.limits.memory_check_interval_ms
                self._check_resources(now)
            await asyncio.sleep(_TICK_S)

    async def _spill_task(self) -> None:
        """Long queues, looked for regularly: where little stays in memory by an option, much more often."""
        interval_s = max(_SPILL_S_MIN, SPILL_INTERVAL_MS * self._ledger.window / QUEUE_WINDOW / 1000)
        while True:
            self._broker.spilling.look(self._clock.now())
            await asyncio.sleep(min(interval_s, SPILL_INTERVAL_MS / 1000))

    def _check_resources(self, now: int) -> None:
        if isinstance(self._ledger, JournalLedger):
            self._ledger.tend(self._timekeeper.note)
            if self._timekeeper.tick(now, is_written=not self._ledger.is_marked):
                self._turn.schedule()
        if self._tls is not None:
            self._tls.check(now)
        self._check_alarms()
        if isinstance(self._ledger, JournalLedger):
            self._ledger.press(self._alarms.is_pressed)

    def _node_numbers(self) -> dict[str, int]:
        """What there is to know of the node beside its queues and exchanges."""
        connections, watch = self._connections, self._connections.watch
        found = {
            "connections": len(connections),
            "octets_in": connections.octets_in,
            "octets_out": connections.octets_out,
            "memory_bytes": self._alarms.resident_bytes(),
            "longest_turn_ms": watch.longest_ms,
            "slow_turns": watch.slow_turns,
        }
        if isinstance(self._ledger, JournalLedger):
            found["journal_batches"] = self._ledger.batches
            found["journal_bytes"] = self._ledger.bytes_written
            found["journal_segments"] = self._ledger.segments
            found["messages_paged_out"] = self._ledger.pager.paged_out
            found["messages_paged_in"] = self._ledger.pager.paged_in
        if self._pair is not None:
            found |= self._pair.numbers()
        return found

    def _tell_of_segment(self) -> None:
        assert isinstance(self._ledger, JournalLedger)
        segments, written = self._ledger.segments, self._ledger.bytes_written
        self._broker.events.tell("journal.segment.begun", segments=segments, bytes_written=written)

    def _look_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._check_alarms)

    def _check_alarms(self) -> None:
        if self._alarms.check(self._clock.now()):
            for session in self._connections.sessions():
                session.alarms_changed()

    def _disk_failed(self, error: DiskFailed) -> None:
        log.critical("the journal failed, so the broker stops: %s", error)
        self._fail()

    def _fail(self) -> None:
        self.exit_code = 1
        self._stop_event.set()


def formats_of(protocols: Iterable[Protocol]) -> Formats:
    """The encodings of properties that the journal may hold: each has an owner, who makes properties of it again."""
    return registered(*(each.formats() for each in protocols))


def kinds_of(protocols: Iterable[Protocol]) -> tuple[str, ...]:
    """The kinds of definitions that the journal may hold: each has an owner who puts it back."""
    return definitions.owned(restoration.KINDS, (timekeeper.KIND,), *(each.kinds for each in protocols))


def _has_deadlines(protocols: Iterable[Protocol], found: Mapping[str, bytes]) -> bool:
    timed = frozenset[str]().union(*(each.timed_kinds for each in protocols))
    return any(definitions.kind_of(key) in timed for key in found)


def _log_encryption(keyring: Keyring, plain_segments: int) -> None:
    log.info("the journal is encrypted with the key %s", keyring.key_id)
    if plain_segments:
        # Expected by an operator who has turned encryption on lately; any other one should ask who wrote them.
        text = "%d segments of the journal were written without encryption, and go as their messages go"
        log.warning(text, plain_segments)


def _naming(section: DestinationsConfig) -> Naming:
    composites = {each.name: each.targets for each in section.composites}
    mirror = (section.mirror_prefix, section.mirror_postfix) if section.mirrored_queues else None
    is_aware = section.virtual_topics_selector_aware
    return Naming(section.virtual_topics, section.virtual_topic_prefix, composites, mirror, is_aware)


def _services(
    config: Config,
    protocols: Iterable[Protocol],
    broker: Broker,
    authenticator: Authenticator,
    alarms: AlarmsView,
    outbox: Outbox,
    clock: Clock,
) -> Services:
    return Services(
        broker,
        authenticator,
        alarms,
        outbox,
        clock,
        loopback_users=config.security.loopback_users,
        preauth_timeout_ms=config.limits.preauth_timeout_s * 1000,
        default_vhost=config.default_vhost,
        naming=_naming(config.destinations),
        recognition=Recognition([each.recognise for each in protocols]),
    )


def rehearse(config: Config, protocols: Sequence[Protocol] = PROTOCOLS) -> None:
    """Makes everything that the configuration names in a broker that nobody connects to. Raises ConfigError."""

    class Silent:
        reason = ""

        def expect(self, user: str, password: bytes) -> None: ...

        def forget_expected(self, user: str) -> None: ...

        def is_expected(self, user: str) -> bool:  # noqa: ARG002
            return False

        def check(
            self, user: str, password: bytes, answer: object, address: str, is_wanted: object, details: object = None
        ) -> None: ...

    clock, broker, silent = Clock(), Broker(Ledger(), lambda: "rehearsal"), Silent()
    Provisioning(broker, config, silent, lambda: None).apply()
    services = _services(config, protocols, broker, silent, silent, Outbox(lambda: None), clock)
    for protocol in protocols:
        protocol.start(services, config).restore({}, clock.now())


async def _serve(config: Config, protocols: Sequence[Protocol], load: Callable[[], Config] | None) -> int:
    server = Server(config, protocols, load)
    try:
        if not await server.start():
            return server.exit_code
        print(server.banner(), flush=True)
        gc.collect()
        gc.freeze()
        return await server.run()
    finally:
        await server.close()


def serve(
    config: Config, protocols: Sequence[Protocol] = PROTOCOLS, load: Callable[[], Config] | None = None
) -> int:  # fmt: skip
    """Runs a broker until it is told to stop; the process's exit code. `load` reads the configuration again. Raises
    ConfigError, StorageError at first."""
    logs.configure(config)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.set_threshold(*_GC_THRESHOLDS)
    allocator.settle()
    return uvloop.run(_serve(config, protocols, load))
