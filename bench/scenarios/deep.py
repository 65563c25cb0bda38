"""A deep queue: filled while nobody consumes, then drained."""

from dataclasses import replace
from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.errors import ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import check_leftovers, measurement, run_crew
from bench.scenarios.topology import QueueSpec, Topology
from bench.targets.base import Promise

QUEUE = "bench.deep"
SIZE = 100
WINDOW = 5000
PATIENCE = 20.0
"""Of the seconds of a measurement, at most, for filling the queue."""

SLOW_RATE = 40_000
"""Messages per second that a slow broker fills and drains, for forecasts."""


def fill_and_drain(site: Site, count: int, persistent: bool, measures_memory: bool) -> Measurement:
    """The value is the rate of draining; how fast it was filled, and the memory it took, are among the metrics.

    A broker that takes long is given less to keep.
    """
    publish = PublishJob(
        site.endpoint,
        (Variant(QUEUE),),
        SIZE,
        Limit(PATIENCE * site.seconds, count),
        persistent=persistent,
        window=WINDOW if persistent else 0,
    )
    consume = ConsumeJob(site.endpoint, (Subscription((QUEUE,), (0,)),), publish, subscribe_at_start=True)
    topology = Topology((QueueSpec(QUEUE),))
    with topology.declared(site):
        filled, used = run_crew(site, [publish], [])
        if not filled.published:
            raise ProtocolError("the broker took no message")
        drained, cost = run_crew(site, [], [consume], sent_before=(filled.published,))
        drained.faults.add(filled.faults)
        check_leftovers(site, topology, drained.faults)
    taken = measurement(drained, cost)
    taken.metrics["publish_rate"] = filled.rate
    if measures_memory and site.target.pids():
        taken.metrics["rss_bytes_per_queued_message"] = used.rss_bytes / filled.published
    is_less = filled.published < count
    note = f"{filled.published:,} messages: it took no more in {filled.publish_seconds:.0f} s" if is_less else ""
    return replace(taken, note=note)


def _case(count: int, promise: Promise, depth: Depth, *, fresh: bool = False) -> Case:
    persistent = promise is not Promise.MEMORY
    name = f"fill {count // 1000:,}k {'persistent' if persistent else 'transient'}, drain with auto-ack"
    # Memory is told by a broker that has none to reuse.
    measure = partial(fill_and_drain, count=count, persistent=persistent, measures_memory=fresh)
    return Case(name, measure, promise=promise, depth=depth, once=True, fresh=fresh, takes=count / SLOW_RATE)


SCENARIO = Scenario(
    "deep-queue",
    "How fast is a million of waiting messages drained?",
    (
        _case(100_000, Promise.MEMORY, Depth.QUICK),
        _case(1_000_000, Promise.MEMORY, Depth.HEADLINE, fresh=True),
        _case(250_000, Promise.WRITE, Depth.NORMAL),
    ),
)
