"""The list of scenarios, in the order of the report."""

from bench.errors import UsageError
from bench.scenarios import (
    amqp1,
    churn,
    cost,
    crowding,
    deep,
    fairness,
    fanout,
    features,
    idle,
    latency,
    management,
    mqtt,
    mqtt_connections,
    mqtt_subscriptions,
    pair,
    reply,
    routing,
    sns,
    sqs,
    stomp,
    throughput,
)
from bench.scenarios.base import Scenario

_ALL = (
    throughput.SCENARIO,
    fanout.FAN_OUT,
    fanout.FAN_IN,
    routing.TOPIC,
    routing.HEADERS,
    routing.QUEUES,
    features.PRIORITY,
    features.DEAD_LETTERS,
    reply.SCENARIO,
    churn.SCENARIO,
    idle.SCENARIO,
    deep.SCENARIO,
    fairness.SCENARIO,
    crowding.SCENARIO,
    latency.SCENARIO,
    cost.SCENARIO,
    pair.SCENARIO,
    management.SCENARIO,
    mqtt.THROUGHPUT,
    mqtt.FAN,
    mqtt_subscriptions.RETAINED_STORM,
    mqtt_subscriptions.WILDCARDS,
    mqtt_connections.STORM,
    mqtt_connections.IDLE,
    sqs.CALLS,
    sqs.FIFO,
    sqs.DEEP,
    sqs.WAKE,
    stomp.SCENARIO,
    amqp1.SCENARIO,
    sns.SCENARIO,
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def chosen(names: tuple[str, ...]) -> list[Scenario]:
    """The scenarios of these names, or all. UsageError for a name that does not exist."""
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise UsageError(f"no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    return [SCENARIOS[name] for name in names or SCENARIOS]
