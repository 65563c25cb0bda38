"""How a connection is shared: ten queues with backlogs of different lengths, and one client that consumes from all.

RabbitMQ gives each consumer 200 messages before it is told that they have left, and those who wait for a shared
prefetch a place in turn; a broker that serves whoever came first has a slowest share of nothing.
"""

from functools import partial

from bench.driver.amqp import AmqpConnection
from bench.driver.amqp_shares import Shares, fill
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.topology import QueueSpec, Topology

QUEUES = tuple(f"bench.fairness.{number}" for number in range(10))
SMALLEST = 2000
SIZE = 100


def measure(site: Site, prefetch: int = 0, is_global: bool = False, smallest: int = SMALLEST) -> Measurement:
    """The value is the slowest share, divided by the fastest, of what was delivered until a queue was empty."""
    counts = [smallest * (len(QUEUES) - number) for number in range(len(QUEUES))]  # the longest one first
    topology = Topology(tuple(QueueSpec(queue, plain=True) for queue in QUEUES))
    with topology.declared(site), AmqpConnection(site.endpoint) as connection:
        fill(connection, QUEUES, counts, SIZE)
        consuming = AmqpConnection(site.endpoint)
        try:
            shares = Shares(consuming, QUEUES, counts, prefetch, is_global)
            shares.run()
        finally:
            consuming.socket.close()  # what is still on its way is nobody's
    metrics = {"last_first_delivery": float(max(shares.first_at)), "never_served": float(shares.first_at.count(0))}
    return Measurement(min(shares.served) / max(shares.served), metrics, shares.faults)


def _case(name: str, depth: Depth, prefetch: int = 0, is_global: bool = False) -> Case:
    taken = partial(measure, prefetch=prefetch, is_global=is_global)
    return Case(f"slowest share to fastest, {name}", taken, "of 1", depth=depth)


SCENARIO = Scenario(
    "fairness",
    "How evenly do ten queues with backlogs share a connection?",
    (
        _case("auto-ack", Depth.QUICK),
        _case("global prefetch of 100, manual ack", Depth.HEADLINE, 100, is_global=True),
        _case("prefetch of 10 each, manual ack", Depth.NORMAL, 10),
    ),
)
