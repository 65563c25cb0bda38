"""How long a message takes at a fixed offered rate: open loop, measured from when it was due to be sent."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import QueueSpec, Topology
from bench.targets.base import Promise

QUEUE = "bench.latency"
SIZE = 100
WINDOW = 5000


def latency(site: Site, rate: float, persistent: bool) -> Measurement:
    """The value is the 99th percentile in milliseconds; the others are among the metrics."""
    publish = PublishJob(
        site.endpoint,
        (Variant(QUEUE),),
        SIZE,
        Limit(site.seconds),
        persistent=persistent,
        window=WINDOW if persistent else 0,
        rate=rate,
    )
    consume = ConsumeJob(
        site.endpoint,
        (Subscription((QUEUE,), (0,)),),
        publish,
        prefetch=1000 if persistent else 0,
        ack_every=100,
        rate=rate,
    )
    taken = run_flow(site, Topology((QueueSpec(QUEUE),)), [publish], [consume])
    return Measurement(taken.metrics["latency_p99_ms"], taken.metrics, taken.faults)


def _case(rate: int, persistent: bool, promise: Promise, depth: Depth = Depth.NORMAL) -> Case:
    kind = "persistent, confirms" if persistent else "transient, auto-ack"
    measure = partial(latency, rate=float(rate), persistent=persistent)
    return Case(f"p99 at {rate:,} msg/s, {kind}", measure, "ms", promise, higher_is_better=False, depth=depth)


SCENARIO = Scenario(
    "latency",
    "How long does a message take at a fixed rate?",
    (
        _case(1_000, False, Promise.MEMORY),
        _case(10_000, False, Promise.MEMORY, depth=Depth.QUICK),
        _case(30_000, False, Promise.MEMORY),
        _case(1_000, True, Promise.WRITE),
        _case(10_000, True, Promise.WRITE),
        _case(1_000, True, Promise.FSYNC),
        _case(10_000, True, Promise.FSYNC),
    ),
)
