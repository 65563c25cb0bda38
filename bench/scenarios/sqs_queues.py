"""Queues of an SQS scenario: made before it, filled, counted and deleted after it, and what a run on them comes to.

Owns the surroundings of a measurement, none of which is timed. Knows no particular scenario.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4
from weakref import WeakSet

from bench.driver.jobs import Limit
from bench.driver.sqs_client import SqsClient
from bench.driver.sqs_crew import CallCrew, CallOutcome
from bench.driver.sqs_jobs import CycleJob, SendJob
from bench.driver.verify import Faults
from bench.errors import VerificationError
from bench.procfs import Usage
from bench.scenarios.base import Measurement, Site
from bench.scenarios.flow import cost
from bench.targets.base import Target

SIZE = 100
FILL_CONNECTIONS = 8
FILL_PUBLISHER = 1000
"""The first publisher number of those who fill a queue; the connections of a run count from 0."""
WARM_UP_MESSAGES = 8000
WARM_UP_SHARE = 1.5
"""Of the seconds of a measurement, at most, for sending the messages of the warm-up, and as much for receiving them."""

_warm: WeakSet[Target] = WeakSet()


@contextmanager
def queues(site: Site, count: int = 1, fifo: bool = False) -> Iterator[tuple[str, ...]]:
    """URLs of new queues, which are deleted in the end. A deleted name may not be used again soon: each is new."""
    warm_up(site)
    run = uuid4().hex[:12]
    attributes = {"FifoQueue": "true"} if fifo else {}
    urls: list[str] = []
    with SqsClient(site.endpoint) as client:
        try:
            for number in range(count):
                urls.append(client.create_queue(f"bench-{run}-{number}{'.fifo' if fifo else ''}", attributes))
            yield tuple(urls)
        finally:
            for url in urls:
                client.delete_queue(url)


def fill(site: Site, queue: str, count: int, seconds: float, groups: int = 0) -> int:
    """Put so many messages into a queue, or as many as go in within the seconds; how many are there."""
    job = SendJob(
        site.endpoint,
        (queue,),
        SIZE,
        Limit(seconds, count),
        batch=10,
        groups=groups,
        connections=FILL_CONNECTIONS,
        stamped=True,
        first_publisher=FILL_PUBLISHER,
    )
    with CallCrew([job]) as crew:
        outcome = crew.run()
    if outcome.faults:
        raise VerificationError(f"the queue could not be filled: {outcome.faults}")
    return outcome.sent


def call(site: Site, jobs: Sequence[SendJob | CycleJob]) -> tuple[CallOutcome, Usage]:
    """Run the jobs; the outcome and what the broker used meanwhile."""
    with CallCrew(jobs) as crew:
        before = site.usage()
        outcome = crew.run()
        return outcome, site.usage() - before


def warm_up(site: Site) -> None:
    """Let a target that was just started work for a while: a just-in-time compiler makes it several times as fast."""
    if site.target in _warm:
        return
    _warm.add(site.target)
    limit = Limit(WARM_UP_SHARE * site.seconds, WARM_UP_MESSAGES)
    with queues(site) as urls:
        for job in (
            SendJob(site.endpoint, urls, SIZE, limit, stamped=True),
            CycleJob(site.endpoint, urls, SIZE, limit),
        ):
            with CallCrew([job]) as crew:
                crew.run()


def check_left(site: Site, urls: Sequence[str], wanted: int, faults: Faults) -> None:
    """The queues must hold what was sent and not deleted: less was lost, more was duplicated."""
    with SqsClient(site.endpoint) as client:
        left = sum(client.message_count(url) for url in urls)
    if left < wanted:
        faults.missing += wanted - left
    else:
        faults.surplus += left - wanted
    if left != wanted:
        faults.note(f"the queues hold {left} messages where {wanted} should be")


def measurement(outcome: CallOutcome, used: Usage, messages: int) -> Measurement:
    """The run's figures. The value is messages per second, `messages` what was done with."""
    if not outcome.seconds:
        raise VerificationError("nothing was sent and nothing deleted")
    metrics = {
        "messages": float(messages),
        "calls_per_second": outcome.call_count / outcome.seconds,
        "driver_busy": outcome.driver_busy / outcome.seconds,
    }
    metrics |= cost(used, outcome.driver_busy, outcome.seconds, messages)
    metrics |= {f"call_{name}_ms": value * 1000 for name, value in outcome.calls.items()}
    metrics |= {f"latency_{name}_ms": value * 1000 for name, value in outcome.wakes.items()}
    if outcome.late:
        metrics["schedule_lag_p99_ms"] = outcome.late["p99"] * 1000
    return Measurement(messages / outcome.seconds, metrics, str(outcome.faults) if outcome.faults else "")
