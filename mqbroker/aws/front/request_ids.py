"""Ids for requests and messages: random UUIDs, made many at a time because each call for randomness is dear.

RFC 9562 §5.4: version 4, of which six bits are fixed.
"""

import os
from collections.abc import Callable
from itertools import chain
from struct import Struct

from mqbroker import octets

_BATCH = 256
_BYTES = 16
_IDS = Struct(f"{_BYTES}s" * _BATCH)
_VERSION = bytes([octet & 0x0F | 0x40 for octet in range(256)])
_VARIANT = bytes([octet & 0x3F | 0x80 for octet in range(256)])


class RequestIds:
    """A source of ids that no two requests share."""

    __slots__ = ("take_octets",)

    def __init__(self) -> None:
        self.take_octets: Callable[[], bytes] = chain.from_iterable(iter(_made, None)).__next__
        """A new id as 16 octets."""

    def take(self) -> str:
        """A new id as text."""
        return uuid_text(self.take_octets())


def _made() -> tuple[bytes, ...]:
    """As many new ids as are made at a time."""
    made = bytearray(os.urandom(_BYTES * _BATCH))
    made[6::_BYTES] = made[6::_BYTES].translate(_VERSION)
    made[8::_BYTES] = made[8::_BYTES].translate(_VARIANT)
    return _IDS.unpack(made)


def uuid_text(id_octets: bytes) -> str:
    """The 16 octets of a UUID as it is written."""
    return octets.uuid_text(id_octets)


def request_id_header(request_id: str) -> bytes:
    """The header line that every answer of a service has."""
    return b"x-amzn-RequestId: %b\r\n" % request_id.encode()
