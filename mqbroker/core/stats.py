"""What has passed the broker since its start: plain integers, bumped where the work is done, and added up when asked.

Each queue and each exchange has an object of counts, so that one increment beside work that touches the queue anyway is
all that a message costs. What follows from something else is not counted: how much was published to a queue follows
from the places that it gave away. What a queue or an exchange that is deleted had counted stays with its vhost, and so
the totals never go down.

    publish --> [exchange: received, routed, unrouted] --> [queue: published] --> delivered, no_ack, got
                                                              |                      --> acked, rejected, returned
                                                              +--> expired, dropped, refused, purged, dead-lettered

It knows nothing of rates and times: runtime/sampler.py looks here now and then.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.routing.exchange import Exchange
    from mqbroker.core.vhost import VHost

QUEUE_COUNTS = (
    "published", "delivered", "no_ack", "redelivered", "got", "acked", "rejected", "returned", "expired", "dropped",
    "refused", "purged", "dead_lettered",
)  # fmt: skip
FLOW_COUNTS = ("received", "routed", "unrouted")


class Counts:
    """Of one queue, or of several together: how many messages."""

    __slots__ = (
        "acked", "dead_lettered", "delivered", "dropped", "expired", "got", "no_ack", "passed", "published", "purged",
        "redelivered", "refused", "rejected", "returned",
    )  # fmt: skip

    def __init__(self) -> None:
        self.published = 0
        """Taken in. Only in the sum (`counts_of`): a queue itself does not count it."""
        self.passed = 0
        """Part of it: handed to a consumer that does not acknowledge, without ever having a place."""
        self.delivered = 0
        """To consumers that acknowledge."""
        self.no_ack = 0
        """To consumers that do not, but for what has `passed`."""
        self.redelivered = 0
        """Part of both: not for the first time."""
        self.got = 0
        """Taken by clients that poll."""
        self.acked = 0
        self.rejected = 0
        """Refused for good by a client."""
        self.returned = 0
        """Come back from a client."""
        self.expired = 0
        self.dropped = 0
        """Gone from the head, or not let in without a word, because there were too many."""
        self.refused = 0
        """Refused at the publisher, because there were too many."""
        self.purged = 0
        self.dead_lettered = 0
        """Sent on to another queue or exchange, whatever the reason."""

    def add(self, other: "Counts") -> None:
        """Adds another's."""
        self.published += other.published
        self.passed += other.passed
        self.delivered += other.delivered
        self.no_ack += other.no_ack
        self.redelivered += other.redelivered
        self.got += other.got
        self.acked += other.acked
        self.rejected += other.rejected
        self.returned += other.returned
        self.expired += other.expired
        self.dropped += other.dropped
        self.refused += other.refused
        self.purged += other.purged
        self.dead_lettered += other.dead_lettered


class Flow:
    """Of one exchange, or of several together."""

    __slots__ = ("received", "surplus", "unrouted")

    def __init__(self) -> None:
        self.received = 0
        """Messages published to it."""
        self.surplus = 0
        """By how many more queues they went to than they are: most go to one, which needs no second count."""
        self.unrouted = 0
        """Messages that no queue was bound for."""

    @property
    def routed(self) -> int:
        """To how many queues they went: one message may count several times."""
        return self.received + self.surplus

    def add(self, other: "Flow") -> None:
        """Adds another's."""
        self.received += other.received
        self.surplus += other.surplus
        self.unrouted += other.unrouted


def counts_of(queue: "Queue") -> Counts:
    """What a queue has counted, with what follows from it. The caller's own."""
    found = Counts()
    found.add(queue.counts)
    found.published = queue.counts.passed + queue.next_sequence - queue.first_sequence
    return found


def queue_stats(queue: "Queue") -> dict[str, int]:
    """The counts of a queue and what is in it now."""
    found = counts_of(queue)
    return {
        **{name: getattr(found, name) for name in QUEUE_COUNTS},
        "no_ack": found.no_ack + found.passed,
        "ready": queue.waiting_count(),
        "unacked": queue.unacked_count,
        "ready_bytes": queue.byte_count,
        "consumers": len(queue.consumers),
    }


def exchange_stats(exchange: "Exchange") -> dict[str, int]:
    """The counts of an exchange."""
    return {name: getattr(exchange.flow, name) for name in FLOW_COUNTS}


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
        counts = counts_of(queue)
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
