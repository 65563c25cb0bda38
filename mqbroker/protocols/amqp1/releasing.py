"""What a link, a session or a whole connection held goes back when it ends: in portions, in turn with others' work.

Exclusive queues are deleted first, then the consumers leave, and deliveries go back to their queues. Those deliver
nothing meanwhile, so that a successor gets everything in the old order. Whoever has asked for the end is answered after
all that.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.queues.returning import Returning
from mqbroker.core.scheduler import Task
from mqbroker.core.vhost import VHost
from mqbroker.limits import PORTION
from mqbroker.protocols.amqp1.outgoing import OutgoingLink

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.state import Amqp1State


class Releasing(Task):
    """Consumers that take nothing any more, and what they had not settled."""

    __slots__ = ("_connection", "_done", "_entries", "_links", "_owns_all", "_returning", "_vhost")

    def __init__(
        self,
        connection: "Amqp1State",
        vhost: VHost,
        links: list[OutgoingLink],
        entries: list[Entry],
        owns_all: bool,
        is_failure: bool,
        done: Callable[[], None] | None,
    ) -> None:
        """With `owns_all` all else that the connection has goes too. Calls `done` at the end."""
        Task.__init__(self)
        self._connection = connection
        self._vhost = vhost
        self._links = links[::-1]
        self._entries = entries[::-1]
        self._owns_all = owns_all
        self._returning = Returning(is_failure)
        self._done = done
        connection.releasing += 1

    def begin(self) -> None:
        """Does the first portion at once."""
        if self.run(self._connection.now, PORTION):
            self._connection.services.broker.scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Task: gives back a portion."""
        connection = self._connection
        connection.now = now
        left = portion
        if self._owns_all:
            left -= self._vhost.delete_owned(connection, left)
        while self._links and left > 0:
            left -= 1
            self._end(self._links.pop(), now)
        if left > 0 and self._entries:
            part = self._entries[: -left - 1 : -1]
            del self._entries[-left:]
            self._returning.give_back(part, now)
            left -= len(part)
        if left <= 0:
            return True
        left -= self._returning.end(now, left)
        if left <= 0 or (self._owns_all and connection.releasing > 1):
            return True
        connection.releasing -= 1
        if self._done is not None:
            self._done()
        return False

    def _end(self, link: OutgoingLink, now: int) -> None:
        queue = link.queue
        for consumer in link.consumers():
            if not consumer.queue.is_deleted:
                self._returning.hold(consumer.queue)
        link.detached(now)
        if link.owns_queue or (link.closes_subscription and not queue.consumers):
            self._vhost.remove(queue)
