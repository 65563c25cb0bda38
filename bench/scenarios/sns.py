"""SNS: publishing to topics with queues subscribed, one, many, and many that filter.

A publication is answered when it is in all queues, and the queues are counted afterwards: none may lack a message.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

from bench.driver.jobs import Limit
from bench.driver.sns_client import SnsClient
from bench.driver.sqs_client import SqsClient
from bench.driver.sqs_jobs import SendJob
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.sqs_queues import SIZE, call, check_left, measurement, queues
from bench.targets.base import Promise

CONNECTIONS = 16
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


_case = partial(Case, promise=Promise.WRITE, protocol="sqs")

SCENARIO = Scenario(
    "sns",
    "How many SNS messages per second are delivered to queues?",
    (
        _case("Publish, 1 queue", partial(_publish, count=1), depth=Depth.QUICK),
        _case("Publish, 100 queues", partial(_publish, count=100), depth=Depth.HEADLINE),
        _case("Publish, 1 of 200 filters matches", partial(_publish, count=200, filtered=True), depth=Depth.HEADLINE),
    ),
)
