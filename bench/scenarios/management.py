"""What it takes to look at ten thousand queues while messages flow, and what the messages notice of it.

A console asks for a page of them, in some order, twice in a second; Prometheus scrapes as often. The value is the 99th
percentile of the answers' times; `rate_beside_to_alone` says what is left of the rate of messages meanwhile.
"""

import http.client
import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from bench.driver.amqp_probe import p99
from bench.driver.jobs import ConsumeJob, Endpoint, Limit, PublishJob, Subscription, Variant
from bench.errors import ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_crew
from bench.scenarios.topology import QueueSpec, Topology

QUEUES = 10_000
VHOST = "bench-management"
FLOWING = "bench.management.flow"
SIZE = 100
_INTERVAL_S = 0.5
_TIMEOUT_S = 120.0


def call(endpoint: Endpoint, method: str, path: str, body: object = None) -> bytes:
    """One request on a connection of its own. Raises ProtocolError for an answer that is not well."""
    token = b64encode(f"{endpoint.user}:{endpoint.password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        octets = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise ProtocolError(f"{method} {path} was answered {response.status}: {octets[:200]!r}")
    return octets


def make_queues(endpoint: Endpoint, vhost: str, count: int) -> None:
    """So many durable queues, which are called by their numbers."""
    queues = [
        {"name": f"queue-{number:05d}", "vhost": vhost, "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(count)
    ]
    call(endpoint, "POST", "/api/definitions", {"queues": queues})


@contextmanager
def many_queues(endpoint: Endpoint) -> Iterator[None]:
    """Ten thousand durable queues in a vhost of their own."""
    call(endpoint, "PUT", f"/api/vhosts/{VHOST}", {})
    make_queues(endpoint, VHOST, QUEUES)
    try:
        yield
    finally:
        call(endpoint, "DELETE", f"/api/vhosts/{VHOST}")


def times(endpoint: Endpoint, path: str, over: threading.Event) -> list[float]:
    """How long each answer took, until it is over: at least one."""
    found: list[float] = []
    while not found or not over.wait(_INTERVAL_S):
        began = time.perf_counter()
        call(endpoint, "GET", path)
        found.append(time.perf_counter() - began)
    return found


def measure(site: Site, path: str, protocol: str) -> Measurement:
    """Messages alone for half of the time, then beside somebody who looks."""
    looked_at, amqp = site.target.endpoint(protocol), site.target.endpoint("amqp")
    assert looked_at is not None
    assert amqp is not None
    site.kept.put(many_queues(site.endpoint))
    beside = Site(site.target, site.promise, amqp, site.seconds / 2, site.kept)
    topology = Topology((QueueSpec(FLOWING),))
    publish = PublishJob(amqp, (Variant(FLOWING),), SIZE, Limit(beside.seconds))
    consume = ConsumeJob(amqp, (Subscription((FLOWING,), (0,)),), publish)
    over = threading.Event()
    with topology.declared(beside), ThreadPoolExecutor(1) as threads:
        alone, _ = run_crew(beside, [publish], [consume])
        looking = threads.submit(times, looked_at, path, over)
        try:
            outcome, _ = run_crew(beside, [publish], [consume])
        finally:
            over.set()
        found = looking.result()
    metrics = {
        "answers": float(len(found)),
        "median_ms": sorted(found)[len(found) // 2] * 1000,
        "rate_alone": alone.rate,
        "rate_beside_to_alone": outcome.rate / alone.rate if alone.rate else 0.0,
    }
    faults = "; ".join(str(each.faults) for each in (alone, outcome) if each.faults)
    return Measurement(p99(found) * 1000, metrics, faults)


def _case(name: str, path: str, depth: Depth, protocol: str = "management") -> Case:
    taken = partial(measure, path=path, protocol=protocol)
    return Case(name, taken, "ms", protocol="management", higher_is_better=False, depth=depth)


_PAGE = "/api/queues?page=1&page_size=100&sort_reverse=true&sort="

SCENARIO = Scenario(
    "management",
    "How long does a look at ten thousand queues take while messages flow?",
    (
        _case("first page by backlog", f"{_PAGE}messages", Depth.QUICK),
        _case("first page by rate", f"{_PAGE}message_stats.publish_details.rate", Depth.NORMAL),
        _case("first page by memory", f"{_PAGE}memory", Depth.NORMAL),
        _case("first page by policy", f"{_PAGE}policy", Depth.NORMAL),
        _case("search by part of a name", "/api/queues?page=1&page_size=50&name=-0999", Depth.QUICK),
        _case("overview", "/api/overview", Depth.NORMAL),
        _case("scrape, aggregated", "/metrics", Depth.QUICK, "prometheus"),
        _case("scrape of every queue", "/metrics/per-object", Depth.NORMAL, "prometheus"),
    ),
)
