"""HTTP/1.1 responses as they come out of a socket, in pieces of any size.

Owns the framing of responses (RFC 9112 §6): bodies by Content-Length or chunked. Reads no socket. A server spells its
headers the same way every time, so the spelling of Content-Length is learnt from the first response and searched for
from then on: parsing costs less than a microsecond.
"""

import re

from bench.errors import ProtocolError

HEAD_BYTES_MAX = 64 * 1024
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(?=\d)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


class AnswerReader:
    """Cuts one connection's bytes into responses.

    status, closes: of the last response; closes: the server closes the connection after it.
    """

    def __init__(self) -> None:
        self.status = 0
        self.closes = False
        self._buffer = b""
        # Until it is known: what no head contains before its end.
        self._length_name = _END

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes; the body of the next response once that is complete. Feed nothing to ask for a further one."""
        if self._buffer:
            data = self._buffer + data
        head_end = data.find(_END)
        at = data.find(self._length_name, 0, head_end) if head_end > 0 else -1
        if at < 0:
            return self._feed_unknown(data, head_end)
        at += len(self._length_name)
        start = head_end + 4
        return self._take(data, head_end, start, start + _number(data[at : data.find(b"\r\n", at)]))

    def _take(self, data: bytes, head_end: int, start: int, end: int) -> bytes | None:
        if len(data) < end:
            self._buffer = data
            return None
        self._buffer = data[end:]
        if not (data.startswith(b"HTTP/1.") and data[9:12].isdigit()):
            raise ProtocolError(f"expected an HTTP response, the broker sent {data[:64]!r}")
        self.status = int(data[9:12])
        # The plain search answers nearly always, in a tenth of the time.
        self.closes = data.find(b"close", 0, head_end) >= 0 and _CLOSE.search(data, 0, head_end + 2) is not None
        return data[start:end]

    def _feed_unknown(self, data: bytes, head_end: int) -> bytes | None:
        """The head is incomplete, or it does not tell the length as the one before it did."""
        self._buffer = data
        if head_end < 0:
            if len(data) > HEAD_BYTES_MAX or not data.startswith(b"HTTP/1."[: len(data)]):
                raise ProtocolError(f"expected an HTTP response, the broker sent {data[:64]!r}")
            return None
        found = _LENGTH.search(data, 0, head_end)
        if found is not None:
            self._length_name = found.group()
            self._buffer = b""
            return self.feed(data)
        if not _CHUNKED.search(data, 0, head_end):
            raise ProtocolError(f"a response without a length: {data[:head_end]!r}")
        body = _chunks(data, head_end + 4)
        if body is None:
            return None
        content, end = body
        self._take(data, head_end, end, end)
        return content


def _number(digits: bytes) -> int:
    if not digits.isdigit():
        raise ProtocolError(f"a response with the length {digits!r}")
    return int(digits)


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
