"""What may not be done with a queue because of what it is, who uses it, or what its name is. Texts are RabbitMQ's.

It knows queues as they are and owns none. Permissions are checked by core/access, and
arguments of declarations by arguments.py.
"""

from collections.abc import Mapping

from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.arguments import queue_type_of
from mqbroker.errors import AccessRefused, NotImplementedByPeer, PreconditionFailed, ResourceLocked


def check_reserved(kind: str, name: str) -> None:
    """Raises AccessRefused for a name that only the broker gives to a `queue` or an `exchange`."""
    if name.startswith("amq."):
        raise AccessRefused(f"{kind} name '{name}' contains reserved prefix 'amq.*'")


def check_removable(exchange: str, vhost: str) -> None:
    """Raises AccessRefused for an exchange that is always there."""
    if exchange.startswith("amq."):
        raise AccessRefused(f"deletion of system exchange '{exchange}' in vhost '{vhost}' not allowed")


def check_server_named(arguments: Mapping[str, object]) -> None:
    """Raises PreconditionFailed for a type of queue that has to have a name of its client's."""
    if queue_type_of(arguments) == "quorum":
        raise PreconditionFailed("Cannot declare a server-named queue for type rabbit_quorum_queue")


def locked(name: str, vhost: str) -> ResourceLocked:
    """The refusal to whom an exclusive queue does not belong."""
    return ResourceLocked(
        f"cannot obtain exclusive access to locked queue '{name}' in vhost '{vhost}'. It could be originally "
        "declared on another connection or the exclusive property value does not match that of the original "
        "declaration."
    )


def is_quorum(queue: Queue) -> bool:
    """Whether a queue was declared as a quorum queue."""
    return queue_type_of(queue.declared.arguments) == "quorum"


def check_deletable(queue: Queue, vhost: str, if_unused: bool, if_empty: bool) -> None:
    """Raises PreconditionFailed if a condition is not met, NotImplementedByPeer if there may be none."""
    place = f"queue '{queue.name}' in vhost '{vhost}'"
    if is_quorum(queue) and (if_unused or if_empty):
        flag = "if-unused" if if_unused else "if-empty"
        text = f"queue.delete operations with {flag} flag set are not supported by quorum queues"
        raise NotImplementedByPeer(f"cannot delete {place}. {text}")
    if if_unused and queue.consumers:
        raise PreconditionFailed(f"{place} in use")
    if if_empty and queue.waiting_count():
        raise PreconditionFailed(f"{place} not empty")


def check_consumable(queue: Queue, vhost: str, exclusive: bool) -> None:
    """Raises AccessRefused if an exclusive consumer is there, or one is wanted beside others."""
    if is_quorum(queue):
        return  # it has no exclusive consumers: who asks for that is one like others, as in RabbitMQ
    is_shared = bool(queue.consumers) or queue.is_single_active
    if queue.exclusive_consumer is not None or (exclusive and is_shared):
        raise AccessRefused(f"queue '{queue.name}' in vhost '{vhost}' in exclusive use")


def is_exclusive(queue: Queue, wanted: bool) -> bool:
    """Whether a consumer that wants a queue for itself has it."""
    return wanted and not is_quorum(queue)


def check_pollable(queue: Queue, vhost: str) -> None:
    """Raises ResourceLocked if who polls would go past a single active consumer that is to have all in order."""
    if is_quorum(queue) and queue.is_single_active:
        text = "basic.get operations are not supported by quorum queues with single active consumer"
        raise ResourceLocked(f"cannot obtain access to locked queue '{queue.name}' in vhost '{vhost}'. {text}")
