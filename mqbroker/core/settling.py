"""What becomes of deliveries that a client has done with, many in one go.

Each consumer is offered to its queue once, after all of them. Work that has to be done in portions is its caller's.
"""

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry
from mqbroker.core.queues.returning import Returning
from mqbroker.limits import COUNT_MAX

ACK = 0  # processed
RETURN = 1  # given back
FAIL = 2  # given back because it could not be processed, which counts for a delivery limit
DISCARD = 3  # refused for good: dead-lettered


def settle(entries: list[Entry], outcome: int, now: int) -> None:
    """Settles deliveries of any consumers, in their order."""
    consumers: dict[Consumer, None] = {}
    last: Consumer | None = None
    for entry in entries:
        consumer = entry.consumer
        if consumer is not last:
            assert consumer is not None
            last = consumer
            consumers[consumer] = None
            settle_one = consumer.queue.settle
        if outcome == ACK:
            settle_one(entry)
        elif outcome == DISCARD:
            consumer.queue.give_up(entry, now)
    if outcome in (RETURN, FAIL):
        returning = Returning(outcome == FAIL)
        returning.give_back(entries, now)
        returning.end(now, COUNT_MAX)
    for consumer in consumers:
        consumer.queue.offer(consumer, now)
