"""Deliveries that are never acknowledged (RabbitMQ's consumer timeout): they end their channel.

A connection looks for them from time to time, as often as the shortest timeout of its channels asks for; ages.py knows
how old a delivery is.
"""

from typing import TYPE_CHECKING

from mqbroker.errors import PreconditionFailed
from mqbroker.protocols.ages import SWEEP_MS_MAX, Reached, sweep_interval
from mqbroker.protocols.amqp import ending
from mqbroker.protocols.amqp.channel import CLOSING

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState

_TEXT = (
    "delivery acknowledgement on channel {number} timed out. Timeout value used: {timeout_ms} ms. "
    "This timeout value can be configured, see consumers doc guide to learn more"
)


def watch(connection: "ConnectionState", channel: "Channel", timeout_ms: int) -> None:
    """Deliveries with this timeout are to come, 0 for none: has the next sweep come early enough for them."""
    if timeout_ms:
        channel.ages.watch(timeout_ms)
        connection.next_sweep = min(connection.next_sweep, connection.now + sweep_interval(timeout_ms))
        connection.deadline = min(connection.deadline, connection.next_sweep)


def sweep(connection: "ConnectionState", now: int) -> int:
    """Closes the channels that hold a delivery for too long; the milliseconds until it is worth to look again."""
    wait_ms = SWEEP_MS_MAX
    for channel in list(connection.channels.values()):
        shortest_ms = channel.ages.shortest_ms
        if not shortest_ms or channel.state == CLOSING:
            continue
        wait_ms = min(wait_ms, sweep_interval(shortest_ms))
        channel.ages.mark(now, channel.next_tag)
        timeout_ms = overdue(channel, now)
        if timeout_ms:
            connection.current = channel.number
            connection.at_method = 0
            ending.refuse(connection, PreconditionFailed(_TEXT.format(number=channel.number, timeout_ms=timeout_ms)))
    return wait_ms


def overdue(channel: "Channel", now: int) -> int:
    """The timeout that some delivery of the channel has passed; 0 when there is none such."""
    reached = Reached(channel.ages, now)
    for entry in channel.unacked.below(reached[channel.ages.shortest_ms]):
        timeout_ms: int = entry.consumer.timeout_ms
        if timeout_ms and entry.tag < reached[timeout_ms]:
            return timeout_ms
    return 0
