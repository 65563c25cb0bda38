"""A protocol is a folder and one element in the list of protocols: what is said there comes to the others, and back."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.mqtt.paho_client import Paho
from tests.plug.clients import LineClient, PluggedBroker

CONFIG = "[line]\nline_size_max = 64\n"
SCHEMES = ("amqp", "mqtt", "line", "lines")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluggedBroker]:
    data_dir = tmp_path_factory.mktemp("plug") / "data"
    with PluggedBroker(data_dir, "--dev", "--durability", "write", schemes=SCHEMES, config=CONFIG) as running:
        yield running


@pytest.fixture
def channel(broker: PluggedBroker) -> Iterator[Any]:
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        yield connection.channel()


@pytest.fixture
def line(broker: PluggedBroker) -> Iterator[LineClient]:
    with LineClient(broker.ports["line"]) as client:
        yield client.log_in()


def next_body(channel: Any, queue: str) -> bytes:
    for _, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=15):
        assert body is not None, "nothing came"
        return bytes(body)
    raise AssertionError("the queue is gone")


def test_what_is_published_by_a_line_comes_to_pika(line: LineClient, channel: Any) -> None:
    """A new protocol had to be named in eight places of the server, in net, and in config."""
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "amq.topic", "to.pika")
    assert line.ask("PUB to.pika hello pika") == "OK"
    assert next_body(channel, queue) == b"hello pika"


def test_what_is_published_by_a_line_comes_to_paho(broker: PluggedBroker, line: LineClient) -> None:
    with Paho(broker.ports["mqtt"], "reader", 5) as paho:
        paho.client.subscribe("to/paho", 1)
        paho.event("subscribed")
        assert line.ask("PUB to.paho hello paho") == "OK"
        message = paho.message()
        assert (message.topic, message.payload) == ("to/paho", b"hello paho")


def test_what_pika_and_paho_publish_comes_by_lines(broker: PluggedBroker, line: LineClient, channel: Any) -> None:
    assert line.ask("SUB from.*") == "OK"
    channel.basic_publish("amq.topic", "from.pika", b"hello")
    assert line.line() == "MSG from.pika hello"
    with Paho(broker.ports["mqtt"], "writer", 4) as paho:
        paho.publish("from/paho", b"hello", 1)
    assert line.line() == "MSG from.paho hello"


def test_lines_go_through_tls(broker: PluggedBroker, line: LineClient) -> None:
    context = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    assert line.ask("SUB by.tls") == "OK"
    with LineClient(broker.ports["lines"], context) as safe:
        assert safe.log_in().ask("PUB by.tls hello") == "OK"
    assert line.line() == "MSG by.tls hello"


def test_a_wrong_log_in_is_refused_by_the_rules_of_all_protocols(broker: PluggedBroker) -> None:
    with LineClient(broker.ports["line"]) as client:
        assert client.ask("LOGIN guest wrong") == "ERROR the log-in was refused"
        assert client.line() == ""


def test_a_protocol_is_recognised_on_the_ports_of_others(broker: PluggedBroker) -> None:
    with LineClient(broker.ports["mqtt"]) as client:
        assert client.ask("LOGIN guest guest") == ""
    assert "this looks like the line protocol" in broker.log()


def test_its_section_is_read_and_checked(broker: PluggedBroker, line: LineClient, tmp_path: Path) -> None:
    assert line.ask("PUB long " + "x" * 100) == "ERROR the line is too long"
    config = tmp_path / "broker.toml"
    config.write_text('listeners = ["line://127.0.0.1"]\n[line]\nline_size_max = 1\n')
    config.chmod(0o600)
    command = [sys.executable, "-m", "tests.plug", "check-config", str(config)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert said.stderr == f"mqbroker: {config}, line 3: line.line_size_max must be at least 16, not 1\n"
    config.write_text('listeners = ["line://127.0.0.1"]\n')
    said = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert said.returncode == 0, said.stderr
    assert "  listen on line://127.0.0.1\n" in said.stdout


def test_its_messages_come_back_from_the_journal(tmp_path: Path) -> None:
    with PluggedBroker(tmp_path / "data", "--dev", schemes=("amqp", "line")) as broker:
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            channel = connection.channel()
            channel.queue_declare("kept", durable=True)
            channel.queue_bind("kept", "amq.topic", "kept")
            with LineClient(broker.ports["line"]) as line:
                assert line.log_in().ask("PUB kept for long") == "OK"
        assert broker.stop() == 0
        broker.start()
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            assert next_body(connection.channel(), "kept") == b"for long"
