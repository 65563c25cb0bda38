"""What a client says of many deliveries at once: `multiple` acks and nacks, and basic.recover.

The first portion is settled at once. If that is not all, the channel is held while the rest is done in portions, in
turn with the work of others: what the client sends next has to see all of it done. So has the end of the channel.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.queues.returning import Returning
from mqbroker.core.scheduler import Task
from mqbroker.core.settling import ACK, DISCARD, FAIL
from mqbroker.limits import ACKS_AT_ONCE, PORTION
from mqbroker.protocols.amqp import holding
from mqbroker.protocols.amqp.channel import HELD

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState

_OFFER_COST = 10  # a consumer that is offered to its queue may take several messages


def settle_through(connection: "ConnectionState", channel: "Channel", tag: int, outcome: int) -> None:
    """Settles all deliveries up to a tag."""
    if outcome == ACK:
        entries = channel.unacked.take_through(tag, ACKS_AT_ONCE)
        connection.settle(channel, entries)
        if len(entries) < ACKS_AT_ONCE:
            return
    settling = Settling(connection, channel, tag, outcome)
    if outcome == ACK or settling.run(connection.now, PORTION):
        channel.state = HELD
        channel.settling = settling
        connection.services.broker.scheduler.add(settling)


class Settling(Task):
    """The deliveries of a channel up to a tag."""

    __slots__ = ("_channel", "_connection", "_consumers", "_outcome", "_returning", "_tag")

    def __init__(self, connection: "ConnectionState", channel: "Channel", tag: int, outcome: int) -> None:
        Task.__init__(self)
        self._connection = connection
        self._channel = channel
        self._tag = tag
        self._outcome = outcome
        self._returning = Returning(outcome == FAIL)
        self._consumers: dict[Consumer, None] = {}
        """Whose deliveries these were: they can take others when all is done."""

    def run(self, now: int, portion: int) -> bool:
        """Task: settles a portion. It goes on when the channel has ended meanwhile: the client did say it."""
        channel = self._channel
        self._connection.now = now
        most = portion * ACKS_AT_ONCE // PORTION if self._outcome == ACK else portion
        entries = channel.unacked.take_through(self._tag, most)
        self.take(entries, now)
        if len(entries) == most or not self.end(now, portion):
            return True
        if channel.settling is self:
            channel.settling = None
            holding.release(self._connection, channel)
        return False

    def take(self, entries: list[Entry], now: int) -> None:
        """Settles deliveries that were taken."""
        if self._outcome == ACK:
            self._connection.settle(self._channel, entries)
            return
        for entry in entries:
            assert entry.consumer is not None
            self._consumers[entry.consumer] = None
        if self._outcome != DISCARD:
            self._returning.give_back(entries, now)
            return
        for entry in entries:
            assert entry.consumer is not None
            entry.consumer.queue.give_up(entry, now)

    def end(self, now: int, portion: int) -> bool:
        """Everything was taken: has the queues go on, then offers them the consumers. True when that is done too."""
        left = portion - self._returning.end(now, portion)
        while self._consumers and left > 0:
            consumer = next(iter(self._consumers))
            del self._consumers[consumer]
            consumer.queue.offer(consumer, now)
            left -= _OFFER_COST
        return left > 0
