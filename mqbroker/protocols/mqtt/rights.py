"""What a user may do by MQTT: publish, subscribe, and have a session. Knows permissions, neither sockets nor packets.

The permissions are those that RabbitMQ's plugin asks for (rabbit_mqtt_processor), by the names of amq.topic and of the
queues of a session:

    publish           write amq.topic, and its topic permission
    subscribe         read amq.topic, and its topic permission; configure the queue, if it is not there yet; write it,
                      for the binding; read it, for what comes from it
    go on             read the queues that the session has
    begin anew        configure the queues that the session has, for they are deleted

A shared subscription has a queue of its own, for which the same holds. Beyond RabbitMQ, a session belongs to the user
who has begun it.
"""

from typing import TYPE_CHECKING

from mqbroker.errors import AccessPending, AccessRefused, RequestRefused
from mqbroker.protocols.mqtt import sharing
from mqbroker.protocols.mqtt.topics import RABBITMQ, TOPIC_EXCHANGE, Mapping, is_reserved

if TYPE_CHECKING:
    from mqbroker.core.access.access import Access
    from mqbroker.protocols.mqtt.state import MqttSession
    from mqbroker.protocols.mqtt.subscriptions import Subscription

_NOTHING = "#"  # core/access.py fills no wildcards into a pattern, but refuses


class Rights:
    """The decisions. All `check_` methods raise AccessRefused."""

    __slots__ = ("_access", "_mapping")

    def __init__(self, access: "Access", mapping: Mapping) -> None:
        self._access = access
        self._mapping = mapping

    def check_publish(self, user: str, vhost: str, topic: str, client_id: str) -> str:
        """The routing key of a topic that the user may publish to."""
        if is_reserved(topic):
            raise AccessRefused(f"nobody publishes to {topic!r}")
        key = self._mapping.to_key(topic)
        self._access.check_write(user, vhost, "exchange", TOPIC_EXCHANGE)
        self._access.check_topic_write(user, vhost, TOPIC_EXCHANGE, key, self._variables(user, vhost, client_id))
        return key

    def check_subscribe(self, session: "MqttSession", subscription: "Subscription") -> None:
        """Whether the session's user may have this subscription."""
        self._check_topic(session, subscription)
        vhost = session.vhost
        for name in _queues_for(session, subscription):
            if name not in vhost.queues:
                self._access.check_configure(session.user, vhost.name, "queue", name)
            self._access.check_write(session.user, vhost.name, "queue", name)
            self._access.check_read(session.user, vhost.name, "queue", name)

    def _check_topic(self, session: "MqttSession", subscription: "Subscription") -> None:
        user, vhost = session.user, session.vhost.name
        self._access.check_read(user, vhost, "exchange", TOPIC_EXCHANGE)
        variables = self._variables(user, vhost, session.client_id)
        self._access.check_topic_read(user, vhost, TOPIC_EXCHANGE, subscription.key, variables)

    def _variables(self, user: str, vhost: str, client_id: str) -> dict[str, str]:
        """What stands for `{client_id}` and such in the patterns of topic permissions, which are matched with keys.

        The names are mapped as they are in a topic. One with a `/` would reach into levels of others, so that it allows
        nothing, as in Mosquitto. RabbitMQ takes names as they are.
        """
        found = {"client_id": client_id, "username": user, "vhost": vhost}
        if self._mapping is RABBITMQ:
            return found
        return {name: _NOTHING if "/" in value else self._mapping.to_key(value) for name, value in found.items()}

    def check_session(self, session: "MqttSession", user: str, clean_start: bool) -> None:
        """Whether the user may go on with the session, or end it for another one."""
        if session.user != user:
            raise AccessRefused(f"the session of client {session.client_id!r} does not belong to user {user!r}")
        check = self._access.check_configure if clean_start else self._access.check_read
        for queue in session.queues():
            check(user, session.vhost.name, "queue", queue.name)

    def recheck(self, session: "MqttSession") -> None:
        """Permissions have changed: subscriptions that are not allowed any more deliver nothing. One that a service has
        yet to decide about stays as it was, and the next message asks again."""
        session.access_generation = self._access.generation
        for subscription in session.subscriptions.by_text.values():
            try:
                self._check_topic(session, subscription)
                for name in _queues_for(session, subscription):
                    self._access.check_read(session.user, session.vhost.name, "queue", name)
                subscription.is_denied = False
            except AccessPending:
                session.access_generation = -1
            except RequestRefused:
                subscription.is_denied = True
        session.subscriptions.forget_matches()


def _queues_for(session: "MqttSession", subscription: "Subscription") -> tuple[str, ...]:
    """The names of the queues that a subscription needs."""
    own = session.queue_name(subscription.qos)
    if not subscription.group:
        return (own,)
    shared = sharing.queue_name(subscription)
    return (shared, own) if subscription.qos == 2 else (shared,)  # at QoS 2 messages move into the session's own
