"""All MQTT sessions of the broker: who has which client id, when sessions and wills are due, what a restart restores.

One object for all connections. It owns the sessions, publishes wills, $SYS and retained messages, and keeps the journal
true about them. It knows the vhosts but no socket.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import mqbroker
from mqbroker.core import definitions
from mqbroker.core.message import Message
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.retained import RetainedMessages
from mqbroker.core.queues.spec import REJECT_PUBLISH, QueueSpec
from mqbroker.core.queues.subscriber import LiveQueue, SubscriberQueue
from mqbroker.core.routing.exchange import Exchange
from mqbroker.errors import AccessPending, RequestRefused
from mqbroker.protocols.mqtt import sharing
from mqbroker.protocols.mqtt.config import DROP_NEWEST, MqttConfig
from mqbroker.protocols.mqtt.counters import Counters
from mqbroker.protocols.mqtt.kinds import INCOMING, KINDS, SESSION, SHARE
from mqbroker.protocols.mqtt.limits import MQTT_LOSS_REPORT_MS, MQTT_SUBSCRIPTIONS_MAX
from mqbroker.protocols.mqtt.log_topics import LogTopics
from mqbroker.protocols.mqtt.losses import LossReports
from mqbroker.protocols.mqtt.output import PublishEncoder
from mqbroker.protocols.mqtt.properties import mapping_flag
from mqbroker.protocols.mqtt.remapping import remap_binding, remap_retained, remap_will
from mqbroker.protocols.mqtt.retaining import add_retaining_exchange
from mqbroker.protocols.mqtt.rights import Rights
from mqbroker.protocols.mqtt.state import MqttSession
from mqbroker.protocols.mqtt.subscriptions import Subscription, wanted_by
from mqbroker.protocols.mqtt.system import System
from mqbroker.protocols.mqtt.topics import MAPPINGS, TOPIC_EXCHANGE, parse_filter
from mqbroker.protocols.mqtt.wills import PendingWill, unpack_will
from mqbroker.protocols.rate_log import RateLog
from mqbroker.protocols.services import Services

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.mqtt.parts import Client

log = logging.getLogger("mqbroker.mqtt")


class Sessions:
    """The sessions by vhost and client id."""

    def __init__(self, services: Services, settings: MqttConfig, local_user: str = "") -> None:
        """`local_user` is who clients of this machine are that give no name, unless the settings say who they are."""
        self.services = services
        self.broker = services.broker
        self.ledger = services.broker.ledger
        self.settings = settings
        self.anonymous_user = settings.anonymous_user or local_user
        """Who clients without a user name are; empty refuses them."""
        self.anonymous_from_loopback_only = not settings.anonymous_user
        self.subscriptions_max = MQTT_SUBSCRIPTIONS_MAX
        self.mapping = MAPPINGS[settings.topic_mapping]
        self.by_address: Counter[str] = Counter()
        """Open connections of each client address."""
        self.rights = Rights(services.broker.access, self.mapping)
        self.encoder = PublishEncoder(self.mapping)
        self.flags = mapping_flag(self.mapping)
        self.version = mqbroker.__version__
        self.now = 0
        """The newest time that any connection was told."""
        self.publisher: Client | None = None
        """Whose input is being handled."""
        self.counters = Counters()
        self.system = System(self)
        self._log_topics = LogTopics(self) if settings.log_topics else None
        self.losses = LossReports(services.broker.timers, lambda: self.now)
        self.renamed = RateLog(log, MQTT_LOSS_REPORT_MS)
        self.unsayable = RateLog(log, MQTT_LOSS_REPORT_MS)
        self.large = RateLog(log, MQTT_LOSS_REPORT_MS)
        self.members: dict[tuple[str, str], set[str]] = {}
        """The client ids of each shared subscription, by vhost and queue."""
        self._sessions: dict[tuple[str, str], MqttSession] = {}

    # --- look-ups ---------------------------------------------------------------------------------------------------

    def find(self, vhost: str, client_id: str) -> MqttSession | None:
        """The session of a client id in a vhost."""
        return self._sessions.get((vhost, client_id))

    def all(self) -> list[MqttSession]:
        """Every session, connected or not."""
        return list(self._sessions.values())

    @property
    def session_count(self) -> int:
        """How many there are."""
        return len(self._sessions)

    def spec_of_queue(self, name: str, kind: str, durable: bool) -> QueueSpec:
        """A queue in which messages wait for a session or a group, and how much may wait there."""
        settings = self.settings
        has_limit = settings.queued_messages_max or settings.queued_bytes_max
        return QueueSpec(
            name,
            kind,
            durable,
            max_length=settings.queued_messages_max or None,
            max_length_bytes=settings.queued_bytes_max or None,
            overflow=REJECT_PUBLISH if has_limit and settings.overflow == DROP_NEWEST else "",
        )

    def retained(self, vhost: "VHost") -> RetainedMessages:
        """The retained messages of a vhost, and the exchange by which others retain."""
        found = vhost.retain(self.settings.retained_messages_max, self.settings.retained_bytes_max)
        add_retaining_exchange(vhost, found)
        return found

    # --- sessions begin and end -------------------------------------------------------------------------------------

    def open(
        self, vhost: "VHost", client_id: str, clean_start: bool, expiry_s: int, now: int
    ) -> tuple[MqttSession, bool]:
        """The session that a connection goes on with, and whether it was there (§3.1.2.4)."""
        session = self.find(vhost.name, client_id)
        if session is not None and clean_start:
            self.end(session, now)
            session = None
        is_present = session is not None
        if session is None:
            session = self._sessions[vhost.name, client_id] = MqttSession(self, vhost, client_id, expiry_s > 0)
        session.expiry_s = expiry_s
        return session, is_present

    def check_claim(self, session: MqttSession, user: str, clean_start: bool, now: int) -> None:
        """A user comes with the client id of a session. Raises AccessRefused if it is another user's.

        One of a user who was deleted is nobody's any more: it ends.
        """
        if session.user in self.broker.access.users:
            self.rights.check_session(session, user, clean_start)
            return
        log.warning("client %r, user %r: the session's user was deleted, so it ends", session.client_id, session.user)
        self._end_for_good(session, now)

    def _end_for_good(self, session: MqttSession, now: int) -> None:
        if session.connection is not None:
            session.connection.end("the session's queue was deleted", now)
        self.end(session, now)

    def end(self, session: MqttSession, now: int) -> None:
        """The session is over: its will is due now at the latest, and nothing of it stays."""
        if session.is_ended:
            return
        self._sessions.pop((session.vhost.name, session.client_id), None)
        will, session.will = session.will, None
        self.broker.timers.cancel(session.timer)
        session.timer = None
        session.end(now, sharing.leave)
        session.forget()
        self.tell("subscriber.ended", session, has_expired=0 < session.ends_at <= now)
        if will is not None:
            self.publish_will(session, will, now)

    def tell(self, event: str, session: MqttSession, **fields: object) -> None:
        """Tells whoever watches the broker what becomes of a session."""
        vhost, protocol = session.vhost.name, "MQTT"
        self.broker.events.tell(
            event, vhost=vhost, subscriber=session.client_id, user=session.user, protocol=protocol, **fields
        )

    def left(self, session: MqttSession, now: int) -> None:
        """The session has no connection any more: its end and its will come later."""
        if session.expiry_s == 0:
            self.end(session, now)
            return
        session.ends_at = 0 if session.never_expires else now + session.expiry_s * 1000
        self._await_will(session, now)
        session.keep()

    def _await_will(self, session: MqttSession, now: int) -> None:
        """The client of the session is gone: its will is due, now or after its delay."""
        will = session.will
        if will is not None and will.delay_s == 0:
            session.will = None
            self.publish_will(session, will, now)
        elif will is not None:
            will.due_at = now + will.delay_s * 1000
        self._arm(session)

    def _arm(self, session: MqttSession) -> None:
        """Has the session looked at when its end or its will is due. One timer a session, however often it leaves."""
        will_at = 0 if session.will is None else session.will.due_at
        deadline = min(filter(None, (session.ends_at, will_at)), default=0)
        timer = session.timer
        if not deadline:
            return
        if timer is None:
            session.timer = self.broker.timers.at(deadline, lambda now: self._fire(session, now))
        elif not timer.is_armed or deadline < timer.deadline:
            self.broker.timers.move(timer, deadline)

    def _fire(self, session: MqttSession, now: int) -> None:
        if session.is_ended or session.connection is not None:
            return
        will = session.will
        if session.ends_at and session.ends_at <= now:
            self.counters.sessions_expired += 1
            self.end(session, now)
            return
        if will is not None and will.due_at <= now:
            session.will = None
            session.keep()
            self.publish_will(session, will, now)
        self._arm(session)

    def queue_lost(self, session: MqttSession) -> None:
        """Somebody has deleted a queue of the session: it cannot keep its promises any more."""
        if session.is_ended:
            return
        log.warning("the queue of client %r in vhost %r was deleted", session.client_id, session.vhost.name)
        self._end_for_good(session, self.now)

    # --- publishing -------------------------------------------------------------------------------------------------

    def publish(self, vhost: "VHost", message: Message, is_retained: bool, now: int) -> int:
        """Routes a message off the short path: retains it if it says so. The outcome of core/queues/base.py."""
        if is_retained and not self.retained(vhost).put(message, now):
            log.warning("vhost %r: no room to retain a message for %r", vhost.name, message.routing_key)
        return vhost.publish(vhost.route(TOPIC_EXCHANGE, message.routing_key), message, now)

    def note_topic(self, topic: str, client_id: str) -> None:
        """A client publishes to a topic that it has not used lately: says so if subscribers are sent another one."""
        mapping = self.mapping
        if not mapping.brings_back(topic):
            back = mapping.from_key(mapping.to_key(topic))
            text = f"client {client_id!r}: what it publishes to {topic!r} comes to MQTT clients as {back!r}"
            self.renamed.warning(self.now, f'{text} (mqtt.topic_mapping = "{mapping.name}")')

    def note_unsayable(self, message: Message) -> None:
        """A client was to be sent a message of another protocol whose routing key is no topic."""
        self.counters.dropped += 1
        text = f"a message to {message.exchange!r} with the key {message.routing_key!r} is not sent to MQTT clients"
        self.unsayable.warning(self.now, f"{text}: there is no such topic")

    def note_large(self, topic: str, client_id: str) -> None:
        """A client has published a message that is larger than allowed."""
        self.counters.dropped += 1
        text = f"client {client_id!r}: a message to {topic!r} is dropped, it is larger than mqtt.message_size_max"
        self.large.warning(self.now, text)

    def publish_will(self, session: MqttSession, will: PendingWill, now: int) -> None:
        """Publishes a will, if its client still may."""
        topic = self.mapping.from_key(will.key)
        try:
            self.rights.check_publish(session.user, session.vhost.name, topic, session.client_id)
        except AccessPending as pending:
            pending.when_known(lambda at: self.publish_will(session, will, at))
            return
        except RequestRefused as error:
            log.warning("the will of client %r is not published: %s", session.client_id, error)
            return
        self.publish(session.vhost, will.message(now), will.is_retained, now)

    # --- restart ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The broker has stopped in order. After a crash nobody knows what was sent, and all counts as sent before."""
        if self._log_topics is not None:
            self._log_topics.stop()
        for session in self.all():
            session.note_sent()

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Begins: puts back the sessions of the journal. The core has restored everything else before."""
        self.now = now
        for vhost in self.broker.vhosts.values():
            remap_retained(self.retained(vhost), self.mapping)
        self.system.start(now)
        if self._log_topics is not None:
            self._log_topics.start(now)
        by_kind = {kind: self._in_vhosts(kind, of_kind) for kind, of_kind in definitions.of_kinds(found, KINDS).items()}
        for names, data in by_kind[SESSION]:
            self._restore_session(names[0], names[1], definitions.unpack(data), now)
        for names, _ in by_kind[INCOMING]:
            self._sessions[names[0], names[1]].incoming.add(int(names[2]))
        for names, data in by_kind[SHARE]:
            sharing.restore(self._sessions[names[0], names[1]], definitions.unpack(data))
        for vhost in self.broker.vhosts.values():
            sharing.forget_orphans(self.members, vhost)
        for session in self.all():
            self._resume_absence(session, now)

    def _in_vhosts(self, kind: str, of_kind: list[tuple[list[str], bytes]]) -> list[tuple[list[str], bytes]]:
        """Those whose vhost is there. With a vhost all that was in it was deleted."""
        for names, _ in of_kind:
            if names[0] not in self.broker.vhosts:
                self.ledger.define(definitions.key(kind, *names), None)
        return [(names, data) for names, data in of_kind if names[0] in self.broker.vhosts]

    def _restore_session(self, vhost_name: str, client_id: str, value: Mapping[str, object], now: int) -> None:
        vhost = self.broker.vhost(vhost_name)
        session = self._sessions[vhost_name, client_id] = MqttSession(self, vhost, client_id, True)
        expiry_s, user, ends_at = value["expiry"], value["user"], value["ends_at"]
        assert isinstance(expiry_s, int)
        assert isinstance(user, str)
        assert isinstance(ends_at, int)
        session.expiry_s, session.user, session.ends_at = expiry_s, user, ends_at
        session.access_generation = -1
        session.will = unpack_will(value.get("will"))
        if session.will is not None:
            remap_will(session.will, self.mapping)
        exchange = vhost.exchange(TOPIC_EXCHANGE)
        live, stored = vhost.queues.get(session.queue_name(0)), vhost.queues.get(session.queue_name(1))
        if isinstance(live, LiveQueue):
            session.use_live(live)
            _restore_subscriptions(session, exchange, live)
        if isinstance(stored, SubscriberQueue):
            session.use_stored(stored, now)
            _restore_subscriptions(session, exchange, stored)
        _restore_backlog(session, value.get("retained"), now)

    def _resume_absence(self, session: MqttSession, now: int) -> None:
        """To everyone else the restart was the end of the client's connection, unless it had ended before."""
        if session.ends_at and session.ends_at <= now:
            self.counters.sessions_expired += 1
            self.end(session, now)
        elif session.ends_at:
            self._await_will(session, now)
        else:
            self.left(session, now)


def _restore_backlog(session: MqttSession, texts: object, now: int) -> None:
    """What was retained for these filters may not all have been sent. It is sent as for a new subscription, so some of
    it twice: the client does not subscribe again, and would never hear of the rest."""
    for text in texts if isinstance(texts, list) else []:
        subscription = session.subscriptions.by_text.get(text)
        if subscription is not None:
            session.send_retained(subscription, now)


def _restore_subscriptions(session: MqttSession, exchange: Exchange, queue: Queue) -> None:
    for binding in exchange.bindings_of(queue):
        wanted = wanted_by(binding.arguments)
        if wanted is None:
            continue
        group, topic = parse_filter(wanted[0].topic)
        key = session.registry.mapping.to_key(topic)
        subscription = Subscription(wanted[0], group, topic, key, wanted[1])
        if binding.key != key:
            remap_binding(session.vhost, exchange, queue, binding.key, key, binding.arguments)
            subscription.former_key = binding.key
        session.subscriptions.add(subscription)
