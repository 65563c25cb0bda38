"""What a queue asks of the vhost it lives in."""

from typing import TYPE_CHECKING, Any, Protocol

from mqbroker.core.scheduler import Task

if TYPE_CHECKING:
    from mqbroker.core.events import Events
    from mqbroker.core.message import Entry
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.queues.leftovers import Container


class QueueHost(Protocol):
    """What a queue asks of the vhost it lives in."""

    name: str
    events: "Events"
    speaker: object | None
    """Whose input is at hand, of those who say so: what is published meanwhile is theirs."""

    def dead_letter(self, queue: Any, entry: "Entry", reason: str, now: int) -> None:
        """Publishes a copy of the entry's message to the dead-letter exchange of the queue, which is of a kind that has
        one (classic.py); and settles the entry."""

    def arm(self, queue: "Queue", deadline: int) -> None:
        """Has `queue.expire(now)` called at or soon after the deadline."""

    def schedule(self, task: Task) -> None:
        """Has the task run in portions, in turn with all others."""

    def leave(self, containers: "list[Container]") -> None:
        """Has what is in the containers freed."""

    def queue_unused(self, queue: "Queue", now: int) -> None:
        """The last consumer of an auto-delete queue has left."""
