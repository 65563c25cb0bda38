"""What is known of each queue, exchange, channel and connection: the groups that a detailed scrape names.

Families are written one after the other, so each walks over all objects by itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

from mqbroker.core.queues.base import Queue
from mqbroker.management.api.exchanges import shown_exchanges
from mqbroker.management.ground import Ground
from mqbroker.management.metrics.exposition import COUNTER, GAUGE, Family, labels_text
from mqbroker.protocols.session import Session

Wanted = Callable[[Queue], bool]
"""Whether a queue is asked for."""

_QUEUE_GROUPS: dict[str, dict[str, tuple[str, str, Callable[[Queue], float]]]] = {
    "queue_coarse_metrics": {
        "queue_messages_ready": (GAUGE, "Messages ready to be delivered to consumers", lambda q: q.waiting_count()),
        "queue_messages_unacked": (GAUGE, "Messages delivered but not yet acknowledged", lambda q: q.unacked_count),
        "queue_messages": (GAUGE, "Sum of ready and unacknowledged", lambda q: q.waiting_count() + q.unacked_count),
    },
    "queue_consumer_count": {
        "queue_consumers": (GAUGE, "Consumers on a queue", lambda q: len(q.consumers)),
    },
    "queue_metrics": {
        "queue_consumer_capacity": (GAUGE, "Consumer capacity", lambda q: float(bool(q.ring))),
        "queue_consumer_utilisation": (GAUGE, "Same as consumer capacity", lambda q: float(bool(q.ring))),
        "queue_process_memory_bytes": (GAUGE, "Memory in bytes used by the queue", lambda q: q.byte_count),
        "queue_messages_ram": (GAUGE, "Messages in memory", lambda q: q.waiting_count() + q.unacked_count),
        "queue_messages_persistent": (GAUGE, "Persistent messages", lambda q: q.waiting_count() if q.durable else 0),
        "queue_messages_bytes": (GAUGE, "Size in bytes of messages", lambda q: q.byte_count),
        "queue_messages_ready_bytes": (GAUGE, "Size in bytes of ready messages", lambda q: q.byte_count),
    },
    "queue_delivery_metrics": {
        "queue_get_ack_total": (COUNTER, "Messages fetched with basic.get", lambda q: q.counts.got),
        "queue_messages_delivered_ack_total": (COUNTER, "Messages delivered", lambda q: q.counts.delivered),
        "queue_messages_delivered_total": (
            COUNTER, "Messages delivered without acknowledgements", lambda q: q.counts.no_ack + q.counts.passed,
        ),
        "queue_messages_redelivered_total": (COUNTER, "Messages redelivered", lambda q: q.counts.redelivered),
        "queue_messages_acked_total": (COUNTER, "Messages acknowledged", lambda q: q.counts.acked),
    },
    "queue_exchange_metrics": {
        "queue_messages_published_total": (COUNTER, "Messages published to a queue", lambda q: q.counted().published),
    },
}  # fmt: skip

_CHANNEL_METRICS = {
    "channel_consumers": (GAUGE, "Consumers on a channel", "consumers"),
    "channel_messages_unacked": (GAUGE, "Delivered but not yet acknowledged messages", "unacknowledged"),
    "channel_prefetch": (GAUGE, "Limit of unacked messages for all consumers on a channel", "global_prefetch"),
}
_CHANNEL_EXCHANGE_METRICS = {
    "channel_messages_published_total": (COUNTER, "Messages published on a channel", "publishes"),
    "channel_messages_confirmed_total": (COUNTER, "Messages confirmed on a channel", "confirms"),
    "channel_messages_unroutable_returned_total": (COUNTER, "Messages returned as unroutable", "returns"),
}
_CONNECTION_METRICS: dict[str, tuple[str, str, Callable[[Session], float]]] = {
    "connection_incoming_bytes_total": (COUNTER, "Bytes received on a connection", lambda session: session.octets_in),
    "connection_outgoing_bytes_total": (COUNTER, "Bytes sent on a connection", lambda session: session.octets_out),
    "connection_channels": (GAUGE, "Channels on a connection", lambda session: session.channel_count()),
}
_EXCHANGE_METRICS: dict[str, tuple[str, Callable[[Any], float]]] = {
    "exchange_messages_published_total": ("Messages published to an exchange", lambda flow: flow.received),
    "exchange_messages_unroutable_dropped_total": ("Messages dropped as unroutable", lambda flow: flow.unrouted),
}

GROUPS = (
    *_QUEUE_GROUPS, "exchange_metrics", "channel_metrics", "channel_exchange_metrics", "connection_coarse_metrics",
    "connection_metrics", "vhost_status", "exchange_names", "exchange_bindings",
)  # fmt: skip
"""Those that are about objects."""
CLUSTER_GROUPS = ("vhost_status", "exchange_names", "exchange_bindings")


def group(ground: Ground, name: str, prefix: str, wanted: Wanted, vhosts: frozenset[str]) -> Iterator[Family]:
    """The families of one group. Without `vhosts` those of all."""
    if name in _QUEUE_GROUPS:
        yield from _queues(ground, name, prefix, wanted, vhosts)
    elif name == "exchange_metrics":
        yield from _exchanges(ground, prefix, vhosts)
    elif name.startswith("channel"):
        yield from _channels(ground, name, prefix)
    elif name == "connection_coarse_metrics":
        yield from _connections(ground, prefix)
    elif name in CLUSTER_GROUPS:
        yield from _cluster(ground, name, vhosts)


def _queues(ground: Ground, name: str, prefix: str, wanted: Wanted, vhosts: frozenset[str]) -> Iterator[Family]:
    found = [
        (labels_text(vhost=vhost.name, queue=queue.name), queue)
        for vhost in ground.broker.vhosts.values()
        if not vhosts or vhost.name in vhosts
        for queue in vhost.queues.values()
        if wanted(queue)
    ]
    for metric, (kind, text, read) in _QUEUE_GROUPS[name].items():
        yield Family(f"{prefix}{metric}", kind, text, ((labels, read(queue)) for labels, queue in found))


def _exchanges(ground: Ground, prefix: str, vhosts: frozenset[str]) -> Iterator[Family]:
    found = [
        (labels_text(vhost=vhost.name, exchange=each.name), each.flow)
        for vhost in ground.broker.vhosts.values()
        if not vhosts or vhost.name in vhosts
        for each in shown_exchanges(vhost)
    ]
    for metric, (text, read) in _EXCHANGE_METRICS.items():
        yield Family(f"{prefix}{metric}", COUNTER, text, [(labels, read(flow)) for labels, flow in found])


def _channels(ground: Ground, name: str, prefix: str) -> Iterator[Family]:
    found: list[tuple[str, dict[str, Any]]] = []
    for session in ground.registry.all():
        channels = session.describe().get("channels")
        for each in channels if isinstance(channels, list) else ():
            found.append((labels_text(channel=f"{session.label()} ({each['number']})"), each))
    metrics = _CHANNEL_METRICS if name == "channel_metrics" else _CHANNEL_EXCHANGE_METRICS
    for metric, (kind, text, known) in metrics.items():
        yield Family(f"{prefix}{metric}", kind, text, [(labels, float(each[known])) for labels, each in found])


def _connections(ground: Ground, prefix: str) -> Iterator[Family]:
    found = [(labels_text(connection=session.label()), session) for session in ground.registry.all()]
    for metric, (kind, text, read) in _CONNECTION_METRICS.items():
        yield Family(f"{prefix}{metric}", kind, text, [(labels, read(session)) for labels, session in found])


def _cluster(ground: Ground, name: str, vhosts: frozenset[str]) -> Iterator[Family]:
    there = [vhost for vhost in ground.broker.vhosts.values() if not vhosts or vhost.name in vhosts]
    if name == "vhost_status":
        samples = [(labels_text(vhost=vhost.name), 1.0) for vhost in there]
        yield Family("rabbitmq_cluster_vhost_status", GAUGE, "Whether a given vhost is running", samples)
    elif name == "exchange_names":
        samples = [
            (labels_text(vhost=vhost.name, exchange=each.name, type=each.kind), 1.0)
            for vhost in there
            for each in vhost.exchanges.values()
        ]
        yield Family(
            "rabbitmq_cluster_exchange_name", GAUGE, "Enumerates exchanges without any additional info", samples
        )
    else:
        samples = [
            (labels_text(vhost=vhost.name, exchange=each.name, type=each.kind), float(sum(1 for _ in each.bindings())))
            for vhost in there
            for each in vhost.exchanges.values()
        ]
        text = "Number of bindings for an exchange"
        yield Family("rabbitmq_cluster_exchange_bindings", GAUGE, text, samples)
