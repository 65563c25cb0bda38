"""The node: its process, its limits, its memory."""

import os
import resource
from collections.abc import Mapping
from typing import Any

import mqbroker
from mqbroker.management.answers import Answer
from mqbroker.management.api.overview import PRODUCT, churn, exchange_types
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MONITORING
from mqbroker.management.ground import Ground
from mqbroker.management.ranges import Reader, add_samples, kept_for, range_of
from mqbroker.management.refusals import missing
from mqbroker.runtime.descriptors import open_count
from mqbroker.runtime.disk import size_and_free


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("nodes", MONITORING, GET=nodes)
    routes.add("nodes/:node", MONITORING, GET=node)
    routes.add("nodes/:node/memory", MONITORING, GET=memory)
    routes.add("nodes/:node/memory/relative", MONITORING, GET=relative_memory)
    routes.add("top/:node", MONITORING, GET=top)


def nodes(call: Call) -> Answer:
    """GET nodes."""
    return Answer(body=[describe(call.ground)])


def node(call: Call) -> Answer:
    """GET nodes/N."""
    _check_name(call)
    found = describe(call.ground)
    wanted = range_of(call.query, "node_stats")
    if wanted is not None:
        add_samples(found, _PAST, wanted, kept_for(call.ground.retention, wanted))
    if call.flag("memory"):
        found["memory"] = _memory(call.ground)
    return Answer(body=found)


_PAST: Mapping[str, Reader] = {
    "mem_used": lambda numbers: numbers.get("memory_bytes", 0),
    "sockets_used": lambda numbers: numbers.get("connections", 0),
    "io_write_count": lambda numbers: numbers.get("journal_batches", 0),
    "io_write_bytes": lambda numbers: numbers.get("journal_bytes", 0),
    "io_sync_count": lambda numbers: numbers.get("journal_batches", 0),
}
"""What is known of times past."""


def _check_name(call: Call) -> None:
    name = call.ground.name
    # The checks of Nagios put RabbitMQ's usual name before the host that they are told.
    if call.name("node") not in (name, f"rabbit@{name.partition('@')[2]}"):
        raise missing()


def describe(ground: Ground) -> dict[str, Any]:
    """The node."""
    found: dict[str, Any] = {}
    for name, (number, rate) in _counted(ground).items():
        found |= {name: number, f"{name}_details": {"rate": round(rate, 2)}}
    return {**found, **churn(ground), **_limits(ground), **_facts(ground), **_FIXED}


def _counted(ground: Ground) -> dict[str, tuple[int, float]]:
    """What has a rate."""
    numbers, rates = ground.node.numbers(), ground.node.samples.rates()
    usage = resource.getrusage(resource.RUSAGE_SELF)

    def number(name: str) -> tuple[int, float]:
        return numbers.get(name, 0), rates.get(name, 0.0)

    return {
        **dict.fromkeys(_UNCOUNTED, (0, 0.0)),
        "mem_used": number("memory_bytes"),
        "fd_used": (open_count(), 0.0),
        "sockets_used": number("connections"),
        "proc_used": (1 + len(ground.broker.scheduler.round), 0.0),  # none at all is taken for a failure
        "disk_free": (disk_numbers(ground)[0], 0.0),
        "context_switches": (usage.ru_nvcsw + usage.ru_nivcsw, 0.0),
        "io_write_count": number("journal_batches"),
        "io_write_bytes": number("journal_bytes"),
        "io_sync_count": number("journal_batches"),
    }


_UNCOUNTED = (
    "gc_num", "gc_bytes_reclaimed", "io_read_count", "io_read_bytes", "io_read_avg_time", "io_write_avg_time",
    "io_sync_avg_time", "io_seek_count", "io_seek_avg_time", "io_reopen_count", "mnesia_ram_tx_count",
    "mnesia_disk_tx_count", "msg_store_read_count", "msg_store_write_count", "queue_index_read_count",
    "queue_index_write_count",
)  # fmt: skip
"""What agents read, and what nothing here corresponds to."""


def _limits(ground: Ground) -> dict[str, Any]:
    alarms, most = ground.services.alarms.reason, descriptors_max()
    return {
        "fd_total": most,
        "sockets_total": most,
        "proc_total": 1_048_576,
        "mem_limit": ground.services.memory_bytes_max,
        "mem_alarm": "memory" in alarms,
        "disk_free_limit": disk_numbers(ground)[1],
        "disk_free_alarm": "disk" in alarms,
    }


def _facts(ground: Ground) -> dict[str, Any]:
    return {
        "name": ground.name,
        "uptime": ground.clock.now() - ground.node.started_at,
        "os_pid": str(os.getpid()),
        "run_queue": len(ground.broker.scheduler.round),
        "processors": len(os.sched_getaffinity(0)),
        "db_dir": ground.node.data_dir,
        "exchange_types": exchange_types(),
    }


_FIXED: Mapping[str, Any] = {
    "type": "disc",
    "running": True,
    "being_drained": False,
    "mem_calculation_strategy": "rss",
    "rates_mode": "basic",
    "net_ticktime": 60,
    "log_files": ["<stderr>"],
    "config_files": [],
    "enabled_plugins": ["rabbitmq_management", "rabbitmq_management_agent", "rabbitmq_mqtt", "rabbitmq_prometheus"],
    "applications": [{"name": PRODUCT, "description": PRODUCT, "version": mqbroker.__version__}],
    "auth_mechanisms": [{"name": "PLAIN", "description": "SASL PLAIN authentication mechanism", "enabled": True}],
    "contexts": [],
    "cluster_links": [],
    "partitions": [],
    "metrics_gc_queue_length": {},
    "ra_open_file_metrics": {},
}


def disk_numbers(ground: Ground) -> tuple[int, int]:
    """Free bytes of the disk, and below how many publishers are held back."""
    size, free = size_and_free(ground.node.data_dir)
    return (free, ground.node.disk_free_min_bytes) if size else (0, 0)


def descriptors_max() -> int:
    """How many there may be."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _memory(ground: Ground) -> dict[str, Any]:
    resident = ground.services.memory_bytes()
    bodies = sum(queue.byte_count for vhost in ground.broker.vhosts.values() for queue in vhost.queues.values())
    parts = {"msg_index": 0, "binary": bodies, "other_proc": max(0, resident - bodies)}
    return {
        **parts,
        "strategy": "rss",
        "total": {"erlang": resident, "rss": resident, "allocated": resident},
    }


def memory(call: Call) -> Answer:
    """GET nodes/N/memory."""
    _check_name(call)
    return Answer(body={"memory": _memory(call.ground)})


def relative_memory(call: Call) -> Answer:
    """GET nodes/N/memory/relative."""
    _check_name(call)
    found = _memory(call.ground)
    resident = max(1, found["total"]["rss"])
    shares = {name: 100 * part // resident for name, part in found.items() if isinstance(part, int)}
    return Answer(body={"memory": {**shares, "total": 100}})


def top(call: Call) -> Answer:
    """GET top/N: there are no Erlang processes."""
    _check_name(call)
    return Answer(body={"node": call.ground.name, "row_count": 0, "processes": []})
