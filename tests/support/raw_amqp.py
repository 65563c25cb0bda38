"""A blocking AMQP client that says exactly what it is told to, over a socket; see amqp_talk.py."""

import socket
import ssl
from types import TracebackType
from typing import Self

from tests.support.amqp_talk import Closed, Talk

TIMEOUT_S = 10.0
_READ_BYTES = 65_536


class RawAmqp(Talk):
    """A connection to a broker on loopback. Use as a context manager."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, preface: bytes = b"") -> None:
        """`preface` is sent before everything else, TLS included (a PROXY header)."""
        super().__init__()
        plain = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.sendall(preface)
            self.socket = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def write(self, data: bytes) -> None:
        """Sends octets."""
        self.socket.sendall(data)

    def read(self) -> bytes:
        """More octets. Raises Closed at the end of the stream, TimeoutError after ten seconds of silence."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed
        return data

    def is_cut(self) -> bool:
        """Whether the broker closes the socket without a word: nothing is to be read but the end."""
        try:
            return not self._input and not self.read()
        except Closed:
            return True

    def close(self) -> None:
        """Closes the socket without a word."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
