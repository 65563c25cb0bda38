"""What an idle connection costs: resident memory of the broker, each."""

import resource
import time
from functools import partial

from bench.driver.amqp import AmqpConnection
from bench.errors import BenchError, ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site

SPARE_FILES = 200
_STEADY_SECONDS = 0.5
_STEADY_ROUNDS_MAX = 40


def allow_files(files: int) -> None:
    """Raises the limit of open files so far. Raises BenchError where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise BenchError(f"this needs {files} open files, the limit (ulimit -n) is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def steady_rss(site: Site) -> int:
    """The resident memory once it has stopped to change by more than a percent."""
    last = site.usage().rss_bytes
    for _ in range(_STEADY_ROUNDS_MAX):
        time.sleep(_STEADY_SECONDS)
        now = site.usage().rss_bytes
        if abs(now - last) <= last // 100:
            return now
        last = now
    return last


def _idle(site: Site, connections: int) -> Measurement:
    """The value is kibibytes per connection with one open channel."""
    if not site.target.pids():
        raise ProtocolError("the processes of this target cannot be measured")
    allow_files(connections + SPARE_FILES)
    before = steady_rss(site)
    start_at = time.monotonic()
    opened: list[AmqpConnection] = []
    try:
        for _ in range(connections):
            opened.append(AmqpConnection(site.endpoint))
        seconds = time.monotonic() - start_at
        used = steady_rss(site) - before
    finally:
        for connection in opened:
            connection.close()
    return Measurement(used / 1024 / connections, {"connects_per_second": connections / seconds})


def _case(connections: int, depth: Depth, once: bool = False) -> Case:
    name = f"memory of each of {connections:,} idle connections with a channel"
    measure = partial(_idle, connections=connections)
    return Case(name, measure, "KiB", higher_is_better=False, depth=depth, once=once, fresh=True)


SCENARIO = Scenario(
    "idle",
    "What does an idle connection cost?",
    (_case(1_000, Depth.QUICK, once=True), _case(10_000, Depth.NORMAL, once=True)),
)
