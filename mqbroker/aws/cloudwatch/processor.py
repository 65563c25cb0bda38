"""How busy the machine is, by what Linux counts.

proc_stat(5): the first line of /proc/stat has the ticks of all processors together, of which the fourth and fifth
number are those without work.
"""

from pathlib import Path

_STAT = Path("/proc/stat")


class Processor:
    """The processors, since the last question."""

    def __init__(self) -> None:
        self._before = _ticks()

    def percent(self) -> float:
        """How much of the time since the last question they had work; 0 where that is not known."""
        idle, total = _ticks()
        before, self._before = self._before, (idle, total)
        passed = total - before[1]
        return 100 * (1 - (idle - before[0]) / passed) if passed > 0 else 0.0


def _ticks() -> tuple[int, int]:
    """Those without work, and all."""
    try:
        numbers = [int(text) for text in _STAT.read_text().partition("\n")[0].split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return sum(numbers[3:5]), sum(numbers)
