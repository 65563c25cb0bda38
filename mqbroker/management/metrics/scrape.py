"""The scrapes: /metrics, /metrics/per-object, /metrics/detailed and /metrics/memory-breakdown."""

from collections.abc import Iterable, Iterator, Mapping

from mqbroker.management.answers import Answer
from mqbroker.management.ground import Ground
from mqbroker.management.limits import DETAILED_FAMILIES_MAX
from mqbroker.management.metrics import node, objects
from mqbroker.management.metrics.exposition import GAUGE, OPENMETRICS, TEXT, Family, written
from mqbroker.management.pages import name_filter
from mqbroker.management.refusals import bad_request, missing

_PER_OBJECT = (
    "queue_coarse_metrics", "queue_consumer_count", "queue_metrics", "queue_delivery_metrics", "queue_exchange_metrics",
    "exchange_metrics", "channel_metrics", "channel_exchange_metrics", "connection_coarse_metrics",
)  # fmt: skip


async def scraped(ground: Ground, segments: list[str], query: Mapping[str, list[str]], accept: str) -> Answer:
    """The answer to a scrape of a path below /metrics. Raises Refusal."""
    is_openmetrics = "application/openmetrics-text" in accept
    match segments:
        case []:
            is_per_object = ground.config.metrics_per_object
            families = await (_per_object(ground) if is_per_object else _aggregated(ground))
        case ["per-object"]:
            families = await _per_object(ground)
        case ["detailed"]:
            families = _detailed(ground, query)
        case ["memory-breakdown"]:
            families = _memory(ground)
        case _:
            raise missing()
    body = await written(families, is_openmetrics)
    return Answer(200, body, content_type=OPENMETRICS if is_openmetrics else TEXT)


async def _whole(ground: Ground, endpoint: str) -> list[Family]:
    numbers = node.latest(ground)
    return [
        *node.identity(ground, endpoint),
        *await node.clients(ground, numbers, endpoint == "aggregated"),
        *node.global_counters(ground, numbers),
        *node.churn(ground),
        *node.process(ground),
        *node.journal(ground),
        *node.retained(ground),
        *node.pair(ground),
        *node.logins(ground),
    ]


async def _aggregated(ground: Ground) -> Iterable[Family]:
    return [*await _whole(ground, "aggregated"), *node.queue_totals(node.latest(ground))]


async def _per_object(ground: Ground) -> Iterable[Family]:
    whole = await _whole(ground, "per-object")
    groups = (objects.group(ground, name, "rabbitmq_", lambda _: True, frozenset()) for name in _PER_OBJECT)
    return (family for part in (whole, *groups) for family in part)


def _detailed(ground: Ground, query: Mapping[str, list[str]]) -> Iterator[Family]:
    names = query.get("family", [])
    if len(names) > DETAILED_FAMILIES_MAX:
        raise bad_request("too many families")
    pattern = query.get("queue", [""])[0]
    matches = name_filter(pattern) if pattern else lambda _: True
    vhosts = frozenset(query.get("vhost", []))
    yield from node.identity(ground, "detailed")
    for name in dict.fromkeys(names):
        if name in objects.GROUPS:
            prefix = "rabbitmq_detailed_"
            yield from objects.group(ground, name, prefix, lambda queue: matches(queue.name), vhosts)
        else:
            yield from _detailed_node(ground, name)


def _detailed_node(ground: Ground, name: str) -> Iterator[Family]:
    groups = {
        "connection_churn_metrics": node.churn,
        "node_coarse_metrics": node.process,
        "node_persister_metrics": node.journal,
        "auth_attempt_metrics": node.logins,
    }
    if name in groups:
        for family in groups[name](ground):
            renamed = family.name.replace("rabbitmq_", "rabbitmq_detailed_", 1)
            yield Family(renamed, family.kind, family.help, family.samples)


def _memory(ground: Ground) -> Iterator[Family]:
    resident = ground.services.memory_bytes()
    yield from node.identity(ground, "memory-breakdown")
    yield node.one("rabbitmq_memory_total_rss_bytes", GAUGE, "Resident memory of the process", resident)
