"""`python -m tests.replication.jumping serve ...`: a node on a machine whose clock somebody sets while it runs.

SIGUSR1 sets the wall clock forward by an hour, SIGUSR2 back by an hour. The monotonic clock goes on.
"""

import runpy
import signal
import time

JUMP_S = 3600
_NS = 1_000_000_000
_real_ns = time.time_ns


class _Wall:
    """What this process takes for the time."""

    offset_s = 0

    def jump(self, number: int, _frame: object) -> None:
        self.offset_s += JUMP_S if number == signal.SIGUSR1 else -JUMP_S

    def time_ns(self) -> int:
        return _real_ns() + self.offset_s * _NS

    def time(self) -> float:
        return self.time_ns() / _NS


if __name__ == "__main__":
    wall = _Wall()
    time.time, time.time_ns = wall.time, wall.time_ns
    for each in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(each, wall.jump)
    runpy.run_module("mqbroker", run_name="__main__", alter_sys=True)
