"""The broker of another environment, such as that of `make run`, with real clients here: every protocol and transport.

The environment has no test tools, and the versions of packages that its maker chose: MQBROKER_SMOKE_PYTHON is its
interpreter.
"""

import os
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.config.composition import schemes_of
from mqbroker.spoken import PROTOCOLS
from tests.clients import node_modules
from tests.clients.node_modules import RUN_TIMEOUT_S
from tests.mqtt.paho_client import Paho
from tests.support.broker_process import BrokerProcess
from tests.support.websocket_amqp import WebSocketAmqp

HTTP_TIMEOUT_S = 15
STARTUP_WARNINGS = ("DeprecationWarning", "SyntaxWarning", "Traceback")

pytestmark = [pytest.mark.smoke, pytest.mark.timeout(3 * RUN_TIMEOUT_S)]
SCHEMES = tuple(scheme.name for scheme in schemes_of(PROTOCOLS))


@pytest.fixture(scope="module")
def interpreter() -> str:
    path = os.environ.get("MQBROKER_SMOKE_PYTHON")
    if not path:
        pytest.fail("MQBROKER_SMOKE_PYTHON must be the interpreter of the environment to test: `make smoke` says it")
    return os.path.abspath(path)


@pytest.fixture(scope="module")
def broker(interpreter: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir = tmp_path_factory.mktemp("smoke") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=SCHEMES, python=Path(interpreter)) as running:
        yield running


@pytest.fixture(scope="module")
def ca(broker: BrokerProcess) -> Path:
    return broker.data_dir / "certs" / "ca.pem"


def test_the_broker_is_the_one_that_its_environment_has_installed(interpreter: str, tmp_path: Path) -> None:
    """A broker started beside the source tree is the source tree, whatever was installed."""
    script = "import sys, mqbroker; print(sys.prefix, mqbroker.__file__, sep='\\n')"
    output = subprocess.run(
        [interpreter, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=RUN_TIMEOUT_S
    ).stdout
    prefix, path = output.splitlines()
    assert Path(path).is_relative_to(prefix)


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_amqp_with_pika(broker: BrokerProcess, ca: Path, scheme: str) -> None:
    parameters = pika.URLParameters(f"{scheme}://guest:guest@localhost:{broker.ports[scheme]}/%2f")
    if scheme == "amqps":
        parameters.ssl_options = pika.SSLOptions(ssl.create_default_context(cafile=str(ca)), "localhost")
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        queue = channel.queue_declare("", exclusive=True).method.queue
        properties = pika.BasicProperties(delivery_mode=2, headers={"text": "ä", "number": 7})
        channel.basic_publish("", queue, b"hello", properties)
        _, found, body = next(channel.consume(queue, auto_ack=True, inactivity_timeout=RUN_TIMEOUT_S))
        assert (body, found.headers) == (b"hello", properties.headers)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_amqp_over_websocket(broker: BrokerProcess, ca: Path, scheme: str) -> None:
    tls = ssl.create_default_context(cafile=str(ca)) if scheme == "wss" else None
    with WebSocketAmqp(f"{scheme}://localhost:{broker.ports[scheme]}/ws/amqp", tls=tls) as client:
        client.open()
        queue = client.declare()
        client.publish(queue, b"hello")
        found = client.get(queue)
        assert found is not None
        assert found.body == b"hello"


@pytest.mark.parametrize("scheme", ["amqp", "amqps", "ws", "wss"])
def test_amqp_with_the_client_of_node(broker: BrokerProcess, ca: Path, scheme: str) -> None:
    node_modules.prepare()
    path = "/ws/amqp" if scheme.startswith("ws") else ""
    url = f"{scheme}://guest:guest@localhost:{broker.ports[scheme]}{path}"
    with node_modules.start("amqp-client.test.mjs", url, ca) as process:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("scheme", ["mqtt", "mqtts", "ws", "wss"])
def test_mqtt_with_paho(broker: BrokerProcess, ca: Path, scheme: str, version: int) -> None:
    topic = f"smoke/{scheme}/{version}"
    transport = "websockets" if scheme.startswith("ws") else "tcp"
    client = Paho(broker.ports[scheme], topic.replace("/", "-"), version, transport=transport)
    client.client.username_pw_set("guest", "guest")
    if scheme in ("mqtts", "wss"):
        client.client.tls_set(str(ca))
    with client:
        client.subscribe(topic, 2)
        for qos in range(3):
            client.publish(topic, b"hello", qos)
            message = client.message()
            assert (message.payload, message.qos) == (b"hello", qos)


@pytest.mark.parametrize("scheme", ["aws", "awss"])
def test_sqs_with_boto3(broker: BrokerProcess, ca: Path, scheme: str) -> None:
    kind = "https" if scheme == "awss" else "http"
    sqs: Any = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=f"{kind}://localhost:{broker.ports[scheme]}",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        verify=str(ca),
    )
    url = sqs.create_queue(QueueName=f"smoke-{scheme}")["QueueUrl"]
    attributes = {"kind": {"DataType": "String", "StringValue": "greeting"}}
    sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]) == ("hello", attributes)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.close()


@pytest.mark.parametrize(
    ("scheme", "path"),
    [("ws", "/health"), ("wss", "/health"), ("aws", "/_mqbroker/metrics"), ("awss", "/_mqbroker/metrics")],
)
def test_pages_for_machines(broker: BrokerProcess, ca: Path, scheme: str, path: str) -> None:
    kind = "https" if scheme in ("awss", "wss") else "http"
    context = ssl.create_default_context(cafile=str(ca)) if kind == "https" else None
    url = f"{kind}://localhost:{broker.ports[scheme]}{path}"
    with urllib.request.urlopen(url, timeout=HTTP_TIMEOUT_S, context=context) as answer:
        assert answer.status == 200
        assert answer.read()


def test_it_stops_in_order_and_has_warned_of_nothing(interpreter: str, tmp_path: Path) -> None:
    """A warning of Python or of a package at the start of a broker is one that its newer version turns into a fault."""
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, python=Path(interpreter)) as broker:
        assert broker.stop() == 0
        assert [line for line in STARTUP_WARNINGS if line in broker.log()] == []
