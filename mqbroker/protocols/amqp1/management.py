"""The node /management."""

from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.protocols.amqp1.links import Delivery, IncomingLink

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession

NODE = "/management"


def answers_queue(session: "LinkSession", now: int) -> Queue:
    """What the answers for a link go through."""
    vhost = session.vhost
    return vhost.declare(QueueSpec(name=f"amq.management-{vhost.broker.unique_name()}", is_hidden=True), now)


class Requests(IncomingLink):
    """The link on which requests come."""

    def take(self, delivery: Delivery, payload: bytes) -> None:
        """Nothing yet."""
