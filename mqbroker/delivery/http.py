"""Requests over HTTP/1.1 to endpoints that nobody vouches for: with a deadline, and with bounds for what comes back.

Redirections are not followed: whoever answers with one has not taken the message. Connections are kept for a while, for
the next message to the same endpoint; one that the other side has closed meanwhile is made anew.
"""

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import httptools

from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.guard import AddressGuard
from mqbroker.delivery.limits import (
    CONNECT_TIMEOUT_S,
    IDLE_CONNECTIONS_MAX,
    IDLE_CONNECTIONS_OF_ONE_MAX,
    IDLE_S,
    READ_BYTES,
    RESPONSE_BYTES_MAX,
    RESPONSE_HEAD_BYTES_MAX,
)
from mqbroker.delivery.tls import client_context

_PORTS = {"http": 80, "https": 443}
_FINAL = 200  # the first status of an answer that is the last one
Place = tuple[str, str, int]
"""Scheme, host and port."""
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the status and the beginning of the body."""

    status: int
    body: bytes


class _Answer:
    """What httptools finds in one answer. Interim answers, such as 100, are passed over (RFC 9110 §15.2)."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.body = bytearray()
        self.head_bytes = 0
        self.has_head = self.is_complete = self.is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head_bytes += len(name) + len(value)
        if self.head_bytes > RESPONSE_HEAD_BYTES_MAX:
            raise DeliveryFailed("the head of the answer is too long")

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.has_head = self.status >= _FINAL

    def on_body(self, body: bytes) -> None:
        self.body += body[: RESPONSE_BYTES_MAX - len(self.body)]

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_complete = True
            self.is_reusable = self.parser.should_keep_alive()


class _Connection:
    """One connection, where it leads, and when it was used last."""

    __slots__ = ("place", "reader", "used_at", "writer")

    def __init__(self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.place = place
        self.reader = reader
        self.writer = writer
        self.used_at = 0.0

    def close(self) -> None:
        self.writer.transport.abort()


class HttpClient:
    """Sends requests. There is one per broker."""

    def __init__(self, guard: AddressGuard, timeout_s: float, ca_file: str = "") -> None:
        """`ca_file` has certificates of authorities that are trusted beside those of the system."""
        self._guard = guard
        self.timeout_s = timeout_s
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._idle: list[_Connection] = []
        """Those that are kept, the oldest first."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
        """Sends a body to a URL. Raises DeliveryFailed when there is no answer."""
        return await self.send("POST", url, body, headers)

    async def send(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
    ) -> Response:  # fmt: skip
        """The same with another method."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._send(method, url, body, headers)
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self.timeout_s:g} s") from None
        except (OSError, asyncio.IncompleteReadError, httptools.HttpParserError, ssl.CertificateError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from None

    async def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        parts = _split(url)
        place = (parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
        data = _request(method, parts, place[2], body, headers)
        kept = self._take(place)
        if kept is not None:
            with suppress(OSError, asyncio.IncompleteReadError):
                return await self._talk(kept, data)
        return await self._talk(await self._connect(place), data)

    async def _connect(self, place: Place) -> _Connection:
        scheme, host, port = place
        addresses = await self._guard.addresses(host, port)
        tls = self._context() if scheme == "https" else None
        error: Exception = OSError(f"{host} has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    opened = asyncio.open_connection(
                        address, port, ssl=tls, server_hostname=host if tls is not None else None, limit=READ_BYTES
                    )
                    return _Connection(place, *await opened)
            except TimeoutError:
                error = DeliveryFailed(f"no connection to {address} within {CONNECT_TIMEOUT_S:g} s")
            except OSError as failed:
                error = failed
        self._guard.forget(host)
        raise error

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = client_context(self._ca_file)
        return self._tls

    async def _talk(self, connection: _Connection, data: bytes) -> Response:
        answer = _Answer()
        try:
            connection.writer.write(data)
            await connection.writer.drain()
            await _read(connection.reader, answer)
            return Response(answer.status, bytes(answer.body))
        finally:
            if answer.is_reusable:
                self._keep(connection)
            else:
                connection.close()

    # --- connections that are kept ------------------------------------------------------------------------------------

    def _take(self, place: Place) -> _Connection | None:
        for connection in reversed(self._of(place)):
            self._idle.remove(connection)
            if time.monotonic() - connection.used_at < IDLE_S and not connection.reader.at_eof():
                return connection
            connection.close()
        return None

    def _keep(self, connection: _Connection) -> None:
        same = self._of(connection.place)
        if len(same) >= IDLE_CONNECTIONS_OF_ONE_MAX:
            self._drop(same[0])
        elif len(self._idle) >= IDLE_CONNECTIONS_MAX:
            self._drop(self._idle[0])
        connection.used_at = time.monotonic()
        self._idle.append(connection)

    def _of(self, place: Place) -> list[_Connection]:
        return [each for each in self._idle if each.place == place]

    def _drop(self, connection: _Connection) -> None:
        self._idle.remove(connection)
        connection.close()

    def close(self) -> None:
        """Closes what is kept."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


async def _read(reader: asyncio.StreamReader, answer: _Answer) -> None:
    """Reads one answer, or as much of it as is of interest."""
    received = 0
    while not answer.is_complete:
        data = await reader.read(READ_BYTES)
        if not data:
            if not received:
                raise asyncio.IncompleteReadError(b"", None)
            if answer.has_head and not answer.parser.should_keep_alive():
                return  # the end of the connection is that of the body (RFC 9112 §6.3)
            raise DeliveryFailed("the connection was closed within the answer")
        received += len(data)
        answer.parser.feed_data(data)
        if len(answer.body) >= RESPONSE_BYTES_MAX:
            return  # the status is known, and nobody wants the rest
        if received > RESPONSE_HEAD_BYTES_MAX + RESPONSE_BYTES_MAX and not answer.body:
            raise DeliveryFailed("the head of the answer is too long")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.port == 0:
            raise ValueError(url)
    except ValueError:
        raise DeliveryFailed(f"{url} is not a URL of HTTP", is_permanent=True) from None
    return parts


def _request(method: str, parts: SplitResult, port: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = {
        **headers,
        "Content-Length": str(len(body)),
        "Host": f"{host}" if port == _PORTS[parts.scheme] else f"{host}:{port}",
        "Connection": "Keep-Alive",
    }
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    head = "".join(f"{name}: {_clean(value)}\r\n" for name, value in lines.items())
    return f"{method} {_clean(target)} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace") + body


def _clean(text: str) -> str:
    """A text without what would end its line: nobody puts a header of his own into a request."""
    return "".join(character for character in text if character.isprintable())
