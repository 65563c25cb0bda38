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

_LAYOUT = Struct(">QQIHII")  # the time in two parts: no format has 48 bits
_CHECKED = Struct(">QQIHI")
_LOW_BITS = 32
_LOW = (1 << _LOW_BITS) - 1


class Receipt(NamedTuple):
    """What a handle says; `received_at` in milliseconds."""

    queue_key: int
    sequence: int
    attempts: int
    received_at: int


def make_handle(queue_key: int, sequence: int, attempts: int, received_at: int) -> str:
    """The handle for one receive, from the parts of its receipt."""
    octets = _CHECKED.pack(queue_key, sequence, attempts, received_at >> _LOW_BITS, received_at & _LOW)
    return b2a_base64(octets + crc32(octets).to_bytes(4), newline=False).decode()


def read_handle(handle: str) -> Receipt | None:
    """The reverse; None for anything else."""
    try:
        octets = a2b_base64(handle, strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is a character beyond ASCII
        return None
    if len(octets) != _LAYOUT.size:
        return None
    key, sequence, attempts, high, low, check = _LAYOUT.unpack(octets)
    if check != crc32(octets[: _CHECKED.size]):
        return None
    # Half as dear as Receipt(...), which does the same.
    return tuple.__new__(Receipt, (key, sequence, attempts, high << _LOW_BITS | low))
