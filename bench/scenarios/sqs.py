"""SQS: sends, receptions with deletions, FIFO groups, deep queues, and how soon a waiting long poll is woken.

Every message of SQS is persistent, so all cases promise at least a write. The emulators among the targets keep nothing,
and take part all the same: there are no other peers (see `targets.emulator`).
"""

from dataclasses import replace
from functools import partial

from bench.driver.jobs import Limit
from bench.driver.sqs_jobs import CycleJob, SendJob
from bench.errors import ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.sqs_queues import SIZE, call, check_left, fill, measurement, queues
from bench.targets.base import Promise

CONNECTIONS = 16
FILL_PER_SECOND = {1: 20_000, 10: 60_000}
"""Messages that are put into a queue for each second of emptying it, by the size of the batches."""
PATIENCE = 40.0
"""Of the seconds of a measurement, at most, for filling a deep queue."""

SLOW_FILL = 20_000
"""Messages per second that a slow broker takes, for forecasts."""

WAIT_SECONDS = 1
WAITERS = 1000
WAKE_RATE = 500
WAKE_WAIT_SECONDS = 20
SCALE = frozenset({"scale"})


def _send(site: Site, batch: int, connections: int = CONNECTIONS) -> Measurement:
    with queues(site) as urls:
        job = SendJob(site.endpoint, urls, SIZE, Limit(site.seconds), batch=batch, connections=connections)
        outcome, used = call(site, [job])
        check_left(site, urls, outcome.sent, outcome.faults)
    return measurement(outcome, used, outcome.sent)


def _empty(site: Site, batch: int) -> Measurement:
    """Receive and delete what was put into the queue before, until that or the time is used up."""
    with queues(site) as urls:
        filled = fill(site, urls[0], int(FILL_PER_SECOND[batch] * site.seconds), max(site.seconds, 0.2))
        job = CycleJob(site.endpoint, urls, SIZE, Limit(site.seconds), batch=batch, connections=CONNECTIONS)
        outcome, used = call(site, [job])
        check_left(site, urls, filled - outcome.deleted, outcome.faults)
    return measurement(outcome, used, outcome.deleted)


def _cycle(site: Site, depth: int = 0, groups: int = 0, connections: int = CONNECTIONS) -> Measurement:
    """Each connection sends a message, receives one and deletes it, in a queue that holds `depth` others.

    A broker that takes long is given less to keep.
    """
    patience = PATIENCE * site.seconds
    with queues(site, fifo=groups > 0) as urls:
        filled = fill(site, urls[0], depth, patience, groups) if depth else 0
        job = CycleJob(
            site.endpoint,
            urls,
            SIZE,
            Limit(site.seconds),
            groups=groups,
            connections=connections,
            sends=True,
            wait_seconds=WAIT_SECONDS,
        )
        outcome, used = call(site, [job])
        check_left(site, urls, filled + outcome.sent - outcome.deleted, outcome.faults)
    taken = measurement(outcome, used, outcome.deleted)
    return replace(taken, note=f"{filled:,} queued: it took no more in {patience:.0f} s" if filled < depth else "")


def deep(site: Site, depth: int, shallow: int, groups: int = 0, connections: int = CONNECTIONS) -> Measurement:
    """The cycle in a deep queue; how its rate compares with that in a shallow one, a moment before, is a metric."""
    before = _cycle(site, shallow, groups, connections)
    taken = _cycle(site, depth, groups, connections)
    metrics = taken.metrics | {"shallow_rate": before.value, "ratio_to_shallow": taken.value / before.value}
    return Measurement(taken.value, metrics, taken.faults or before.faults, taken.note)


def _wake(site: Site, waited_on: int) -> Measurement:
    """The value is the 99th percentile, in milliseconds, from when a message was due to be sent to its reception."""
    with queues(site, waited_on) as urls:
        send = SendJob(
            site.endpoint, urls, SIZE, Limit(site.seconds), connections=8, stamped=True, rate=float(WAKE_RATE)
        )
        receive = CycleJob(
            site.endpoint,
            urls,
            SIZE,
            Limit(),
            connections=WAITERS,
            wait_seconds=WAKE_WAIT_SECONDS,
            until_told=True,
            rate=float(WAKE_RATE),
        )
        outcome, used = call(site, [receive, send])
        check_left(site, urls, outcome.sent - outcome.deleted, outcome.faults)
    taken = measurement(outcome, used, outcome.deleted)
    if "latency_p99_ms" not in taken.metrics:
        raise ProtocolError("no long poll was woken")
    return Measurement(taken.metrics["latency_p99_ms"], taken.metrics, taken.faults)


def _wake_case(waited_on: int, depth: Depth) -> Case:
    name = f"p99 of waking 1 of {WAITERS:,} long polls on {waited_on} queue{'s' * (waited_on > 1)}, {WAKE_RATE} msg/s"
    measure = partial(_wake, waited_on=waited_on)
    return Case(name, measure, "ms", Promise.WRITE, "sqs", higher_is_better=False, depth=depth, needs=SCALE)


_case = partial(Case, promise=Promise.WRITE, protocol="sqs")
_SEND = "SendMessage, 100 B"
_ROUND = "send, receive, delete"

CALLS = Scenario(
    "sqs",
    "How many SQS messages per second?",
    (
        _case(_SEND, partial(_send, batch=1), depth=Depth.QUICK, relayable=True),
        Case(_SEND, partial(_send, batch=1), promise=Promise.FSYNC, protocol="sqs"),
        _case("SendMessage, 100 B, 64 connections", partial(_send, batch=1, connections=64), relayable=True),
        _case("SendMessageBatch of 10", partial(_send, batch=10), depth=Depth.QUICK, relayable=True),
        Case("SendMessageBatch of 10", partial(_send, batch=10), promise=Promise.FSYNC, protocol="sqs"),
        _case("receive 1, delete", partial(_empty, batch=1), depth=Depth.QUICK),
        _case("receive 10, delete 10", partial(_empty, batch=10), depth=Depth.HEADLINE),
        _case(_ROUND, _cycle, depth=Depth.HEADLINE),
    ),
)
FIFO = Scenario(
    "sqs-fifo",
    "How many messages per second pass a FIFO queue, in order?",
    (
        _case(f"{_ROUND}, 1 group", partial(_cycle, groups=1), depth=Depth.QUICK),
        _case(f"{_ROUND}, 1,000 groups", partial(_cycle, groups=1000), depth=Depth.HEADLINE),
    ),
)


def _deep_case(depth: int, shallow: int, groups: int, shown: Depth) -> Case:
    kind = f"FIFO, {groups} group" if groups else "standard"
    name = f"{_ROUND}, {depth:,} queued, {kind}"
    measure = partial(deep, depth=depth, shallow=shallow, groups=groups)
    return _case(name, measure, depth=shown, once=True, needs=SCALE, takes=depth / SLOW_FILL)


DEEP = Scenario(
    "sqs-deep",
    "What does a long queue cost?",
    (
        _deep_case(100_000, 0, 0, Depth.THOROUGH),
        _deep_case(1_000_000, 0, 0, Depth.HEADLINE),
        _deep_case(200_000, 100, 1, Depth.HEADLINE),
    ),
)
WAKE = Scenario(
    "sqs-wake",
    "How soon is a waiting long poll woken?",
    (_wake_case(100, Depth.QUICK), _wake_case(1, Depth.NORMAL)),
)
