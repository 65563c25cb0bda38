"""How a polled queue is set up: what SQS calls the attributes of a queue, as far as the core acts on them.

Times are milliseconds. The form in which the journal keeps them is made here; what a client may ask for is checked by
its protocol.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from mqbroker.limits import IN_FLIGHT_MAX, RETENTION_MS, VISIBILITY_MS


@dataclass(frozen=True, slots=True)
class PollSettings:
    """The settings of one polled queue."""

    visibility_ms: int = VISIBILITY_MS
    """How long a received message is kept from others when the receiver does not say."""
    delay_ms: int = 0
    """How long a message is kept back when its sender does not say."""
    retention_ms: int = RETENTION_MS
    """How long a message is kept, from when it was sent."""
    in_flight_max: int = IN_FLIGHT_MAX
    receive_max: int = 0
    """How often a message is delivered before it goes to the dead-letter queue; 0 for any number."""
    dead_letter_queue: str = ""
    """The name of a polled queue of the same vhost; empty for none."""
    deduplicates_by_content: bool = False
    """FIFO queues: a message without a deduplication id has the digest of its body for one."""
    deduplicates_by_group: bool = False
    """FIFO queues: a deduplication id counts within its group only."""

    def packed(self) -> dict[str, object]:
        """The settings for a definition in the journal."""
        return asdict(self)

    @staticmethod
    def unpacked(value: Mapping[str, Any]) -> "PollSettings":
        """The reverse of `packed`; what an older broker did not know has its default."""
        return PollSettings(**{each.name: value[each.name] for each in fields(PollSettings) if each.name in value})


class GroupCounts(NamedTuple):
    """What the groups of a queue amount to. Groups that are not noisy, and messages without a group, are quiet."""

    in_flight: int
    """Groups with messages in flight."""
    noisy: int
    visible_in_quiet: int
    in_flight_in_quiet: int
    delayed_in_quiet: int
    oldest_sent_at_in_quiet: int
    """As `oldest_sent_at`."""


class Waiter:
    """Somebody who waits until a polled queue has something for him: a long poll."""

    __slots__ = ()

    def wake(self, now: int) -> None:
        """Something can be received: to be done at once, or to wait once more. Called once; overridden."""
        raise NotImplementedError

    def queue_deleted(self) -> None:
        """The queue has gone, so nothing will come. Called once, instead of `wake`."""
