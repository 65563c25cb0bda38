"""What a scenario is: a named set of cases, each of which measures one running broker and says one number.

Owns the vocabulary of measuring. Knows no particular scenario.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from enum import IntEnum

from bench import procfs
from bench.driver.jobs import Endpoint
from bench.targets.base import Promise, Target


class Kept:
    """What a case makes on a broker once, before its first repetition there, and takes away after the last."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._is_there = False

    def put(self, made: AbstractContextManager[object]) -> None:
        """Make it, unless it is there already: repetitions of a case make the same."""
        if not self._is_there:
            self._stack.enter_context(made)
            self._is_there = True

    def clear(self) -> None:
        """Take it away. Raises what that raises; it is out of here all the same."""
        self._is_there = False
        self._stack.close()


@dataclass(frozen=True)
class Site:
    """A running broker to measure. seconds: how long a case should load it; kept: see `Kept`."""

    target: Target
    promise: Promise
    endpoint: Endpoint
    seconds: float
    kept: Kept

    def usage(self) -> procfs.Usage:
        """What the broker has used so far; zeros when its processes are not ours to see."""
        return procfs.usage(self.target.pids())


@dataclass(frozen=True)
class Measurement:
    """One repetition of a case on one broker.

    value: the case's number, in its unit. metrics: further numbers by name. faults: what the broker did wrong, or "".
    note: what a reader of the value must know, or "".
    """

    value: float
    metrics: dict[str, float] = field(default_factory=dict)
    faults: str = ""
    note: str = ""


class Depth(IntEnum):
    """How thorough a session is; each depth includes those before it."""

    QUICK = 0
    HEADLINE = 1
    """Shown first and repeated in full, as quick ones are; a quick look has no time for it."""

    NORMAL = 2
    THOROUGH = 3


@dataclass(frozen=True)
class Case:
    """One row of the report.

    metric: the measurement's metric that is the case's number instead of its value. Cases with the same `measure` share
    its measurements. depth: how thorough a session must be to measure it. once: it takes long, so one repetition has
    to do. takes: seconds that it is known to take where those of the load say nothing, for forecasts only.
    relayable: a bare relay of bytes can serve as a baseline. plain: it shows what the interpreter costs, so variants
    of a broker that differ by that take part. replicated: nodes fail, so it takes some (`Replicated`). fresh: each
    measurement starts the broker anew; memory that it keeps from other cases would hide what is measured. needs: what a
    target must not lack (`Target.lacks`).
    """

    name: str
    measure: Callable[[Site], Measurement]
    unit: str = "msg/s"
    promise: Promise = Promise.MEMORY
    protocol: str = "amqp"
    higher_is_better: bool = True
    depth: Depth = Depth.NORMAL
    once: bool = False
    relayable: bool = False
    plain: bool = False
    replicated: bool = False
    fresh: bool = False
    needs: frozenset[str] = frozenset()
    metric: str = ""
    takes: float = 0.0


@dataclass(frozen=True)
class Scenario:
    """A set of cases that answer one question."""

    name: str
    question: str
    cases: tuple[Case, ...]
