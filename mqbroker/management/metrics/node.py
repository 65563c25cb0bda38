"""What is known of the node as a whole: who it is, its process, and everything that was counted, added up."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping

import mqbroker
from mqbroker.management.api.nodes import descriptors_max, disk_numbers
from mqbroker.management.api.overview import ERLANG, PRODUCT, RABBITMQ_VERSION
from mqbroker.management.api.users import protocol_id
from mqbroker.management.ground import Ground
from mqbroker.management.limits import SLICE_ITEMS
from mqbroker.management.metrics.exposition import COUNTER, GAUGE, UNTYPED, Family, labels_of, labels_text
from mqbroker.management.trends import add_channel
from mqbroker.runtime.descriptors import open_count

_ALL_PROTOCOLS = {"protocol": "all"}
_ALL_QUEUES = {"protocol": "all", "queue_type": "all"}
"""Nothing is counted by protocol or by type of queue: one series stands for all."""

_ALL_STRATEGIES = {"queue_type": "all", "dead_letter_strategy": "all"}
_REASONS = ("expired", "rejected", "maxlen", "delivery_limit")

_RECEIVED: Mapping[str, tuple[str, ...]] = {
    "messages_received": ("received",),
    "messages_routed": ("routed",),
}
_DELIVERED: Mapping[str, tuple[str, ...]] = {
    "messages_delivered": ("delivered", "no_ack"),
    "messages_delivered_consume_auto_ack": ("no_ack",),
    "messages_delivered_consume_manual_ack": ("delivered",),
    "messages_redelivered": ("redelivered",),
    "messages_acknowledged": ("acked",),
}
_OURS = ("expired", "dropped", "refused", "purged", "rejected", "returned", "dead_lettered")
_CHURN = {
    "connections_opened": "connection_created",
    "connections_closed": "connection_closed",
    "channels_opened": "channel_created",
    "channels_closed": "channel_closed",
    "queues_declared": "queue_declared",
    "queues_created": "queue_created",
    "queues_deleted": "queue_deleted",
}


def identity(ground: Ground, endpoint: str) -> Iterator[Family]:
    """Every query of RabbitMQ's dashboards is multiplied by it: without it all of them are empty."""
    labels = {
        "rabbitmq_node": ground.name,
        "rabbitmq_cluster": ground.cluster_name,
        "rabbitmq_cluster_permanent_id": ground.cluster_id,
        "rabbitmq_endpoint": endpoint,
    }
    yield Family("rabbitmq_identity_info", UNTYPED, "RabbitMQ node & cluster identity info", [(labels_of(labels), 1)])
    labels = {
        "rabbitmq_version": RABBITMQ_VERSION,
        "product_name": PRODUCT,
        "product_version": mqbroker.__version__,
        "erlang_version": ERLANG,
        "prometheus_client_version": "none",
        "prometheus_plugin_version": RABBITMQ_VERSION,
    }
    yield Family("rabbitmq_build_info", UNTYPED, "RabbitMQ & Erlang/OTP version info", [(labels_of(labels), 1)])


def one(name: str, kind: str, text: str, value: float, labels: Mapping[str, str] | None = None) -> Family:
    """A family of one sample."""
    return Family(name, kind, text, [(labels_of(labels or {}), value)])


def latest(ground: Ground) -> Mapping[str, int]:
    """The numbers of the last sample, which is at most some seconds old: a scrape looks at no queue for them."""
    history = list(ground.node.samples.history)
    return history[-1][1] if history else {}


def queue_totals(numbers: Mapping[str, int]) -> Iterator[Family]:
    """What is in all queues together."""
    ready, unacked = numbers.get("ready", 0), numbers.get("unacked", 0)
    yield one("rabbitmq_queue_messages_ready", GAUGE, "Messages ready to be delivered to consumers", ready)
    yield one("rabbitmq_queue_messages_unacked", GAUGE, "Messages delivered but not yet acknowledged", unacked)
    yield one("rabbitmq_queue_messages", GAUGE, "Sum of ready and unacknowledged messages", ready + unacked)
    size = numbers.get("ready_bytes", 0)
    yield one("rabbitmq_queue_messages_bytes", GAUGE, "Size in bytes of ready messages", size)
    yield one("rabbitmq_queue_messages_ready_bytes", GAUGE, "Size in bytes of ready messages", size)
    yield one("rabbitmq_queue_consumers", GAUGE, "Consumers on queues", numbers.get("consumers", 0))


def global_counters(ground: Ground, numbers: Mapping[str, int]) -> Iterator[Family]:
    """What has passed the node."""
    for name, parts in _RECEIVED.items():
        yield _counted(f"rabbitmq_global_{name}", numbers, parts, _ALL_PROTOCOLS)
    for name, parts in _DELIVERED.items():
        yield _counted(f"rabbitmq_global_{name}", numbers, parts, _ALL_QUEUES)
    yield from _dead_letters(ground)
    for name in _OURS:
        yield _counted(f"mqbroker_messages_{name}", numbers, (name,), {})


def _dead_letters(ground: Ground) -> Iterator[Family]:
    deaths = Counter(ground.broker.past_deaths)
    for vhost in ground.broker.vhosts.values():
        deaths.update(vhost.deaths())
    for reason in _REASONS:
        name = f"messages_dead_lettered_{reason}"
        yield _counted(f"rabbitmq_global_{name}", deaths, (reason,), _ALL_STRATEGIES)


def _counted(name: str, numbers: Mapping[str, int], parts: tuple[str, ...], labels: Mapping[str, str]) -> Family:
    text = (
        name.removeprefix("rabbitmq_global_")
        .removeprefix("rabbitmq_")
        .removeprefix("mqbroker_")
        .replace("_", " ")
        .capitalize()
    )
    return one(f"{name}_total", COUNTER, f"{text} since the start", sum(numbers.get(part, 0) for part in parts), labels)


def churn(ground: Ground) -> Iterator[Family]:
    """What came and went."""
    for name, counted in _CHURN.items():
        text = f"Total number of {name.replace('_', ' ')}"
        yield one(f"rabbitmq_{name}_total", COUNTER, text, ground.observations.churn[counted])


async def clients(ground: Ground, numbers: Mapping[str, int], is_aggregated: bool) -> list[Family]:
    """Who is connected. Each session says itself what its channels do, so this is done in slices."""
    sessions = ground.registry.all()
    found = Counter(ground.services.counted)
    for at, session in enumerate(sessions, 1):
        found["channels"] += session.channel_count()
        described = session.describe().get("channels", ())
        if isinstance(described, list):
            for channel in described:
                add_channel(found, channel)
        if at % SLICE_ITEMS == 0:
            await asyncio.sleep(0)
    families = [*_present(ground, numbers, len(sessions), found), *_channels(numbers, found)]
    return [*families, *_as_channels(numbers, found)] if is_aggregated else families


def _present(ground: Ground, numbers: Mapping[str, int], connections: int, found: Counter[str]) -> list[Family]:
    consumers = numbers.get("consumers", 0)
    queues = sum(len(vhost.queues) for vhost in ground.broker.vhosts.values())
    return [
        one("rabbitmq_connections", GAUGE, "Connections currently open", connections),
        one("rabbitmq_channels", GAUGE, "Channels currently open", found["channels"]),
        one("rabbitmq_consumers", GAUGE, "Consumers currently connected", consumers),
        one("rabbitmq_queues", GAUGE, "Queues available", queues),
        one("rabbitmq_global_publishers", GAUGE, "Publishers currently connected", found["publishers"], _ALL_PROTOCOLS),
        one("rabbitmq_global_consumers", GAUGE, "Current number of consumers", consumers, _ALL_PROTOCOLS),
    ]


def _channels(numbers: Mapping[str, int], found: Counter[str]) -> Iterator[Family]:
    """What only channels know of."""
    for name, value, labels in (
        ("messages_received_confirm", found["published"], _ALL_PROTOCOLS),
        ("messages_confirmed", found["confirmed"], _ALL_PROTOCOLS),
        ("messages_unroutable_dropped", max(0, numbers.get("unrouted", 0) - found["returned"]), _ALL_PROTOCOLS),
        ("messages_unroutable_returned", found["returned"], _ALL_PROTOCOLS),
        ("messages_delivered_get_manual_ack", max(0, numbers.get("got", 0) - found["got_no_ack"]), _ALL_QUEUES),
        ("messages_delivered_get_auto_ack", found["got_no_ack"], _ALL_QUEUES),
        ("messages_get_empty", found["got_empty"], _ALL_QUEUES),
    ):
        yield _counted(f"rabbitmq_global_{name}", {name: value}, (name,), labels)


def _as_channels(numbers: Mapping[str, int], found: Counter[str]) -> Iterator[Family]:
    """The same and more under the names that dashboards of RabbitMQ 3.8 read."""
    yield one("rabbitmq_channel_consumers", GAUGE, "Consumers on channels", found["channel_consumers"])
    yield one("rabbitmq_channel_messages_unacked", GAUGE, "Delivered, not yet acknowledged", found["unacknowledged"])
    yield one("rabbitmq_channel_messages_unconfirmed", GAUGE, "Not yet confirmed", found["unconfirmed"])
    for name, value in {
        "messages_published": numbers.get("received", 0),
        "messages_confirmed": found["confirmed"],
        "messages_unroutable_dropped": max(0, numbers.get("unrouted", 0) - found["returned"]),
        "messages_unroutable_returned": found["returned"],
        "messages_delivered": numbers.get("no_ack", 0),
        "messages_delivered_ack": numbers.get("delivered", 0),
        "messages_redelivered": numbers.get("redelivered", 0),
        "messages_acked": numbers.get("acked", 0),
        "get": found["got_no_ack"],
        "get_ack": max(0, numbers.get("got", 0) - found["got_no_ack"]),
        "get_empty": found["got_empty"],
    }.items():
        yield _counted(f"rabbitmq_channel_{name}", {name: value}, (name,), {})
    yield _counted("rabbitmq_queue_messages_published", numbers, ("published",), {})


def process(ground: Ground) -> Iterator[Family]:
    """The process and its limits, and which of them are passed."""
    numbers, alarms = ground.node.numbers(), ground.services.alarms.reason
    free, least = disk_numbers(ground)
    descriptors, most = open_count(), descriptors_max()
    for name, value in {
        "process_resident_memory_bytes": numbers.get("memory_bytes", 0),
        "resident_memory_limit_bytes": ground.services.memory_bytes_max,
        "disk_space_available_bytes": free,
        "disk_space_available_limit_bytes": least,
        "process_open_fds": descriptors,
        "process_max_fds": most,
        "process_open_tcp_sockets": numbers.get("connections", 0),
        "process_max_tcp_sockets": most,
        "alarms_memory_used_watermark": int("memory" in alarms),
        "alarms_free_disk_space_watermark": int("disk" in alarms),
        "alarms_file_descriptor_limit": 0,
        "unreachable_cluster_peers_count": 0,
    }.items():
        yield one(f"rabbitmq_{name}", GAUGE, name.replace("_", " ").capitalize(), value)
    uptime_s = (ground.clock.now() - ground.node.started_at) / 1000
    yield one("rabbitmq_erlang_uptime_seconds", GAUGE, "Node uptime", uptime_s)


def journal(ground: Ground) -> Iterator[Family]:
    """The journal, and how busy the loop is."""
    numbers = ground.node.numbers()
    batches, size = numbers.get("journal_batches", 0), numbers.get("journal_bytes", 0)
    yield one("rabbitmq_io_write_ops_total", COUNTER, "Total number of I/O write operations", batches)
    yield one("rabbitmq_io_write_bytes_total", COUNTER, "Total number of I/O bytes written", size)
    yield one("rabbitmq_io_sync_ops_total", COUNTER, "Total number of I/O sync operations", batches)
    yield one("mqbroker_journal_segments", GAUGE, "Files of the journal", numbers.get("journal_segments", 0))
    for name in ("octets_in", "octets_out"):
        yield one(f"mqbroker_{name}_total", COUNTER, "Octets of all connections", numbers.get(name, 0))
    yield one("mqbroker_slow_turns_total", COUNTER, "Turns of the loop that took long", numbers.get("slow_turns", 0))


def retained(ground: Ground) -> Iterator[Family]:
    """What MQTT retains."""
    stores = [vhost.retained for vhost in ground.broker.vhosts.values() if vhost.retained is not None]
    yield one("mqbroker_retained_messages", GAUGE, "Retained messages", sum(each.count for each in stores))
    yield one("mqbroker_retained_bytes", GAUGE, "Bytes of retained messages", sum(each.byte_count for each in stores))


PAIR = {
    "epoch": "The term in which this node leads its pair",
    "in_sync": "Nodes that have everything that is confirmed",
    "batches_behind": "Batches that the slowest member of the in-sync set does not have yet",
    "bytes_in_flight": "Octets sent to that member and not acknowledged",
    "commit_wait_ms": "Milliseconds that a batch waits for its confirms",
}


def pair(ground: Ground) -> Iterator[Family]:
    """How the pair is that this node leads; nothing of a node alone."""
    numbers = ground.node.numbers()
    for name, text in PAIR.items():
        if f"pair_{name}" in numbers:
            yield one(f"mqbroker_pair_{name}", GAUGE, text, numbers[f"pair_{name}"])


def logins(ground: Ground) -> Iterator[Family]:
    """Who logged in, and who could not."""
    observed = ground.observations
    protocols = sorted(observed.attempts.keys() | observed.refusals.keys())
    totals = {each: observed.attempts[each] + observed.refusals[each] for each in protocols}
    for name, counted in (("", totals), ("succeeded_", observed.attempts), ("failed_", observed.refusals)):
        samples = [(labels_text(protocol=protocol_id(each)), float(counted[each])) for each in protocols]
        text = f"Total number of {name.replace('_', ' ')}authentication attempts"
        yield Family(f"rabbitmq_auth_attempts_{name}total", COUNTER, text, samples)
