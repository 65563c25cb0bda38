"""From octets to frames, whatever pieces they come in.

    LF, CR LF, NUL --> head, up to an empty line --> body, of content-length octets or up to a NUL --> NUL

Each octet is looked at once, but for a head that comes in several pieces. What is not complete is kept in pieces, so a
long body costs one copy. A publisher repeats its heads: those of SEND are looked up, not parsed.
"""

import re
from collections.abc import Callable

from mqbroker.core.recent import remember
from mqbroker.errors import ProtocolViolation
from mqbroker.limits import PREAUTH_BYTES_MAX
from mqbroker.protocols.stomp.codec.escapes import V1_0
from mqbroker.protocols.stomp.codec.heads import Head, parse_head
from mqbroker.protocols.stomp.limits import (
    STOMP_HEAD_BYTES_MAX,
    STOMP_SEND_HEAD_BYTES_MAX,
    STOMP_SEND_HEADS_MAX,
)

Match = Callable[[bytes, int], re.Match[bytes] | None]

_between = re.compile(rb"(?:\r?\n|\0)*").match
_UNKNOWN = 1 << 62  # how much has to be there: up to a NUL that has not come yet


class Scanner:
    """The input of one connection. `body` is that of the frame that `next` has returned last."""

    __slots__ = (
        "_again", "_data", "_express", "_express_head", "_heads", "_is_jms", "_is_named", "_kept", "_needed",
        "_position", "body", "kept_bytes", "octets", "version",
    )  # fmt: skip

    def __init__(self, is_jms: bool = False) -> None:
        """`is_jms` is whether heads are read as ActiveMQ does."""
        self._is_jms = is_jms
        self._data = b""
        self._position = 0
        self._kept: list[bytes] = []
        self._needed = 0
        """How many octets have to be there before it is worth while to look again."""
        self._heads: dict[bytes, Head] = {}
        self._express = b""
        """The last head that was repeated, with its empty line: what the next frame mostly begins with."""
        self._express_head: Head | None = None
        self._again: tuple[Head, bytes] | None = None
        self._is_named = False
        self.kept_bytes = 0
        """How much is kept of a frame that is not complete."""
        self.version = V1_0
        self.body = b""
        self.octets = b""
        """The last head that was looked up, as it came."""

    def named(self, version: str) -> None:
        """The peer has logged in: it may send more, in this version."""
        self._is_named = True
        self.version = version

    def feed(self, data: bytes) -> None:
        """Takes a chunk."""
        if not self._kept:
            self._data = self._data[self._position :] + data if self._position < len(self._data) else data
        else:
            self._kept.append(data)
            self.kept_bytes += len(data)
            if self.kept_bytes < self._needed and not (self._needed == _UNKNOWN and b"\0" in data):
                return
            self._data = b"".join(self._kept)
            self._kept.clear()
        self._position = 0
        self.kept_bytes = 0

    def drop(self) -> None:
        """Nothing more is wanted of the input."""
        self._data = b""
        self._position = self.kept_bytes = 0
        self._kept.clear()
        self._again = None

    def put_back(self, head: Head, body: bytes) -> None:
        """A frame that `next` has returned has to wait: it is the next one again."""
        self._again = head, body

    def next(self, body_bytes_max: int) -> Head | None:
        """The head of the next complete frame, whose body is in `body` then. Raises ProtocolViolation, after which it
        must not be called again."""
        if self._again is not None:
            (head, self.body), self._again = self._again, None
            return head
        if self._kept:
            if self.kept_bytes > body_bytes_max + self._head_bytes_max():
                raise _long_body()
            return None
        return self._next(self._data, body_bytes_max)

    def next_bodies(self, body_bytes_max: int) -> list[bytes]:
        """The bodies of the frames that come now, as far as they have the head that was repeated last, and all of them
        is there. There is no frame that has to wait."""
        data, express, head = self._data, self._express, self._express_head
        found: list[bytes] = []
        if head is None:
            return found
        size, length, end = len(express), head.content_length, len(data)
        start = self._position
        while True:
            at = start + 1 if data.startswith(b"\n", start) else start
            if not data.startswith(express, at):
                break
            at += size
            stop = at + length if length >= 0 else data.find(b"\0", at)
            if not at <= stop < end or data[stop] or stop - at > body_bytes_max:
                break
            found.append(data[at:stop])
            start = stop + 1
        self._position = start
        return found

    def next_numbers(self, match: Match, is_wanted: Callable[[int], bool], most: int) -> list[int]:
        """The numbers in the frames that come now, as far as `match` finds each as a whole, they ascend, and are
        wanted; so many at most."""
        found: list[int] = []
        if self._kept or self._again is not None:
            return found
        data, position, last = self._data, self._position, -1
        while len(found) < most:
            frame = match(data, position)
            if frame is None:
                break
            number = int(frame[1])
            if number <= last or not is_wanted(number):
                break
            found.append(number)
            last, position = number, frame.end()
        self._position = position
        return found

    def _next(self, data: bytes, body_bytes_max: int) -> Head | None:
        start = self._position
        if data[start : start + 1] == b"\n":
            start += 1
        if self._express and data.startswith(self._express, start):
            head = self._express_head
            assert head is not None
            return self._end_of_frame(data, start, start + len(self._express), head, body_bytes_max)
        found = _between(data, start)
        start = self._position = found.end() if found is not None else start
        if start == len(data):
            self._data = b""
            self._position = 0
            return None
        end, body_at = self._end_of_head(data, start)
        if end < 0:
            self._keep_head(data, start)
            return None
        self.octets = octets = data[start:end]
        known = self._heads.get(octets)
        if known is None:
            known = self._parse(octets)
        elif known is not self._express_head:
            self._express, self._express_head = data[start:body_at], known
        return self._end_of_frame(data, start, body_at, known, body_bytes_max)

    def _end_of_frame(self, data: bytes, start: int, body_at: int, head: Head, body_bytes_max: int) -> Head | None:
        """The frame that begins there with this head, if all of it has come."""
        if head.content_length < 0:
            stop = data.find(b"\0", body_at)
        else:
            stop = body_at + head.content_length
            if stop < len(data) and data[stop]:
                raise ProtocolViolation(
                    "Invalid frame", "content-length bytes were read and there was no trailing null byte"
                )
        if (len(data) if stop < 0 else stop) - body_at > body_bytes_max:
            raise _long_body()
        if stop < 0 or stop >= len(data):
            self._keep(data, start, _UNKNOWN if stop < 0 else stop + 1 - start)
            return None
        self.body = data[body_at:stop]
        self._position = stop + 1
        return head

    def _end_of_head(self, data: bytes, start: int) -> tuple[int, int]:
        """Where the head ends, and where the body begins; -1 when the end has not come."""
        end = data.find(b"\n\n", start)
        with_cr = data.find(b"\n\r\n", start, len(data) if end < 0 else end + 1)
        if with_cr >= 0:
            return with_cr, with_cr + 3
        return end, end + 2

    def _parse(self, octets: bytes) -> Head:
        if len(octets) > self._head_bytes_max():
            raise _long_head()
        head = parse_head(octets, self.version, self._is_jms)
        if head.command == "SEND" and len(octets) <= STOMP_SEND_HEAD_BYTES_MAX and _is_repeated(head):
            remember(self._heads, octets, head, STOMP_SEND_HEADS_MAX)
        return head

    def _head_bytes_max(self) -> int:
        return STOMP_HEAD_BYTES_MAX if self._is_named else PREAUTH_BYTES_MAX

    def _keep_head(self, data: bytes, start: int) -> None:
        if data.find(b"\0", start) >= 0:
            raise ProtocolViolation("Invalid frame", "a NUL octet stands before the end of the headers")
        if len(data) - start > self._head_bytes_max():
            raise _long_head()
        self._keep(data, start, len(data) - start + 1)

    def _keep(self, data: bytes, start: int, needed: int) -> None:
        self._kept.append(data[start:])
        self.kept_bytes = len(data) - start
        self._needed = needed
        self._data = b""
        self._position = 0

    def repeats(self, head: Head) -> bool:
        """Whether it is the head that was repeated last."""
        return head is self._express_head and self._again is None

    def forget_heads(self) -> None:
        """What was prepared for repeated heads holds no longer."""
        self._heads.clear()
        self._express, self._express_head = b"", None


def _long_head() -> ProtocolViolation:
    return ProtocolViolation("Invalid frame", "The maximum header length was exceeded")


def _long_body() -> ProtocolViolation:
    return ProtocolViolation("Invalid frame", "The maximum data length was exceeded")


def _is_repeated(head: Head) -> bool:
    return "receipt" not in head.headers and "transaction" not in head.headers
