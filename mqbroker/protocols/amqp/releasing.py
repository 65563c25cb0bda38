"""What a channel or a whole connection held goes back when it ends: in portions, in turn with the work of others.

Exclusive queues are deleted first, then channel by channel the consumers leave, and deliveries go back to their queues.
Those deliver nothing meanwhile, so that a successor gets everything in the old order. Whoever has asked for the end is
answered after all that.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from mqbroker.core.queues.returning import Returning
from mqbroker.core.scheduler import Task
from mqbroker.protocols.amqp import direct_reply

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.consumer import AmqpConsumer
    from mqbroker.protocols.amqp.state import ConnectionState


class Releasing(Task):
    """Some channels of a connection that take nothing any more."""

    __slots__ = ("_channels", "_connection", "_done", "_owns_all", "_returning", "_vhost")

    def __init__(
        self,
        connection: "ConnectionState",
        vhost: "VHost",
        channels: "list[Channel]",
        owns_all: bool,
        done: Callable[[], None] | None,
    ) -> None:
        """With `owns_all` all else that the connection has goes too. Calls `done` at the end."""
        Task.__init__(self)
        self._connection = connection
        self._vhost = vhost
        self._channels = deque(channels)
        self._owns_all = owns_all
        self._returning = Returning(is_failure=True)
        self._done = done
        connection.releasing += 1

    def run(self, now: int, portion: int) -> bool:
        """Task: gives back a portion."""
        connection = self._connection
        connection.now = now
        left = portion
        if self._owns_all:
            left -= self._vhost.delete_owned(connection, left)
        while self._channels and left > 0:
            channel = self._channels[0]
            if channel.settling is not None:
                return True  # what the client has settled is not given back
            left -= self._release(channel, now, left)
        if left <= 0 or (self._owns_all and connection.releasing > 1):
            return True
        connection.releasing -= 1
        if self._done is not None:
            self._done()
        if connection.is_leaving:
            connection.close_once_released()
        return False

    def _release(self, channel: "Channel", now: int, most: int) -> int:
        """Releases some of a channel; how much it was."""
        if channel.transaction is not None:
            channel.transaction.rollback()
            channel.transaction = None
        consumers = list(islice(channel.consumers.values(), most))
        for consumer in consumers:
            self._returning.hold(consumer.queue)
            end_consumer(self._vhost, channel, consumer, now)
        done = len(consumers)
        entries = channel.unacked.take_through(channel.next_tag, most - done)
        self._returning.give_back(entries, now)
        done += len(entries)
        done += self._returning.end(now, most - done) if done < most else 0
        if done < most:
            self._channels.popleft()
        return done + 1


def end_consumer(vhost: "VHost", channel: "Channel", consumer: "AmqpConsumer", now: int) -> None:
    """Takes a consumer out of its channel and its queue."""
    del channel.consumers[consumer.tag]
    if channel.reply_consumer is consumer:
        channel.reply_consumer = None
        direct_reply.end(vhost, consumer)
    elif not consumer.queue.is_deleted:
        consumer.queue.remove_consumer(consumer, now)
