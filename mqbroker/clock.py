"""The time of the broker: whole milliseconds since the Unix epoch that never go backwards, within a run or between two.

The wall clock is read once, at the start; from then on the monotonic clock carries it forward. So a TTL runs on
monotonic time while a deadline in the journal still means something after a restart. A wall clock may be wrong, so what
the time is at a start is decided from what an earlier run has noted (runtime/timekeeper.py). Core, storage and sessions
never look at a clock: they are given `now`.
"""

import time
from pathlib import Path
from time import monotonic_ns
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_UPTIME = Path("/proc/uptime")


class Sample(NamedTuple):
    """One moment by all clocks, in milliseconds."""

    time: int
    """The broker's."""
    wall: int
    boot: str
    """Which start of the machine `uptime` counts from; empty where that is not known."""
    uptime: int


class Clock:
    """Milliseconds since the epoch, monotonic from the moment of construction or from `set` on."""

    __slots__ = ("_offset_ms",)

    def __init__(self) -> None:
        self._offset_ms = 0
        self.set(self.wall())

    @staticmethod
    def wall() -> int:
        """The time as the system has it now, in milliseconds: for what others have written their time into."""
        return time.time_ns() // 1_000_000

    def now(self) -> int:
        """The current time in milliseconds."""
        ns = monotonic_ns()
        return self._offset_ms + ns // 1_000_000

    def set(self, now: int) -> None:
        """Says what the time is. Call it before anybody asks."""
        self._offset_ms = now - monotonic_ns() // 1_000_000

    def sample(self) -> Sample:
        """This moment."""
        return Sample(self.now(), self.wall(), *_uptime())


def _uptime() -> tuple[str, int]:
    """Which run of the machine this is, and for how many milliseconds: the kernel's count, which nobody sets."""
    try:
        seconds, _, _ = _UPTIME.read_text().partition(" ")
        return _BOOT_ID.read_text().strip(), int(float(seconds) * 1000)
    except (OSError, ValueError):
        return "", 0
