"""How far publishers may be ahead of consumers: no further than what can be delivered in the time a run may take.

A publisher without confirms is faster than most brokers. What it leaves behind has to be delivered all the same, and a
broker that is ten times as slow would make a run ten times as long. So a run may take LEAD times as long as its
publishers have: they wait while what is under way would, at the pace of the deliveries so far, take longer.

Owns the arithmetic and the counters in shared memory. Knows no connection.
"""

import ctypes
from collections.abc import Sequence

from bench.driver.jobs import ConsumeJob

LEAD = 2.0
FIRST_DELIVERIES = 5000
"""May be under way before any pace is known."""

Counts = ctypes.Array[ctypes.c_longlong]
"""In shared memory: how much each consuming worker has received so far."""


class ReceivedCount:
    """Where one consuming worker tells how much it has received."""

    def __init__(self, counts: Counts, place: int) -> None:
        self._counts = counts
        self._place = place

    def tell(self, delivered: int) -> None:
        """So many deliveries up to now."""
        self._counts[self._place] = delivered


class Lead:
    """Says one publishing worker how much it may have sent at a time.

    per_message: deliveries that a message becomes. seconds: how long the publisher goes on.
    """

    def __init__(self, delivered: Counts, per_message: float, seconds: float) -> None:
        self._delivered = delivered
        self._per_message = per_message
        self._seconds = seconds

    def messages(self, elapsed_seconds: float) -> int:
        """Most messages to have been sent by now."""
        delivered = sum(self._delivered)
        rest = LEAD * self._seconds - elapsed_seconds
        pace = delivered / elapsed_seconds if elapsed_seconds > 0 else 0.0
        return int((delivered + max(FIRST_DELIVERIES, pace * rest)) / self._per_message)


def deliveries_per_message(consume: Sequence[ConsumeJob]) -> float:
    """How many deliveries a message becomes, in the mean of all variants."""
    return sum(map(_deliveries_to, consume))


def _deliveries_to(job: ConsumeJob) -> float:
    if job.shared:
        return 1.0
    routes = [queue >= 0 for part in job.subscriptions for queue in part.queue_of_variant]
    return sum(routes) / len(job.subscriptions[0].queue_of_variant)
