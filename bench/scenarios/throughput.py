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


TRANSIENT_100 = partial(transient, size=100)
CONFIRMED_100 = partial(confirmed, size=100)
_WIDE = partial(confirmed, size=100, unconfirmed=5000)


def _transient(label: str, auto_ack: Depth, manual_ack: Depth) -> tuple[Case, ...]:
    plain = label == "100 B"
    passed = TRANSIENT_100 if plain else partial(transient, size=SIZES[label])
    settled = partial(acknowledged, size=SIZES[label])
    return (
        Case(f"transient, auto-ack, {label}", passed, depth=auto_ack, relayable=True, plain=plain),
        Case(f"transient, manual ack, {label}", settled, depth=manual_ack),
    )


def _persistent(label: str, write: Depth, fsync: Depth) -> tuple[Case, ...]:
    plain = label == "100 B"
    measure = CONFIRMED_100 if plain else partial(confirmed, size=SIZES[label])
    name = f"persistent, {window(SIZES[label])} unconfirmed, manual ack, {label}"
    return (
        Case(name, measure, promise=Promise.WRITE, depth=write, plain=plain),
        Case(name, measure, promise=Promise.FSYNC, depth=fsync),
    )


SCENARIO = Scenario(
    "throughput",
    "How many messages pass from one publisher through one queue to one consumer?",
    (
        # One size in full, the others by what shows a size's influence.
        *_transient("16 B", Depth.HEADLINE, Depth.NORMAL),
        *_persistent("16 B", Depth.NORMAL, Depth.THOROUGH),
        *_transient("100 B", Depth.QUICK, Depth.QUICK),
        *_persistent("100 B", Depth.QUICK, Depth.QUICK),
        *_transient("1 KiB", Depth.HEADLINE, Depth.NORMAL),
        *_persistent("1 KiB", Depth.QUICK, Depth.NORMAL),
        *_transient("64 KiB", Depth.HEADLINE, Depth.NORMAL),
        *_persistent("64 KiB", Depth.NORMAL, Depth.THOROUGH),
        *_transient("1 MiB", Depth.QUICK, Depth.NORMAL),
        *_persistent("1 MiB", Depth.NORMAL, Depth.THOROUGH),
        Case("persistent, 5000 unconfirmed, manual ack, 100 B", _WIDE, promise=Promise.WRITE, depth=Depth.THOROUGH),
        Case("persistent, 5000 unconfirmed, manual ack, 100 B", _WIDE, promise=Promise.FSYNC, depth=Depth.THOROUGH),
    ),
)
