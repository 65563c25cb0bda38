"""One message to many queues, and many publishers to one queue."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import BindingSpec, ExchangeSpec, QueueSpec, Topology

SIZE = 100
EXCHANGE = "bench.fanout"
FAN_IN_QUEUE = "bench.fanin"


def _fan_out(site: Site, queues: int) -> Measurement:
    names = [f"bench.fanout.{index:03d}" for index in range(queues)]
    topology = Topology(
        tuple(map(QueueSpec, names)),
        (ExchangeSpec(EXCHANGE, "fanout"),),
        tuple(BindingSpec(EXCHANGE, name) for name in names),
    )
    publish = PublishJob(site.endpoint, (Variant("k"),), SIZE, Limit(site.seconds), exchange=EXCHANGE)
    subscriptions = tuple(Subscription((name,), (0,)) for name in names)
    return run_flow(site, topology, [publish], [ConsumeJob(site.endpoint, subscriptions, publish)])


def _fan_in(site: Site, publishers: int) -> Measurement:
    publish = PublishJob(site.endpoint, (Variant(FAN_IN_QUEUE),), SIZE, Limit(site.seconds), connections=publishers)
    consume = ConsumeJob(site.endpoint, (Subscription((FAN_IN_QUEUE,), (0,)),), publish, publishers)
    return run_flow(site, Topology((QueueSpec(FAN_IN_QUEUE),)), [publish], [consume])


FAN_OUT = Scenario(
    "fan-out",
    "How many deliveries per second when each message goes to many queues?",
    (
        Case("1 publisher, 10 queues, 10 consumers", partial(_fan_out, queues=10), "deliveries/s", depth=Depth.QUICK),
        Case(
            "1 publisher, 100 queues, 100 consumers",
            partial(_fan_out, queues=100),
            "deliveries/s",
            depth=Depth.HEADLINE,
        ),
    ),
)
FAN_IN = Scenario(
    "fan-in",
    "How many messages per second do many publishers bring into one queue?",
    (
        Case("10 publishers, 1 queue, 1 consumer", partial(_fan_in, publishers=10), depth=Depth.HEADLINE),
        Case("100 publishers, 1 queue, 1 consumer", partial(_fan_in, publishers=100), depth=Depth.THOROUGH),
    ),
)
