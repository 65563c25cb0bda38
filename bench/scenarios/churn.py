"""How fast short-lived things come and go: connections, channels, queues with their bindings. One after another."""

import time
from collections.abc import Callable

from pamqp import commands

from bench.driver.amqp import CHANNEL, AmqpConnection
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.topology import ExchangeSpec, Topology

EXCHANGE = "bench.churn"


def _repeat(site: Site, step: Callable[[], None]) -> Measurement:
    """Repeat a step for the site's seconds; the value is steps per second."""
    before = site.usage()
    start_at = now = time.monotonic()
    busy = time.process_time()
    count = 0
    while now - start_at < site.seconds:
        step()
        count += 1
        now = time.monotonic()
    metrics = {"driver_busy": (time.process_time() - busy) / (now - start_at)}
    used = site.usage() - before
    if used.cpu_seconds:
        metrics["cpu_seconds_per_thousand"] = used.cpu_seconds * 1000 / count
    return Measurement(count / (now - start_at), metrics)


def _connections(site: Site) -> Measurement:
    return _repeat(site, lambda: AmqpConnection(site.endpoint).close())


def _channels(site: Site) -> Measurement:
    with AmqpConnection(site.endpoint) as connection:

        def step() -> None:
            connection.call(commands.Channel.Open(), CHANNEL + 1)
            connection.call(commands.Channel.Close(200, "done", 0, 0), CHANNEL + 1)

        return _repeat(site, step)


def _queues(site: Site, durable: bool) -> Measurement:
    topology = Topology((), (ExchangeSpec(EXCHANGE, "topic", durable=True),))
    with topology.declared(site), AmqpConnection(site.endpoint) as connection:

        def step() -> None:
            connection.call(commands.Queue.Declare(queue="bench.churn", durable=durable, exclusive=not durable))
            connection.call(commands.Queue.Bind(queue="bench.churn", exchange=EXCHANGE, routing_key="a.*.b"))
            connection.call(commands.Queue.Delete(queue="bench.churn"))

        return _repeat(site, step)


def _exclusive_queues(site: Site) -> Measurement:
    return _queues(site, durable=False)


def _durable_queues(site: Site) -> Measurement:
    return _queues(site, durable=True)


SCENARIO = Scenario(
    "churn",
    "How fast do connections, channels and queues come and go?",
    (
        Case("connect, open a channel, close", _connections, "connections/s", depth=Depth.HEADLINE),
        Case("open and close a channel", _channels, "channels/s", depth=Depth.HEADLINE),
        Case("declare, bind and delete an exclusive queue", _exclusive_queues, "queues/s", depth=Depth.HEADLINE),
        Case("declare, bind and delete a durable queue", _durable_queues, "queues/s"),
    ),
)
