"""HTTP/2 without what it needs, and without anybody there."""

import asyncio
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mqbroker.delivery import http2
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.limits import HTTP2_IDENTITIES_MAX
from mqbroker.delivery.tls import Identity, client_context
from tests.delivery.test_http import self_signed, server
from tests.support.ports import free_port


async def test_a_missing_library_is_said_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: each delivery would have been an internal error, tried again for hours."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(DeliveryFailed, match=r"pip install mqbroker\[push\]") as failed:
        await Http2Client(5).post("https://localhost/", b"", {})
    assert failed.value.is_permanent


@pytest.mark.parametrize("url", ["https://localhost:{port}/", "https://localhost:port/", "gopher://localhost/"])
async def test_what_cannot_be_reached_is_a_failure_that_may_pass(url: str) -> None:
    client = Http2Client(5)
    with pytest.raises(DeliveryFailed) as failed:
        await client.post(url.format(port=free_port()), b"", {})
    assert not failed.value.is_permanent
    await client.close()


def shown_in(folder: Path) -> tuple[Path, ssl.SSLContext, Callable[[int], Identity]]:
    """A server's certificate, the server's side of TLS, and identities of clients with the same key, by number."""
    path = folder / "server.pem"
    self_signed(path, "localhost", 0)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    certificate, begin, key = path.read_text().partition("-----BEGIN CERT")[2].partition("-----BEGIN PRIV")
    return path, tls, lambda number: Identity(f"-----BEGIN CERT{certificate}{number}", begin + key)


async def test_a_server_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass

    path, tls, _ = shown_in(tmp_path)
    tls.set_alpn_protocols(["h2"])
    client = Http2Client(1, str(path))
    async with server(serve, tls) as url:
        with pytest.raises(DeliveryFailed, match="no answer within 1 s"):
            await client.post(url.replace("127.0.0.1", "localhost"), b"", {})
    await client.close()


async def test_clients_that_show_a_certificate_are_bounded(tmp_path: Path) -> None:
    """Each application has one of its own, with connections, and there may be any number of these."""
    path, tls, identity = shown_in(tmp_path)
    client, connected = Http2Client(5, str(path)), 0
    is_free = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read(1)
        connected -= 1
        is_free.set()

    async with server(serve, tls) as url:
        for number in range(HTTP2_IDENTITIES_MAX + 3):
            answer = await client.post(url.replace("127.0.0.1", "localhost"), b"", {}, identity(number))
            assert answer.status == 200
        async with asyncio.timeout(10):
            while connected > HTTP2_IDENTITIES_MAX:
                is_free.clear()
                await is_free.wait()
        await client.close()


async def test_authorities_that_are_nowhere_are_a_failure(tmp_path: Path) -> None:
    """It was an internal error, with a traceback in the log for each attempt."""
    client = Http2Client(5, str(tmp_path / "none.pem"))
    with pytest.raises(DeliveryFailed, match="FileNotFoundError") as failed:
        await client.post("https://localhost/", b"", {})
    assert not failed.value.is_permanent


async def test_connections_in_use_and_those_of_all_are_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Applications with a certificate, if there were many, ended the requests of others half-way."""
    monkeypatch.setattr(http2, "HTTP2_IDENTITIES_MAX", 2)
    path, tls, identity = shown_in(tmp_path)
    client, connected = Http2Client(30, str(path)), 0
    has_come, may_answer = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        while head := await reader.readuntil(b"\r\n\r\n"):
            if b"/slow" in head:
                has_come.set()
                await may_answer.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with server(serve, tls) as url, asyncio.timeout(30):
        url = url.replace("127.0.0.1", "localhost").rstrip("/")
        await client.post(f"{url}/", b"", {})
        slow = asyncio.create_task(client.post(f"{url}/slow", b"", {}, identity(0)))
        await has_come.wait()
        for number in range(1, 5):
            assert (await client.post(f"{url}/", b"", {}, identity(number))).status == 200
        may_answer.set()
        assert (await slow).status == 200
        before = connected
        await client.post(f"{url}/", b"", {})
        assert connected == before
        await client.close()


async def test_a_certificate_that_is_none_is_looked_at_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message of such an application made all others wait for a thread that read all authorities."""
    looks = 0

    def look(*given: Any) -> ssl.SSLContext:
        nonlocal looks
        looks += 1
        return client_context(*given)

    monkeypatch.setattr(http2, "client_context", look)
    client = Http2Client(5)
    for _ in range(3):
        with pytest.raises(DeliveryFailed, match="do not fit each other") as failed:
            await client.post("https://localhost/", b"", {}, Identity("none", "none"))
        assert failed.value.is_permanent
    assert looks == 1
    monkeypatch.setattr(http2, "REFUSED_S", 0.0)
    for expected in (2, 3):
        with pytest.raises(DeliveryFailed):
            await client.post("https://localhost/", b"", {}, Identity("another", "none"))
        assert looks == expected
