"""How a connection ends: by DISCONNECT or otherwise. What it held goes back in portions, in turn with other work."""

from collections import deque
from typing import TYPE_CHECKING

from mqbroker.core.queues.returning import Returning
from mqbroker.core.scheduler import Task
from mqbroker.limits import PORTION
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.state import LEAVING
from mqbroker.protocols.stomp.subscription import Subscription
from mqbroker.protocols.stomp.transacting import roll_back

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.stomp.state import StompState


def disconnect(connection: "StompState", _head: Head, _body: bytes) -> None:
    """DISCONNECT: closes once everything before it is done. What comes after it is dropped."""
    connection.stage = LEAVING
    connection.scanner.drop()
    connection.owe(0, connection.hang_up)


def release(connection: "StompState") -> None:
    """Lets go of everything. Safe to call twice."""
    connection.gate.is_open = connection.window.is_open = False
    connection.scanner.drop()
    connection.account()
    connection.deadline = 0
    connection.owed.clear()
    connection.ready.clear()
    vhost, connection.vhost = connection.vhost, None
    if vhost is None:
        return
    connection.services.registry.closed(connection)
    for transaction in connection.transactions.values():
        roll_back(connection, transaction)
    connection.transactions.clear()
    subscriptions = connection.current()
    for subscription in subscriptions:
        subscription.ended()
    current = [part for each in subscriptions for part in (each, *each.parts)]
    held = [*connection.former, *current, *connection.reply_queues.values()]
    connection.former.clear()
    connection.subscriptions.clear()
    connection.shadowed.clear()
    connection.reply_queues.clear()
    releasing = Releasing(connection, vhost, held, connection.next_number)
    if releasing.run(connection.now, PORTION):
        connection.services.broker.scheduler.add(releasing)


class Releasing(Task):
    """The subscriptions of a connection that takes nothing any more."""

    __slots__ = ("_end", "_owner", "_returning", "_subscriptions", "_vhost")

    def __init__(self, owner: "StompState", vhost: "VHost", subscriptions: list[Subscription], end: int) -> None:
        """`owner` has the queues that go with the connection; `end` is the number of its next delivery."""
        Task.__init__(self)
        self._owner = owner
        self._vhost = vhost
        self._subscriptions = deque(subscriptions)
        self._returning = Returning(is_failure=True)
        self._end = end

    def run(self, now: int, portion: int) -> bool:
        """Task: gives back a portion."""
        if self._owner.settling is not None:
            return True  # what the client has settled is not given back
        left = portion - self._vhost.delete_owned(self._owner, portion)
        while self._subscriptions and left > 0:
            left -= self._release(self._subscriptions[0], now, left)
        if self._subscriptions or left <= 0:
            return True
        return self._returning.end(now, left) >= left

    def _release(self, subscription: Subscription, now: int, most: int) -> int:
        """Gives back some of what a subscription holds; how much it was."""
        if subscription.browsing is not None:
            subscription.browsing.end()
        queue = subscription.queue
        if not queue.is_deleted and subscription in queue.consumers:
            if subscription.in_flight:
                self._returning.hold(queue)
            queue.remove_consumer(subscription, now)
        entries = subscription.unacked.take_through(self._end, most)
        self._returning.give_back(entries, now)
        if len(entries) < most:
            self._subscriptions.popleft()
        return len(entries) + 1
