"""How a session takes messages from queues: one kind of consumer for each kind of queue.

They say when they can take a message, and hand it to the session, which knows what it means to the client.
"""

from typing import TYPE_CHECKING

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.protocols.mqtt.properties import FRESH, as_final, qos_of
from mqbroker.protocols.mqtt.subscriptions import PLAIN

if TYPE_CHECKING:
    from mqbroker.core.access.access import Access
    from mqbroker.protocols.mqtt.parts import Client
    from mqbroker.protocols.mqtt.state import MqttSession
    from mqbroker.protocols.mqtt.subscriptions import Match, Subscription


def _facts(session: "MqttSession") -> dict[str, object]:
    """Whose a consumer is."""
    if session.connection is None:
        return {}
    facts = session.connection.describe()
    common = {"name": f"{facts['name']} (1)", "number": 1, "connection_name": facts["name"]}
    return {**common, **{name: facts[name] for name in ("peer_host", "peer_port", "user")}}


def _held(session: "MqttSession", consumer: Consumer) -> list[Entry]:
    return [entry for entry in session.outgoing.values() if entry.consumer is consumer]


class LiveConsumer(Consumer):
    """Takes what is for the QoS 0 filters of a connected client."""

    __slots__ = ("access", "connection", "matches", "session")

    session: "MqttSession"
    connection: "Client"
    matches: "dict[str, Match]"
    access: "Access"

    def label(self) -> str:
        return self.session.client_id

    def describe(self) -> dict[str, object]:
        return _facts(self.session)

    def pass_on(self, message: Message) -> None:
        """Sends it, whether the client reads or not: the connection keeps some for a while (backpressure.py)."""
        if self.matches.get(message.routing_key) is PLAIN and self.session.access_generation == self.access.generation:
            self.connection.send_plain(message)
        else:
            self.session.pass_on(message)


class StoredConsumer(Consumer):
    """Takes what waits in a session's own queue."""

    __slots__ = ("session",)

    session: "MqttSession"

    def label(self) -> str:
        return self.session.client_id

    def describe(self) -> dict[str, object]:
        return _facts(self.session)

    def given(self) -> list[Entry]:
        return _held(self.session, self)

    def deliver(self, entry: Entry) -> None:
        """Sends it at the QoS that is due."""
        self.session.take(entry)

    def take_turn(self, portion: int, now: int) -> int:
        """Takes up to a portion of what waits; what is retained comes after that."""
        count = Consumer.take_turn(self, portion, now)
        if self.session.backlog is not None:
            self.session.send_backlog(now)
        return count

    def cancelled(self) -> None:
        """Somebody has deleted the queue."""
        self.session.registry.queue_lost(self.session)


class SharedConsumer(Consumer):
    """A session as one member of a shared subscription."""

    __slots__ = ("returned", "session", "subscription")

    session: "MqttSession"
    subscription: "Subscription"
    returned: set[int]
    """What its client had not acknowledged when it was last gone, by place in the queue."""

    def label(self) -> str:
        return self.session.client_id

    def describe(self) -> dict[str, object]:
        return _facts(self.session)

    def given(self) -> list[Entry]:
        return _held(self.session, self)

    def deliver(self, entry: Entry) -> None:
        """Sends it. At QoS 2 it moves into the session's own queue: it must go to nobody else [MQTT-4.8.2-5, -6]."""
        session = self.session
        message = entry.message
        qos = -1 if self.subscription.is_denied else min(qos_of(message.properties), self.subscription.qos)
        if qos < 2:
            session.take_shared(entry, qos)
            return
        flags, identifiers = qos | FRESH, self.subscription.identifiers
        properties = as_final(message.properties, flags, identifiers, session.registry.mapping)
        moved = new_message(message.exchange, message.routing_key, properties, message.content(), message.received_at)
        self.queue.settle(entry)  # before it comes back: it may need the place that it took in the window
        session.stored_queue(session.registry.now).publish(moved, session.registry.now)

    def cancelled(self) -> None:
        """Somebody has deleted the queue of the group."""
        self.session.registry.queue_lost(self.session)
