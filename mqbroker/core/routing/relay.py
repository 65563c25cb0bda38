"""A destination of an exchange that keeps nothing: it hands on at once what is routed to it.

What is done with a message that passes is said by whoever makes the relay: it may go to queues by rules of their own,
or in another form. To the exchange it is a queue that is not kept: the journal knows neither it nor its binding.
"""

from collections.abc import Callable

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Message
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.spec import QueueSpec

Take = Callable[[Message, int], int]
"""Hands on a message at `now`: ROUTED, UNROUTED or REJECTED."""


class Relay(Queue):
    """One relay. It is in no list of queues; bind it to an exchange."""

    takes_long_keys = True

    __slots__ = ("_take",)

    def __init__(self, host: QueueHost, ledger: Ledger, name: str, take: Take) -> None:
        Queue.__init__(self, host, ledger, name, 0, False)
        self.declared = self.spec = QueueSpec(name, is_hidden=True)
        self._take = take

    def publish(self, message: Message, now: int) -> int:
        """Hands the message on."""
        return self._take(message, now)
