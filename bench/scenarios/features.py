"""Queues that do more than pass messages on: priorities, and expiry with dead-lettering."""

from itertools import pairwise

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import QueueSpec, Topology

SIZE = 100
PRIORITIES = 10
TTL_MILLISECONDS = 10


def _priority(site: Site) -> Measurement:
    queue = "bench.priority"
    topology = Topology((QueueSpec(queue, {"x-max-priority": PRIORITIES}),))
    variants = tuple(Variant(queue, priority=priority) for priority in range(PRIORITIES))
    publish = PublishJob(site.endpoint, variants, SIZE, Limit(site.seconds))
    consume = ConsumeJob(site.endpoint, (Subscription((queue,), (0,) * PRIORITIES),), publish)
    return run_flow(site, topology, [publish], [consume])


def _dead_letters(site: Site) -> Measurement:
    """Two queues nobody consumes from: messages expire in the first, then in the second, then reach the third."""
    names = ["bench.dead.1", "bench.dead.2", "bench.dead.3"]
    expiring = [
        QueueSpec(
            name,
            {
                "x-message-ttl": TTL_MILLISECONDS,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": following,
            },
        )
        for name, following in pairwise(names)
    ]
    publish = PublishJob(site.endpoint, (Variant(names[0]),), SIZE, Limit(site.seconds))
    consume = ConsumeJob(
        site.endpoint,
        (Subscription((names[2],), (0,)),),
        publish,
        through_exchange="",
        through_key=names[2],
    )
    return run_flow(site, Topology((*expiring, QueueSpec(names[2]))), [publish], [consume])


PRIORITY = Scenario(
    "priority",
    "What does a priority queue cost?",
    (Case("ten priorities in turn, transient, auto-ack", _priority, depth=Depth.HEADLINE),),
)
DEAD_LETTERS = Scenario(
    "dead-letters",
    "How many messages per second expire and move on?",
    (Case(f"expiry after {TTL_MILLISECONDS} ms and dead-lettering, twice", _dead_letters, depth=Depth.HEADLINE),),
)
