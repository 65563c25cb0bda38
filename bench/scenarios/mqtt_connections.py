"""MQTT connections: how fast they come and go, and what one costs that does nothing."""

import time
from contextlib import closing
from functools import partial
from itertools import islice

from bench.driver.mqtt_crowd import connected, leave
from bench.errors import ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.idle import SPARE_FILES, allow_files, steady_rss


def storm(site: Site) -> Measurement:
    """Connections per second, each from SYN to DISCONNECT, a hundred at a time."""
    before = site.usage()
    start_at = now = time.monotonic()
    busy = time.process_time()
    count = 0
    with closing(connected(site.endpoint)) as clients:
        for sock in clients:
            leave(sock)
            count += 1
            now = time.monotonic()
            if now - start_at >= site.seconds:
                break
    metrics = {"driver_busy": (time.process_time() - busy) / (now - start_at)}
    used = site.usage() - before
    if used.cpu_seconds:
        metrics["cpu_seconds_per_thousand"] = used.cpu_seconds * 1000 / count
    return Measurement(count / (now - start_at), metrics)


def idle(site: Site, connections: int) -> Measurement:
    """The value is kibibytes per connected client."""
    if not site.target.pids():
        raise ProtocolError("the processes of this target cannot be measured")
    allow_files(connections + SPARE_FILES)
    with closing(connected(site.endpoint)) as clients:
        first = next(clients)  # with it the broker has loaded what it needs for any
        before = steady_rss(site)
        start_at = time.monotonic()
        opened = list(islice(clients, connections))
        seconds = time.monotonic() - start_at
        used = steady_rss(site) - before
        for sock in (first, *opened):
            leave(sock)
    return Measurement(used / 1024 / connections, {"connects_per_second": connections / seconds})


def _idle_case(connections: int, depth: Depth, takes: float) -> Case:
    return Case(
        f"memory of each of {connections:,} idle MQTT connections",
        partial(idle, connections=connections),
        "KiB",
        protocol="mqtt",
        higher_is_better=False,
        depth=depth,
        once=True,
        fresh=True,
        needs=frozenset({"scale"}),
        takes=takes,
    )


STORM = Scenario(
    "mqtt-storm",
    "How fast do MQTT clients come and go?",
    (Case("connect and disconnect, 100 at a time", storm, "connections/s", protocol="mqtt", depth=Depth.QUICK),),
)
IDLE = Scenario(
    "mqtt-idle",
    "What does an idle MQTT connection cost?",
    (_idle_case(1_000, Depth.QUICK, 2.0), _idle_case(10_000, Depth.HEADLINE, 8.0)),
)
