"""What a message body of the load driver looks like, and how its parts are computed for many messages at once.

Owns the body's layout, and nothing of the frames around it.

     0            8            12          16                    size
     +------------+------------+-----------+---------------------+
     | sequence   | publisher  | check     | fill                |
     | u64        | u32        | u32       | fixed pattern       |
     +------------+------------+-----------+---------------------+

`check` mixes sequence, publisher and the CRC of the fill, so a body that was cut, swapped or mixed with another one
cannot pass. All integers are big-endian.
"""

from functools import lru_cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

STAMP_SIZE_BYTES = 16

_SEQUENCE_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_PUBLISHER_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)
# A prime period: no power-of-two block that is shifted or repeated can look right.
_FILL_PERIOD = bytes((index * 73 + 41) % 251 for index in range(251))


@lru_cache(maxsize=16)
def fill(body_size_bytes: int) -> bytes:
    """The constant bytes after the stamp of a body of this size; ValueError when there is no room for a stamp."""
    room = body_size_bytes - STAMP_SIZE_BYTES
    if room < 0:
        raise ValueError(f"a body needs at least {STAMP_SIZE_BYTES} bytes, not {body_size_bytes}")
    return (_FILL_PERIOD * (room // len(_FILL_PERIOD) + 1))[:room]


@lru_cache(maxsize=16)
def _fill_crc(body_size_bytes: int) -> np.uint64:
    return np.uint64(crc32(fill(body_size_bytes), body_size_bytes & 0xFFFF))


def checks(
    sequences: npt.NDArray[np.uint64], publishers: npt.NDArray[np.uint64] | np.uint64, body_size_bytes: int
) -> npt.NDArray[np.uint32]:
    """The check field of many messages: shape (n,) for sequences of shape (n,)."""
    mixed = sequences * _SEQUENCE_FACTOR
    mixed ^= np.atleast_1d(publishers) * _PUBLISHER_FACTOR  # as an array: numpy warns of overflow in scalars only
    mixed >>= np.uint64(32)
    mixed ^= _fill_crc(body_size_bytes)
    return mixed.astype(np.uint32)


def body(sequence: int, publisher: int, body_size_bytes: int) -> bytes:
    """One whole message body, for templates and tests."""
    check = checks(np.array([sequence], np.uint64), np.uint64(publisher), body_size_bytes)
    stamp = sequence.to_bytes(8, "big") + publisher.to_bytes(4, "big") + int(check[0]).to_bytes(4, "big")
    return stamp + fill(body_size_bytes)
