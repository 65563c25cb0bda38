"""Makes the queues of a vhost by what they are to be, and their definitions for the journal.

Polled queues have a form of their own (core/queues/polled/declaring.py).
"""

from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.priority import PriorityQueue
from mqbroker.core.queues.subscriber import ROLES, role_of

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger
    from mqbroker.core.rabbitmq.arguments import QueueArguments
    from mqbroker.core.routing.exchange import Exchange


def make_queue(
    host: QueueHost,
    ledger: "Ledger",
    name: str,
    number: int,
    durable: bool,
    settings: "QueueArguments",
    role: str = "",
) -> Queue:
    """A queue of that role (core/queues/subscriber.py), or a common one."""
    if role:
        queue = ROLES[role](host, ledger, name, number, durable)
    elif settings.max_priority is not None:
        queue = PriorityQueue(host, ledger, name, number, durable, settings.max_priority)
    else:
        queue = Queue(host, ledger, name, number, durable)
    queue.configure(settings)
    return queue


def pack_queue(queue: Queue) -> bytes:
    """The definition of a queue."""
    value = {"number": queue.number, "auto_delete": queue.auto_delete, "arguments": queue.arguments}
    role = role_of(queue)
    return definitions.pack({**value, "role": role} if role else value)


def pack_exchange(exchange: "Exchange") -> bytes:
    """The definition of an exchange."""
    return definitions.pack(
        {
            "type": exchange.kind,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": exchange.arguments,
            "number": exchange.number,
        }
    )
