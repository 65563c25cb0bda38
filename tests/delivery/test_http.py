"""The HTTP client against servers that behave, and those that do not: every wait and every buffer is bounded."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.guard import EVERYWHERE, AddressGuard
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.limits import RESPONSE_BYTES_MAX
from mqbroker.net import devcerts
from tests.delivery.serving import Serve, serving


@asynccontextmanager
async def server(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server whose connections are handled by `serve`; its URL."""
    async with serving(serve, tls) as port:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/in"


async def request(reader: asyncio.StreamReader) -> bytes:
    """Reads one request; its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


def answering(data: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(data)
        await writer.drain()

    return serve


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient(AddressGuard(EVERYWHERE), 2)
    yield made
    made.close()


async def test_a_connection_serves_many_requests_and_one_that_was_closed_is_made_anew(client: HttpClient) -> None:
    bodies: list[bytes] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            bodies.append(await request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

    async with server(serve) as url:
        for number in range(4):
            response = await client.post(url, b"%d" % number)
            assert (response.status, response.body) == (200, b"ok")
            await asyncio.sleep(0.01)
    assert bodies == [b"0", b"1", b"2", b"3"]
    assert connections == 2


async def test_redirections_are_not_followed(client: HttpClient) -> None:
    """An endpoint could lead the broker into its own network."""
    redirection = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with server(answering(redirection)) as url:
        assert (await client.post(url, b"x")).status == 302


async def test_megabytes_are_not_kept(client: HttpClient) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with server(serve) as url:
        response = await client.post(url, b"x")
    assert response.status == 500
    assert len(response.body) == RESPONSE_BYTES_MAX


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "IncompleteReadError"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "HttpParser"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "closed within the answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", "too long|HttpParser"),
    ],
)
async def test_what_is_no_answer_is_a_failure_that_may_pass(client: HttpClient, data: bytes, reason: str) -> None:
    async with server(answering(data)) as url:
        with pytest.raises(DeliveryFailed, match=reason) as failed:
            await client.post(url, b"x")
    assert not failed.value.is_permanent


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_an_endpoint_that_hangs_is_given_up_in_time(data: bytes) -> None:
    client = HttpClient(AddressGuard(EVERYWHERE), 0.2)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(data)
        await reader.read()

    async with server(serve) as url:
        with pytest.raises(DeliveryFailed, match=r"no answer within 0\.2 s"):
            await client.post(url, b"x")


async def test_an_answer_octet_by_octet_is_one_answer(client: HttpClient) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        for octet in b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n":
            writer.write(bytes((octet,)))
            await writer.drain()
        await reader.read()

    async with server(serve) as url:
        assert (await client.post(url, b"x")).status == 204


async def test_a_certificate_must_be_of_a_known_authority(tmp_path: Path) -> None:
    files = devcerts.ensure(tmp_path / "certs")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.server, files.server_key)
    answer = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with server(answer, tls) as url:
        url = url.replace("127.0.0.1", "localhost")
        with pytest.raises(DeliveryFailed, match="certificate"):
            await HttpClient(AddressGuard(EVERYWHERE), 5).post(url, b"x")
        trusting = HttpClient(AddressGuard(EVERYWHERE), 5, str(files.ca))
        assert (await trusting.post(url, b"x")).status == 200
        trusting.close()


def self_signed(path: Path, host: str, age_days: int) -> None:
    """A certificate for a host, valid for a day, so many days ago, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    begin = datetime.now(UTC) - timedelta(days=age_days, hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + pem)


@pytest.mark.parametrize(
    ("host", "age_days", "said"),
    [("other.example", 0, "Hostname mismatch"), ("localhost", 5, "certificate has expired"), ("localhost", 0, "")],
)
async def test_a_certificate_must_be_of_the_host_and_of_the_day(
    tmp_path: Path, host: str, age_days: int, said: str
) -> None:
    path = tmp_path / "server.pem"
    self_signed(path, host, age_days)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    client = HttpClient(AddressGuard(EVERYWHERE), 5, str(path))
    async with server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), tls) as url:
        url = url.replace("127.0.0.1", "localhost")
        if said:
            with pytest.raises(DeliveryFailed, match=said) as failed:
                await client.post(url, b"x")
            assert not failed.value.is_permanent
        else:
            assert (await client.post(url, b"x")).status == 200
    client.close()


async def test_private_addresses_are_refused_for_good() -> None:
    client = HttpClient(AddressGuard(()), 2)
    for url in ("http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "http://169.254.169.254/latest/"):
        with pytest.raises(DeliveryFailed, match="not a public address") as failed:
            await client.post(url, b"x")
        assert failed.value.is_permanent


async def test_a_url_cannot_bring_headers_along(client: HttpClient) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with server(serve) as url:
        await client.post(url.replace("/in", "/a b\x7f?q=%0d%0aX:1"), b"", {"Content-Type": "a\r\nX-Evil: 1"})
    assert b"\r\nX-Evil" not in heads[0]
