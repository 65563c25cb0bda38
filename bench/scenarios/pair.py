"""Brokers of several nodes: what a second copy costs, how long clients wait when the leading node dies, and what those
who publish have while another node catches up.

What has one node takes part where nothing has to fail, so that the difference can be seen. All nodes share this
machine's processors and its disk, which those of a real pair would not.
"""

import threading
import time
from contextlib import suppress
from functools import partial

from pamqp import commands

from bench.driver.amqp import AmqpConnection
from bench.driver.amqp_probe import Probe
from bench.driver.jobs import Endpoint, Limit, PublishJob, Variant
from bench.errors import BenchError, ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_crew
from bench.scenarios.latency import latency
from bench.scenarios.throughput import CONFIRMED_100
from bench.scenarios.topology import QueueSpec, Topology
from bench.targets.base import Promise, Replicated

QUEUE = "bench.pair"
BALLAST = "bench.pair.ballast"
SIZE = 100
BIG = 1024
WINDOW = 1000
BALLAST_PER_SECOND = 150_000
"""Messages of the journal that a node catches up with, for each second of a measurement: 150 MB."""
FAILOVER_SECONDS_MAX = 90.0
WHOLE_SECONDS_MAX = 600.0
_RETRY_SECONDS = 0.02


class Publisher:
    """One message at a time with its confirm, at whichever node takes it."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self.confirmed = 0
        self.longest_wait = 0.0
        self.over = threading.Event()
        self._endpoints = endpoints
        self._waits_since = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the message that is under way."""
        self.over.set()
        self._thread.join(FAILOVER_SECONDS_MAX)

    def _run(self) -> None:
        turn = 0
        while not self.over.is_set():
            with suppress(BenchError, OSError):
                self._publish(self._endpoints[turn % len(self._endpoints)])
            turn += 1
            self.over.wait(_RETRY_SECONDS)

    def _publish(self, endpoint: Endpoint) -> None:
        probe = Probe(endpoint, QUEUE, SIZE)
        try:
            while not self.over.is_set():
                probe.publish()
                self._note_confirm(time.monotonic())
        finally:
            probe.close()

    def _note_confirm(self, now: float) -> None:
        self.longest_wait = max(self.longest_wait, now - self._waits_since)
        self._waits_since = now
        self.confirmed += 1

    def until_confirmed(self, more: int) -> None:
        """Wait for so many more. ProtocolError when they do not come."""
        goal, deadline = self.confirmed + more, time.monotonic() + FAILOVER_SECONDS_MAX
        while self.confirmed < goal:
            if time.monotonic() > deadline:
                raise ProtocolError(f"nothing was confirmed for {FAILOVER_SECONDS_MAX:.0f} s after the kill")
            time.sleep(_RETRY_SECONDS)


def pause_at_a_kill(site: Site) -> Measurement:
    """The value is the longest time between two confirms, in milliseconds, while the leading node is killed."""
    target = _replicated(site)
    endpoints = target.endpoints()
    with AmqpConnection(endpoints[0]) as connection:
        connection.call(commands.Queue.Delete(queue=QUEUE))
        arguments = target.queue_arguments(site.promise)
        connection.call(commands.Queue.Declare(queue=QUEUE, durable=True, arguments=arguments))
    publisher = Publisher(endpoints)
    publisher.start()
    try:
        publisher.until_confirmed(100)
        publisher.longest_wait = 0.0
        target.fail()
        publisher.until_confirmed(100)
    finally:
        publisher.stop()
    metrics = {"messages": float(publisher.confirmed), "recovered_seconds": _until_whole(target)}
    with AmqpConnection(target.endpoints()[0]) as connection:
        kept = connection.message_count(QUEUE)
        connection.call(commands.Queue.Delete(queue=QUEUE))
    lost = publisher.confirmed - kept
    faults = f"{lost} confirmed messages are lost" if lost > 0 else ""
    return Measurement(publisher.longest_wait * 1000, metrics, faults)


def rate_while_one_catches_up(site: Site) -> Measurement:
    """The value is what is left of the rate of publishing, in percent, while a node without anything catches up."""
    target = _replicated(site)
    topology = Topology((QueueSpec(QUEUE), QueueSpec(BALLAST)))
    with topology.declared(site):
        _published(site, BALLAST, Limit(20 * site.seconds, int(BALLAST_PER_SECOND * site.seconds)))
        target.lose()
        alone = _published(site, QUEUE, Limit(site.seconds))
        target.start_lost()
        began = time.monotonic()
        rate = _published(site, QUEUE, Limit(site.seconds))
        is_over = target.is_whole()
        _until_whole(target)
        metrics = {"publish_rate": rate, "publish_rate_alone": alone, "caught_up_seconds": time.monotonic() - began}
    note = "it had caught up before the measurement was over" if is_over else ""
    return Measurement(100 * rate / alone, metrics, note=note)


def _published(site: Site, queue: str, limit: Limit) -> float:
    job = PublishJob(site.endpoint, (Variant(queue),), BIG, limit, persistent=True, window=WINDOW)
    outcome, _ = run_crew(site, [job], [])
    if not outcome.published:
        raise ProtocolError("the broker took no message")
    return outcome.published / outcome.publish_seconds


def _replicated(site: Site) -> Replicated:
    assert isinstance(site.target, Replicated)
    return site.target


def _until_whole(target: Replicated) -> float:
    """Start what was killed; seconds until each node has everything. ProtocolError when that does not come."""
    began = time.monotonic()
    target.start_lost()
    while not target.is_whole():
        if time.monotonic() - began > WHOLE_SECONDS_MAX:
            raise ProtocolError(f"the nodes are not alike after {WHOLE_SECONDS_MAX:.0f} s")
        time.sleep(_RETRY_SECONDS)
    return time.monotonic() - began


def _both(name: str, promise: Promise) -> tuple[Case, ...]:
    kind = partial(Case, promise=promise, depth=Depth.HEADLINE)
    late = partial(latency, rate=10_000.0, persistent=True)
    pause = f"{name}: longest wait for a confirm while the leading node is killed"
    return (
        kind(f"{name}: persistent, 1000 unconfirmed, manual ack, 100 B", CONFIRMED_100),
        kind(f"{name}: p99 at 10,000 msg/s, persistent, confirms", late, unit="ms", higher_is_better=False),
        kind(pause, pause_at_a_kill, unit="ms", higher_is_better=False, replicated=True, takes=20.0),
    )


SCENARIO = Scenario(
    "pair",
    "What does a second copy cost, and how long does nobody serve when the first one is gone?",
    (
        *_both("page cache", Promise.WRITE),
        *_both("disk", Promise.FSYNC),
        Case(
            "page cache: rate of publishing 1 KiB while a node catches up with the whole journal",
            rate_while_one_catches_up, unit="%", promise=Promise.WRITE, once=True, replicated=True, takes=60.0,
        ),
    ),
)  # fmt: skip
