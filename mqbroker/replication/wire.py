"""The language of the link: packets in both directions, over one connection that the standby opens.

     0        4      5
    +--------+------+------------------------------+
    | bytes  | kind | content, `bytes` - 1 octets  |        little endian
    +--------+------+------------------------------+

    kind          from     content
    1  hello      standby  JSON: version, cluster, node, promised epoch, course of its log
    2  welcome    active   JSON: version, cluster, node, epoch, the batch after which the standby goes on
    3  refused    both     JSON: why, in one sentence; the connection ends
    4  appended   active   segment u64, offset u64, batch u64, then the octets of the log
    5  deleted    active   segment u64
    6  skipped    active   batch u64
    7  joined     active   batch u64: all up to it was sent, and what follows comes as it is written
    8  beat       active   committed batch u64, 1 when the standby is in the in-sync set
    9  durable    standby  batch u64 that lasts there, 1 when its log is whole
    10 request    tool     JSON
    11 answer     node     JSON
    12 copied     active   as in 4, of an older segment that the standby lacks; without octets it is complete

Nothing here is secret or signed: the connection is TLS with certificates on both sides, or stays on one machine.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

import orjson

from mqbroker.errors import LinkBroken
from mqbroker.limits import PAIR_GREETING_BYTES_MAX, SEGMENT_BYTES_CEILING
from mqbroker.replication.copies import Copied
from mqbroker.replication.course import Course, Stretch
from mqbroker.storage.log.pieces import Appended, Deleted, Piece, Skipped

VERSION = 1

_HEAD = Struct("<IB")
_PLACE = Struct("<QQQ")
_NUMBER = Struct("<Q")
_STATE = Struct("<QB")
_LENGTH_BYTES = 4


class Hello(NamedTuple):
    """A standby says who it is and what it has."""

    cluster: str
    node: str
    promised: int
    course: Course
    version: int = VERSION


class Welcome(NamedTuple):
    """The active node says where the standby goes on."""

    cluster: str
    node: str
    epoch: int
    keep: int
    is_whole: bool
    version: int = VERSION


class Refused(NamedTuple):
    """One side ends it."""

    reason: str


class Joined(NamedTuple):
    """All up to this batch was sent."""

    lsn: int


class Beat(NamedTuple):
    """The active node lives."""

    committed: int
    is_in_sync: bool


class Durable(NamedTuple):
    """The standby lives, and has everything up to this batch."""

    lsn: int
    is_whole: bool


class Request(NamedTuple):
    """A tool asks."""

    content: dict[str, Any]


class Answer(NamedTuple):
    """What the tool gets."""

    content: dict[str, Any]


Packet = Hello | Welcome | Refused | Piece | Copied | Joined | Beat | Durable | Request | Answer


def pack(packet: Packet) -> list[bytes]:
    """The octets of a packet, in parts."""
    match packet:
        case Appended(segment, offset, lsn, parts) | Copied(segment, offset, lsn, parts):
            content = _PLACE.pack(segment, offset, lsn)
            kind = 4 if isinstance(packet, Appended) else 12
            return [_HEAD.pack(1 + len(content) + packet.size, kind) + content, *parts]
        case Deleted(segment):
            return _small(5, _NUMBER.pack(segment))
        case Skipped(lsn):
            return _small(6, _NUMBER.pack(lsn))
        case Joined(lsn):
            return _small(7, _NUMBER.pack(lsn))
        case Beat(committed, is_in_sync):
            return _small(8, _STATE.pack(committed, is_in_sync))
        case Durable(lsn, is_whole):
            return _small(9, _STATE.pack(lsn, is_whole))
        case _:
            return _small(*_said(packet))


def _small(kind: int, content: bytes) -> list[bytes]:
    return [_HEAD.pack(1 + len(content), kind) + content]


def _said(packet: Hello | Welcome | Refused | Request | Answer) -> tuple[int, bytes]:
    match packet:
        case Hello():
            course = {"end": packet.course.end, "segments": list(map(list, packet.course.stretches))}
            return 1, orjson.dumps({**packet._asdict(), "course": course})
        case Welcome():
            return 2, orjson.dumps(packet._asdict())
        case Refused():
            return 3, orjson.dumps(packet._asdict())
        case Request(content):
            return 10, orjson.dumps(content)
        case Answer(content):
            return 11, orjson.dumps(content)


def _hello(said: dict[str, Any]) -> Hello:
    course = said.pop("course")
    stretches = tuple(Stretch(*map(int, each)) for each in course["segments"])
    return Hello(**{**said, "course": Course(stretches, int(course["end"]))})


_SAID: dict[int, Any] = {
    1: _hello, 2: lambda said: Welcome(**said), 3: lambda said: Refused(**said), 10: Request, 11: Answer,
}  # fmt: skip
_NUMBERS: dict[int, Any] = {5: Deleted, 6: Skipped, 7: Joined}


def _unpack(kind: int, content: memoryview) -> Packet:
    if kind in (4, 12):
        segment, offset, lsn = _PLACE.unpack_from(content)
        parts = [bytes(content[_PLACE.size :])] if len(content) > _PLACE.size else []
        return Appended(segment, offset, lsn, parts) if kind == 4 else Copied(segment, offset, lsn, parts)
    if kind in _NUMBERS:
        packet: Packet = _NUMBERS[kind](*_NUMBER.unpack(content))
        return packet
    if kind in (8, 9):
        number, flag = _STATE.unpack(content)
        return Beat(number, bool(flag)) if kind == 8 else Durable(number, bool(flag))
    said: Packet = _SAID[kind](_mapping(content))
    return said


def _mapping(content: memoryview) -> dict[str, Any]:
    said = orjson.loads(content)
    if not isinstance(said, dict):
        raise ValueError("no mapping")
    return said


class Unpacker:
    """Makes packets of what arrives."""

    def __init__(self) -> None:
        self.size_max = PAIR_GREETING_BYTES_MAX
        """How large a packet may be; the largest batch once the peer is known."""
        self._data = bytearray()

    def trust(self) -> None:
        """The peer is known."""
        self.size_max = SEGMENT_BYTES_CEILING

    def receive(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole by now. LinkBroken when it is not this language."""
        self._data += data
        at = 0
        while (end := self._end(at)) > at:
            yield self._packet(at, end)
            at = end
        del self._data[:at]

    def _end(self, at: int) -> int:
        """Where the packet that begins at `at` ends; `at` when it is not here yet."""
        if len(self._data) - at < _HEAD.size:
            return at
        size = int.from_bytes(self._data[at : at + _LENGTH_BYTES], "little")
        if not 1 <= size <= self.size_max:
            raise LinkBroken(f"a packet of {size} bytes is none of the link's")
        end = at + _LENGTH_BYTES + size
        return end if end <= len(self._data) else at

    def _packet(self, at: int, end: int) -> Packet:
        kind = self._data[at + _LENGTH_BYTES]
        try:
            with memoryview(self._data) as view, view[at + _HEAD.size : end] as content:
                return _unpack(kind, content)
        except (ValueError, KeyError, TypeError, AttributeError, StructError) as error:
            raise LinkBroken(f"a packet of kind {kind} is not readable: {error}") from None


def packed(packets: Iterable[Packet]) -> list[bytes]:
    """The octets of several packets."""
    return [part for packet in packets for part in pack(packet)]
