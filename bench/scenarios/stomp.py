"""STOMP messages in flow: one or several publishers to a subscriber of one queue, acknowledged by sending."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import Topology

QUEUE = "bench-stomp"


def measure(site: Site, size: int, publishers: int) -> Measurement:
    """Deliveries per second."""
    publish = PublishJob(site.endpoint, (Variant(QUEUE),), size, Limit(site.seconds), connections=publishers)
    consume = ConsumeJob(site.endpoint, (Subscription((QUEUE,), (0,)),), publish, publishers=publishers)
    return run_flow(site, Topology(()), [publish], [consume])


def _case(size: int, publishers: int, depth: Depth) -> Case:
    name = f"auto-ack, {size} B" if publishers == 1 else f"auto-ack, {publishers} publishers, {size} B"
    return Case(name, partial(measure, size=size, publishers=publishers), protocol="stomp", depth=depth)


SCENARIO = Scenario(
    "stomp",
    "How many STOMP messages pass one queue, acknowledged by sending?",
    (_case(100, 1, Depth.QUICK), _case(100, 4, Depth.HEADLINE), _case(1000, 1, Depth.HEADLINE)),
)
