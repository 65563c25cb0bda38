"""MQTT messages in flow: one publisher to one or many subscribers at each QoS, many to one, shared, over WebSocket."""

from dataclasses import dataclass
from functools import partial

from bench.driver.jobs import UNLIMITED, ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.idle import SPARE_FILES, allow_files
from bench.scenarios.topology import Topology
from bench.targets.base import Promise

TOPIC = "bench/topic"
SHARE = f"$share/bench/{TOPIC}"
SIZE = 100
WINDOW = 1000


@dataclass(frozen=True)
class Flow:
    """Who publishes to whom, and how. keeps_session: the subscriber's session is to survive it.

    messages: a publisher to a crowd stops after so many; what a broker cannot deliver at once piles up in its memory.
    """

    qos: int = 0
    publishers: int = 1
    subscribers: int = 1
    is_shared: bool = False
    keeps_session: bool = False
    messages: int = UNLIMITED


def measure(site: Site, flow: Flow) -> Measurement:
    """Deliveries per second."""
    allow_files(flow.publishers + flow.subscribers + SPARE_FILES)
    window = WINDOW if flow.qos else 0
    publish = PublishJob(
        site.endpoint,
        (Variant(TOPIC),),
        SIZE,
        Limit(site.seconds, flow.messages),
        window=window,
        connections=flow.publishers,
        exactly_once=flow.qos == 2,
    )
    topic = SHARE if flow.is_shared else TOPIC
    consume = ConsumeJob(
        site.endpoint,
        (Subscription((topic,), (0,)),) * flow.subscribers,
        publish,
        publishers=flow.publishers,
        prefetch=window,
        ack_every=1,
        exactly_once=flow.qos == 2,
        keeps_session=flow.keeps_session,
        shared=flow.is_shared,
    )
    return run_flow(site, Topology(()), [publish], [consume])


def _pair(qos: int) -> Case:
    needs = frozenset({"qos2"} if qos == 2 else ())
    name = f"QoS {qos}, {SIZE} B"
    return Case(name, partial(measure, flow=Flow(qos)), protocol="mqtt", depth=Depth.QUICK, needs=needs)


_KEPT = Case(
    f"QoS 1, session kept, {SIZE} B",
    partial(measure, flow=Flow(1, keeps_session=True)),
    promise=Promise.WRITE,
    protocol="mqtt",
    depth=Depth.QUICK,
)
_WEBSOCKET = Case(f"QoS 0 over WebSocket, {SIZE} B", partial(measure, flow=Flow()), protocol="ws", depth=Depth.HEADLINE)


def _crowd(name: str, flow: Flow, unit: str, depth: Depth, needs: str = "scale", once: bool = False) -> Case:
    measured = partial(measure, flow=flow)
    needed = frozenset({needs})
    return Case(f"{name}, QoS {flow.qos}", measured, unit, protocol="mqtt", depth=depth, once=once, needs=needed)


THROUGHPUT = Scenario(
    "mqtt",
    "How many MQTT messages pass from one publisher to one subscriber?",
    (_pair(0), _pair(1), _pair(2), _KEPT, _WEBSOCKET),
)
FAN = Scenario(
    "mqtt-fan",
    "How many MQTT messages go to many subscribers, or come from many publishers?",
    (
        _crowd("1 publisher, 100 subscribers", Flow(subscribers=100, messages=10_000), "deliveries/s", Depth.QUICK),
        _crowd(
            "1 publisher, 1,000 subscribers",
            Flow(subscribers=1000, messages=500),
            "deliveries/s",
            Depth.HEADLINE,
            once=True,
        ),
        _crowd("10 publishers, 1 subscriber", Flow(publishers=10), "msg/s", Depth.NORMAL),
        _crowd("4 sharing subscribers", Flow(subscribers=4, is_shared=True), "msg/s", Depth.NORMAL, "shared"),
    ),
)
