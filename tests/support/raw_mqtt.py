"""A blocking MQTT client that says exactly what it is told to, over a socket, packet by packet."""

import socket
from types import TracebackType
from typing import Any, Self

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.wire import scan_varint

TIMEOUT_S = 15.0
_READ_BYTES = 65_536


class Closed(Exception):
    """The broker has closed the connection."""


class RawMqtt:
    """A connection to a broker on loopback. Use as a context manager."""

    def __init__(self, port: int, version: int = 5) -> None:
        self.version = version
        self._input = b""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, octets: bytes) -> None:
        """Sends octets as they are."""
        self.socket.sendall(octets)

    def send(self, *packets: p.Packet) -> None:
        """Sends packets with one call."""
        self.say(b"".join(encode(each, self.version) for each in packets))

    def connect(self, client_id: str, **fields: Any) -> p.ConnAck:
        """CONNECT; the CONNACK that answers it."""
        self.send(p.Connect(client_id, self.version, **fields))
        answer = self.receive()
        assert isinstance(answer, p.ConnAck)
        return answer

    def receive(self) -> Any:
        """The next packet. Raises Closed at the end of the stream, TimeoutError after 15 seconds of silence."""
        while True:
            size, body_at = scan_varint(self._input, 1, len(self._input)) if len(self._input) > 1 else (0, -1)
            if 0 < body_at <= len(self._input) - size:
                body = self._input[body_at : body_at + size]
                packet = decode(self._input[0], body, self.version)
                self._input = self._input[body_at + size :]
                return packet
            self._input += self._read()

    def rest(self) -> list[Any]:
        """Every packet up to the end of the stream."""
        packets = []
        try:
            while True:
                packets.append(self.receive())
        except Closed:
            return packets

    def octets(self) -> bytes:
        """Everything up to the end of the stream, as it is."""
        data = b""
        try:
            while True:
                data += self._read()
        except Closed:
            return data

    def _read(self) -> bytes:
        try:
            data = self.socket.recv(_READ_BYTES)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed
        return data

    def close(self) -> None:
        """Closes the socket without a word."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
