"""The most common measurement: messages flow from publishers through a topology to consumers for some seconds.

Owns how such a run becomes a Measurement: rate, what the broker used per million messages, latencies, faults.
"""

from collections.abc import Sequence

from bench.driver.crew import Crew, Outcome
from bench.driver.jobs import ConsumeJob, PublishJob
from bench.driver.verify import Faults
from bench.procfs import Usage
from bench.scenarios.base import Measurement, Site
from bench.scenarios.topology import Topology


def run_flow(
    site: Site, topology: Topology, publish: Sequence[PublishJob], consume: Sequence[ConsumeJob]
) -> Measurement:
    """Declare, run, check that nothing is left; what was declared is kept. The value is deliveries per second."""
    if site.endpoint.protocol != "amqp":
        outcome, used = run_crew(site, publish, consume)
        return measurement(outcome, used)
    site.kept.put(topology.declared(site))
    outcome, used = run_crew(site, publish, consume)
    check_leftovers(site, topology, outcome.faults)
    return measurement(outcome, used)


def run_crew(
    site: Site,
    publish: Sequence[PublishJob],
    consume: Sequence[ConsumeJob],
    sent_before: tuple[int, ...] = (),
) -> tuple[Outcome, Usage]:
    """Run the jobs; the outcome and what the broker used meanwhile."""
    with Crew(publish, consume) as crew:
        before = site.usage()
        outcome = crew.run(sent_before)
        return outcome, site.usage() - before


def check_leftovers(site: Site, topology: Topology, faults: Faults) -> None:
    """Whatever is still queued after everybody has received everything was duplicated."""
    left = topology.leftovers(site)
    if left:
        faults.surplus += left
        faults.note(f"{left} messages were still queued after all had been received")


def measurement(outcome: Outcome, used: Usage) -> Measurement:
    """The run's figures, per million deliveries where they are totals."""
    metrics = {
        "messages": float(outcome.messages),
        "publish_rate": outcome.published / outcome.publish_seconds if outcome.publish_seconds else 0.0,
        "driver_busy": outcome.driver_busy / outcome.seconds if outcome.seconds else 0.0,
    }
    metrics |= cost(used, outcome.driver_busy, outcome.seconds, outcome.messages)
    metrics |= {f"latency_{name}_ms": value * 1000 for name, value in outcome.latencies.items()}
    if outcome.late_p99:
        metrics["schedule_lag_p99_ms"] = outcome.late_p99 * 1000
    return Measurement(outcome.rate, metrics, str(outcome.faults) if outcome.faults else "")


def cost(used: Usage, driver_busy: float, seconds: float, messages: int) -> dict[str, float]:
    """What the broker used, as metrics; none when its processes are not ours to see. driver_busy: CPU seconds."""
    if not used.cpu_seconds:
        return {}
    millions = max(messages, 1) / 1e6
    foreign = used.machine_cpu_seconds - used.cpu_seconds - driver_busy
    return {
        "foreign_busy": max(0.0, foreign) / seconds,
        "cpu_seconds_per_million": used.cpu_seconds / millions,
        "context_switches_per_million": used.context_switches / millions,
        "rss_growth_bytes": float(used.rss_bytes),
    }
