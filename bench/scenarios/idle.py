"""What an idle connection costs: resident memory of the broker, each."""

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench.driver.amqp import AmqpConnection, close_all
from bench.errors import BenchError, ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site

SPARE_FILES = 200
OPENERS = 8
"""Connections on their way at once: a broker is not to wait for the next one."""

PATIENCE = 20.0
"""Of the seconds of a measurement, at most, for opening them all; what each takes shows with fewer as well."""
_STEADY_SECONDS = 0.5
_STEADY_ROUNDS_MAX = 10


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


def measure(site: Site, connections: int) -> Measurement:
    """The value is kibibytes per connection with one open channel."""
    if not site.target.pids():
        raise ProtocolError("the processes of this target cannot be measured")
    allow_files(connections + SPARE_FILES)
    before = steady_rss(site)
    start_at = time.monotonic()
    opened: list[AmqpConnection] = []
    try:
        _open(site, connections, opened)
        seconds = time.monotonic() - start_at
        used = steady_rss(site) - before
    finally:
        close_all(opened)
    count = len(opened)
    note = f"{count:,} connections: more could not be opened in {seconds:.0f} s" if count < connections else ""
    return Measurement(used / 1024 / count, {"connects_per_second": count / seconds}, note=note)


def _open(site: Site, connections: int, opened: list[AmqpConnection]) -> None:
    """Open so many, or as many as can be while patience lasts."""
    over_at = time.monotonic() + PATIENCE * site.seconds

    def open_one(_: int) -> None:
        if not opened or time.monotonic() < over_at:
            opened.append(AmqpConnection(site.endpoint))

    with ThreadPoolExecutor(OPENERS) as pool:
        for _ in pool.map(open_one, range(connections)):
            pass


def _case(connections: int, depth: Depth, takes: float) -> Case:
    return Case(
        f"memory of each of {connections:,} idle connections with a channel",
        partial(measure, connections=connections),
        "KiB",
        higher_is_better=False,
        depth=depth,
        once=True,
        fresh=True,
        takes=takes,
    )


SCENARIO = Scenario(
    "idle",
    "What does an idle connection cost?",
    (_case(1_000, Depth.QUICK, 5.0), _case(10_000, Depth.HEADLINE, 25.0)),
)
