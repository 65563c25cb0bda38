"""What a queue is and does, in the core's own words: what whoever declares one says, and a kind makes it from.

A protocol that has words of its own for that translates them (core/rabbitmq/arguments.py); the others say it with this.
It does not know what the kinds do with it (kinds.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mqbroker.core.queues.polled.settings import PollSettings

CLASSIC = "classic"

DROP_HEAD = "drop-head"
REJECT_PUBLISH = "reject-publish"
REJECT_PUBLISH_AND_DEAD_LETTER = "reject-publish-dlx"


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """One queue. None means no limit, or not at all. Times are milliseconds."""

    name: str = ""
    kind: str = CLASSIC
    """One of `kinds.py`."""
    durable: bool = False
    auto_delete: bool = False
    """It goes with its last consumer."""
    owner: object | None = None
    """The connection with which it goes, and which alone may use it."""
    is_hidden: bool = False
    """Messages find it by its name, and nothing else does: it is in no list, counts for no limit, and is not kept."""
    message_ttl: int | None = None
    expires: int | None = None
    """How long it lives unused."""
    max_length: int | None = None
    max_length_bytes: int | None = None
    overflow: str = ""
    """What becomes of a message that has no room; empty for the first of the above."""
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    """None for the message's own."""
    dead_letters_are_persistent: bool = False
    """Whether messages that are not persistent have no dead letters."""
    max_priority: int | None = None
    """None when priorities mean nothing."""
    single_active_consumer: bool = False
    delivery_limit: int | None = None
    """How often a message may come back as a failure."""
    counts_failures: bool = False
    """Whether consumers are told how often a message came back."""
    consumer_timeout: int | None = None
    """How long a delivery may stay unacknowledged."""
    selector: str = ""
    """Of the kind whose queues select what enters them."""
    polling: PollSettings = field(default_factory=PollSettings)
    """Of those that clients poll."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """What it was declared with, in the words of its protocol, for who declares it again."""
