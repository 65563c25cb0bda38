"""MQTT subscriptions: what is retained for a new one, and how their number weighs on each message."""

import time
from functools import partial

import numpy as np

from bench.driver import mqtt_records
from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.driver.mqtt_dialect import MqttConnection
from bench.driver.records import RecordLayout, RecordSource
from bench.errors import ProtocolError
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import Topology

SIZE = 100
RETAINED = "bench/retained"
RETAINED_MESSAGES = 10_000
WILDCARD_TOPICS = 10_000
"""More topics than any broker or client here remembers the matches of: each message is matched anew."""
SUBSCRIBERS = 10
_WINDOW = 500
_READ_SIZE_BYTES = 1 << 20


# --- retained messages ----------------------------------------------------------------------------------------------


def retained_storm(site: Site, messages: int) -> Measurement:
    """Retained messages per second that new subscribers are sent, one subscriber after another."""
    topics = tuple(Variant(f"{RETAINED}/{number:06d}") for number in range(messages))
    job = PublishJob(site.endpoint, topics, SIZE, Limit())
    _retain(site, mqtt_records.publish_layout(job, 1, mqtt_records.RETAIN), messages)
    try:
        return _subscribe_again_and_again(site, mqtt_records.publish_layout(job, 0, mqtt_records.RETAIN), messages)
    finally:
        _publish(site, [mqtt_records.forget_packet(topic.routing_key) for topic in topics])


def _retain(site: Site, layout: RecordLayout, messages: int) -> None:
    source = RecordSource(layout, 0)
    _publish(site, [bytes(source.take(1)) for _ in range(messages)])


def _publish(site: Site, packets: list[bytes]) -> None:
    """Publishes at QoS 1 and waits for it."""
    connection = MqttConnection(site.endpoint, "bench-retaining")
    for at in range(0, len(packets), _WINDOW):
        part = packets[at : at + _WINDOW]
        connection.send(b"".join(part))
        for _ in part:
            connection.read(mqtt_records.PUBACK)
    connection.close()


def _subscribe_again_and_again(site: Site, layout: RecordLayout, messages: int) -> Measurement:
    expected = bytes(RecordSource(layout, 0).take(messages))
    before = site.usage()
    seconds, count, faults = 0.0, 0, ""
    while seconds < site.seconds and not faults:
        connection = MqttConnection(site.endpoint, f"bench-retained-{count}")
        start_at = time.monotonic()
        connection.send(mqtt_records.subscribe_packet((f"{RETAINED}/#",), 0))
        received = _read(connection, len(expected) + mqtt_records.SUBACK_SIZE)
        seconds += time.monotonic() - start_at
        count += 1
        surplus = connection.close()
        faults = f"{surplus} more messages than are retained" if surplus else _difference(received, expected, layout)
    used = site.usage() - before
    metrics = {"subscribe_seconds": seconds / count}
    if used.cpu_seconds:
        metrics["cpu_seconds_per_million"] = used.cpu_seconds * 1e6 / (count * messages)
    return Measurement(count * messages / seconds, metrics, faults)


def _read(connection: MqttConnection, size: int) -> bytes:
    received = connection.buffer
    while len(received) < size:
        chunk = connection.socket.recv(_READ_SIZE_BYTES)
        if not chunk:
            raise ProtocolError("the broker closed the connection")
        received += chunk
    taken = bytes(received[:size])
    del received[:size]
    return taken


def _difference(received: bytes, expected: bytes, layout: RecordLayout) -> str:
    """What is wrong with a SUBACK among records in any order; "" when they are the expected ones."""
    firsts = np.frombuffer(received, np.uint8)[:: layout.size]
    suback_at = int(np.flatnonzero(firsts != expected[0])[0]) * layout.size
    records = received[:suback_at] + received[suback_at + mqtt_records.SUBACK_SIZE :]
    if received[suback_at] != mqtt_records.SUBACK or len(records) != len(expected):
        return "the broker sent something else than retained messages"
    rows = np.frombuffer(records, np.uint8).reshape(-1, layout.size)
    order = np.argsort(np.frombuffer(records, layout.dtype)["sequence"])
    return "" if rows[order].tobytes() == expected else "the retained messages are not what was published"


# --- many subscriptions ---------------------------------------------------------------------------------------------


def wildcards(site: Site, subscriptions: int) -> Measurement:
    """Messages per second where each matches one of so many filters with a wildcard, and none twice in a row."""
    matched = [number * subscriptions // WILDCARD_TOPICS for number in range(WILDCARD_TOPICS)]
    variants = tuple(Variant(f"bench/w/{found:06d}/{number:05d}/v") for number, found in enumerate(matched))
    publish = PublishJob(site.endpoint, variants, SIZE, Limit(site.seconds))
    parts = tuple(_part(range(first, subscriptions, SUBSCRIBERS), matched) for first in range(SUBSCRIBERS))
    return run_flow(site, Topology(()), [publish], [ConsumeJob(site.endpoint, parts, publish)])


def _part(numbers: range, matched: list[int]) -> Subscription:
    """One subscriber's filters, and which topics reach them."""
    filters = tuple(f"bench/w/{number:06d}/+/v" for number in numbers)
    return Subscription(filters, tuple(numbers.index(found) if found in numbers else -1 for found in matched))


def _wildcard_case(subscriptions: int) -> Case:
    measure = partial(wildcards, subscriptions=subscriptions)
    is_many = subscriptions > WILDCARD_TOPICS
    return Case(
        f"{subscriptions:,} subscriptions with wildcards, {WILDCARD_TOPICS:,} topics, QoS 0",
        measure,
        protocol="mqtt",
        depth=Depth.HEADLINE,
        once=is_many,
        needs=frozenset({"scale"}),
    )


RETAINED_STORM = Scenario(
    "mqtt-retained",
    "How fast is a new subscriber sent what is retained?",
    (
        Case(
            f"{RETAINED_MESSAGES:,} retained messages on subscribe, QoS 0",
            partial(retained_storm, messages=RETAINED_MESSAGES),
            protocol="mqtt",
            depth=Depth.HEADLINE,
            needs=frozenset({"retained-wildcards", "scale"}),
        ),
    ),
)
WILDCARDS = Scenario(
    "mqtt-wildcards",
    "Does a message cost more when there are more subscriptions?",
    (_wildcard_case(100), _wildcard_case(100_000)),
)
