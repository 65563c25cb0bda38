"""The log says what happened to whom: who came, who left and how, who was refused and why."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from proton.utils import BlockingConnection, LinkDetached

from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("log") / "data", "--dev", schemes=("amqp", "mqtt", "aws")) as running:
        yield running


def said(broker: BrokerProcess, pattern: str) -> None:
    """Waits for a line of the log with the pattern in it."""
    eventually(lambda: re.search(pattern, broker.log()) is not None)


def test_a_client_of_amqp_that_leaves_has_a_line(broker: BrokerProcess) -> None:
    """A client left, and no line said so at any level."""
    with RawAmqp(broker.ports["amqp"]) as client:
        client.open()
        client.send("connection.close", 0, reply_code=200, reply_text="bye", class_id=0, method_id=0)
        client.expect("connection.close-ok", 0)
        said(broker, r"INFO +mqbroker\.amqp: 127\.0\.0\.1:\d+ -> .*, user 'guest': closed by the client")
    with RawAmqp(broker.ports["amqp"]) as client:
        client.open()
    said(broker, r"WARNING +mqbroker\.amqp: .*, user 'guest': client closed the socket without connection\.close")


def test_a_client_of_mqtt_that_leaves_has_a_line(broker: BrokerProcess) -> None:
    """A client left, and no line said so at any level."""
    client = Client(CallbackAPIVersion.VERSION2, "leaving")
    client.connect("127.0.0.1", broker.ports["mqtt"])
    client.loop_start()
    eventually(client.is_connected)
    client.disconnect()
    client.loop_stop()
    said(broker, r"INFO +mqbroker\.mqtt: .*, client 'leaving': disconnected")
    with socket.create_connection(("127.0.0.1", broker.ports["mqtt"]), 10) as lost:
        lost.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04lost")
        assert lost.recv(4) == b"\x20\x02\x00\x00"
    said(broker, r"WARNING +mqbroker\.mqtt: .*, client 'lost': closed the socket without DISCONNECT")


def test_a_call_that_is_refused_has_a_line(broker: BrokerProcess) -> None:
    """An SQS call was refused, and no line said so at any level."""
    sqs = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}),
    )
    with pytest.raises(ClientError):
        sqs.get_queue_url(QueueName="nowhere")
    said(broker, r"INFO +mqbroker\.aws\.front: GetQueueUrl of arn:aws:iam::\d+:root refused: \S*NonExistentQueue: ")


def test_a_wrong_login_has_its_reason_in_the_log_alone(broker: BrokerProcess) -> None:
    """The log did not tell an unknown user from a wrong password."""
    for user, reason in (("guest", "the password is wrong"), ("nobody", "there is no such user")):
        with RawAmqp(broker.ports["amqp"]) as client:
            client.begin()
            client.log_in(user, "wrong")
            close = client.expect("connection.close", 0)
            assert "For details see the broker logfile" in close.args["reply_text"]
            assert reason not in close.args["reply_text"]
        said(broker, f"log-in of user '{user}' refused: {reason}")


@pytest.mark.parametrize("scheme", ["amqp", "mqtt"])
def test_another_protocol_is_named(broker: BrokerProcess, scheme: str) -> None:
    """TLS or HTTP on the port of AMQP or MQTT: only the first octets were shown."""
    with socket.create_connection(("127.0.0.1", broker.ports[scheme]), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(100)
    said(broker, rf"HTTP.*{scheme}://127\.0\.0\.1")


def test_no_client_writes_lines_of_its_own(broker: BrokerProcess) -> None:
    """Over AMQP 1.0 whoever had logged in could write any line into the log, by a name with a line break in it."""
    url = f"127.0.0.1:{broker.ports['amqp']}"
    connection = BlockingConnection(url, timeout=20, user="guest", password="guest", allowed_mechs="PLAIN")
    with closing(connection), pytest.raises(LinkDetached):
        connection.create_receiver("/queues/a\n2026-11-30 CRITICAL forged")
    said(broker, r"WARNING +mqbroker\.amqp1: .*: no queue 'a\\n2026-11-30 CRITICAL forged' in vhost '/'")
    assert "\n2026-11-30 CRITICAL" not in broker.log()
