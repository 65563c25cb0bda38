"""One publisher, one queue, one consumer: how many messages per second, by size and by what is promised."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import QueueSpec, Topology
from bench.targets.base import Promise

SIZES = {"16 B": 16, "100 B": 100, "1 KiB": 1024, "64 KiB": 64 * 1024, "1 MiB": 1024 * 1024}
QUEUE = "bench.throughput"
PREFETCH = 1000
ACK_EVERY = 200
BYTES_MAX = 8 << 30
"""A publisher stops after so much: what a broker cannot deliver at once piles up in its memory."""


def window(body_size_bytes: int) -> int:
    """Unconfirmed messages allowed: 1000, fewer when they are big."""
    return max(20, min(1000, (16 << 20) // body_size_bytes))


def _measure(site: Site, body_size_bytes: int, acknowledged: bool, persistent: bool, window: int) -> Measurement:
    publish = PublishJob(
        endpoint=site.endpoint,
        variants=(Variant(QUEUE),),
        body_size_bytes=body_size_bytes,
        limit=Limit(site.seconds, BYTES_MAX // body_size_bytes),
        persistent=persistent,
        window=window,
    )
    consume = ConsumeJob(
        endpoint=site.endpoint,
        subscriptions=(Subscription((QUEUE,), (0,)),),
        published=publish,
        prefetch=PREFETCH if acknowledged else 0,
        ack_every=ACK_EVERY,
    )
    return run_flow(site, Topology((QueueSpec(QUEUE),)), [publish], [consume])


def transient(site: Site, size: int) -> Measurement:
    """Transient messages, acknowledged automatically."""
    return _measure(site, size, acknowledged=False, persistent=False, window=0)


def acknowledged(site: Site, size: int) -> Measurement:
    """Transient messages, acknowledged by the consumer."""
    return _measure(site, size, acknowledged=True, persistent=False, window=0)


def confirmed(site: Site, size: int, unconfirmed: int = 0) -> Measurement:
    """Persistent messages, confirmed to the publisher, acknowledged by the consumer."""
    return _measure(site, size, acknowledged=True, persistent=True, window=unconfirmed or window(size))


def _cases(label: str, size: int) -> tuple[Case, ...]:
    depth = Depth.QUICK if label == "100 B" else Depth.NORMAL
    # One size in full, the others by what shows a size's influence.
    rest = depth if label in ("100 B", "1 KiB") else Depth.THOROUGH
    plain = label == "100 B"
    persistent = f"persistent, {window(size)} unconfirmed, manual ack, {label}"
    return (
        Case(f"transient, auto-ack, {label}", partial(transient, size=size), depth=depth, relayable=True, plain=plain),
        Case(f"transient, manual ack, {label}", partial(acknowledged, size=size), depth=rest, plain=plain),
        Case(persistent, partial(confirmed, size=size), promise=Promise.WRITE, depth=depth, plain=plain),
        Case(persistent, partial(confirmed, size=size), promise=Promise.FSYNC, depth=rest),
    )


_WIDE = partial(confirmed, size=100, unconfirmed=5000)


SCENARIO = Scenario(
    "throughput",
    "How many messages pass from one publisher through one queue to one consumer?",
    (
        *(case for label, size in SIZES.items() for case in _cases(label, size)),
        Case("persistent, 5000 unconfirmed, manual ack, 100 B", _WIDE, promise=Promise.WRITE),
        Case("persistent, 5000 unconfirmed, manual ack, 100 B", _WIDE, promise=Promise.FSYNC, depth=Depth.THOROUGH),
    ),
)
