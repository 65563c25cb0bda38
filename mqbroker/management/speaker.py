"""The management API in one broker: its listeners' sessions, and the local socket of the data directory's owner.

aiohttp is loaded when the first connection comes: brokers that nobody manages go without it.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mqbroker.config.sections import Config
from mqbroker.errors import ConfigError
from mqbroker.management.announcing import Announcer
from mqbroker.management.config import ManagementConfig
from mqbroker.management.feeds import LogFeed, event_line, soon_on
from mqbroker.management.firehose import Firehose
from mqbroker.management.ground import CLUSTER_ID, Ground
from mqbroker.management.local import LocalDoor
from mqbroker.management.log_exchange import LogExchange
from mqbroker.management.protocol import METRICS_SCHEME
from mqbroker.management.rabbitmq_words import RabbitWords, put_in_their_place
from mqbroker.management.session import ManagementSession
from mqbroker.management.store import Store
from mqbroker.protocols.node import Node
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer

if TYPE_CHECKING:
    from aiohttp import web

    from mqbroker.management.spans import Spans

log = logging.getLogger(__name__)


class ManagementSpeaker(Speaker):
    """Everything behind the listeners of the management API."""

    def __init__(self, services: Services, config: Config) -> None:
        settings = config.of(ManagementConfig)
        name = f"mqbroker@{socket.gethostname().partition('.')[0]}"
        self._ground = Ground(services, settings, Store(services.broker), name)
        self._door: LocalDoor | None = None
        self._log_feed: LogFeed | None = None
        self._servers: dict[bool, web.Server] = {}
        services.broker.events.subscribe(self._ground.observations.take)
        self._log = config.log
        self._has_rabbitmq_words = config.log.format == "rabbitmq"
        self._log_exchange: LogExchange | None = None
        self._spans: Spans | None = None
        self._otel = config.otel
        if self._otel.endpoint:
            _spans_class()

    def restore(self, found: Mapping[str, bytes], _now: int) -> None:
        """Overrides Speaker's."""
        self._ground.store.restore(found)

    def begin(self, node: Node) -> None:
        """Overrides Speaker's."""
        ground = self._ground
        ground.known_node = node
        self._fill_feeds(node)
        if not ground.cluster_id:
            ground.store.set_global(CLUSTER_ID, f"mqbroker-cluster-id-{secrets.token_urlsafe(16)}")
        broker, clock = ground.broker, ground.clock
        broker.events.subscribe(Announcer(broker, ground.services.default_vhost, clock, node.compose).take)
        self._log_changes()
        firehose = Firehose(broker, ground.name)
        ground.store.described = lambda name, each: firehose.follow(name, each["tracing"] is True, node.compose)
        for name in list(ground.store.vhosts):
            ground.store.described(name, ground.store.metadata(name))
        if self._otel.endpoint:
            self._spans = _spans_class()(self._otel, broker.scheduler, ground.name)
            self._spans.follow_all(broker)
        folder = Path(node.data_dir)
        if folder.is_dir():
            self._door = LocalDoor(folder, lambda: self._server(is_for_metrics=False))
            self._door.open()

    def _log_changes(self) -> None:
        """From now on the log has what happens in RabbitMQ's words."""
        broker = self._ground.broker
        users = {name: user.tags for name, user in broker.access.users.items()}
        words = RabbitWords(users, self._ground.name, self._has_rabbitmq_words)
        words.started(self._ground.node.listeners())
        broker.events.subscribe(words.take)
        if self._has_rabbitmq_words:
            put_in_their_place(words)

    def _fill_feeds(self, node: Node) -> None:
        """From now on it can be seen what happens."""
        feeds, events = self._ground.feeds, self._ground.broker.events
        events.subscribe(lambda event: feeds["events"].add(event_line(event)))
        node.samples.followers.append(self._sampled)
        self._log_feed = LogFeed(feeds["log"], soon_on(asyncio.get_running_loop()))
        logging.getLogger("mqbroker").addHandler(self._log_feed)
        if self._log.exchange:
            ground, call_soon = self._ground, soon_on(asyncio.get_running_loop())
            vhost = ground.services.default_vhost
            handler = LogExchange(ground.broker, vhost, ground.name, ground.clock, node.compose, call_soon)
            handler.setFormatter(logging.getLogger().handlers[0].formatter)
            logging.getLogger().addHandler(handler)
            self._log_exchange = handler

    def _sampled(self) -> None:
        at, numbers = list(self._ground.node.samples.history)[-1]
        self._ground.retention.add(at, numbers)
        self._ground.feeds["samples"].add({"at": at})
        self._ground.trends.sampled()
        self._ground.traces.sampled(self._ground.clock.now())

    def stop(self) -> None:
        """Overrides Speaker's."""
        self._ground.trends.close()
        if self._log_feed is not None:
            logging.getLogger("mqbroker").removeHandler(self._log_feed)
        if self._log_exchange is not None:
            logging.getLogger().removeHandler(self._log_exchange)
        if self._door is not None:
            self._door.close()
        if self._spans is not None:
            self._spans.stop()

    async def close(self) -> None:
        """Overrides Speaker's."""
        if self._spans is not None:
            await self._spans.close()

    def new_session(self, peer: Peer) -> ManagementSession:
        """Overrides Speaker's."""
        services = self._ground.services
        make = self._server(peer.listener.startswith(f"{METRICS_SCHEME}:"))
        return ManagementSession(services.outbox, peer, make, services.clock.now(), services.preauth_timeout_ms)

    def _server(self, is_for_metrics: bool) -> "web.Server":
        found = self._servers.get(is_for_metrics)
        if found is None:
            from mqbroker.management.site import make_server

            found = self._servers[is_for_metrics] = make_server(self._ground, is_for_metrics)
        return found


def _spans_class() -> "type[Spans]":
    """Raises ConfigError where what spans need is not installed."""
    try:
        from mqbroker.management.spans import Spans
    except ImportError:
        raise ConfigError("otel.endpoint needs the SDK of OpenTelemetry: pip install mqbroker[otel]") from None
    return Spans
