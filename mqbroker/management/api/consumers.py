"""Consumers: those of AMQP channels, which say whose they are, and of others as far as their queues know them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mqbroker.core.consumer import Consumer
from mqbroker.core.queues.base import Queue
from mqbroker.management.answers import Listing
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT, MONITORING
from mqbroker.management.ground import Ground

_NO_CHANNEL: Mapping[str, Any] = {
    "name": "", "number": 0, "connection_name": "", "peer_host": "", "peer_port": 0, "user": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A consumer of a queue."""

    queue: Queue
    consumer: Consumer


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("consumers", MANAGEMENT, GET=consumers)
    routes.add("consumers/:vhost", MANAGEMENT, GET=consumers)


def consumers(call: Call) -> Listing:
    """GET consumers, and those of a vhost: one's own, unless one monitors."""
    found = [
        Shown(queue, consumer)
        for vhost in call.vhosts()
        for queue in vhost.queues.values()
        for consumer in queue.consumers
    ]
    if not call.caller.has(MONITORING):
        found = [each for each in found if each.consumer.describe().get("user") == call.caller.name]
    return Listing(found, lambda each: describe(call.ground, each), _identity)


def _identity(each: Shown) -> tuple[str, str, str]:
    return each.queue.host.name, each.queue.name, each.consumer.label()


def consumers_of(ground: Ground, queue: Queue) -> list[dict[str, Any]]:
    """Those of one queue."""
    return list(_described(ground, queue))


def _described(ground: Ground, queue: Queue) -> Iterator[dict[str, Any]]:
    for consumer in queue.consumers:
        yield describe(ground, Shown(queue, consumer))


def describe(ground: Ground, shown: Shown) -> dict[str, Any]:
    """A consumer."""
    queue, consumer = shown.queue, shown.consumer
    facts = consumer.describe()
    status = "up"
    if queue.is_single_active:
        status = "single_active" if consumer.is_active else "waiting"
    return {
        "consumer_tag": consumer.label(),
        "queue": {"name": queue.name, "vhost": queue.host.name},
        "channel_details": {"node": ground.name, **_NO_CHANNEL, **facts},
        "ack_required": not consumer.no_ack,
        "active": consumer.is_active,
        "activity_status": status,
        "exclusive": consumer.is_exclusive,
        "prefetch_count": consumer.prefetch,
        "messages_unacknowledged": consumer.in_flight,
        "consumer_timeout": 0,
        "arguments": {"x-priority": consumer.priority} if consumer.priority else {},
    }
