"""The head of a frame: its command and its headers.

SEND LF
destination:/queue/a LF          name, colon, value; the first of a repeated header counts
content-length:5 LF
LF                               the end of the head (scanner.py finds it)
"""

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.stomp.codec.escapes import V1_0, unescape, unescape_known
from mqbroker.protocols.stomp.codec.numbers import is_number
from mqbroker.protocols.stomp.limits import STOMP_HEADERS_MAX

_UNESCAPED_COMMANDS = (b"CONNECT", b"STOMP")  # STOMP 1.2, Value Encoding: compatible with 1.0


class Head:
    """A command with its headers. `prepared` is for whoever handles frames with this very head again and again."""

    __slots__ = ("command", "content_length", "headers", "prepared")

    def __init__(self, command: str, headers: dict[str, str], content_length: int) -> None:
        self.command = command
        self.headers = headers
        self.content_length = content_length
        """How long the body is; -1 when it goes up to the first NUL."""
        self.prepared: object = None

    def get(self, name: str) -> str | None:
        """The value of a header, or None."""
        return self.headers.get(name)


def parse_head(octets: bytes, version: str, is_jms: bool = False) -> Head:
    """The head with these octets, without its empty line; with `is_jms` as ActiveMQ reads it.

    Raises ProtocolViolation.
    """
    if b"\0" in octets:
        raise ProtocolViolation("Invalid frame", "a NUL octet stands before the end of the headers")
    command, *lines = octets.split(b"\n")
    command = _without_cr(command)
    if len(lines) > STOMP_HEADERS_MAX:
        raise ProtocolViolation("Invalid frame", "The maximum number of headers was exceeded")
    is_escaped = version != V1_0 and command not in _UNESCAPED_COMMANDS
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = _without_cr(line).partition(b":")
        if not (colon and name):
            _check_line(name, colon, is_jms)
        if version == V1_0:
            value = value.strip(b" ")
        if is_escaped:
            read = unescape_known if is_jms else unescape
            name, value = read(name), read(value)
        headers.setdefault(_text(name), _text(value))
    # As in RabbitMQ: there are clients that send the headers of a MESSAGE back with ACK, and no body.
    return Head(_text(command), headers, _content_length(headers) if command == b"SEND" else -1)


def _check_line(name: bytes, colon: bytes, is_jms: bool) -> None:
    """Raises ProtocolViolation for a header line that lacks what is needed: RabbitMQ wants a colon, ActiveMQ a name."""
    if not (colon or is_jms):
        raise ProtocolViolation("Invalid frame", "a header line has no colon")
    if is_jms and not name:
        raise ProtocolViolation("Invalid frame", "a header line has no name")


def _without_cr(line: bytes) -> bytes:
    """A line without the CR of its end [STOMP 1.2, Augmented BNF]. Raises ProtocolViolation for one that stands
    elsewhere."""
    line = line.removesuffix(b"\r")
    if b"\r" in line:
        raise ProtocolViolation("Invalid frame", "a carriage return stands before no line feed")
    return line


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _content_length(headers: dict[str, str]) -> int:
    text = headers.get("content-length")
    if text is None:
        return -1
    text = text.strip()
    digits = text.removeprefix("-")
    if not is_number(digits):
        raise ProtocolViolation("Invalid frame", "Specified content-length is not a valid integer")
    if digits is not text:
        raise ProtocolViolation("Invalid frame", "Specified content-length may not be negative")
    return int(digits)
