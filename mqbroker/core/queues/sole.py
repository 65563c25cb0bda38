"""Consumers that want all of a queue for themselves, as ActiveMQ's exclusive ones do: while there is one, nobody else
is served, and others that want it too stand by for when it leaves.

A queue with a single active consumer by its own setting has the same for any consumers (base.py, whose queues these
are). What was delivered to others before stays with them.
"""

from typing import Any


def joined(queue: Any, consumer: Any) -> None:
    """A consumer that wants all was added to the queue."""
    queue.is_single_active = True
    consumer.is_active = not any(each.wants_all and each.is_active for each in queue.consumers if each is not consumer)
    for each in queue.consumers:
        if consumer.is_active and each is not consumer:
            each.is_active = False
            queue.stand_down(each)
            each.active_changed()


def left(queue: Any, now: int) -> None:
    """One has left. When it was the last of them, everybody is served as before."""
    if queue.spec.single_active_consumer or any(each.wants_all for each in queue.consumers):
        return
    queue.is_single_active = False
    for each in list(queue.consumers):
        each.is_active = True
        each.active_changed()
        queue.offer(each, now)
