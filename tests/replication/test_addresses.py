"""The address lists of docs/pair.md, with unmodified clients: each finds the active node again after a kill."""

import asyncio
import gc
import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aio_pika
import boto3  # type: ignore[import-untyped]
import pika  # type: ignore[import-untyped]
import pytest

from tests.clients import node_modules
from tests.clients.celery_app import add, make_app
from tests.clients.celery_calls import close, send, worker_of
from tests.conftest import find_program
from tests.replication import stores
from tests.replication.pair_house import Pair, a_pair
from tests.support.ports import free_port
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(240),
]
WAIT_S = 45
HAPROXY = """
defaults
    mode tcp
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    default-server check inter 200ms fall 1 rise 1 on-marked-down shutdown-sessions
{sections}
"""
SECTION = """
listen {scheme}
    bind 127.0.0.1:{port}
    option httpchk GET /health/active
    server a 127.0.0.1:{a} port {health_a}
    server b 127.0.0.1:{b} port {health_b}
"""


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiormq", "aio_pika", "pika"):
        caplog.set_level(logging.CRITICAL, name)


def replace(pair: Pair) -> None:
    """The active node is killed, and the other one serves."""
    other = pair.standby
    pair.active.kill()
    eventually(lambda: other.is_serving, WAIT_S)


def test_pika_takes_a_list(tmp_path: Path) -> None:
    with a_pair(tmp_path, direct=True) as pair:
        addresses = [pika.URLParameters(node.url) for node in pair.nodes]
        pika.BlockingConnection(addresses).close()
        replace(pair)
        pika.BlockingConnection(addresses).close()


def test_celery_takes_a_list(tmp_path: Path) -> None:
    """A worker and its application go on with the other node, and every task that was sent is done."""
    with a_pair(tmp_path, direct=True) as pair:
        urls = ";".join(node.url for node in pair.nodes)
        app = make_app(urls, "rpc://", "classic")
        try:
            with worker_of(urls, "rpc://", "classic", "--pool=threads", "--concurrency=1") as worker:
                assert send(app, add, 1, 2).get(timeout=WAIT_S) == 3
                replace(pair)
                send(app, add, 3, 4, retry=True, ignore_result=True)
                worker.wait_for_line("succeeded")
        finally:
            with suppress(OSError):  # its connection went with the node
                app.backend.result_consumer.stop()
            close(app)


def test_mqtt_js_takes_a_list(tmp_path: Path) -> None:
    node_modules.prepare()
    with a_pair(tmp_path, schemes=("mqtt",), direct=True) as pair:
        ports = ",".join(str(node.ports["mqtt"]) for node in pair.nodes)
        with node_modules.start("pair.mjs", ports, pair.certificates / "ca.pem") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "works\n"
            replace(pair)
            said, _ = process.communicate(timeout=WAIT_S)
        assert process.returncode == 0, said
        assert said.endswith("works again\n")


@contextmanager
def haproxy(pair: Pair, folder: Path) -> Iterator[dict[str, int]]:
    """HAProxy in front of both nodes; where it listens, by scheme."""
    ports = {scheme: free_port() for scheme in pair.schemes}
    sections = "".join(_section(pair, scheme, port) for scheme, port in ports.items())
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(sections=sections))
    process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], stderr=subprocess.DEVNULL)
    try:
        yield ports
    finally:
        process.kill()
        process.wait()


def _section(pair: Pair, scheme: str, port: int) -> str:
    a, b = pair.nodes
    health = {"health_a": a.health_port, "health_b": b.health_port}
    return SECTION.format(scheme=scheme, port=port, a=a.ports[scheme], b=b.ports[scheme], **health)


def sent(sqs: Any) -> bool:
    try:
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        return bool(sqs.send_message(QueueUrl=url, MessageBody="x")["MessageId"])
    except Exception:  # whatever the balancer says while nobody is active
        return False


async def published(channel: Any) -> bool:
    try:
        async with asyncio.timeout(2):
            await channel.default_exchange.publish(aio_pika.Message(b"x", delivery_mode=2), "q")
    except Exception:  # the connection is on its way back
        await asyncio.sleep(0.1)
        return False
    return True


@pytest.mark.filterwarnings("ignore:coroutine 'Connection.close' was never awaited")  # aiormq's own
async def test_clients_that_know_one_address_go_through_haproxy(tmp_path: Path) -> None:
    """aio-pika's robust connection and boto3 have no lists."""
    find_program("haproxy")
    with a_pair(tmp_path, schemes=("amqp", "aws"), direct=True) as pair, haproxy(pair, tmp_path) as ports:
        sqs = boto3.client(
            "sqs", endpoint_url=f"http://127.0.0.1:{ports['aws']}", region_name="us-east-1",
            aws_access_key_id="guest", aws_secret_access_key="guest",
        )  # fmt: skip
        await asyncio.to_thread(eventually, lambda: sent(sqs), WAIT_S)
        url = f"amqp://guest:guest@127.0.0.1:{ports['amqp']}/"
        connection = await aio_pika.connect_robust(url, reconnect_interval=0.2)
        channel = await connection.channel()
        await channel.declare_queue("q", durable=True)
        assert await published(channel)
        await asyncio.to_thread(replace, pair)
        await asyncio.to_thread(eventually, lambda: sent(sqs), WAIT_S)
        async with asyncio.timeout(WAIT_S):
            while not await published(channel):
                pass
        await connection.close()
    gc.collect()
