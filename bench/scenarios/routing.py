"""What routing costs: a topic exchange with very many bindings, a headers exchange, very many queues."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import BindingSpec, ExchangeSpec, QueueSpec, Topology

SIZE = 100
KEYS = 1000
"""Different routing keys (or headers) in turn: a cache of routes helps, but not one entry long."""


def _consume(site: Site, publish: PublishJob, queues: list[str], owner: list[int]) -> ConsumeJob:
    return ConsumeJob(site.endpoint, (Subscription(tuple(queues), tuple(owner)),), publish)


def _topic(site: Site, bindings: int) -> Measurement:
    """Each binding ends in a wildcard, each key matches one of them, and each queue has a tenth of the bindings."""
    queues = [f"bench.topic.{index}" for index in range(10)]
    patterns = [f"bench.*.{index:05d}.#" for index in range(bindings)]
    topology = Topology(
        tuple(map(QueueSpec, queues)),
        (ExchangeSpec("bench.topic", "topic"),),
        tuple(BindingSpec("bench.topic", queues[i % 10], pattern) for i, pattern in enumerate(patterns)),
    )
    matched = range(0, bindings, bindings // KEYS)
    variants = tuple(Variant(f"bench.any.{index:05d}.tail") for index in matched)
    publish = PublishJob(site.endpoint, variants, SIZE, Limit(site.seconds), exchange="bench.topic")
    owner = [index % 10 for index in matched]
    return run_flow(site, topology, [publish], [_consume(site, publish, queues, owner)])


def _headers(site: Site, bindings: int) -> Measurement:
    """Each message matches one of the bindings, all headers of which must be equal."""
    queues = [f"bench.headers.{index}" for index in range(10)]
    pairs = [{"region": f"r{index % 10}", "item": f"i{index:04d}"} for index in range(bindings)]
    topology = Topology(
        tuple(map(QueueSpec, queues)),
        (ExchangeSpec("bench.headers", "headers"),),
        tuple(BindingSpec("bench.headers", queues[i % 10], "", {"x-match": "all", **p}) for i, p in enumerate(pairs)),
    )
    variants = tuple(Variant("", headers=tuple(pair.items())) for pair in pairs)
    publish = PublishJob(site.endpoint, variants, SIZE, Limit(site.seconds), exchange="bench.headers")
    return run_flow(site, topology, [publish], [_consume(site, publish, queues, [i % 10 for i in range(bindings)])])


def _many_queues(site: Site, queues: int) -> Measurement:
    names = [f"bench.many.{index:05d}" for index in range(queues)]
    publish = PublishJob(site.endpoint, tuple(map(Variant, names)), SIZE, Limit(site.seconds))
    topology = Topology(tuple(map(QueueSpec, names)))
    return run_flow(site, topology, [publish], [_consume(site, publish, names, list(range(len(names))))])


TOPIC = Scenario(
    "topic",
    "What does a topic exchange with very many bindings cost?",
    (Case("10,000 bindings on 10 queues, 1,000 keys", partial(_topic, bindings=10_000), depth=Depth.QUICK, takes=9.0),),
)
HEADERS = Scenario(
    "headers",
    "What does a headers exchange cost?",
    (Case("100 bindings on 10 queues, two headers each", partial(_headers, bindings=100), depth=Depth.HEADLINE),),
)
QUEUES = Scenario(
    "queues",
    "What do very many queues cost?",
    (
        Case(
            "1,000 queues in turn, 1 publisher, 1 connection consuming",
            partial(_many_queues, queues=1000),
            depth=Depth.HEADLINE,
        ),
    ),
)
