"""The batch frame: the unit of write, sync, checksum and replication. It does not know what its payload says.

Little endian; the payload follows at once, and the next frame follows the payload.

     0       4        8     9       10     11         12         16        20        24        28       32
    +-------+--------+-----+-------+------+----------+----------+---------+---------+---------+--------+-------+
    | magic | header | ver | cipher| flags| reserved | previous | payload | entries | entries | facts  | epoch |
    | "mQbF"| crc32c | 1   | 0, 1  |      | 0        | crc      | bytes   | bytes   | count   | count  | u32   |
    +-------+--------+-----+-------+------+----------+----------+---------+---------+---------+--------+-------+
    36        40        48             56                     64
    +---------+---------+--------------+----------------------+------------------------------------------------+
    | payload | lsn     | previous lsn | committed lsn when   | payload: first the entry records, then the     |
    | crc32c  | u64     | u64          | it was written, u64  | fact records                                   |
    +---------+---------+--------------+----------------------+------------------------------------------------+

`header crc` covers the rest of the header, the payload's crc included. Both start from the secret seed of the segment:
a publisher cannot forge a frame inside a body, nor a header that makes recovery look at megabytes in vain. `previous
crc` chains the frames of a segment by their header crc (the first one names the segment header's). Numbers of batches
may skip, because a batch of which nothing is left needs no frame; so each names the one before.

`cipher` is 1 in every frame of an encrypted segment and 0 in all others. With 1 the payload is sealed (cipher.py) and
16 bytes longer than its records. Its checksum is that of the sealed bytes, so whether a frame is whole is known without
the key; `entries bytes` counts plain ones. Sealed with it is the covered part of the header, with 0 as payload crc.

`epoch` is the term of the node that wrote the frame, the same as in the header of its segment: whoever takes over from
another node begins a new segment in a higher one. A node without a standby stays in the first.
"""

from struct import Struct
from typing import NamedTuple

from crc32c import crc32c

MAGIC = b"mQbF"
VERSION = 1
FIRST_EPOCH = 1
FRAME_BYTES = 64

PLAIN = 0
SEALED = 1
TAG_BYTES = 16  # what sealing adds to a payload

FLAG_CLOSED = 1  # the broker stopped in order after this batch
FLAG_FILLER = 2  # put here by a repair in the place of lost batches; the chain starts anew after it

_HEADER = Struct("<4sIBBBxIIIIIIIQQQ")
_COVERED = Struct("<BBBxIIIIIIIQQQ")
_COVERED_AT = 8
assert _HEADER.size == FRAME_BYTES
assert _COVERED.size == FRAME_BYTES - _COVERED_AT


class Frame(NamedTuple):
    """The header of a batch frame; `crc` (of the header) and `offset` are known once it is in a segment."""

    lsn: int
    previous_lsn: int
    committed: int
    flags: int
    entries_bytes: int
    entries: int
    facts: int
    payload_bytes: int = 0
    previous_crc: int = 0
    crc: int = 0
    offset: int = 0
    cipher: int = PLAIN
    epoch: int = FIRST_EPOCH

    @property
    def start(self) -> int:
        """Where the payload begins in the segment."""
        return self.offset + FRAME_BYTES

    @property
    def end(self) -> int:
        """Where the next frame begins in the segment."""
        return self.offset + FRAME_BYTES + self.payload_bytes

    @property
    def content_end(self) -> int:
        """Where the records in the payload end, once it is opened."""
        return self.end - TAG_BYTES * self.cipher


def pack_frame(frame: Frame, payload: bytes, previous_crc: int, seed: int) -> tuple[bytes, int]:
    """The encoded header of the frame of `payload`, which is sealed if the frame is; and its checksum."""
    covered = _COVERED.pack(
        VERSION, frame.cipher, frame.flags, previous_crc, len(payload), frame.entries_bytes, frame.entries,
        frame.facts, frame.epoch, crc32c(payload, seed), frame.lsn, frame.previous_lsn, frame.committed,
    )  # fmt: skip
    crc = crc32c(covered, seed)
    return MAGIC + crc.to_bytes(4, "little") + covered, crc


def associated_data(frame: Frame, payload_bytes: int, previous_crc: int) -> bytes:
    """What is sealed together with a payload that is `payload_bytes` long on the disk: all that its header will say."""
    return _COVERED.pack(
        VERSION, frame.cipher, frame.flags, previous_crc, payload_bytes, frame.entries_bytes, frame.entries,
        frame.facts, frame.epoch, 0, frame.lsn, frame.previous_lsn, frame.committed,
    )  # fmt: skip


def announced_end(data: bytes, offset: int, seed: int) -> int:
    """Where the frame at `offset` ends by what its header says; -1 when there is no whole and undamaged header."""
    if len(data) - offset < FRAME_BYTES or data[offset : offset + 4] != MAGIC:
        return -1
    (_, crc, _, _, _, _, payload_bytes, *_) = _HEADER.unpack_from(data, offset)
    start = offset + FRAME_BYTES
    return start + payload_bytes if crc32c(data[offset + _COVERED_AT : start], seed) == crc else -1


def read_frame(data: bytes, offset: int, seed: int, cipher: int = PLAIN, epoch: int = FIRST_EPOCH) -> Frame | None:
    """The frame at `offset` of a segment with this cipher and epoch, None when there is no whole and undamaged one."""
    if len(data) - offset < FRAME_BYTES or data[offset : offset + 4] != MAGIC:
        return None
    (_, crc, version, sealed, flags, previous_crc, payload_bytes, entries_bytes, entries, facts, term,
     payload_crc, lsn, previous_lsn, committed) = _HEADER.unpack_from(data, offset)  # fmt: skip
    start = offset + FRAME_BYTES
    if crc32c(data[offset + _COVERED_AT : start], seed) != crc or start + payload_bytes > len(data):
        return None
    if crc32c(memoryview(data)[start : start + payload_bytes], seed) != payload_crc:
        return None
    if (version, sealed, term) != (VERSION, cipher, epoch):
        return None
    # Whether a sealed frame makes sense is for its tag to say: whoever forged it made its checksums good.
    if cipher == PLAIN and entries_bytes > payload_bytes:
        return None
    return Frame(
        lsn, previous_lsn, committed, flags, entries_bytes, entries, facts, payload_bytes, previous_crc, crc, offset,
        cipher, epoch,
    )  # fmt: skip
