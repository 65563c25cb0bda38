"""Every quick scenario, for an instant, on a real mqbroker: all bytes are verified, whatever the rate is.

So these prove the scenarios' own wiring, and that the broker loses, repeats, reorders and damages nothing under
pipelined load.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bench.driver.sqs_client import SqsClient
from bench.errors import ProtocolError, TargetError
from bench.scenarios import mqtt, mqtt_connections, mqtt_subscriptions
from bench.scenarios.base import Case, Depth, Measurement, Site
from bench.scenarios.registry import SCENARIOS
from bench.targets.base import Promise
from bench.targets.mqbroker import Mqbroker

SECONDS = 0.02

CASES = [
    pytest.param(case, id=f"{scenario.name}-{case.promise.value}-{case.name}")
    for scenario in SCENARIOS.values()
    for case in scenario.cases
    # What is measured once is deep or large, and only its memory is of interest.
    if case.depth is Depth.QUICK and not case.once
]


@pytest.fixture(scope="module")
def broker() -> Iterator[Mqbroker]:
    target = Mqbroker(python=Path(sys.executable))
    try:
        target.version()
    except TargetError as error:
        pytest.skip(str(error))
    with target:
        target.start(Promise.WRITE)
        yield target


@pytest.mark.parametrize("case", CASES)
def test_a_scenario_finds_no_fault(broker: Mqbroker, case: Case) -> None:
    endpoint = broker.endpoint(case.protocol)
    assert endpoint is not None
    taken = case.measure(Site(broker, case.promise, endpoint, SECONDS))
    assert taken.faults == ""
    assert taken.value > 0


def test_signatures_are_verified_where_sqs_is_measured(broker: Mqbroker) -> None:
    """Else a comparison would be with a broker that does less than it says."""
    endpoint = broker.endpoint("sqs")
    assert endpoint is not None
    with SqsClient(endpoint) as client:
        client.delete_queue(client.create_queue("signed", {}))
    with SqsClient(replace(endpoint, password="wrong")) as client, pytest.raises(ProtocolError, match="Signature"):
        client.create_queue("unsigned", {})


LARGE = {
    "retained storm": ("mqtt", partial(mqtt_subscriptions.retained_storm, messages=300)),
    "wildcards": ("mqtt", partial(mqtt_subscriptions.wildcards, subscriptions=200)),
    "idle": ("mqtt", partial(mqtt_connections.idle, connections=20)),
    "WebSocket": ("ws", partial(mqtt.measure, flow=mqtt.Flow())),
    "shared": ("mqtt", partial(mqtt.measure, flow=mqtt.Flow(subscribers=3, is_shared=True))),
    "fan-in": ("mqtt", partial(mqtt.measure, flow=mqtt.Flow(publishers=3))),
    "fan-out": ("mqtt", partial(mqtt.measure, flow=mqtt.Flow(subscribers=201, messages=20))),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_scenario_in_small_finds_no_fault(broker: Mqbroker, name: str) -> None:
    protocol, measure = LARGE[name]
    measured: Callable[[Site], Measurement] = measure
    endpoint = broker.endpoint(protocol)
    assert endpoint is not None
    taken = measured(Site(broker, Promise.MEMORY, endpoint, SECONDS))
    assert taken.faults == ""
    assert taken.value >= 0
