"""Ids for requests and messages: random UUIDs, made many at a time because each call for randomness is dear.

RFC 9562 §5.4: version 4, of which six bits are fixed.
"""

import os
from collections.abc import Callable
from itertools import chain

from mqbroker import octets

_BATCH = 256
_BYTES = 16
_RANDOM = int.from_bytes((b"\xff" * 6 + b"\x0f\xff\x3f" + b"\xff" * 7) * _BATCH)
_FIXED = int.from_bytes((bytes(6) + b"\x40\x00\x80" + bytes(7)) * _BATCH)


class RequestIds:
    """A source of ids that no two requests share."""

    __slots__ = ("take_octets",)

    def __init__(self) -> None:
        self.take_octets: Callable[[], bytes] = chain.from_iterable(iter(_made, None)).__next__
        """A new id as 16 octets."""

    def take(self) -> str:
        """A new id as text."""
        return uuid_text(self.take_octets())


def _made() -> list[bytes]:
    """As many new ids as are made at a time."""
    made = (int.from_bytes(os.urandom(_BYTES * _BATCH)) & _RANDOM | _FIXED).to_bytes(_BYTES * _BATCH)
    return [made[start : start + _BYTES] for start in range(0, len(made), _BYTES)]


def uuid_text(id_octets: bytes) -> str:
    """The 16 octets of a UUID as it is written."""
    return octets.uuid_text(id_octets)


def request_id_header(request_id: str) -> bytes:
    """The header line that every answer of a service has."""
    return b"x-amzn-RequestId: %b\r\n" % request_id.encode()
