"""MQTT: one publisher to one or many subscribers, at QoS 0 and 1."""

from functools import partial

from bench.driver.jobs import ConsumeJob, Limit, PublishJob, Subscription, Variant
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.flow import run_flow
from bench.scenarios.topology import Topology

TOPIC = "bench/topic"
SIZE = 100
WINDOW = 1000


def _measure(site: Site, qos: int, subscribers: int) -> Measurement:
    publish = PublishJob(site.endpoint, (Variant(TOPIC),), SIZE, Limit(site.seconds), window=WINDOW if qos else 0)
    consume = ConsumeJob(
        site.endpoint,
        (Subscription((TOPIC,), (0,)),) * subscribers,
        publish,
        prefetch=WINDOW if qos else 0,
        ack_every=1,
    )
    return run_flow(site, Topology(()), [publish], [consume])


def _case(qos: int, subscribers: int, depth: Depth = Depth.NORMAL) -> Case:
    name = f"QoS {qos}, 1 publisher, {subscribers} subscriber{'s' * (subscribers > 1)}, {SIZE} B"
    unit = "deliveries/s" if subscribers > 1 else "msg/s"
    return Case(name, partial(_measure, qos=qos, subscribers=subscribers), unit, protocol="mqtt", depth=depth)


SCENARIO = Scenario(
    "mqtt",
    "How many MQTT messages pass per second?",
    (_case(0, 1, depth=Depth.QUICK), _case(1, 1, depth=Depth.QUICK), _case(0, 10), _case(1, 10)),
)
