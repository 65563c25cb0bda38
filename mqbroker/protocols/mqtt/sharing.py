"""Shared subscriptions (§4.8.2): one queue for each share name and filter in a vhost, and its members.

The queue is bound once and every member consumes from it, so the core shares out the messages and keeps them while all
members are away. It is durable; a member's part in it is in the journal if its session is.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.queues.subscriber import SharedQueue
from mqbroker.protocols.mqtt.backpressure import SharedBackpressure
from mqbroker.protocols.mqtt.config import STICKY
from mqbroker.protocols.mqtt.consumers import SharedConsumer
from mqbroker.protocols.mqtt.kinds import SHARE
from mqbroker.protocols.mqtt.remapping import remap_group
from mqbroker.protocols.mqtt.state import MqttSession
from mqbroker.protocols.mqtt.subscriptions import Subscription, wanted_by
from mqbroker.protocols.mqtt.topics import TOPIC_EXCHANGE, parse_filter

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost


def queue_name(subscription: Subscription) -> str:
    """The name of the group's queue."""
    return f"mqtt-shared-{subscription.group}/{subscription.topic}"


def join(session: MqttSession, subscription: Subscription, now: int) -> None:
    """Makes a session a member; with new options when it is one already."""
    if subscription.qos == 2:
        session.stored_queue(now)  # where its messages move to; if there is no room for it, that must be said now
    queue = _group_queue(session, subscription, now)
    consumer = session.shares.get(subscription.text)
    if consumer is None:
        consumer = SharedConsumer(queue, session.gate(), session.window)
        consumer.session = session
        consumer.returned = set()
        session.shares[subscription.text] = consumer
        if session.connection is not None:
            queue.add_consumer(consumer, now)
    consumer.subscription = subscription
    _count_member(session, subscription, 1)
    if session.is_durable:
        session.registry.ledger.define(_key(session, subscription), definitions.pack(subscription.arguments()))
    if session.connection is not None:
        queue.offer(consumer, now)


def leave(session: MqttSession, subscription: Subscription, now: int) -> None:
    """Ends a membership; the last member takes the queue with it."""
    consumer = session.shares.pop(subscription.text, None)
    if consumer is None:
        return
    session.leave(consumer, now)
    if session.is_durable:
        session.registry.ledger.define(_key(session, subscription), None)
    if _count_member(session, subscription, -1) == 0:
        session.vhost.delete_queue(queue_name(subscription))


def restore(session: MqttSession, arguments: Mapping[str, object]) -> None:
    """Puts back a membership that the journal kept."""
    wanted = wanted_by(arguments)
    assert wanted is not None
    group, topic = parse_filter(wanted[0].topic)
    key = session.registry.mapping.to_key(topic)
    subscription = Subscription(wanted[0], group, topic, key, wanted[1])
    session.subscriptions.add(subscription)
    queue = session.vhost.queues.get(queue_name(subscription))
    if queue is not None:
        exchange = session.vhost.exchange(TOPIC_EXCHANGE)
        remap_group(session.vhost, exchange, queue, topic, session.registry.mapping)
    join(session, subscription, session.registry.now)


def _group_queue(session: MqttSession, subscription: Subscription, now: int) -> SharedQueue:
    vhost = session.vhost
    name = queue_name(subscription)
    queue = vhost.queues.get(name)
    if not isinstance(queue, SharedQueue):
        queue = vhost.declare(session.registry.spec_of_queue(name, SharedQueue.role, True), now)
        vhost.bind(vhost.exchange(TOPIC_EXCHANGE), queue, subscription.key, {})
    assert isinstance(queue, SharedQueue)
    if queue.watcher is None:
        queue.watcher = SharedBackpressure(session.registry)
        queue.losses = session.registry.losses
    queue.is_sticky = session.registry.settings.share_strategy == STICKY
    return queue


def _count_member(session: MqttSession, subscription: Subscription, change: int) -> int:
    members = session.registry.members.setdefault((session.vhost.name, queue_name(subscription)), set())
    (members.add if change > 0 else members.discard)(session.client_id)
    if not members:
        del session.registry.members[session.vhost.name, queue_name(subscription)]
    return len(members)


def forget_orphans(members: Mapping[tuple[str, str], set[str]], vhost: "VHost") -> None:
    """After a restart: deletes the queues of groups whose members were all gone with their connections."""
    for queue in list(vhost.queues.values()):
        if isinstance(queue, SharedQueue) and (vhost.name, queue.name) not in members:
            vhost.delete_queue(queue.name)


def _key(session: MqttSession, subscription: Subscription) -> str:
    return definitions.key(SHARE, session.vhost.name, session.client_id, subscription.text)
