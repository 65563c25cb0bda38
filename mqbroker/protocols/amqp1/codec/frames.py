"""Frames (AMQP 1.0 part 2, 2.3): a size, where the body begins, a type, a channel; a performative and a payload.

 0               4       5       6            8
+---------------+-------+-------+------------+------------------------+----------------------+---------+
| size, with    | doff  | type  | channel    | extended header, up to | performative         | payload |
| these four    | >= 2  | 0, 1  | (type 0)   | 4 * doff octets        |                      |         |
+---------------+-------+-------+------------+------------------------+----------------------+---------+
"""

from typing import Any

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec import messaging, performatives  # noqa: F401  types are known once they are imported
from mqbroker.protocols.amqp1.codec.composites import compose, encode_composite
from mqbroker.protocols.amqp1.codec.types import decode

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
HEADER_BYTES = 8

AMQP_TYPE = 0
SASL_TYPE = 1

EMPTY = b"\x00\x00\x00\x08\x02\x00\x00\x00"
"""A frame without a body: a sign of life."""


def frame(channel: int, body: bytes, kind: int = AMQP_TYPE) -> bytes:
    """A frame around what is encoded."""
    return (len(body) + 8).to_bytes(4, "big") + bytes((2, kind)) + channel.to_bytes(2, "big") + body


def performative(channel: int, value: Any) -> bytes:
    """A frame with a performative that has no payload."""
    return frame(channel, encode_composite(value))


def start_of(channel: int, code: int) -> bytes:
    """What frames of a channel whose performative has this code have after their size."""
    return b"\x02\x00" + channel.to_bytes(2, "big") + b"\x00\x53" + bytes((code,))


def sasl(value: Any) -> bytes:
    """A frame of the SASL layer."""
    return frame(0, encode_composite(value), SASL_TYPE)


def framing(text: str) -> ProtocolViolation:
    """The violation of a frame that is none: amqp:connection:framing-error."""
    return ProtocolViolation("framing", text)


def check_size(size: int, size_max: int) -> None:
    """Raises ProtocolViolation for a size that no frame has."""
    if size > size_max:
        raise framing(f"frame size ({size} bytes) > maximum frame size ({size_max} bytes)")
    if size < 8:
        raise framing(f"frame size ({size} bytes) < minimum frame size (8 bytes)")


def body_at(data: bytes, start: int, end: int) -> int:
    """Where the body of the frame from `start` to `end` begins. Raises ProtocolViolation."""
    offset = data[start + 4]
    if offset < 2:
        raise framing(f"data offset ({offset}) < minimum data offset (2)")
    if start + 4 * offset > end:
        raise framing(f"data offset ({offset}) points beyond the frame of {end - start} bytes")
    return start + 4 * offset


def read_performative(data: bytes, at: int, end: int) -> tuple[Any, int]:
    """The performative at `at`, and where its payload begins. Raises ProtocolViolation for anything else."""
    value, at = decode(data, at, end)
    found = compose(value)
    if found is None:
        raise ProtocolViolation("decode", "a frame begins with no performative that is known")
    return found, at
