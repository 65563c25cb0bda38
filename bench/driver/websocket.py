"""MQTT over WebSocket: the client's handshake, and a socket whose input comes without its frames.

Owns RFC 6455 as far as the driver needs it. Output is framed where it is made (`framed`), with a mask of zeros: it is
as valid as any, and leaves the bytes as they are, so that records of one size stay what they are.

    82   80 + length   mask, four zeros   payload      client to server: final, binary
    82   length        payload                         server to client, in whatever portions it likes
"""

import base64
import hashlib
import os
import socket

from bench.driver.jobs import Endpoint
from bench.errors import ProtocolError

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_NO_MASK = bytes(4)
_MASKED = 0x80
_BINARY, _CONTINUATION, _FINAL = 0x02, 0x00, 0x80
_HEADER_SIZE_MAX = 10
_HEAD_SIZE_BYTES_MAX = 16384


def framed(payload: bytes) -> bytes:
    """One binary message of a client."""
    size = len(payload)
    if size < 126:
        length = bytes((_MASKED | size,))
    elif size < 1 << 16:
        length = bytes((_MASKED | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((_MASKED | 127,)) + size.to_bytes(8, "big")
    return bytes((_FINAL | _BINARY,)) + length + _NO_MASK + payload


def header_of(data: bytes) -> tuple[int, int] | None:
    """How long a server's header and its payload are; None when octets are missing. Raises ProtocolError."""
    if len(data) < 2:
        return None
    if data[0] & 0x0F not in (_BINARY, _CONTINUATION) or data[1] & _MASKED:
        raise ProtocolError(f"expected a binary message without a mask, the broker sent {data[:16].hex()}")
    size = data[1]
    if size < 126:
        return 2, size
    wide = 2 if size == 126 else 8
    return (2 + wide, int.from_bytes(data[2 : 2 + wide], "big")) if len(data) >= 2 + wide else None


class WebSocketStream:
    """A connected socket after its handshake; what is received comes without frames."""

    def __init__(self, sock: socket.socket, endpoint: Endpoint) -> None:
        self._socket = sock
        self._header = b""
        self._left = 0  # bytes of the frame that is half received
        self._input = self._shake_hands(endpoint)
        self.fileno = sock.fileno
        self.setblocking = sock.setblocking
        self.settimeout = sock.settimeout
        self.send = sock.send
        self.sendall = sock.sendall
        self.close = sock.close

    def _shake_hands(self, endpoint: Endpoint) -> bytes:
        """Asks for MQTT; what came after the answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /mqtt HTTP/1.1\r\nHost: {endpoint.host}:{endpoint.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: mqtt\r\n\r\n".encode()
        )
        head, rest = self._read_head()
        accepted = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        if not head.startswith("HTTP/1.1 101") or accepted not in head:
            raise ProtocolError(f"the broker refused the WebSocket: {head.splitlines()[0] if head else 'no answer'}")
        return rest

    def _read_head(self) -> tuple[str, bytes]:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < _HEAD_SIZE_BYTES_MAX:
            chunk = self._socket.recv(4096)
            if not chunk:
                break
            data += chunk
        head, _, rest = data.partition(b"\r\n\r\n")
        return head.decode("latin-1"), rest

    def recv(self, size: int) -> bytes:
        """Bytes of messages; empty at the end. Raises BlockingIOError when there are none yet."""
        data, self._input = self._input or self._socket.recv(size), b""
        if not data:
            return b""
        found = self._unframed(data)
        if found or self._socket.gettimeout() == 0.0:
            if not found:
                raise BlockingIOError
            return found
        return self.recv(size)

    def recv_into(self, buffer: memoryview) -> int:
        """The same into a buffer: never more than it was asked for, because frames only take away."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _unframed(self, data: bytes) -> bytes:
        if self._header:
            data, self._header = self._header + data, b""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                continue
            header = header_of(data[at : at + _HEADER_SIZE_MAX])
            if header is None:
                self._header = data[at:]
                break
            at += header[0]
            self._left = header[1]
        return b"".join(pieces)
