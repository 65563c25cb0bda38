"""Header names and values on a header line: which octets are escaped in which version.

The broker keeps headers in one form, that of 1.2, and writes it for the version of who reads it. To 1.0, which has no
escapes, only line ends stay escaped: raw they would break the frame.
"""

import re

from mqbroker.errors import ProtocolViolation

V1_0 = "1.0"
V1_1 = "1.1"
V1_2 = "1.2"

_MEANINGS = {b"\\n": b"\n", b"\\r": b"\r", b"\\c": b":", b"\\\\": b"\\"}
_ESCAPES = {ord("\n"): "\\n", ord("\r"): "\\r", ord(":"): "\\c", ord("\\"): "\\\\", 0: "\\0"}
_ESCAPE = re.compile(rb"\\.?", re.DOTALL)
_ANY_ESCAPE = re.compile(rb"\\[rc\\]")


def unescape(text: bytes) -> bytes:
    """What stands in a header of 1.1 or 1.2. Raises ProtocolViolation for an escape that means nothing."""
    return _ESCAPE.sub(_meaning, text) if b"\\" in text else text


def unescape_known(text: bytes) -> bytes:
    """The same as ActiveMQ reads it: what means nothing stands for itself."""
    return _ESCAPE.sub(lambda found: _MEANINGS.get(found[0], found[0]), text) if b"\\" in text else text


def _meaning(found: re.Match[bytes]) -> bytes:
    meaning = _MEANINGS.get(found[0])
    if meaning is None:  # STOMP 1.2, Value Encoding: undefined escape sequences are a fatal protocol error
        raise ProtocolViolation("Invalid frame", f"undefined escape sequence {found[0]!r}")
    return meaning


def escape(text: str) -> bytes:
    """A name or value as it stands on a header line of 1.2. NUL has no escape there, so it is left out."""
    return text.replace("\0", "").translate(_ESCAPES).encode(errors="surrogateescape")


def header_line(name: str, value: str) -> bytes:
    """One header line of 1.2."""
    return b"%b:%b\n" % (escape(name), escape(value))


def for_version(lines: bytes, version: str) -> bytes:
    """Header lines of 1.2 as a client of another version reads them."""
    if version == V1_2 or b"\\" not in lines:
        return lines
    return _ANY_ESCAPE.sub(_for_1_1 if version == V1_1 else _for_1_0, lines)


def _for_1_1(found: re.Match[bytes]) -> bytes:
    return b"\r" if found[0] == b"\\r" else found[0]


def _for_1_0(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0] == b"\\r" else _MEANINGS[found[0]]
