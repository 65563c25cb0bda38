"""Frames on their way out, and the errors that a frame as such can contain.

    0      1         3             7                  size+7
    +------+---------+-------------+------------------+------+
    | type | channel |    size     |  payload         | 0xCE |      AMQP 0-9-1 §4.2.3
    +------+---------+-------------+------------------+------+
     octet    short       long         size octets      octet

It owns the envelope. It must not know what is in a payload: methods, tables and properties have modules of their own.
Incoming frames are scanned by the session, which sees every octet of a chunk once; the texts of what it may find
wrong are RabbitMQ's and are made here.
"""

import struct

from mqbroker.core.rabbitmq.erlang_text import term_text
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.constants import (
    CLASS_BASIC,
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
)

END = b"\xce"
_SNIPPET_BYTES = 16  # how many octets of a payload RabbitMQ shows

_pack_start = struct.Struct(">BHI").pack
_pack_header_start = struct.Struct(">BHIHHQ").pack

HEARTBEAT = _pack_start(FRAME_HEARTBEAT, 0, 0) + END


def method_frame(channel: int, payload: bytes) -> bytes:
    """A method frame around `payload`: class id, method id, arguments."""
    return b"%b%b\xce" % (_pack_start(FRAME_METHOD, channel, len(payload)), payload)


def content_header_frame(channel: int, properties_raw: bytes, body_size_bytes: int) -> bytes:
    """A content header frame of class basic. `properties_raw` are the flags and the property list as they are."""
    start = _pack_header_start(FRAME_HEADER, channel, 12 + len(properties_raw), CLASS_BASIC, 0, body_size_bytes)
    return b"%b%b\xce" % (start, properties_raw)


def body_frames(channel: int, body: bytes, frame_max: int) -> list[bytes | memoryview]:
    """The body frames of one message as pieces of output, none for an empty body. The body is not copied.

    `frame_max` is the negotiated size of a whole frame in bytes, 0 for no limit.
    """
    size = len(body)
    if not size:
        return []
    room = frame_max - FRAME_OVERHEAD_BYTES if frame_max else size
    if size <= room:
        return [_pack_start(FRAME_BODY, channel, size), body, END]
    view = memoryview(body)
    pieces: list[bytes | memoryview] = []
    for start in range(0, size, room):
        chunk = view[start : start + room]
        pieces += (_pack_start(FRAME_BODY, channel, len(chunk)), chunk, END)
    return pieces


def _describe(kind: int, payload: bytes) -> str:
    if len(payload) <= _SNIPPET_BYTES:
        return f"type {kind}, all octets = {term_text(payload)}"
    return f"type {kind}, first 16 octets = {term_text(payload[:_SNIPPET_BYTES])}"


def frame_error_text(kind: int, payload: bytes, reason: str) -> str:
    """RabbitMQ's text for a bad frame of type `kind`; `reason` is an Erlang term such as `unknown_frame`."""
    return f"{_describe(kind, payload)}: {reason}"


def frame_too_large(kind: int, size_bytes: int, frame_max: int) -> ProtocolViolation:
    """The size field exceeds what was negotiated. The payload is not read, so none of it is shown."""
    reason = f"{{frame_too_large,{size_bytes},{frame_max - FRAME_OVERHEAD_BYTES}}}"
    return ProtocolViolation("frame", frame_error_text(kind, b"", reason))


def invalid_end_marker(kind: int, payload: bytes, marker: int) -> ProtocolViolation:
    """The octet after the payload is not 0xCE: the two sides no longer agree where frames begin."""
    return ProtocolViolation("frame", frame_error_text(kind, payload, f"{{invalid_frame_end_marker,{marker}}}"))


def unknown_frame(kind: int, payload: bytes) -> ProtocolViolation:
    """No such frame type, a payload too short for its type, or a heartbeat with a payload."""
    return ProtocolViolation("frame", frame_error_text(kind, payload, "unknown_frame"))


def unexpected_frame(kind: int, payload: bytes) -> ProtocolViolation:
    """A frame on a channel where its type has no place: content on channel 0, a heartbeat elsewhere."""
    return ProtocolViolation("unexpected", _describe(kind, payload))


def expected_method() -> ProtocolViolation:
    """Content came without the method that announces it."""
    return ProtocolViolation("unexpected", "expected method frame, got non method frame instead")


def expected_header(class_id: int | None = None) -> ProtocolViolation:
    """Another frame came where basic.publish has its content header, or a header of the class `class_id`."""
    found = "non content header frame" if class_id is None else f"one for class {class_id}"
    return ProtocolViolation("unexpected", f"expected content header for class {CLASS_BASIC}, got {found} instead")


def expected_body() -> ProtocolViolation:
    """Another frame came before the body was complete."""
    return ProtocolViolation("unexpected", "expected content body, got non content body frame instead")
