"""What a broker that only speaks AMQP has loaded: nothing of what nobody has asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.aws.protocol import FORMAT_CODES
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

LOOK = """
import asyncio, json, sys
from pathlib import Path
import mqbroker.cli
from mqbroker.server import Server
from mqbroker.spoken import load_config

async def look():
    flags = {"data_dir": Path(sys.argv[1]), "listeners": tuple(sys.argv[2:])}
    server = Server(load_config(None, {}, flags))
    assert await server.start()
    print(json.dumps(sorted(sys.modules)))
    sys.stdout.flush()
    import os
    os._exit(0)

asyncio.run(look())
"""

AWS_LIGHT = {
    "mqbroker.aws", "mqbroker.aws.cloudwatch", "mqbroker.aws.cloudwatch.kinds", "mqbroker.aws.config",
    "mqbroker.aws.limits", "mqbroker.aws.protocol", "mqbroker.aws.sleeping",
    "mqbroker.aws.sns", "mqbroker.aws.sns.kinds", "mqbroker.aws.sqs", "mqbroker.aws.sqs.kinds",
}  # fmt: skip
"""What says that there is AWS, and waits for somebody to want it."""
MODULES_MAX = 800
"""Of everything, Python's own included; 951 when all services of AWS came along."""


def loaded(folder: Path, *listeners: str) -> set[str]:
    """The modules of a broker that has just begun to listen."""
    environment = {**os.environ, "MQBROKER_LIMITS_DISK_FREE_MIN_BYTES": "1048576"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(folder), *listeners], env=environment, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.timeout(120)
def test_a_broker_for_amqp_alone_has_nothing_else_loaded(tmp_path: Path) -> None:
    """Half a second of every start, and half of its memory, went into services that had no listener."""
    found = loaded(tmp_path / "data", "amqp://127.0.0.1:0")
    ours = {name for name in found if name.startswith("mqbroker.")}
    assert {name for name in ours if name.startswith("mqbroker.aws")} == AWS_LIGHT
    heavy = ("mqbroker.management.api", "mqbroker.management.metrics", "mqbroker.management.front",
             "mqbroker.management.site", "mqbroker.ctl", "mqbroker.delivery.http", "mqbroker.delivery.lane",
             "mqbroker.replication")  # fmt: skip
    assert [name for name in ours if name.startswith(heavy)] == []
    others = ("aiohttp", "prometheus_client", "lark", "httpx", "aiosmtplib", "http.client", "botocore", "grpc")
    assert [name for name in others if name in found] == []
    assert len(found) <= MODULES_MAX


@pytest.mark.timeout(120)
def test_a_listener_brings_along_what_it_needs(tmp_path: Path) -> None:
    """What waits to be wanted must wake up when it is."""
    found = loaded(tmp_path / "data", "amqp://127.0.0.1:0", "aws://127.0.0.1:0")
    assert "mqbroker.aws.gateway" in found


@pytest.mark.timeout(120)
def test_what_the_journal_has_of_aws_goes_on_without_a_listener(tmp_path: Path) -> None:
    """Queues of SQS were gone for whoever had taken the listener away for an hour."""
    folder = tmp_path / "data"
    with BrokerProcess(folder, "--dev", schemes=("amqp", "aws")) as broker:
        url = client(broker, "sqs").create_queue(QueueName="sleeper")["QueueUrl"]
        client(broker, "sqs").send_message(QueueUrl=url, MessageBody="kept")
    with (
        BrokerProcess(folder, "--dev", schemes=("amqp",)) as broker,
        pika.BlockingConnection(pika.URLParameters(broker.url)) as connection,
    ):
        persistent = pika.BasicProperties(delivery_mode=2)
        connection.channel().basic_publish("", "sleeper", b"by amqp", persistent)
    with BrokerProcess(folder, "--dev", schemes=("amqp", "aws")) as broker:
        sqs = client(broker, "sqs")
        url = sqs.get_queue_url(QueueName="sleeper")["QueueUrl"]
        bodies = {sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] for _ in range(2)}
        assert bodies == {"kept", "by amqp"}


def test_the_encodings_of_aws_are_those_that_its_modules_have() -> None:
    """A number that is not in the list is an encoding that nobody owns, and the broker does not start."""
    assert [tuple(find()) for find in FORMAT_CODES] == list(FORMAT_CODES.values())
