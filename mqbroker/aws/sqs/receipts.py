"""Receipt handles: which receive of which message a client speaks of. Opaque to clients, kept nowhere.

     0              8           16           20         26      30
    +--------------+-----------+------------+----------+-------+
    | queue's key  | sequence  | deliveries | at, ms   | crc32 |      in Base64: 40 characters, of which none is `-`,
    | u64          | u64       | u32        | u48      |       |      because the extended client of Python cuts there
    +--------------+-----------+------------+----------+-------+

A queue's key is its own, so a handle of a queue that was deleted means nothing to its successor. When the
message was received is in it because visibility ends twelve hours after that, however often it is prolonged.
"""

from binascii import a2b_base64, b2a_base64
from struct import Struct
from typing import NamedTuple
from zlib import crc32

_LAYOUT = Struct(">QQI6s")
_CHECK = Struct(">I")
_BYTES = _LAYOUT.size + _CHECK.size


class Receipt(NamedTuple):
    """What a handle says; `received_at` in milliseconds."""

    queue_key: int
    sequence: int
    attempts: int
    received_at: int


def make_handle(receipt: Receipt) -> str:
    """The handle for one receive."""
    key, sequence, attempts, received_at = receipt
    octets = _LAYOUT.pack(key, sequence, attempts, received_at.to_bytes(6, "big"))
    return b2a_base64(octets + _CHECK.pack(crc32(octets)), newline=False).decode()


def read_handle(handle: str) -> Receipt | None:
    """The reverse; None for anything else."""
    try:
        octets = a2b_base64(handle, strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is a character beyond ASCII
        return None
    if len(octets) != _BYTES or _CHECK.unpack_from(octets, _LAYOUT.size)[0] != crc32(octets[: _LAYOUT.size]):
        return None
    key, sequence, attempts, received_at = _LAYOUT.unpack_from(octets)
    return Receipt(key, sequence, attempts, int.from_bytes(received_at, "big"))
