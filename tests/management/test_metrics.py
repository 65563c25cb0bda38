"""What Prometheus scrapes, read by Prometheus' own parsers."""

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from mqbroker.management.metrics.node import PAIR
from tests.management.api import Api
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(120)

SAMPLED_S = 20  # four looks of the sampler

OVERVIEW = (
    "rabbitmq_identity_info", "rabbitmq_build_info", "rabbitmq_queue_messages_ready", "rabbitmq_queue_messages_unacked",
    "rabbitmq_connections", "rabbitmq_channels", "rabbitmq_consumers", "rabbitmq_queues",
    "rabbitmq_connections_opened_total", "rabbitmq_connections_closed_total", "rabbitmq_channels_opened_total",
    "rabbitmq_channels_closed_total", "rabbitmq_queues_declared_total", "rabbitmq_queues_created_total",
    "rabbitmq_queues_deleted_total", "rabbitmq_process_resident_memory_bytes", "rabbitmq_resident_memory_limit_bytes",
    "rabbitmq_disk_space_available_bytes", "rabbitmq_disk_space_available_limit_bytes", "rabbitmq_process_open_fds",
    "rabbitmq_process_max_fds", "rabbitmq_process_open_tcp_sockets", "rabbitmq_process_max_tcp_sockets",
    "rabbitmq_erlang_uptime_seconds", "rabbitmq_global_messages_received_total",
    "rabbitmq_global_messages_routed_total", "rabbitmq_global_messages_unroutable_dropped_total",
    "rabbitmq_global_publishers", "rabbitmq_global_consumers", "rabbitmq_global_messages_delivered_total",
    "rabbitmq_global_messages_delivered_consume_auto_ack_total",
    "rabbitmq_global_messages_delivered_consume_manual_ack_total",
    "rabbitmq_global_messages_delivered_get_manual_ack_total", "rabbitmq_global_messages_redelivered_total",
    "rabbitmq_global_messages_acknowledged_total", "rabbitmq_global_messages_received_confirm_total",
    "rabbitmq_global_messages_confirmed_total", "rabbitmq_global_messages_unroutable_returned_total",
    "rabbitmq_global_messages_delivered_get_auto_ack_total", "rabbitmq_global_messages_get_empty_total",
)  # fmt: skip
"""What RabbitMQ's Overview dashboard asks for, but for what known gaps are told of in docs/management.md."""


@pytest.fixture
def metrics(broker: BrokerProcess) -> Api:
    """The port of the metrics, where nobody logs in."""
    return Api(broker.ports["prometheus"], "", "")


@pytest.fixture
def connected(broker: BrokerProcess) -> Callable[[], pika.BlockingConnection]:
    """Connects by AMQP."""
    return lambda: pika.BlockingConnection(pika.URLParameters(broker.url))


def samples(api: Api, path: str = "/metrics") -> dict[str, list[tuple[Mapping[str, str], float]]]:
    """Labels and values by name."""
    reply = api.call("GET", path)
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in parse_text(reply.raw.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_the_overview_dashboard_finds_what_it_asks_for(metrics: Api) -> None:
    """Every query is multiplied by identity_info: without it all panels are empty."""
    found = samples(metrics)
    assert [name for name in OVERVIEW if name not in found] == []
    ((labels, value),) = found["rabbitmq_identity_info"]
    names = {"rabbitmq_node", "rabbitmq_cluster", "rabbitmq_cluster_permanent_id", "rabbitmq_endpoint"}
    assert (set(labels), value) == (names, 1)
    assert labels["rabbitmq_endpoint"] == "aggregated"
    assert labels["rabbitmq_cluster_permanent_id"]
    assert "protocol" in found["rabbitmq_global_messages_received_total"][0][0]
    assert set(found["rabbitmq_global_messages_delivered_total"][0][0]) == {"protocol", "queue_type"}
    assert found["rabbitmq_queue_messages_ready"][0][0] == {}


def test_messages_are_counted_in_total_and_by_queue(metrics: Api, api: Api) -> None:
    """Counters never go back, and what is in a queue is shown with its names."""
    api.put("vhosts/measured")
    name = 'odd"name\\'
    api.put("queues/measured/odd%22name%5C", {"durable": True})
    api.put("queues/measured/plain", {"durable": True})
    for _ in range(3):
        api.publish(name, vhost="measured")
    api.take(name, vhost="measured")
    deadline = time.monotonic() + SAMPLED_S
    while samples(metrics)["rabbitmq_global_messages_acknowledged_total"][0][1] < 1:
        assert time.monotonic() < deadline, "nothing was counted"
        time.sleep(0.5)
    found = samples(metrics)
    assert found["rabbitmq_global_messages_received_total"][0][1] >= 3
    assert found["rabbitmq_queue_messages_ready"][0][1] >= 2
    by_queue = samples(metrics, "/metrics/per-object")
    labels = {"vhost": "measured", "queue": name}
    assert (labels, 2.0) in by_queue["rabbitmq_queue_messages_ready"]
    assert (labels, 3.0) in by_queue["rabbitmq_queue_messages_published_total"]
    assert (labels, 1.0) in by_queue["rabbitmq_queue_get_ack_total"]
    path = "/metrics/detailed?family=queue_coarse_metrics&family=vhost_status&vhost=measured&queue=^od"
    detailed = samples(metrics, path)
    assert detailed["rabbitmq_detailed_queue_messages_ready"] == [(labels, 2.0)]
    assert detailed["rabbitmq_cluster_vhost_status"] == [({"vhost": "measured"}, 1.0)]
    assert "rabbitmq_detailed_queue_consumers" not in detailed
    assert set(samples(metrics, "/metrics/detailed")) == {"rabbitmq_identity_info", "rabbitmq_build_info"}


@pytest.mark.parametrize("path", ["/metrics", "/metrics/per-object", "/metrics/memory-breakdown"])
def test_openmetrics_is_spoken_when_asked(metrics: Api, path: str) -> None:
    """Its parser refuses a counter without _total, and a text without an end."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    reply = metrics.call("GET", path, headers=accept)
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    families: list[Any] = list(parse_openmetrics(reply.raw.decode()))  # type: ignore[no-untyped-call]
    assert families


def test_who_scrapes_the_port_of_the_api_logs_in(api: Api, metrics: Api) -> None:
    """What is on a port of its own is for its network; the API is not."""
    assert api.of("", "").call("GET", "/metrics").status == 401
    assert "rabbitmq_queues" in samples(api)
    assert api.add_user("scraper", "management").call("GET", "/metrics").status == 401
    assert "rabbitmq_queues" in samples(api.add_user("scraper2", "monitoring"))
    assert metrics.call("GET", "overview").status == 404
    assert metrics.call("GET", "/metrics/nosuch").status == 404
    assert metrics.call("POST", "/metrics", {}).status == 405
    assert metrics.call("GET", "/metrics/detailed?family=queue_metrics&queue=(").status == 400
    path = "/metrics/detailed?" + "&".join(f"family=f{number}" for number in range(100))
    assert metrics.call("GET", path).status == 400


OLD_OVERVIEW = (
    "rabbitmq_channel_messages_published_total", "rabbitmq_channel_messages_confirmed_total",
    "rabbitmq_channel_messages_unconfirmed", "rabbitmq_channel_messages_unroutable_dropped_total",
    "rabbitmq_channel_messages_unroutable_returned_total", "rabbitmq_channel_messages_delivered_total",
    "rabbitmq_channel_messages_delivered_ack_total", "rabbitmq_channel_messages_redelivered_total",
    "rabbitmq_channel_messages_acked_total", "rabbitmq_channel_get_total", "rabbitmq_channel_get_ack_total",
    "rabbitmq_channel_get_empty_total", "rabbitmq_channel_consumers", "rabbitmq_queue_messages_published_total",
)  # fmt: skip
"""What the Overview dashboard of RabbitMQ 3.8 asks for beside OVERVIEW."""


def test_older_dashboards_read_the_names_of_channels(metrics: Api) -> None:
    """The dashboard that most have installed was half empty."""
    found = samples(metrics)
    assert [name for name in OLD_OVERVIEW if name not in found] == []
    assert all(labels == {} for name in OLD_OVERVIEW for labels, _ in found[name])
    families = [family.name for family in parse_text(metrics.call("GET", "/metrics/per-object").raw.decode())]
    assert len(families) == len(set(families))


def test_confirms_returns_and_polls_outlive_their_channels(
    metrics: Api, connected: Callable[[], pika.BlockingConnection]
) -> None:
    """A counter that goes down with a connection is taken for a restart of the broker."""
    before = {name: found[0][1] for name, found in samples(metrics).items()}
    with connected() as connection:
        channel = connection.channel()
        channel.queue_declare("counted-channels", exclusive=True)
        channel.confirm_delivery()
        for _ in range(3):
            channel.basic_publish("", "counted-channels", b"x")
        with pytest.raises(pika.exceptions.UnroutableError):
            channel.basic_publish("", "nobody-there", b"x", mandatory=True)
        channel.basic_get("counted-channels", auto_ack=True)
        channel.basic_ack(channel.basic_get("counted-channels")[0].delivery_tag)
        channel.basic_get("counted-channels", auto_ack=True)
        assert channel.basic_get("counted-channels")[0] is None
        during = samples(metrics)
    after = samples(metrics)
    for name, count in {
        "received_confirm": 4, "confirmed": 4, "unroutable_returned": 1, "delivered_get_auto_ack": 2, "get_empty": 1,
    }.items():  # fmt: skip
        full = f"rabbitmq_global_messages_{name}_total"
        assert during[full][0][1] - before[full] == count, name
        assert after[full][0][1] - before[full] == count, name


def test_every_metric_of_our_dashboard_is_there(metrics: Api) -> None:
    """A panel that asks for what is not there is empty for ever, and nobody knows why."""
    dashboard = json.loads((Path(__file__).parents[2] / "docs" / "grafana-dashboard.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:rabbitmq|mqbroker)_\w+", target["expr"])
    }
    assert len(asked) > 30
    of_pairs = {f"mqbroker_pair_{name}" for name in PAIR}
    assert asked - samples(metrics).keys() - of_pairs - {"rabbitmq_auth_attempts_failed_total"} == set()


def test_dead_letters_are_counted_by_why_they_died(api: Api, metrics: Api) -> None:
    """An alert on messages that expire could not tell them from those that clients reject."""

    def deaths(reason: str) -> float:
        return samples(metrics)[f"rabbitmq_global_messages_dead_lettered_{reason}_total"][0][1]

    before = {reason: deaths(reason) for reason in ("expired", "rejected", "maxlen", "delivery_limit")}
    api.put("vhosts/deaths")
    api.put("queues/deaths/dying", {"arguments": {"x-dead-letter-exchange": "amq.fanout", "x-max-length": 2}})
    message = {"properties": {}, "routing_key": "dying", "payload": "x", "payload_encoding": "string"}
    for _ in range(5):
        api.call("POST", "exchanges/deaths/amq.default/publish", message)
    asked = {"count": 1, "ackmode": "reject_requeue_false", "encoding": "auto"}
    api.call("POST", "queues/deaths/dying/get", asked)
    expired = {**message, "properties": {"expiration": "0"}}
    api.call("POST", "exchanges/deaths/amq.default/publish", expired)
    api.call("DELETE", "queues/deaths/dying/contents")
    api.call("POST", "exchanges/deaths/amq.default/publish", expired)
    for is_there in (True, False):  # what a vhost has counted stays when it goes
        found = {reason: deaths(reason) - before[reason] for reason in before}
        assert (found["maxlen"], found["rejected"], found["delivery_limit"]) == (3, 1, 0)
        assert found["expired"] >= 1
        if is_there:
            api.delete("vhosts/deaths")
