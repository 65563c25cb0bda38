"""Request and reply by direct reply-to: how many round trips per second through the broker, both ways."""

from functools import partial

from bench.driver.amqp_reply import REPLY_QUEUE
from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import QueueSpec, Topology

QUEUE = "bench.requests"
SIZE = 100


def _round_trips(site: Site, waiting: int) -> Measurement:
    publish = PublishJob(
        site.endpoint, (Variant(QUEUE),), SIZE, Limit(site.seconds), window=waiting, reply_to=REPLY_QUEUE
    )
    # The broker rewrites the reply address, so the properties arrive as something else than was published.
    consume = ConsumeJob(
        site.endpoint,
        (Subscription((QUEUE,), (0,)),),
        publish,
        prefetch=waiting,
        ack_every=1,
        through_exchange="",
        through_key=QUEUE,
        answers=True,
    )
    return run_flow(site, Topology((QueueSpec(QUEUE),)), [publish], [consume])


SCENARIO = Scenario(
    "request-reply",
    "How many requests are answered per second, by direct reply-to?",
    (
        Case("1 request at a time", partial(_round_trips, waiting=1), "requests/s", depth=Depth.HEADLINE),
        Case("100 requests at a time", partial(_round_trips, waiting=100), "requests/s", depth=Depth.HEADLINE),
    ),
)
