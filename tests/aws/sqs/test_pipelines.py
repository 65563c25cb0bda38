"""Requests of HTTP that do not wait for the answers before them, over real sockets."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker_process import BrokerProcess
from tests.support.raw_http import RawHttp

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    folder: Path = tmp_path_factory.mktemp("pipelines")
    with BrokerProcess(folder / "data", "--dev", "--durability", "fsync", schemes=("aws",)) as running:
        with RawHttp(running.ports["aws"]) as client:
            client.send(post(b"Action=CreateQueue&QueueName=q", "/"))
            assert client.answer()[0] == 200
        yield running


def post(body: bytes, path: str = "/000000000000/q") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(("count", "size"), [(300, 100), (300, 60_000), (20, 900_000)])
@pytest.mark.parametrize("ends", [False, True])
def test_a_client_may_send_much_before_it_is_answered(broker: BrokerProcess, count: int, size: int, ends: bool) -> None:
    """What had not been answered when the client had sent everything was dropped: all but the first 64 requests, and
    every answer that waited for the journal."""
    data = post(b"Action=SendMessage&MessageBody=" + b"x" * size) * count
    with RawHttp(broker.ports["aws"]) as client:

        def write() -> None:
            client.send(data)
            if ends:
                client.socket.shutdown(socket.SHUT_WR)

        writer = threading.Thread(target=write)
        writer.start()
        assert [client.answer()[0] for _ in range(count)] == [200] * count
        writer.join()
        assert not ends or client.is_closed()
