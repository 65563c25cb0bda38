"""Every headline case, for an instant, on a real mqbroker: all bytes are verified, whatever the rate is.

So these prove the scenarios' own wiring, and that the broker loses, repeats, reorders and damages nothing under
pipelined load.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bench.driver.amqp import AmqpConnection
from bench.driver.sqs_client import SqsClient
from bench.errors import ProtocolError, TargetError
from bench.scenarios import deep, fairness, idle, mqtt, mqtt_connections, mqtt_subscriptions, sns, sqs
from bench.scenarios.base import Case, Depth, Kept, Measurement, Site
from bench.scenarios.registry import SCENARIOS
from bench.targets.base import Promise
from bench.targets.mqbroker import Mqbroker
from mqbroker.limits import PORTION

SECONDS = 0.02

CASES = [
    pytest.param(case, id=f"{scenario.name}-{case.promise.value}-{case.name}")
    for scenario in SCENARIOS.values()
    for case in scenario.cases
    # What is measured once is deep or large, and only its memory is of interest.
    if case.depth <= Depth.HEADLINE and not (case.once or case.replicated)
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


@pytest.fixture
def kept() -> Iterator[Kept]:
    made = Kept()
    yield made
    made.clear()


@pytest.mark.parametrize("case", CASES)
def test_a_scenario_finds_no_fault(broker: Mqbroker, kept: Kept, case: Case) -> None:
    endpoint = broker.endpoint(case.protocol)
    assert endpoint is not None
    taken = case.measure(Site(broker, case.promise, endpoint, SECONDS, kept))
    assert taken.faults == ""
    assert taken.value > 0


def test_a_repetition_finds_what_was_declared_for_the_one_before(broker: Mqbroker, kept: Kept) -> None:
    """Ten thousand bindings take some brokers longer than all that is measured with them."""
    endpoint = broker.endpoint("amqp")
    assert endpoint is not None
    site = Site(broker, Promise.MEMORY, endpoint, SECONDS, kept)
    (case,) = SCENARIOS["headers"].cases
    assert [case.measure(site).faults for _ in range(2)] == ["", ""]
    with AmqpConnection(endpoint) as connection:
        assert connection.message_count("bench.headers.0") == 0
    kept.clear()
    with AmqpConnection(endpoint) as connection, pytest.raises(ProtocolError, match="404"):
        connection.message_count("bench.headers.0")


EVEN = 0.6
"""Of RabbitMQ the cases have measured 0.66 and more."""


@pytest.mark.parametrize("case", SCENARIOS["fairness"].cases, ids=lambda case: str(case.name))
def test_ten_queues_share_a_connection_evenly(broker: Mqbroker, kept: Kept, case: Case) -> None:
    endpoint = broker.endpoint("amqp")
    assert endpoint is not None
    taken = case.measure(Site(broker, Promise.MEMORY, endpoint, SECONDS, kept))
    assert taken.faults == ""
    assert taken.value >= EVEN
    assert taken.metrics["last_first_delivery"] <= len(fairness.QUEUES) * PORTION


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
    "deep": ("amqp", partial(deep.fill_and_drain, count=3000, persistent=False, measures_memory=True)),
    "deep persistent": ("amqp", partial(deep.fill_and_drain, count=3000, persistent=True, measures_memory=False)),
    "deep SQS": ("sqs", partial(sqs.deep, depth=200, shallow=10)),
    "deep FIFO": ("sqs", partial(sqs.deep, depth=200, shallow=0, groups=1)),
    "idle": ("amqp", partial(idle.measure, connections=20)),
    "idle MQTT": ("mqtt", partial(mqtt_connections.idle, connections=20)),
    "WebSocket": ("ws", partial(mqtt.measure, flow=mqtt.Flow())),
    "shared": ("mqtt", partial(mqtt.measure, flow=mqtt.Flow(subscribers=3, is_shared=True))),
    "fan-in": ("mqtt", partial(mqtt.measure, flow=mqtt.Flow(publishers=3))),
    "fan-out": ("mqtt", partial(mqtt.measure, flow=mqtt.Flow(subscribers=201, messages=20))),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_scenario_in_small_finds_no_fault(broker: Mqbroker, kept: Kept, name: str) -> None:
    protocol, measure = LARGE[name]
    measured: Callable[[Site], Measurement] = measure
    endpoint = broker.endpoint(protocol)
    assert endpoint is not None
    taken = measured(Site(broker, Promise.MEMORY, endpoint, SECONDS, kept))
    assert taken.faults == ""
    assert taken.value >= 0


ENDLESS = 1 << 40
IMPATIENT = {
    "idle": ("amqp", partial(idle.measure, connections=5000), "connections: more could not be opened"),
    "deep": (
        "amqp",
        partial(deep.fill_and_drain, count=ENDLESS, persistent=False, measures_memory=True),
        "messages: it took no more in 0 s",
    ),
    "deep SQS": ("sqs", partial(sqs.deep, depth=ENDLESS, shallow=0), "queued: it took no more in 0 s"),
}


@pytest.mark.parametrize("name", IMPATIENT)
def test_a_slow_broker_is_measured_with_less_which_is_told(
    broker: Mqbroker, kept: Kept, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any broker is slow for those who have no patience."""
    for module in (idle, deep, sqs):
        monkeypatch.setattr(module, "PATIENCE", 0.4)
    protocol, measure, note = IMPATIENT[name]
    measured: Callable[[Site], Measurement] = measure
    endpoint = broker.endpoint(protocol)
    assert endpoint is not None
    taken = measured(Site(broker, Promise.MEMORY, endpoint, 0.5, kept))
    assert note in taken.note
    assert taken.faults == ""


@pytest.mark.parametrize("hanging", [0, 3])
def test_endpoints_that_answer_are_timed_beside_those_that_hang(
    broker: Mqbroker, kept: Kept, monkeypatch: pytest.MonkeyPatch, hanging: int
) -> None:
    monkeypatch.setattr(sns, "ENDPOINTS", 20)
    endpoint = broker.endpoint("sqs")
    assert endpoint is not None
    taken = sns.deliver_to_endpoints(Site(broker, Promise.WRITE, endpoint, SECONDS, kept), hanging)
    assert taken.faults == ""
    assert 0 < taken.metrics["latency_p50_ms"] <= taken.value
