"""What watches brokers, as it is: Debian's Prometheus with the queries of RabbitMQ's dashboard, and the Perl checks."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
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
_IDENTITY = '* on(instance) group_left(rabbitmq_cluster) rabbitmq_identity_info{namespace="test"}'
QUERIES = (
    f"sum(rabbitmq_queue_messages_ready {_IDENTITY})",
    f"sum(rate(rabbitmq_channel_messages_published_total[60s]) {_IDENTITY})",
    f"sum(rate(rabbitmq_global_messages_received_total[60s]) {_IDENTITY})",
    f"sum(rabbitmq_channels {_IDENTITY}) - sum(rabbitmq_channel_consumers {_IDENTITY})",
    f"sum(rabbitmq_build_info {_IDENTITY})",
    f"(rabbitmq_resident_memory_limit_bytes {_IDENTITY}) - (rabbitmq_process_resident_memory_bytes {_IDENTITY})",
    f"rabbitmq_disk_space_available_bytes {_IDENTITY}",
    f"(rabbitmq_process_max_fds {_IDENTITY}) - (rabbitmq_process_open_fds {_IDENTITY})",
)
"""In the form of RabbitMQ's Overview dashboard: everything is multiplied by the identity."""


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
    eventually(lambda: all(map(prometheus.is_there, QUERIES)), 60)
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
