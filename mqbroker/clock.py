"""The time of the broker: whole milliseconds since the Unix epoch that never go backwards within a run.

The wall clock is read once, at the start; from then on the monotonic clock carries it forward. So a TTL runs on
monotonic time while a deadline in the journal still means something after a restart. Core, storage and sessions never
look at a clock: they are given `now`.
"""

import time


class Clock:
    """Milliseconds since the epoch, monotonic from the moment of construction."""

    def __init__(self) -> None:
        self._offset_ms = time.time_ns() // 1_000_000 - time.monotonic_ns() // 1_000_000

    @staticmethod
    def wall() -> int:
        """The time as the system has it now, in milliseconds: for what others have written their time into."""
        return time.time_ns() // 1_000_000

    def now(self) -> int:
        """The current time in milliseconds."""
        return self._offset_ms + time.monotonic_ns() // 1_000_000
