"""What a publisher that waits for each confirm notices of another that waits for nothing and sends all it can.

The value is how many times longer the 99th percentile of its confirms takes than when it is alone.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from bench.driver.amqp_probe import Probe, p99
from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import check_leftovers, run_crew
from bench.scenarios.topology import QueueSpec, Topology
from bench.targets.base import Promise

CROWDED = "bench.crowding.crowd"
PROBED = "bench.crowding.probe"
SIZE = 100


def measure(site: Site) -> Measurement:
    """The probe alone for half of the time, then beside a crowd."""
    own, topology = Topology((QueueSpec(PROBED),)), Topology((QueueSpec(CROWDED),))
    publish = PublishJob(site.endpoint, (Variant(CROWDED),), SIZE, Limit(site.seconds), persistent=True)
    consume = ConsumeJob(site.endpoint, (Subscription((CROWDED,), (0,)),), publish, prefetch=1000)
    over = threading.Event()
    with own.declared(site), topology.declared(site), ThreadPoolExecutor(1) as threads:
        probe = Probe(site.endpoint, PROBED, SIZE)
        quiet = probe.run(site.seconds / 2, over)
        crowded = threads.submit(probe.run, float("inf"), over)
        try:
            outcome, _ = run_crew(site, [publish], [consume])
        finally:
            over.set()
        times = crowded.result()
        probe.close()
        check_leftovers(site, topology, outcome.faults)
    metrics = {"quiet_p99_ms": p99(quiet) * 1000, "crowded_p99_ms": p99(times) * 1000, "crowd_rate": outcome.rate}
    return Measurement(p99(times) / p99(quiet), metrics, str(outcome.faults) if outcome.faults else "")


def _case(promise: Promise, depth: Depth) -> Case:
    return Case("confirms' p99 beside a crowd to alone", measure, "times", promise, higher_is_better=False, depth=depth)


SCENARIO = Scenario(
    "crowding",
    "What does a publisher notice of another that sends all it can?",
    (_case(Promise.FSYNC, Depth.HEADLINE), _case(Promise.WRITE, Depth.NORMAL)),
)
