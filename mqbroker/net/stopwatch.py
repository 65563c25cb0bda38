"""How long the loop has been busy with one turn, while everybody else had to wait, and what took the most of it.

    [input of a connection, ...] -> [tasks of the scheduler, ...] -> the journal and its promises -> output

The numbers are plain integers for whoever collects them; a turn that takes very long is also logged.
"""

import logging

from mqbroker.limits import SLOW_TURN_MS

log = logging.getLogger(__name__)

_SLOW_MS = SLOW_TURN_MS  # a C integer when compiled


class Stopwatch:
    """The turns of one loop. Times are those of `time.perf_counter_ns`."""

    __slots__ = ("_began_ns", "_longest", "_longest_ns", "longest_ms", "slow_turns")

    def __init__(self) -> None:
        self.longest_ms = 0
        """The longest turn since the start."""
        self.slow_turns = 0
        """How many took SLOW_TURN_MS or more."""
        self._began_ns = 0
        self._longest_ns = 0
        self._longest: object = ""

    def took(self, began_ns: int, ended_ns: int, what: object) -> None:
        """A part of this turn: its name, or who had the loop to itself meanwhile."""
        if not self._began_ns:
            self._began_ns = began_ns
        if ended_ns - began_ns > self._longest_ns:
            self._longest_ns = ended_ns - began_ns
            self._longest = what

    def end_turn(self, began_ns: int, kept_ns: int, ended_ns: int) -> None:
        """The turn is over. Its last parts were the promises of the journal, which were kept then, and output."""
        self.took(began_ns, kept_ns, "promises of the journal")
        self.took(kept_ns, ended_ns, "output")
        self.end(ended_ns)

    def end(self, ended_ns: int) -> None:
        """The turn is over."""
        spent_ms = (ended_ns - self._began_ns) // 1_000_000 if self._began_ns else 0
        if spent_ms > self.longest_ms:
            self.longest_ms = spent_ms
        if spent_ms >= _SLOW_MS:
            self.slow_turns += 1
            part_ms = self._longest_ns // 1_000_000
            log.warning("the loop was busy for %d ms, %d ms of them with %s", spent_ms, part_ms, _name(self._longest))
        self._began_ns = self._longest_ns = 0
        self._longest = ""


def _name(what: object) -> str:
    if isinstance(what, str):
        return what
    name = getattr(what, "name", "")
    return f"{type(what).__name__} {name!r}" if name else type(what).__name__
