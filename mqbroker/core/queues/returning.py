"""Entries on their way back to their queues, in one go or in portions, and to a client it is the same.

From the first entry of a queue until all are back, that queue delivers nothing: what is younger would overtake what is
still to come.
"""

from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue


class Returning:
    """What somebody gives back to any number of queues."""

    __slots__ = ("_is_failure", "_queues")

    def __init__(self, is_failure: bool) -> None:
        self._is_failure = is_failure
        self._queues: dict[Queue, None] = {}

    def hold(self, queue: Queue) -> None:
        """Something of that queue is to come back."""
        if queue not in self._queues:
            self._queues[queue] = None
            queue.begin_return()

    def give_back(self, entries: list[Entry], now: int) -> None:
        """Some of the entries, of any queues."""
        by_queue: dict[Queue, list[Entry]] = {}
        for entry in entries:
            assert entry.consumer is not None
            by_queue.setdefault(entry.consumer.queue, []).append(entry)
        for queue, own in by_queue.items():
            self.hold(queue)
            queue.give_back(own, now, self._is_failure)

    def end(self, now: int, most: int) -> int:
        """All are back: so many queues at most go on. How many it were."""
        queues = self._queues
        if len(queues) == 1:
            queues.popitem()[0].end_return(now)
            return 1
        done = 0
        while queues and done < most:
            queues.popitem()[0].end_return_soon()
            done += 1
        return done
