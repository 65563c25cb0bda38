"""Deliveries that are never acknowledged (RabbitMQ's consumer timeout).

No delivery is given a time of its own. Each sweep notes the next delivery tag; a tag below the mark of a sweep that is
at least one timeout ago is at least that old. The price is that a delivery may live one sweep longer.
"""

from typing import TYPE_CHECKING

from mqbroker.errors import PreconditionFailed
from mqbroker.protocols.amqp import ending

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.connection import AmqpConnection

_TEXT = (
    "delivery acknowledgement on channel {number} timed out. Timeout value used: {timeout_ms} ms. "
    "This timeout value can be configured, see consumers doc guide to learn more"
)


def sweep(connection: "AmqpConnection", now: int) -> None:
    """Closes the channels that hold a delivery for longer than its consumer may."""
    for channel in list(connection.channels.values()):
        timeout_ms = max((consumer.timeout_ms for consumer in channel.consumers.values()), default=0)
        if timeout_ms and is_overdue(channel, timeout_ms, now):
            connection.current = channel.number
            connection.at_method = 0
            ending.refuse(connection, PreconditionFailed(_TEXT.format(number=channel.number, timeout_ms=timeout_ms)))


def is_overdue(channel: "Channel", timeout_ms: int, now: int) -> bool:
    """Whether the oldest delivery of the channel is older than the timeout; notes the mark of this sweep."""
    marks = channel.marks
    marks.append((now, channel.next_tag))
    reached = 0
    while len(marks) > 1 and marks[1][0] <= now - timeout_ms:
        marks.popleft()
    if marks[0][0] <= now - timeout_ms:
        reached = marks[0][1]
    oldest = channel.unacked.oldest()
    return oldest is not None and oldest < reached
