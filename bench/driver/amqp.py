"""A small blocking AMQP 0-9-1 connection: handshake, declarations and other calls that wait for their answer.

Owns the slow part of the protocol, for which pamqp serves well; the fast part (`amqp_records`) takes its socket over.
One channel, number 1. Frames are decoded one by one here, so nothing here is measured.
"""

import socket
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from pamqp import commands, frame, heartbeat
from pamqp.base import Frame
from pamqp.common import FieldTable

from bench.driver.jobs import Endpoint
from bench.errors import ProtocolError

CHANNEL = 1
FRAME_SIZE_BYTES_MAX = 131072
CALL_TIMEOUT_SECONDS = 60.0
SOCKET_BUFFER_BYTES = 1024 * 1024
CALLS_UNDER_WAY = 50
"""Enough that nobody waits for a round trip; more are only more for the broker to hold."""

Answer = object
CLOSES = (commands.Connection.Close, commands.Channel.Close)


class AmqpConnection:
    """An open connection with channels opened on demand. Raises ProtocolError with the broker's own words."""

    def __init__(self, endpoint: Endpoint, channels: int = 1) -> None:
        self.buffer = bytearray()
        self.frame_size_bytes_max = FRAME_SIZE_BYTES_MAX
        self.socket = connect(endpoint)
        self._handshake(endpoint)
        for number in range(CHANNEL, CHANNEL + channels):
            self.call(commands.Channel.Open(), number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.socket.close()

    def _handshake(self, endpoint: Endpoint) -> None:
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self._read(commands.Connection.Start)
        response = f"\0{endpoint.user}\0{endpoint.password}"
        properties: FieldTable = {"capabilities": {"consumer_cancel_notify": True, "publisher_confirms": True}}
        self.send(commands.Connection.StartOk(properties, "PLAIN", response, "en_US"), 0)
        tune = self._read(commands.Connection.Tune)
        assert isinstance(tune, commands.Connection.Tune)
        self.frame_size_bytes_max = min(tune.frame_max or FRAME_SIZE_BYTES_MAX, FRAME_SIZE_BYTES_MAX)
        # No heartbeats: they would be foreign bytes in the stream of records.
        self.send(commands.Connection.TuneOk(tune.channel_max, self.frame_size_bytes_max, 0), 0)
        self.call(commands.Connection.Open(endpoint.vhost), 0)

    def send(self, method: Frame, channel: int = CHANNEL) -> None:
        """Send one method and wait for nothing."""
        self.socket.sendall(frame.marshal(method, channel))

    def call(self, method: Frame, channel: int = CHANNEL) -> Answer:
        """Send one synchronous method; its answer."""
        self.send(method, channel)
        return self._read(None)

    def call_all(self, methods: Iterable[Frame]) -> None:
        """Send many synchronous methods in blocks, then wait for as many answers: declarations by the thousand."""
        pending = list(methods)
        for at in range(0, len(pending), CALLS_UNDER_WAY):
            part = pending[at : at + CALLS_UNDER_WAY]
            self.socket.sendall(b"".join(frame.marshal(method, CHANNEL) for method in part))
            for _ in part:
                self._read(None)

    def message_count(self, queue: str) -> int:
        """How many messages are ready in a queue."""
        answer = self.call(commands.Queue.Declare(queue=queue, passive=True))
        assert isinstance(answer, commands.Queue.DeclareOk)
        return answer.message_count or 0

    def close(self) -> None:
        """Close in order: what was sent before is known to have been read by the broker."""
        try:
            self.begin_to_close()
            self.await_close()
        finally:
            self.socket.close()

    def begin_to_close(self) -> None:
        """Tell the broker."""
        self.send(commands.Connection.Close(200, "done", 0, 0), 0)

    def await_close(self) -> None:
        """Wait for the broker's answer to that."""
        self._read(None)

    def receive(self) -> Answer:
        """The next method that arrives. ProtocolError when the broker closes."""
        return self._read(None)

    def _read(self, wanted: type[Frame] | None) -> Answer:
        while True:
            answer = self._next_frame()
            if isinstance(answer, heartbeat.Heartbeat):
                continue
            if isinstance(answer, CLOSES):
                raise ProtocolError(f"the broker refused: {described(answer)}")
            if wanted is not None and not isinstance(answer, wanted):
                raise ProtocolError(f"expected {wanted.__name__}, the broker sent {described(answer)}")
            return answer

    def _next_frame(self) -> Answer:
        while (length := complete_frame_size(self.buffer)) is None:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ProtocolError("the broker closed the connection")
            self.buffer += chunk
        _, _, decoded = frame.unmarshal(bytes(self.buffer[:length]))
        del self.buffer[:length]
        return decoded


def close_all(connections: Sequence[AmqpConnection]) -> None:
    """Close many in order; the broker need not have closed one before it is asked to close the next."""
    try:
        for connection in connections:
            connection.begin_to_close()
        for connection in connections:
            connection.await_close()
    finally:
        for connection in connections:
            connection.socket.close()


def connect(endpoint: Endpoint) -> socket.socket:
    """A connected TCP socket with big buffers and without delay."""
    sock = socket.create_connection((endpoint.host, endpoint.port), CALL_TIMEOUT_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
    return sock


def described(answer: Answer) -> str:
    """A decoded frame for people: the reason, when it closes something."""
    if isinstance(answer, CLOSES):
        return f"{answer.name} {answer.reply_code} {answer.reply_text}"
    return type(answer).__qualname__


def complete_frame_size(data: Sequence[int] | bytearray, at: int = 0) -> int | None:
    """Size of the whole frame that starts at an offset, or None when it has not arrived entirely."""
    if len(data) - at < 7:
        return None
    size = int.from_bytes(bytes(data[at + 3 : at + 7]), "big") + 8
    return size if len(data) - at >= size else None
