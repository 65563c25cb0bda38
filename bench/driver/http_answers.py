"""HTTP/1.1 responses as they come out of a socket, in pieces of any size.

Owns the framing of responses (RFC 9112 §6): bodies by Content-Length or chunked. Reads no socket. A server spells its
headers the same way every time, so the spelling of Content-Length is learnt from the first response and searched for
from then on: parsing costs less than a microsecond.
"""

import re
from dataclasses import dataclass

from bench.errors import ProtocolError

HEAD_BYTES_MAX = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(?=\d)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


@dataclass(slots=True)
class HttpAnswer:
    """A whole response. closes: the server closes the connection after it."""

    status: int
    body: bytes
    closes: bool


class AnswerReader:
    """Cuts one connection's bytes into responses."""

    def __init__(self) -> None:
        self._buffer = b""
        self._length_name = b""

    def feed(self, data: bytes) -> HttpAnswer | None:
        """Take bytes; the next response, once it is complete. Feed nothing to ask for a further one."""
        buffer = self._buffer + data if self._buffer else data
        head_end = buffer.find(b"\r\n\r\n")
        if head_end < 0:
            if len(buffer) > HEAD_BYTES_MAX:
                raise ProtocolError(f"the broker sends no end of headers: {buffer[:64]!r}")
            self._buffer = buffer
            return None
        body = self._body(buffer, head_end)
        if body is None:
            self._buffer = buffer
            return None
        content, end = body
        self._buffer = buffer[end:]
        return HttpAnswer(_status(buffer), content, _closes(buffer[: head_end + 2]))

    def _body(self, buffer: bytes, head_end: int) -> tuple[bytes, int] | None:
        """The body and where the response ends; None while it is incomplete."""
        length = self._length(buffer, head_end)
        start = head_end + 4
        if length is None:
            return _chunks(buffer, start)
        return (buffer[start : start + length], start + length) if len(buffer) >= start + length else None

    def _length(self, buffer: bytes, head_end: int) -> int | None:
        """The Content-Length; None when the body is chunked."""
        at = buffer.find(self._length_name, 0, head_end) if self._length_name else -1
        if at < 0:
            found = _LENGTH.search(buffer, 0, head_end)
            if found is None:
                if _CHUNKED.search(buffer, 0, head_end):
                    return None
                raise ProtocolError(f"a response without a length: {buffer[:head_end]!r}")
            at, self._length_name = found.start(), found.group()
        start = at + len(self._length_name)
        end = buffer.find(b"\r\n", start)
        try:
            return int(buffer[start:end])
        except ValueError:
            raise ProtocolError(f"a response with a broken length: {buffer[:head_end]!r}") from None


def _status(data: bytes) -> int:
    if data.startswith(b"HTTP/1.") and data[8:9] == b" " and data[9:12].isdigit():
        return int(data[9:12])
    raise ProtocolError(f"expected an HTTP response, the broker sent {data[:64]!r}")


def _closes(head: bytes) -> bool:
    # The plain search answers nearly always, in a tenth of the time.
    return (b"close" in head and _CLOSE.search(head) is not None) or head.startswith(b"HTTP/1.0")


def _chunks(buffer: bytes, at: int) -> tuple[bytes, int] | None:
    """A chunked body (RFC 9112 §7.1) without trailers and where it ends; None while it is incomplete."""
    parts: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        try:
            size = int(buffer[at:line_end].split(b";")[0], 16)
        except ValueError:
            raise ProtocolError(f"a broken chunk: {buffer[at:line_end]!r}") from None
        start = line_end + 2
        if len(buffer) < start + size + 2:
            return None
        at = start + size + 2
        if not size:
            return b"".join(parts), at
        parts.append(buffer[start : start + size])
