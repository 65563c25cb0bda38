"""Subscriptions to topics: the queue of one, which takes in what matches its pattern and what it selects.

A durable subscription stays while nobody consumes from its queue. Consumers that open the same one share it. One that
is opened with another pattern or another selector is a new one, without what the former has kept (JMS 2.0 §8.3.3).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqbroker.core.destinations.names import pattern_of
from mqbroker.core.destinations.naming import Naming
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.routing.exchange import Exchange
from mqbroker.errors import NotAllowed

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost


@dataclass(frozen=True, slots=True)
class TopicSubscription:
    """What is wanted. `queue_name` is what the subscription is known by."""

    queue_name: str
    patterns: tuple[str, ...]
    """The topics that it is to, one or several."""
    selector: str = ""
    """Text of a selector that `parse` takes; empty for everything."""
    durable: bool = False
    auto_delete: bool = True
    owner: object | None = None
    """The connection with which it goes, and which alone may use it."""


def open_subscription(vhost: "VHost", exchange: Exchange, wanted: TopicSubscription, now: int) -> Queue:
    """The queue of the subscription, which is bound. Raises RequestRefused; NotAllowed while somebody consumes from a
    different one of that name."""
    found = vhost.queues.get(wanted.queue_name)
    if found is not None and not _is_same(found, exchange, wanted):
        if found.consumers:
            raise NotAllowed(f"subscription '{wanted.queue_name}' in vhost '{vhost.name}' is in use")
        vhost.delete_queue(wanted.queue_name, wanted.owner)
        found = None
    if found is None:
        spec = QueueSpec(
            wanted.queue_name,
            SelectedQueue.role,
            durable=wanted.durable and wanted.owner is None,
            auto_delete=wanted.auto_delete,
            owner=wanted.owner,
            selector=wanted.selector,
        )
        found = vhost.declare(spec, now)
    for pattern in wanted.patterns:
        vhost.bind(exchange, found, pattern, {})
    return vhost.queue(found.name, wanted.owner)


def follow_virtual_topic(vhost: "VHost", queue: Queue, naming: Naming, exchange_name: str, user: str) -> None:
    """The queue gets what is published to the virtual topic that its name says, if it does. Raises RequestRefused."""
    topic = naming.virtual_topic_of(queue.name)
    if topic:
        vhost.broker.access.check_read(user, vhost.name, "exchange", exchange_name)
        vhost.bind(vhost.exchange(exchange_name), queue, pattern_of(topic), {})


def _is_same(queue: Queue, exchange: Exchange, wanted: TopicSubscription) -> bool:
    """Whether a queue is that of the subscription, as it was opened before."""
    is_alike = isinstance(queue, SelectedQueue) and queue.declared.selector == wanted.selector
    return is_alike and {binding.key for binding in exchange.bindings_of(queue)} == set(wanted.patterns)
