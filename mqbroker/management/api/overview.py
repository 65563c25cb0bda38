"""The first call of most tools: versions, totals, listeners; and who one is."""

from collections.abc import Mapping
from typing import Any

import mqbroker
from mqbroker.core.rabbitmq.exchange_types import type_names
from mqbroker.management.answers import Answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT, MONITORING
from mqbroker.management.ground import Ground
from mqbroker.management.observations import CHURN_COUNTS
from mqbroker.management.ranges import LENGTHS, Reader, add_samples, kept_for, range_of
from mqbroker.management.stats import TOTAL_STATS, lengths, total_reader, total_stats, with_rate
from mqbroker.management.trends import CLIENTS

RABBITMQ_VERSION = "3.13.7"
"""Tools switch on it: health checks since 3.8.10, the least that NServiceBus takes is 3.10."""
PRODUCT = "mqbroker"
ERLANG = "none"

PROTOCOLS = {
    "amqp": "amqp",
    "amqps": "amqp/ssl",
    "mqtt": "mqtt",
    "mqtts": "mqtt/ssl",
    "ws": "http/web-mqtt",
    "wss": "https/web-mqtt",
    "management": "http",
    "managements": "https",
    "prometheus": "http/prometheus",
    "stomp": "stomp",
    "stomps": "stomp/ssl",
}
"""RabbitMQ's names of what listeners speak, by our schemes."""


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("overview", MANAGEMENT, GET=overview)
    routes.add("whoami", MANAGEMENT, GET=whoami)
    routes.add("version", MANAGEMENT, GET=version)


async def overview(call: Call) -> Answer:
    """GET overview."""
    ground = call.ground
    clients = await ground.trends.clients()
    found: dict[str, Any] = {**identity(ground), **_totals(call, clients)}
    if call.caller.has(MONITORING):
        found |= {"node": ground.name, "listeners": listeners(ground), "contexts": []}
    return Answer(body=found)


def identity(ground: Ground) -> dict[str, Any]:
    """What the broker is."""
    return {
        "management_version": RABBITMQ_VERSION,
        "rabbitmq_version": RABBITMQ_VERSION,
        "product_name": PRODUCT,
        "product_version": mqbroker.__version__,
        "cluster_name": ground.cluster_name,
        "erlang_version": ERLANG,
        "erlang_full_version": ERLANG,
        "rates_mode": "basic",
        "sample_retention_policies": {
            "global": [600, 3600, 28800, 86400], "basic": [600, 3600], "detailed": [600],
        },
        "exchange_types": exchange_types(),
        "release_series_support_status": "supported",
        "disable_stats": False,
        "enable_queue_totals": False,
        "is_op_policy_updating_enabled": True,
        "statistics_db_event_queue": 0,
        "default_queue_type": "classic",
    }  # fmt: skip


def exchange_types() -> list[dict[str, Any]]:
    """Every type of exchange."""
    return [{"name": name, "description": f"{name} exchange", "enabled": True} for name in type_names()]


def _totals(call: Call, clients: Mapping[str, int]) -> dict[str, Any]:
    ground, caller = call.ground, call.caller
    vhosts = caller.visible()
    wanted = call.headers.get("X-Vhost")
    if wanted in ground.broker.vhosts:
        vhosts = [vhost for vhost in vhosts if vhost.name == wanted]
    queues = [queue for vhost in vhosts for queue in vhost.queues.values()]
    ready, unacked = sum(each.waiting_count() for each in queues), sum(each.unacked_count for each in queues)
    is_everything = caller.has(MONITORING) and wanted not in ground.broker.vhosts
    rates = ground.node.samples.rates() if is_everything else {}
    sessions = visible_sessions(call)
    stats = message_stats(ground, clients) if is_everything else {}
    totals = lengths(ready, unacked, rates)
    if is_everything:
        _add_past(call, totals, "lengths", LENGTHS)
        _add_past(call, stats, "msg_rates", {name: total_reader(name) for name in _SAMPLED})
    return {
        "message_stats": stats,
        "churn_rates": churn(ground),
        "queue_totals": totals,
        "object_totals": {
            "channels": sum(session.channel_count() for session in sessions),
            "connections": len(sessions),
            "consumers": sum(len(queue.consumers) for queue in queues),
            "exchanges": sum(len(vhost.exchanges) + 1 for vhost in vhosts),
            "queues": len(queues),
        },
    }


def visible_sessions(call: Call) -> list[Any]:
    """The sessions that a caller may know of."""
    registry = call.ground.registry
    return registry.all() if call.caller.has(MONITORING) else registry.of_user(call.caller.name)


_SAMPLED = frozenset(TOTAL_STATS) - {
    "confirm", "get", "get_no_ack", "get_empty", "return_unroutable", "drop_unroutable",
}  # fmt: skip
"""Of the others the past is not kept: they are counted by channels."""


def _add_past(call: Call, found: dict[str, Any], name: str, readers: Mapping[str, Reader]) -> None:
    wanted = range_of(call.query, name)
    if wanted is not None:
        add_samples(found, readers, wanted, kept_for(call.ground.retention, wanted))


def message_stats(ground: Ground, clients: Mapping[str, int]) -> dict[str, Any]:
    """Those of the node, as they were at the last sample."""
    history = list(ground.node.samples.history)
    numbers = history[-1][1] if history else {}
    return total_stats(numbers, ground.node.samples.rates(), clients, ground.trends.rates(CLIENTS))


def churn(ground: Ground) -> dict[str, Any]:
    """What came and went."""
    found: dict[str, Any] = {}
    for name in CHURN_COUNTS:
        found |= with_rate(name, ground.observations.churn[name], 0.0)
    return found


def listeners(ground: Ground) -> list[dict[str, Any]]:
    """What is listened on."""
    return [
        {
            "node": ground.name,
            "protocol": PROTOCOLS.get(listener.scheme, listener.scheme),
            "ip_address": host,
            "port": port,
            "tls": listener.is_tls,
            "socket_opts": [],
        }
        for listener, host, port in ground.node.listeners()
    ]


def whoami(call: Call) -> Answer:
    """GET whoami."""
    return Answer(body={"name": call.caller.name, "tags": sorted(call.caller.tags), "is_internal_user": True})


def version(_call: Call) -> Answer:
    """GET version."""
    return Answer(body=RABBITMQ_VERSION)
