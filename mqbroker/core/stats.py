"""What has passed the broker since its start: plain integers, bumped where the work is done, and added up when asked.

Each queue and each exchange has an object of counts, so that one increment beside work that touches the queue anyway is
all that a message costs. What follows from something else is not counted: how much was published to a queue follows
from the places that it gave away. What a queue or an exchange that is deleted had counted stays with its vhost, and so
the totals never go down.

    publish --> [exchange: received, routed, unrouted] --> [queue: published] --> delivered, no_ack, got
                                                              |                      --> acked, rejected, returned
                                                              +--> expired, dropped, refused, purged, dead-lettered

core/totals.py adds them up; rates and times are runtime/sampler.py's.
"""

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
