"""The $SYS topics: figures of the broker, published every few seconds to those who subscribe to them, never kept.

Names and meanings are those of Mosquitto 2.0, so that what was made to watch it finds what it looks for. Counters come
from counters.py. What would cost something with every message, such as the size of the store, is added up when somebody
listens.
"""

from math import exp
from typing import TYPE_CHECKING

from mqbroker.core.message import Message, new_message
from mqbroker.core.queues.subscriber import SubscriberQueue
from mqbroker.core.routing.topics import TopicTrie
from mqbroker.protocols.mqtt.properties import RETAIN, make_properties
from mqbroker.protocols.mqtt.topics import SYSTEM_PREFIX, TOPIC_EXCHANGE

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.sessions import Sessions
    from mqbroker.protocols.mqtt.state import MqttSession
    from mqbroker.protocols.mqtt.subscriptions import Subscription

_PREFIX = f"{SYSTEM_PREFIX}broker/"
_SPANS_MIN = (1, 5, 15)
_AVERAGED = {
    "load/messages/received": "messages/received",
    "load/messages/sent": "messages/sent",
    "load/publish/dropped": "publish/messages/dropped",
    "load/publish/received": "publish/messages/received",
    "load/publish/sent": "publish/messages/sent",
    "load/bytes/received": "bytes/received",
    "load/bytes/sent": "bytes/sent",
    "load/sockets": "sockets",
    "load/connections": "connections",
}
"""Averages over time, and the totals that they are made of."""
_STORE_MS = 1000  # for so long the size of the store is as it was
_WITHOUT_TOPIC = ("sockets", "connections")  # totals of which Mosquitto shows the averages only


class System:
    """The figures, and the averages that have to be carried on from one publication to the next."""

    def __init__(self, registry: "Sessions") -> None:
        self._registry = registry
        self._started_at = 0
        self._averaged_at = 0
        self._totals: dict[str, int] = {}
        self._averages: dict[tuple[str, int], float] = {}
        self._memory_max = 0
        self._store: dict[str, int] = {}
        self._store_until = 0

    def start(self, now: int) -> None:
        """The broker begins."""
        self._started_at = self._averaged_at = now
        self._totals = self._count()
        self._averages = {(name, span): 0.0 for name in _AVERAGED for span in _SPANS_MIN}
        self._arm(now)

    def _arm(self, now: int) -> None:
        interval_s = self._registry.settings.system_interval_s
        if interval_s:
            self._registry.broker.timers.at(now + interval_s * 1000, self._publish)

    def _publish(self, now: int) -> None:
        """Sends the figures to the connected clients that subscribe to any of them."""
        self._average(now)
        if self._registry.counters.system_subscriptions:
            listeners = [session for session in self._registry.all() if session.subscriptions.system_count]
            for message in self._messages(now) if listeners else ():
                for session in listeners:
                    _send(session, message)
        self._arm(now)

    def say(self, topic: str, text: str, now: int) -> None:
        """Sends a text to the connected clients that subscribe to this topic below $SYS/broker/. It is not kept."""
        properties = make_properties(self._registry.flags, "", b"")
        key = self._registry.mapping.to_key(_PREFIX + topic)
        message = new_message(TOPIC_EXCHANGE, key, properties, text.encode("utf-8", "backslashreplace"), now)
        for session in self._registry.all():
            if session.subscriptions.system_count:
                _send(session, message)

    def send_to(self, session: "MqttSession", subscription: "Subscription", now: int) -> None:
        """Sends a new subscription the figures that it matches, as if they were retained."""
        connection = session.connection
        if connection is None or subscription.is_denied or not subscription.topic.startswith(SYSTEM_PREFIX):
            return
        pattern: TopicTrie[bool] = TopicTrie()
        pattern.add(subscription.key, True)
        for message in self._messages(now):
            if pattern.match(message.routing_key):
                connection.encoder.load(message)
                connection.send_specially(message, 0, 0, subscription.identifiers, True)

    def _messages(self, now: int) -> list[Message]:
        """The figures as messages; none when they are turned off."""
        if not self._registry.settings.system_interval_s:
            return []
        properties = make_properties(self._registry.flags | RETAIN, "", b"")
        to_key = self._registry.mapping.to_key
        return [
            new_message(TOPIC_EXCHANGE, to_key(_PREFIX + topic), properties, value.encode(), now)
            for topic, value in self._figures(now).items()
        ]

    # --- figures ----------------------------------------------------------------------------------------------------

    def _figures(self, now: int) -> dict[str, str]:
        """The topics below $SYS/broker/ and their values."""
        numbers = {**self._count(), **self._clients(), **self._stored(now), **self._memory()}
        averages = {f"{name}/{span}min": f"{value:.2f}" for (name, span), value in self._averages.items()}
        return {
            "version": f"mqbroker version {self._registry.version}",
            "uptime": f"{max(0, now - self._started_at) // 1000} seconds",
            **{name: str(value) for name, value in numbers.items() if name not in _WITHOUT_TOPIC},
            **averages,
        }

    def _count(self) -> dict[str, int]:
        """The totals, which only grow."""
        counters = self._registry.counters
        return {
            "messages/received": counters.packets_received,
            "messages/sent": counters.publishes_sent + counters.others_sent,
            "publish/messages/received": counters.publishes_received,
            "publish/messages/sent": counters.publishes_sent,
            "publish/messages/dropped": counters.dropped + self._registry.losses.count,
            "publish/bytes/received": counters.publish_bytes_received,
            "publish/bytes/sent": counters.publish_bytes_sent,
            "bytes/received": counters.bytes_received,
            "bytes/sent": counters.bytes_sent,
            "sockets": counters.sockets_opened,
            "connections": counters.connects_received,
        }

    def _clients(self) -> dict[str, int]:
        counters, total = self._registry.counters, self._registry.session_count
        connected = counters.clients_connected
        return {
            "clients/total": total,
            "clients/active": connected,
            "clients/connected": connected,
            "clients/inactive": total - connected,
            "clients/disconnected": total - connected,
            "clients/maximum": counters.clients_connected_max,
            "clients/expired": counters.sessions_expired,
            "subscriptions/count": counters.subscriptions,
            "shared_subscriptions/count": counters.shared_subscriptions,
        }

    def _stored(self, now: int) -> dict[str, int]:
        """What is in the store. It takes a walk over all sessions, so that it is not looked up at every SUBSCRIBE."""
        if now >= self._store_until:
            self._store, self._store_until = self._add_up(), now + _STORE_MS
        return self._store

    def _add_up(self) -> dict[str, int]:
        """What is kept for sessions and groups, and what is retained. A message counts in each of these places."""
        kept, size, retained = 0, 0, 0
        for vhost in self._registry.broker.vhosts.values():
            if vhost.retained is not None:
                retained += vhost.retained.count
                size += vhost.retained.byte_count
            for queue in vhost.queues.values():
                if isinstance(queue, SubscriberQueue):
                    kept += queue.waiting_count() + queue.unacked_count
                    size += queue.byte_count
        for session in self._registry.all():
            if session.outgoing:
                size += sum(entry.message.size for entry in session.outgoing.values())
        return {
            "retained messages/count": retained,
            "messages/stored": retained + kept,
            "store/messages/count": retained + kept,
            "store/messages/bytes": size,
        }

    def _memory(self) -> dict[str, int]:
        """Of the whole process; the largest is that of the times when somebody listened."""
        used = self._registry.services.memory_bytes()
        self._memory_max = max(self._memory_max, used)
        return {"heap/current": used, "heap/maximum": self._memory_max}

    # --- averages ---------------------------------------------------------------------------------------------------

    def _average(self, now: int) -> None:
        """The averages go on to now. They are per minute; what is a span ago counts an e-th of what is now."""
        minutes = (now - self._averaged_at) / 60_000
        before, self._totals = self._totals, self._count()
        self._averaged_at = now
        for (name, span), value in self._averages.items():
            total = _AVERAGED[name]
            rate = (self._totals[total] - before[total]) / minutes
            self._averages[name, span] = rate + (value - rate) * exp(-minutes / span)


def _send(session: "MqttSession", message: Message) -> None:
    """Gives a figure to one session, if it subscribes to it."""
    match = session.match(message)
    if session.connection is not None and match.qos >= 0:
        session.connection.send_message(message, 0, 0, match.identifiers, match.retain_as_published)
