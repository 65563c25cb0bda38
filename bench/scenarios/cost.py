"""What the broker spends on a million messages: CPU time and context switches, at full speed.

Nothing is measured for that alone: the figures are those of the throughput scenario's measurements.
"""

from bench.scenarios.base import Case, Depth, Scenario
from bench.scenarios.throughput import CONFIRMED_100, TRANSIENT_100
from bench.targets.base import Promise

SCENARIO = Scenario(
    "cost",
    "What does a million messages cost the machine?",
    (
        Case(
            "CPU, transient, auto-ack, 100 B",
            TRANSIENT_100,
            "s/M",
            metric="cpu_seconds_per_million",
            higher_is_better=False,
            depth=Depth.QUICK,
            relayable=True,
            plain=True,
        ),
        Case(
            "CPU, persistent, confirms, manual ack, 100 B",
            CONFIRMED_100,
            "s/M",
            Promise.WRITE,
            metric="cpu_seconds_per_million",
            higher_is_better=False,
            depth=Depth.QUICK,
            plain=True,
        ),
        Case(
            "context switches, transient, auto-ack, 100 B",
            TRANSIENT_100,
            "switches/M",
            metric="context_switches_per_million",
            higher_is_better=False,
            depth=Depth.QUICK,
            plain=True,
        ),
    ),
)
