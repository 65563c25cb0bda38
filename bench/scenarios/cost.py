"""What the broker spends on a million messages: CPU time and context switches, at full speed."""

from bench.errors import ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.throughput import confirmed, transient
from bench.targets.base import Promise

SIZE = 100


def _spent(taken: Measurement, metric: str) -> Measurement:
    if metric not in taken.metrics:
        raise ProtocolError("the processes of this target cannot be measured")
    return Measurement(taken.metrics[metric], taken.metrics, taken.faults)


def _cpu(site: Site) -> Measurement:
    return _spent(transient(site, SIZE), "cpu_seconds_per_million")


def _cpu_confirmed(site: Site) -> Measurement:
    return _spent(confirmed(site, SIZE), "cpu_seconds_per_million")


def _switches(site: Site) -> Measurement:
    return _spent(transient(site, SIZE), "context_switches_per_million")


SCENARIO = Scenario(
    "cost",
    "What does a million messages cost the machine?",
    (
        Case("CPU, transient, auto-ack, 100 B", _cpu, "s/M", higher_is_better=False, relayable=True),
        Case("CPU, persistent, confirms", _cpu_confirmed, "s/M", Promise.WRITE, higher_is_better=False),
        Case(
            "context switches, transient",
            _switches,
            "switches/M",
            Promise.MEMORY,
            higher_is_better=False,
            depth=Depth.THOROUGH,
        ),
    ),
)
