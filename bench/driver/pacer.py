"""The open-loop publishing loop: messages leave at a fixed offered rate, whatever the broker does.

Owns the schedule. Message s of each connection is due at start + s * connections / rate; when the broker or this
loop is late, the following messages are still due at their own times, so a stall shows in every message it delayed
(no coordinated omission). How late this loop itself was is reported, to tell its share from the broker's.
"""

import ctypes
import time

import numpy as np

from bench.driver.jobs import PublishJob, Sent
from bench.driver.publisher import Publisher, confirm_faults

_SET_TIMER_SLACK = 29
_TIMER_SLACK_NANOSECONDS = 1000


def precise_timers() -> None:
    """Let this process sleep to the microsecond: Linux lets timers come 50 us late, to save wake-ups (prctl(2))."""
    ctypes.CDLL(None).prctl(_SET_TIMER_SLACK, _TIMER_SLACK_NANOSECONDS, 0, 0, 0)


class PacedPublisher(Publisher):
    """Drives the connections of one job on schedule."""

    def __init__(self, job: PublishJob) -> None:
        super().__init__(job)
        self._interval = len(self.outlets) / job.rate

    def run(self, start_at: float) -> Sent:
        """Publish on schedule until the limit, then write out what is pending. The connections stay open."""
        precise_timers()
        for outlet in self.outlets:
            self._register(outlet)
        time.sleep(max(0.0, start_at - time.monotonic()))
        busy = time.process_time()
        lags = self._push_on_schedule(start_at)
        self._push_rest()
        self._settle()
        late = float(np.percentile(lags, 99)) if lags else 0.0
        messages = [outlet.sent for outlet in self.outlets]
        busy = time.process_time() - busy
        return Sent(messages, start_at, time.monotonic(), busy, late, confirm_faults(self.outlets))

    def _push_on_schedule(self, start_at: float) -> list[float]:
        lags: list[float] = []
        total = min(self._limit.messages, int(self._limit.seconds / self._interval))
        while self.outlets[-1].sent < total:
            now = time.monotonic()
            due = min(total, int((now - start_at) / self._interval) + 1)
            if due > self.outlets[-1].sent:
                lags.append(now - start_at - self.outlets[-1].sent * self._interval)
            for outlet in self.outlets:
                outlet.write(due - outlet.sent)
                if outlet.side.ledger is not None:
                    outlet.read()
            self._sleep_until(start_at + self.outlets[-1].sent * self._interval)
        return lags

    def _sleep_until(self, due_at: float) -> None:
        rest = due_at - time.monotonic()
        if rest > 0:
            time.sleep(rest)
