"""What queues tell whoever watches the broker (core/events.py)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer
    from mqbroker.core.queues.base import Queue


def created(queue: "Queue") -> None:
    """A queue is there from now on."""
    host, spec = queue.host, queue.declared
    host.events.tell(
        "queue.created",
        vhost=host.name,
        queue=queue.name,
        kind=spec.kind,
        durable=spec.durable,
        exclusive=spec.owner is not None,
        auto_delete=spec.auto_delete,
        arguments=spec.arguments,
    )


def deleted(queue: "Queue", messages: int) -> None:
    """A queue is gone, with so many messages that waited."""
    host = queue.host
    host.events.tell("queue.deleted", vhost=host.name, queue=queue.name, messages=messages)


def consumer_added(queue: "Queue", consumer: "Consumer") -> None:
    """A subscription has begun."""
    host = queue.host
    host.events.tell(
        "consumer.created",
        vhost=host.name,
        queue=queue.name,
        consumer=consumer.label(),
        acknowledges=not consumer.no_ack,
        exclusive=consumer.is_exclusive,
        prefetch=consumer.prefetch,
        priority=consumer.priority,
    )


def consumer_removed(queue: "Queue", consumer: "Consumer") -> None:
    """A subscription has ended, and not with its queue."""
    host = queue.host
    host.events.tell("consumer.deleted", vhost=host.name, queue=queue.name, consumer=consumer.label())


def purged(queue: "Queue", messages: int) -> None:
    """A queue was emptied on request."""
    host = queue.host
    host.events.tell("queue.purged", vhost=host.name, queue=queue.name, messages=messages)
