"""What queues and exchanges have counted (stats.py), added up: of one, of a vhost, of the node."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mqbroker.core.stats import FLOW_COUNTS, QUEUE_COUNTS, Counts, Flow

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.vhost import VHost


def queue_stats(queue: "Queue") -> dict[str, int]:
    """The counts of a queue and what is in it now."""
    found = queue.counted()
    return {
        **{name: getattr(found, name) for name in QUEUE_COUNTS},
        "no_ack": found.no_ack + found.passed,
        "ready": queue.waiting_count(),
        "unacked": queue.unacked_count,
        "ready_bytes": queue.byte_count,
        "consumers": len(queue.consumers),
    }


def flow_numbers(flow: Flow) -> dict[str, int]:
    """The counts of an exchange."""
    return {name: getattr(flow, name) for name in FLOW_COUNTS}


def flow_of(vhost: "VHost") -> Flow:
    """What all exchanges of a vhost have counted, those that are gone and the one without a name included."""
    found = Flow()
    found.add(vhost.past_flow)
    found.add(vhost.default_flow)
    for exchange in vhost.exchanges.values():
        found.add(exchange.flow)
    return found


class Totals:
    """What several queues and exchanges have together."""

    __slots__ = ("consumers", "counts", "flow", "queues", "ready", "ready_bytes", "unacked")

    def __init__(self) -> None:
        self.counts = Counts()
        self.flow = Flow()
        self.queues = 0
        self.ready = 0
        self.ready_bytes = 0
        self.unacked = 0
        self.consumers = 0

    def add_queue(self, queue: "Queue") -> Counts:
        """Adds what a queue has counted and what is in it. Returns the former."""
        counts = queue.counted()
        self.counts.add(counts)
        self.queues += 1
        self.ready += queue.waiting_count()
        self.ready_bytes += queue.byte_count
        self.unacked += queue.unacked_count
        self.consumers += len(queue.consumers)
        return counts

    def add(self, other: "Totals") -> None:
        """Adds others'."""
        self.counts.add(other.counts)
        self.flow.add(other.flow)
        self.queues += other.queues
        self.ready += other.ready
        self.ready_bytes += other.ready_bytes
        self.unacked += other.unacked
        self.consumers += other.consumers

    def numbers(self) -> dict[str, int]:
        """All of them by name."""
        found = {name: getattr(self.counts, name) for name in QUEUE_COUNTS}
        found["no_ack"] += self.counts.passed
        return {
            **{name: getattr(self.flow, name) for name in FLOW_COUNTS},
            **found,
            "queues": self.queues,
            "ready": self.ready,
            "ready_bytes": self.ready_bytes,
            "unacked": self.unacked,
            "consumers": self.consumers,
        }


def totals_of(vhost: "VHost", queues: Iterable["Queue"] = ()) -> Totals:
    """What is known of a vhost as a whole, with these of its queues: all of them may be too many for one look."""
    found = Totals()
    found.counts.add(vhost.past_counts)
    found.flow.add(flow_of(vhost))
    for queue in queues:
        found.add_queue(queue)
    return found


def snapshot(broker: "Broker") -> dict[str, dict[str, int]]:
    """The numbers of each vhost, and under the empty name of the whole node. It looks at every queue at once."""
    node = Totals()
    node.add(broker.past)
    found: dict[str, dict[str, int]] = {}
    for name, vhost in broker.vhosts.items():
        totals = totals_of(vhost, [*vhost.queues.values(), *vhost.reply_queues.values()])
        node.add(totals)
        found[name] = totals.numbers()
    found[""] = node.numbers()
    return found
