"""A blocking AMQP client over WebSocket that says exactly what it is told to; see amqp_talk.py."""

import ssl
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed

from tests.support.amqp_talk import Closed, Talk
from tests.support.websocket_client import connect

TIMEOUT_S = 10.0


class WebSocketAmqp(Talk):
    """A connection to a broker on loopback, each write a message of at most `message_size` bytes."""

    def __init__(
        self,
        url: str,
        message_size: int = 1 << 20,
        tls: ssl.SSLContext | None = None,
        patience_s: float = TIMEOUT_S,
        **options: Any,
    ) -> None:
        """`options` are those of the websockets library's `connect`."""
        super().__init__()
        self._message_size = message_size
        self._patience_s = patience_s
        self._stack = ExitStack()
        self.websocket = self._stack.enter_context(connect(url, tls, open_timeout=TIMEOUT_S, **options))

    def write(self, data: bytes) -> None:
        """Sends octets."""
        for start in range(0, len(data), self._message_size):
            self.websocket.send(data[start : start + self._message_size])

    def read(self) -> bytes:
        """One message. Raises Closed at the end, TimeoutError after too long a silence."""
        try:
            data = self.websocket.recv(self._patience_s)
        except ConnectionClosed:
            raise Closed from None
        assert isinstance(data, bytes), "a text message"
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
