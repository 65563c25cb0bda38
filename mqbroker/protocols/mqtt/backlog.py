"""What is retained and has still to be sent for new subscriptions of a session, at the pace at which its client reads.

Meanwhile others publish. To the client a topic is one line of messages [MQTT-4.6.0-6], and what was retained when it
subscribed stands in it before all that came later. So when a message is about to enter a queue of the session while
what is retained for its topic has still to be sent, that goes first. What was replaced before its turn came is not sent
at all: its successor has come to the client as a message like any other.

The session's queues ask (`Forerunner` in core/queues/subscriber.py); nothing is asked of a session without a backlog.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Message, new_message
from mqbroker.core.routing.topic_walk import Walk
from mqbroker.core.scheduler import Task
from mqbroker.limits import PORTION
from mqbroker.protocols.mqtt.output import origin_of
from mqbroker.protocols.mqtt.properties import FRESH, RETAIN, as_final, qos_of

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.state import MqttSession
    from mqbroker.protocols.mqtt.subscriptions import Subscription

_TOPICS_PER_STEP = 20  # to pass over one that does not match costs less than to send one


class Backlog(Task):
    """The walks over what is retained, by the filter of their subscription, in the order of subscribing.

    As a task it goes on with what the client could take and nobody has come by yet.
    """

    __slots__ = ("_session", "_walks", "is_kept")

    def __init__(self, session: "MqttSession") -> None:
        Task.__init__(self)
        self._session = session
        self._walks: dict[str, Walk] = {}
        self.is_kept = False
        """Whether the journal knows of it."""

    @property
    def texts(self) -> list[str]:
        """The filters for which something has still to be sent."""
        return list(self._walks)

    def add(self, subscription: "Subscription") -> None:
        """Sends what is retained for a subscription, from the beginning."""
        store = self._session.vhost.retained
        self.remove(subscription.text)
        if store is not None:
            self._walks[subscription.text] = store.walk(subscription.key)

    def remove(self, text: str) -> None:
        """The subscription has gone [MQTT-3.10.4-2]."""
        self._walks.pop(text, None)

    def run(self, now: int, _portion: int) -> bool:
        """Task: a portion more."""
        if self._session.backlog is self:
            self._session.send_backlog(now)
        return False  # it has come back already if that was not all

    def send(self, now: int) -> bool:
        """Sends a portion, as far as the client takes it; the rest in turn with others. False when nothing is left."""
        left = PORTION
        while self._walks:
            if left <= 0:
                self._session.vhost.schedule(self)
                return True
            text, walk = next(iter(self._walks.items()))
            subscription = self._session.subscriptions.by_text[text]
            if not self._can_take(subscription):
                return True
            left -= 1
            entry = walk.next(now, _TOPICS_PER_STEP)
            if entry is not None:
                self._deliver(subscription, entry.message, now)
            elif walk.is_over:
                del self._walks[text]
        return False

    def precede(self, message: Message, now: int) -> None:
        """A message is about to enter a queue of the session: sends what is retained for its topic."""
        store = self._session.vhost.retained
        entry = None if store is None else store.get(message.routing_key)
        if entry is None:
            return
        for text, walk in self._walks.items():
            if walk.take(entry, now):
                self._deliver(self._session.subscriptions.by_text[text], entry.message, now)

    def _can_take(self, subscription: "Subscription") -> bool:
        """Whether the client reads, and has taken what waits for it: a backlog must not displace that."""
        session = self._session
        if session.connection is None or not session.connection.gate.is_open:
            return False
        return not subscription.qos or session.stored is None or session.stored.waiting_count() == 0

    def _deliver(self, subscription: "Subscription", message: Message, now: int) -> None:
        session = self._session
        is_own = subscription.no_local and origin_of(message) == session.client_id  # [MQTT-3.8.3-3]
        if is_own or subscription.is_denied:
            return
        qos = min(qos_of(message.properties), subscription.qos)
        if qos or (subscription.qos and session.has_waiting):
            session.stored_queue(now).publish(self._copy(subscription, message, qos, now), now)
        elif session.connection is not None:
            session.connection.encoder.load(message)
            session.connection.send_specially(message, 0, 0, subscription.identifiers, True)

    def _copy(self, subscription: "Subscription", message: Message, qos: int, now: int) -> Message:
        """A copy for the session's queue, at the lower QoS of the two (§3.3.1.3)."""
        mapping = self._session.registry.mapping
        properties = as_final(message.properties, qos | FRESH | RETAIN, subscription.identifiers, mapping)
        properties.ttl_ms = _left_ms(message, now)  # counted from the copy's own time on
        return new_message(message.exchange, message.routing_key, properties, message.content(), now)


def _left_ms(message: Message, now: int) -> int:
    ttl_ms = message.properties.ttl_ms
    return ttl_ms if ttl_ms < 0 else max(0, ttl_ms - (now - message.received_at))
