"""RabbitMQ's message_stats out of the broker's counts: its names, and a rate beside each number.

Rates are the difference of the last two samples (runtime/sampler.py). Numbers that are zero are left out, as in
RabbitMQ: tools take what is not there for zero.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.core.queues.base import Queue
from mqbroker.core.stats import Counts
from mqbroker.protocols.node import Samples

QUEUE_STATS: Mapping[str, Callable[[Counts], int]] = {
    "publish": lambda counts: counts.published,
    "deliver": lambda counts: counts.delivered,
    "deliver_no_ack": lambda counts: counts.no_ack + counts.passed,
    "get": lambda counts: counts.got,
    "deliver_get": lambda counts: counts.delivered + counts.no_ack + counts.passed + counts.got,
    "ack": lambda counts: counts.acked,
    "redeliver": lambda counts: counts.redelivered,
}
"""What a queue has of them."""

TOTAL_STATS: Mapping[str, tuple[str, ...]] = {
    "publish": ("received",),
    "confirm": ("confirmed",),
    "deliver": ("delivered",),
    "deliver_no_ack": ("no_ack",),
    "get": ("got_with_ack",),
    "get_no_ack": ("got_no_ack",),
    "get_empty": ("got_empty",),
    "deliver_get": ("delivered", "no_ack", "got"),
    "ack": ("acked",),
    "redeliver": ("redelivered",),
    "return_unroutable": ("returned_to_publisher",),
    "drop_unroutable": ("dropped_unrouted",),
    "disk_reads": ("messages_paged_in",),
}
"""What a vhost or the node has, by the names of `Totals.numbers`, and of what channels count besides."""

NO_RATES: Mapping[str, float] = {}
NO_CLIENTS: Mapping[str, int] = {}


def with_rate(name: str, number: int, rate: float) -> dict[str, Any]:
    """A number and its rate."""
    return {name: number, f"{name}_details": {"rate": round(rate, 2)}}


def queue_stats(queue: Queue, samples: Samples) -> dict[str, Any]:
    """The message_stats of a queue."""
    counts, pair = queue.counted(), samples.pair(queue)
    found: dict[str, Any] = {}
    for name, read in QUEUE_STATS.items():
        number = read(counts)
        if number:
            found |= with_rate(name, number, _rate_between(pair, read))
    return found


def queue_rate(queue: Queue, samples: Samples, name: str) -> float:
    """One rate of a queue, without all the others."""
    return _rate_between(samples.pair(queue), QUEUE_STATS[name])


def growth(queue: Queue, samples: Samples) -> float:
    """By how many messages a second a queue grows; below zero it becomes empty."""
    return round(_rate_between(samples.pair(queue), _left_in), 2)


def _left_in(counts: Counts) -> int:
    gone = counts.passed + counts.no_ack + counts.acked + counts.rejected
    return counts.published - gone - counts.expired - counts.dropped - counts.purged


def _rate_between(pair: tuple[Counts, Counts, int] | None, read: Callable[[Counts], int]) -> float:
    if pair is None or pair[2] <= 0:
        return 0.0
    return (read(pair[1]) - read(pair[0])) * 1000 / pair[2]


def total_stats(
    numbers: Mapping[str, int],
    rates: Mapping[str, float],
    clients: Mapping[str, int] = NO_CLIENTS,
    client_rates: Mapping[str, float] = NO_RATES,
) -> dict[str, Any]:
    """The message_stats of a vhost or of the node; of the latter with what channels have counted."""
    all_numbers, all_rates = _with_clients(numbers, clients), _with_clients(rates, client_rates)
    found: dict[str, Any] = {}
    for name, parts in TOTAL_STATS.items():
        number = sum(all_numbers.get(part, 0) for part in parts)
        if number:
            found |= with_rate(name, int(number), sum(all_rates.get(part, 0.0) for part in parts))
    return found


def _with_clients(numbers: Mapping[str, float], clients: Mapping[str, float]) -> Mapping[str, float]:
    """What neither the core nor channels know alone: samples are some seconds apart, so nothing goes below zero."""
    returned, no_ack = clients.get("returned", 0), clients.get("got_no_ack", 0)
    return {
        **numbers,
        "confirmed": clients.get("confirmed", 0),
        "got_no_ack": no_ack,
        "got_empty": clients.get("got_empty", 0),
        "got_with_ack": max(0, numbers.get("got", 0) - no_ack),
        "returned_to_publisher": returned,
        "dropped_unrouted": max(0, numbers.get("unrouted", 0) - returned),
    }


def total_reader(name: str) -> Callable[[Mapping[str, int]], int]:
    """Reads one of the message_stats of the node out of its numbers at a time past."""
    parts = TOTAL_STATS[name]
    return lambda numbers: sum(numbers.get(part, 0) for part in parts)


def lengths(ready: int, unacknowledged: int, rates: Mapping[str, float]) -> dict[str, Any]:
    """How much waits and how much is unacknowledged, of a queue, a vhost or the node."""
    ready_rate, unacked_rate = rates.get("ready", 0.0), rates.get("unacked", 0.0)
    return {
        **with_rate("messages", ready + unacknowledged, ready_rate + unacked_rate),
        **with_rate("messages_ready", ready, ready_rate),
        **with_rate("messages_unacknowledged", unacknowledged, unacked_rate),
    }
