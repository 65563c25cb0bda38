"""The frames of RFC 6455 that nearly all are: whole, binary, final and short. Those of clients, which are masked, are
taken apart here, and those of the server are put together.

All others are the library's business: control frames, fragments, long ones, and whatever is wrong. So that it gets
every such frame from its first octet on, `Boundary` knows where the frame ends that it was given a part of.

    82   80 + n         mask   n octets        n < 126      RFC 6455 §5.2
    82   fe   n (2)     mask   n octets        n < 65,536
    82   n                     n octets        n < 126         to the client
    82   7e   n (2)            n octets        n < 65,536
"""

from mqbroker import octets

_BINARY = 0x82  # final, no extension, a message of its own
_TEXT = 0x81
_MASKED = 0x80
_MEDIUM = 126
_LONG = 127
_SHORT_HEADER = 6
_MEDIUM_HEADER = 8
_SHORT_HEAD = 2  # to the client, without a mask
_MEDIUM_HEAD = 4


def take_short(data: bytes, at: int, size_max: int) -> tuple[list[bytes], int]:
    """The payloads of as many such frames as stand at `at`, of `size_max` octets at most, and where they end."""
    payloads: list[bytes] = []
    end = len(data)
    while end - at >= _SHORT_HEADER and data[at] == _BINARY and data[at + 1] & _MASKED:
        size = data[at + 1] & 0x7F
        start = at + _SHORT_HEADER
        if size == _MEDIUM:
            size = data[at + 2] << 8 | data[at + 3]
            start = at + _MEDIUM_HEADER
        elif size == _LONG:
            break
        stop = start + size
        if stop > end or size > size_max:
            break
        payloads.append(octets.unmasked(data, start, stop))
        at = stop
    return payloads, at


def put_together(data: bytes, ends: list[int], size_max: int) -> bytes:
    """Frames for the client: one for each part of the data that ends at one of `ends`, in pieces of `size_max` octets
    (at most 65,535)."""
    size = longest = at = 0
    for end in ends:
        length = end - at
        size += length + (_SHORT_HEAD if length < _MEDIUM else _MEDIUM_HEAD)
        if length > longest:
            longest = length
        at = end
    if longest > size_max:
        return put_together(data, _in_pieces(ends, size_max), size_max)
    memory = octets.blank(size)
    head = b""
    before = -1
    to = at = 0
    for end in ends:
        length = end - at
        if length != before:  # mostly it is that of the last one
            before = length
            head = _head(length)
        octets.put(memory, to, head, 0, len(head))
        to += len(head)
        octets.put(memory, to, data, at, end)
        to += length
        at = end
    return octets.sealed(memory)


def put_texts_together(data: bytes, size_max: int) -> bytes:
    """The same as text messages, none of which ends within a character; binary ones if it is no text."""
    if not _is_text(data):
        return put_together(data, [len(data)], size_max)
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        end = min(at + size_max, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # within a character of UTF-8
            end -= 1
        pieces += (bytes((_TEXT,)), _head(end - at)[1:], data[at:end])
        at = end
    return b"".join(pieces)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _head(length: int) -> bytes:
    if length < _MEDIUM:
        return bytes((_BINARY, length))
    return bytes((_BINARY, _MEDIUM, length >> 8, length & 0xFF))


def _in_pieces(ends: list[int], size_max: int) -> list[int]:
    pieces: list[int] = []
    at = 0
    for end in ends:
        pieces += range(at + size_max, end, size_max)
        pieces.append(end)
        at = end
    return pieces


class Boundary:
    """Follows frames of any kind. `is_inside` says whether the last one has not ended yet."""

    __slots__ = ("_header", "_left")

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0

    @property
    def is_inside(self) -> bool:
        """Whether the next octet belongs to a frame that has begun."""
        return bool(self._header) or self._left > 0

    def advance(self, data: bytes, at: int) -> int:
        """Where the frame ends that `data[at]` belongs to or begins; the end of the data if that is not there yet."""
        if not self._left:
            header = self._header
            while at < len(data) and len(header) < _header_size(header):
                header.append(data[at])
                at += 1
            if len(header) < _header_size(header):
                return at
            self._left = _payload_size(header)
            header.clear()
        taken = min(self._left, len(data) - at)
        self._left -= taken
        return at + taken


def _header_size(header: bytearray) -> int:
    """How long the header is, as far as it can be told of its beginning."""
    if len(header) < 2:
        return 2
    size = header[1] & 0x7F
    return 2 + (2 if size == _MEDIUM else 8 if size == _LONG else 0) + (4 if header[1] & _MASKED else 0)


def _payload_size(header: bytearray) -> int:
    size = header[1] & 0x7F
    if size == _MEDIUM:
        return int.from_bytes(header[2:4], "big")
    return int.from_bytes(header[2:10], "big") if size == _LONG else size
