"""basic.get of a queue that does not know yet what comes next: much has expired, or is on its way back.

The channel is held until that is done, in turn with the work of others. Then the method is taken up again.
"""

from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.core.scheduler import Task
from mqbroker.protocols.amqp import holding
from mqbroker.protocols.amqp.channel import HELD

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState


def get_soon(connection: "ConnectionState", channel: "Channel", queue: Queue, frame: bytes) -> None:
    """Has the frame of a basic.get handled once more when the queue is ready."""
    channel.state = HELD
    connection.services.broker.scheduler.add(Getting(connection, channel, queue, frame))


class Getting(Task):
    """A channel that waits for a queue to be ready."""

    __slots__ = ("_channel", "_connection", "_frame", "_queue")

    def __init__(self, connection: "ConnectionState", channel: "Channel", queue: Queue, frame: bytes) -> None:
        Task.__init__(self)
        self._connection = connection
        self._channel = channel
        self._queue = queue
        self._frame = frame

    def run(self, now: int, _portion: int) -> bool:
        """Task: has the queue do a portion."""
        channel = self._channel
        if channel.state != HELD:
            return False
        if not self._queue.is_deleted and not self._queue.make_ready(now):
            return True
        self._connection.now = now
        holding.release_to(self._connection, channel, self._frame)
        return False
