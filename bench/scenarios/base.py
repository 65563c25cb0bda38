"""What a scenario is: a named set of cases, each of which measures one running broker and says one number.

Owns the vocabulary of measuring. Knows no particular scenario.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from bench import procfs
from bench.driver.jobs import Endpoint
from bench.targets.base import Promise, Target


@dataclass(frozen=True)
class Site:
    """A running broker to measure. seconds: how long a case should load it."""

    target: Target
    promise: Promise
    endpoint: Endpoint
    seconds: float

    def usage(self) -> procfs.Usage:
        """What the broker has used so far; zeros when its processes are not ours to see."""
        return procfs.usage(self.target.pids())


@dataclass(frozen=True)
class Measurement:
    """One repetition of a case on one broker.

    value: the case's number, in its unit. metrics: further numbers by name. faults: what the broker did wrong, or "".
    """

    value: float
    metrics: dict[str, float] = field(default_factory=dict)
    faults: str = ""


class Depth(IntEnum):
    """How thorough a session is; each depth includes those before it."""

    QUICK = 0
    NORMAL = 1
    THOROUGH = 2


@dataclass(frozen=True)
class Case:
    """One row of the report.

    depth: how thorough a session must be to measure it. once: it takes long, so one repetition has to do.
    relayable: a bare relay of bytes can serve as a baseline. plain: it shows what the interpreter costs, so variants
    of a broker that differ by that take part. fresh: each measurement starts the broker anew; memory that it keeps from
    other cases would hide what is measured. needs: what a target must not lack (`Target.lacks`).
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
    fresh: bool = False
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scenario:
    """A set of cases that answer one question."""

    name: str
    question: str
    cases: tuple[Case, ...]
