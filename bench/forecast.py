"""How much longer a session will take, from what it has taken so far.

Owns the guess: what a target took for a case before, it takes again; before that, what the case is known to take.
Starting brokers is not in it.
"""

from collections.abc import Iterable

OVERHEAD_SECONDS = 0.4
"""Around a measurement's load: processes, connections, declarations, checks."""

Cell = tuple[str, str]
"""A case by its identity, and a target."""


class Forecast:
    """The measurements to come. planned: their cells in order, with the seconds that each is known to take or 0."""

    def __init__(self, planned: Iterable[tuple[Cell, float]], seconds: float) -> None:
        usual = seconds + OVERHEAD_SECONDS
        self._rest = [(cell, takes or usual) for cell, takes in planned]
        self._rest.reverse()
        self._taken: dict[Cell, float] = {}
        self.total = len(self._rest)

    @property
    def done(self) -> int:
        """How many measurements are over."""
        return self.total - len(self._rest)

    def took(self, seconds: float) -> None:
        """The next measurement is over, after so long."""
        cell, _ = self._rest.pop()
        self._taken[cell] = seconds

    @property
    def seconds_left(self) -> float:
        """The guess."""
        return sum(self._taken.get(cell, expected) for cell, expected in self._rest)
