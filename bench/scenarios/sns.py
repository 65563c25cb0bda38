"""SNS: publishing to topics with queues subscribed, one, many, and many that filter.

A publication is answered when it is in all queues, and the queues are counted afterwards: none may lack a message. And
to topics with many endpoints of HTTP, of which some hang: how long the others wait.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

from bench.driver.http_sink import HANGING, HttpSink
from bench.driver.jobs import Limit
from bench.driver.percentiles import percentiles
from bench.driver.sns_client import SnsClient
from bench.driver.sqs_client import SqsClient
from bench.driver.sqs_jobs import SendJob
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import cost
from bench.scenarios.sqs_queues import SIZE, call, check_left, measurement, queues
from bench.targets.base import Promise

CONNECTIONS = 16
ENDPOINTS = 1000
PATIENCE_SECONDS = 60.0
_EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [_EVERYBODY]})


@contextmanager
def _topic(site: Site, urls: tuple[str, ...], filtered: bool) -> Iterator[str]:
    """A topic with these queues subscribed. filtered: each wants a kind of its own, its place among them."""
    with SqsClient(site.endpoint) as sqs, SnsClient(site.endpoint) as sns:
        topic = sns.create_topic(f"bench-{uuid4().hex[:12]}")
        try:
            for number, url in enumerate(urls):
                sqs.call("SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": _POLICY}})
                found = sqs.call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})
                wanted = {"FilterPolicy": json.dumps({"kind": [str(number)]})} if filtered else {}
                sns.subscribe(topic, found["Attributes"]["QueueArn"], wanted)
            yield topic
        finally:
            sns.delete_topic(topic)


def _publish(site: Site, count: int, filtered: bool = False) -> Measurement:
    """The value is deliveries per second; with filters one of all subscriptions wants what is published."""
    with queues(site, count) as urls, _topic(site, urls, filtered) as topic:
        kind = "0" if filtered else ""
        job = SendJob(site.endpoint, urls, SIZE, Limit(site.seconds), connections=CONNECTIONS, topic=topic, kind=kind)
        outcome, used = call(site, [job])
        deliveries = outcome.sent * (1 if filtered else count)
        check_left(site, urls, deliveries, outcome.faults)
    return measurement(outcome, used, deliveries)


def deliver_to_endpoints(site: Site, hanging: int) -> Measurement:
    """The value is the 99th percentile of the milliseconds from a publication to its arrival, where it is answered.

    A message is published when all of these have the one before. The first one is not counted: nothing is known of any
    endpoint then.
    """
    with HttpSink() as sink, SnsClient(site.endpoint) as sns:
        topic = sns.create_topic(f"bench-{uuid4().hex[:12]}")
        try:
            for number in range(ENDPOINTS):
                path = f"{HANGING}/{number}" if number < hanging else f"/{number}"
                url = f"http://127.0.0.1:{sink.port}{path}"
                sns.subscribe(topic, url, {"RawMessageDelivery": "true"}, "http")
                sns.confirm(topic, sink.tokens.get(timeout=PATIENCE_SECONDS))
            before, began = site.usage(), time.monotonic()
            count = 0
            while count < 2 or time.monotonic() - began < site.seconds:
                sink.expect(ENDPOINTS - hanging)
                sns.publish(topic, str(time.monotonic()))
                if not sink.wait(PATIENCE_SECONDS):
                    return Measurement(0.0, faults="not every endpoint that answers had every message")
                count += 1
            used, seconds = site.usage() - before, time.monotonic() - began
        finally:
            sns.delete_topic(topic)
    found = percentiles(sink.latencies[ENDPOINTS - hanging :])
    metrics = {f"latency_{name}_ms": value * 1000 for name, value in found.items()}
    metrics["deliveries_per_second"] = len(sink.latencies) / seconds
    metrics |= cost(used, 0.0, seconds, len(sink.latencies))
    return Measurement(metrics["latency_p99_ms"], metrics)


_endpoints_case = partial(
    Case, promise=Promise.WRITE, protocol="sqs", unit="ms", higher_is_better=False, needs=frozenset({"endpoints"})
)
_case = partial(Case, promise=Promise.WRITE, protocol="sqs")
_many_filters_case = partial(_case, needs=frozenset({"many-filters"}), depth=Depth.THOROUGH)

SCENARIO = Scenario(
    "sns",
    "How many SNS messages per second are delivered to queues?",
    (
        _case("Publish, 1 queue", partial(_publish, count=1), depth=Depth.QUICK),
        _case("Publish, 100 queues", partial(_publish, count=100), depth=Depth.HEADLINE),
        _case("Publish, 1 of 200 filters matches", partial(_publish, count=200, filtered=True), depth=Depth.HEADLINE),
        _many_filters_case("Publish, 1 of 10,000 filters matches", partial(_publish, count=10_000, filtered=True)),
        _endpoints_case("p99, 1,000 HTTP endpoints", partial(deliver_to_endpoints, hanging=0)),
        _endpoints_case("p99, a tenth of these hang", partial(deliver_to_endpoints, hanging=ENDPOINTS // 10)),
    ),
)
