"""Which sessions lose messages because they are full: a line in the log for each, at once and then at intervals.

A queue counts what it drops, and tells of the first message only, until it was looked at again. So a session that loses
every message of a flood costs one line an interval, and nothing per message.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.queues.subscriber import Losses, SubscriberQueue
from mqbroker.protocols.mqtt.limits import MQTT_LOSS_REPORT_MS

if TYPE_CHECKING:
    from mqbroker.core.timers import Timers

log = logging.getLogger("mqbroker.mqtt")


class LossReports(Losses):
    """Counts for all sessions together, and reports on each."""

    __slots__ = ("_clock", "_timers")

    def __init__(self, timers: "Timers", clock: Callable[[], int]) -> None:
        Losses.__init__(self)
        self._timers = timers
        self._clock = clock

    def begun(self, queue: SubscriberQueue) -> None:
        """A queue has dropped the first message since it was last looked at."""
        text = "%s in vhost %r is full and drops messages: %d wait there, of %d bytes"
        log.warning(text, queue.name, queue.host.name, queue.waiting_count(), queue.byte_count)
        self._look_later(queue, self._clock())

    def _look_later(self, queue: SubscriberQueue, now: int) -> None:
        seen = queue.dropped
        self._timers.at(now + MQTT_LOSS_REPORT_MS, lambda later: self._look(queue, seen, later))

    def _look(self, queue: SubscriberQueue, seen: int, now: int) -> None:
        if queue.dropped == seen or queue.is_deleted:
            queue.is_reported = False
            return
        log.warning("%s in vhost %r has dropped %d more messages", queue.name, queue.host.name, queue.dropped - seen)
        self._look_later(queue, now)
