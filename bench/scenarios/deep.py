"""A deep queue: filled while nobody consumes, then drained."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import check_leftovers, measurement, run_crew
from bench.scenarios.topology import QueueSpec, Topology
from bench.targets.base import Promise

QUEUE = "bench.deep"
SIZE = 100
WINDOW = 5000


def _fill_and_drain(site: Site, count: int, persistent: bool, measures_memory: bool) -> Measurement:
    """The value is the rate of draining; how fast it was filled, and the memory it took, are among the metrics."""
    publish = PublishJob(
        site.endpoint,
        (Variant(QUEUE),),
        SIZE,
        Limit(messages=count),
        persistent=persistent,
        window=WINDOW if persistent else 0,
    )
    consume = ConsumeJob(site.endpoint, (Subscription((QUEUE,), (0,)),), publish, subscribe_at_start=True)
    topology = Topology((QueueSpec(QUEUE),))
    with topology.declared(site):
        filled, used = run_crew(site, [publish], [])
        drained, cost = run_crew(site, [], [consume], sent_before=(count,))
        drained.faults.add(filled.faults)
        check_leftovers(site, topology, drained.faults)
    taken = measurement(drained, cost)
    taken.metrics["publish_rate"] = filled.rate
    if measures_memory and site.target.pids():
        taken.metrics["rss_bytes_per_queued_message"] = used.rss_bytes / count
    return taken


def _case(count: int, persistent: bool, promise: Promise, depth: Depth = Depth.NORMAL) -> Case:
    name = f"fill {count // 1000:,}k {'persistent' if persistent else 'transient'}, drain with auto-ack"
    # Memory is told by a broker that has none to reuse; a quick look has no time to start each of them anew.
    fresh = depth is not Depth.QUICK
    measure = partial(_fill_and_drain, count=count, persistent=persistent, measures_memory=fresh)
    return Case(name, measure, promise=promise, depth=depth, once=True, fresh=fresh)


SCENARIO = Scenario(
    "deep-queue",
    "How fast is a million of waiting messages drained?",
    (
        _case(100_000, False, Promise.MEMORY, depth=Depth.QUICK),
        _case(1_000_000, False, Promise.MEMORY),
        _case(250_000, True, Promise.WRITE),
    ),
)
