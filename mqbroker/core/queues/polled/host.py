"""What a polled queue asks of the vhost it lives in."""

from typing import TYPE_CHECKING, Protocol

from mqbroker.core.queues.host import QueueHost

if TYPE_CHECKING:
    from mqbroker.core.queues.polled.queue import PolledQueue


class PollHost(QueueHost, Protocol):
    """What a polled queue asks of its vhost beyond that."""

    def polled_queue(self, name: str) -> "PolledQueue | None":
        """The polled queue of that name, if there is one."""

    def renumber(self, queue: "PolledQueue") -> None:
        """Has the journal forget all that it keeps for the queue, which goes on under new numbers."""
