"""AMQP 1.0 messages in flow: one or several publishers to a consumer of one queue, settled by sending or one by one."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import Topology

QUEUE = "bench-amqp1"
WINDOW = 100  # unsettled messages of a publisher: RabbitMQ 4 grants a credit of 170
PREFETCH = 1000


def measure(site: Site, size: int, publishers: int, is_settled: bool) -> Measurement:
    """Deliveries per second."""
    publish = PublishJob(
        site.endpoint,
        (Variant(QUEUE),),
        size,
        Limit(site.seconds),
        connections=publishers,
        window=0 if is_settled else WINDOW,
    )
    consume = ConsumeJob(
        site.endpoint,
        (Subscription((QUEUE,), (0,)),),
        publish,
        publishers=publishers,
        prefetch=0 if is_settled else PREFETCH,
    )
    return run_flow(site, Topology(()), [publish], [consume])


def _case(size: int, publishers: int, is_settled: bool, depth: Depth) -> Case:
    name = "pre-settled" if is_settled else "unsettled"
    name += f", {size} B" if publishers == 1 else f", {publishers} publishers, {size} B"
    run = partial(measure, size=size, publishers=publishers, is_settled=is_settled)
    return Case(name, run, protocol="amqp1", depth=depth)


SCENARIO = Scenario(
    "amqp1",
    "How many AMQP 1.0 messages pass one queue, settled by sending or one by one?",
    (
        _case(100, 1, True, Depth.QUICK),
        _case(100, 1, False, Depth.QUICK),
        _case(100, 4, True, Depth.HEADLINE),
        _case(100, 4, False, Depth.HEADLINE),
    ),
)
