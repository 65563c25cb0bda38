"""Ids for requests and messages: random UUIDs, made many at a time because each call for randomness is dear.

RFC 9562 §5.4: version 4, of which six bits are fixed.
"""

import os

_BATCH = 256
_BYTES = 16


class RequestIds:
    """A source of ids that no two requests share."""

    def __init__(self) -> None:
        self._ready: list[bytes] = []

    def take(self) -> str:
        """A new id as text."""
        return uuid_text(self.take_octets())

    def take_octets(self) -> bytes:
        """A new id as 16 octets."""
        if not self._ready:
            self._make()
        return self._ready.pop()

    def _make(self) -> None:
        octets = bytearray(os.urandom(_BYTES * _BATCH))
        for start in range(0, len(octets), _BYTES):
            octets[start + 6] = octets[start + 6] & 0x0F | 0x40
            octets[start + 8] = octets[start + 8] & 0x3F | 0x80
        made = bytes(octets)
        self._ready = [made[start : start + _BYTES] for start in range(0, len(made), _BYTES)]


def uuid_text(octets: bytes) -> str:
    """The 16 octets of a UUID as it is written."""
    digits = octets.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def request_id_header(request_id: str) -> bytes:
    """The header line that every answer of a service has."""
    return b"x-amzn-RequestId: %b\r\n" % request_id.encode()
