"""What watches brokers, as it is: Debian's Prometheus with the queries of RabbitMQ's dashboard, and the Perl checks."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import find_program
from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)

TIMEOUT_S = 60


def _joined(selector: str, on: str, kept: str = "rabbitmq_cluster, rabbitmq_node") -> Callable[[str], str]:
    return lambda what: f"{what} * on({on}) group_left({kept}) rabbitmq_identity_info{{{selector}}}"


def _queries(joined: Callable[[str], str], selector: str) -> Iterator[str]:
    """Those of all panels that the dashboards of 3.10 and 4 share, in their form: everything is multiplied by the
    identity of the node."""

    def rate(name: str) -> str:
        return joined(f"rate(rabbitmq_{name}_total[60s])")

    for name in ("queue_messages_ready", "queue_messages_unacked", "global_publishers", "connections", "queues",
                 "global_consumers", "channels"):  # fmt: skip
        yield f"sum({joined(f'rabbitmq_{name}')})"
    yield f"sum({joined('irate(rabbitmq_global_messages_delivered_total[60s])')})"
    yield f"sum({joined('irate(rabbitmq_global_messages_received_total[60s])')})"
    yield f"count(rabbitmq_identity_info{{{selector}}})"
    build = joined("rabbitmq_build_info")
    yield build
    uptime = "rabbitmq_erlang_uptime_seconds * on(instance, job) group_left(rabbitmq_version, erlang_version)"
    yield f"{uptime} {build}"
    for limit, used in (
        ("resident_memory_limit_bytes", "process_resident_memory_bytes"),
        ("process_max_fds", "process_open_fds"),
        ("process_max_tcp_sockets", "process_open_tcp_sockets"),
    ):
        yield f"({joined(f'rabbitmq_{limit}')}) - ({joined(f'rabbitmq_{used}')})"
    for name in ("disk_space_available_bytes", "queues", "channels", "connections"):
        yield joined(f"rabbitmq_{name}")
    for name in ("queue_messages_ready", "queue_messages_unacked"):
        yield f"sum({joined(f'rabbitmq_{name}')}) by(rabbitmq_node)"
    for name in (
        *(f"global_messages_{name}" for name in _MESSAGES),
        "queues_declared", "queues_created", "queues_deleted", "channels_opened", "channels_closed",
        "connections_opened", "connections_closed",
    ):  # fmt: skip
        yield f"sum({rate(name)}) by(rabbitmq_node)"
    received, confirmed = rate("global_messages_received_confirm"), rate("global_messages_confirmed")
    yield f"sum({received} - {confirmed}) by(rabbitmq_node)"
    automatic = rate("global_messages_delivered_consume_auto_ack")
    manual = rate("global_messages_delivered_consume_manual_ack")
    yield f"sum(({automatic}) + ({manual})) by(rabbitmq_node)"


_MESSAGES = (
    "received", "routed", "confirmed", "unroutable_dropped", "unroutable_returned", "redelivered",
    "delivered_consume_manual_ack", "delivered_consume_auto_ack", "acknowledged", "delivered_get_auto_ack",
    "get_empty", "delivered_get_manual_ack",
)  # fmt: skip
_OF_3_10 = 'rabbitmq_cluster="mqbroker", namespace="test"'
_OF_4 = f'{_OF_3_10}, rabbitmq_endpoint="aggregated"'
_OF_3_8 = _joined(_OF_3_10, "instance", "rabbitmq_cluster")
QUERIES = (
    *_queries(_joined(_OF_3_10, "instance"), _OF_3_10),
    *_queries(_joined(_OF_4, "instance, job"), _OF_4),
    f"sum({_OF_3_8('rate(rabbitmq_channel_messages_published_total[60s])')})",
    f"sum({_OF_3_8('rate(rabbitmq_channel_messages_redelivered_total[60s])')})",
    f"sum({_OF_3_8('rabbitmq_channels')}) - sum({_OF_3_8('rabbitmq_channel_consumers')})",
    f"sum({_OF_3_8('rabbitmq_build_info')})",
)
"""Those of RabbitMQ's Overview dashboard, but for the sizes of messages: docs/management.md says what is not there."""


class Prometheus:
    """A server that scrapes the broker."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer."""
        url = f"{self._url}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return json.load(answer)["data"]

    def is_there(self, query: str) -> bool:
        """Whether a query has an answer."""
        try:
            return bool(self.ask("query", query=query)["result"])
        except OSError:
            return False


@pytest.fixture
def prometheus(broker: BrokerProcess, tmp_path: Path) -> Iterator[Prometheus]:
    """It looks every second."""
    config, port = tmp_path / "prometheus.yml", free_port()
    target = {"targets": [f"127.0.0.1:{broker.ports['prometheus']}"], "labels": {"namespace": "test"}}
    jobs = [{"job_name": "mqbroker", "static_configs": [target]}]
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))  # JSON is YAML
    command = [find_program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
    with subprocess.Popen(command) as process:
        yield Prometheus(port)
        process.terminate()
        process.wait(TIMEOUT_S)


def test_prometheus_scrapes_and_the_queries_of_the_dashboard_are_answered(
    prometheus: Prometheus, broker: BrokerProcess, api: Api
) -> None:
    """A metric that Prometheus drops, or a label that does not join, is a panel without a line."""
    api.put("queues/%2F/scraped", {"durable": True})
    api.publish("scraped")
    eventually(lambda: prometheus.is_there('up{job="mqbroker"} == 1'), 60)
    unanswered = list(QUERIES)

    def is_answered() -> bool:
        unanswered[:] = [query for query in unanswered if not prometheus.is_there(query)]
        return not unanswered

    eventually(is_answered, 60)
    assert len(QUERIES) > 80
    target = prometheus.ask("targets")["activeTargets"][0]
    assert target["lastError"] == ""
    done = subprocess.run(
        [find_program("promtool"), "check", "metrics"],
        input=Api(broker.ports["prometheus"], "", "").call("GET", "/metrics").raw, capture_output=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr  # 3: RabbitMQ's own names are not all to the linter's taste
    assert b"error while linting" not in done.stderr


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("aliveness", ()),
        ("connections", ()),
        ("objects", ()),
        ("overview", ()),
        ("queue", ("--queue", "checked")),
        ("server", ("-n", "HOST")),
        ("watermark", ("-n", "HOST")),
        ("partition", ("-n", "HOST")),
    ],
)
def test_the_checks_of_nagios_are_content(
    broker: BrokerProcess, api: Api, name: str, options: tuple[str, ...]
) -> None:  # fmt: skip
    """Whoever watches RabbitMQ with Nagios got a page of the night for a field that was missing."""
    program = find_program(f"check_rabbitmq_{name}")
    api.put("queues/%2F/checked", {"durable": True})
    host = api.get("overview")["node"].partition("@")[2]
    where = ["-H", "127.0.0.1", "--port", str(broker.ports["management"]), "-u", "guest", "-p", "guest"]
    done = subprocess.run(
        [program, *where, *(host if each == "HOST" else each for each in options)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " OK" in done.stdout
