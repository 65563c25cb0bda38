"""HTTP/2 without what it needs, and without anybody there."""

import asyncio
import ssl
import sys
from pathlib import Path

import pytest

from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.limits import HTTP2_IDENTITIES_MAX
from mqbroker.delivery.tls import Identity
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


async def test_a_server_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass

    path = tmp_path / "server.pem"
    self_signed(path, "localhost", 0)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    tls.set_alpn_protocols(["h2"])
    client = Http2Client(1, str(path))
    async with server(serve, tls) as url:
        with pytest.raises(DeliveryFailed, match="no answer within 1 s"):
            await client.post(url.replace("127.0.0.1", "localhost"), b"", {})
    await client.close()


async def test_clients_that_show_a_certificate_are_bounded(tmp_path: Path) -> None:
    """Each application has one of its own, with connections, and there may be any number of these."""
    path = tmp_path / "server.pem"
    self_signed(path, "localhost", 0)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    certificate, begin, key = path.read_text().partition("-----BEGIN CERT")[2].partition("-----BEGIN PRIV")
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
            identity = Identity(f"-----BEGIN CERT{certificate}{number}", begin + key)
            assert (await client.post(url.replace("127.0.0.1", "localhost"), b"", {}, identity)).status == 200
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
