"""A segment: one preallocated file of the journal. Here are its name and its header; frames follow at once.

    0          8       12        14       16        24        32         40             48           64       80
    +----------+-------+---------+--------+---------+---------+----------+--------------+------------+--------+
    | magic    | crc32c| version | header | size    | epoch   | first    | previous     | cluster id | salt   |
    | mqbrjrnl |       | u16     | bytes  | u64     | u64     | lsn u64  | lsn u64      | 16 bytes   | 16 b.  |
    +----------+-------+---------+--------+---------+---------+----------+--------------+------------+--------+

Little endian. `version` is 1 for a plain segment and 2 for an encrypted one, in which a key block (keyring.py) stands
between header and frames. The first 16 bytes keep their meaning in every version; `crc` covers what follows it up to
the end of the header. `size` is what the file was prepared with, so that a file that was cut is known. `previous lsn`
is the last batch of the log before this segment: whatever follows that batch in the older segment never counted. `salt`
is random and secret: its checksum seeds those of the frames. A segment gets its name only after its header and first
batch are on disk, so a named segment without them is damage, never a crash.
"""

import re
from collections.abc import Callable
from struct import Struct, error
from typing import NamedTuple

from crc32c import crc32c

from mqbroker.errors import StorageError
from mqbroker.limits import SEGMENT_BYTES_CEILING
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES, KeyBlock, Keyring, pack_key_block, read_key_block
from mqbroker.storage.log.frame import FIRST_EPOCH, PLAIN, SEALED, Frame, read_frame

MAGIC = b"mqbrjrnl"
VERSION = 1
ENCRYPTED_VERSION = 2
SEGMENT_HEADER_BYTES = 80
ID_BYTES = 16
SPARE = "spare"
"""The prepared file that becomes the next segment."""
DAMAGED_SUFFIX = ".damaged"

_HEADER = Struct("<8sIHHQQQQ16s16s")
_CRC = Struct("<I")
_COVERED_AT = 12
_NAME = re.compile(r"[0-9a-f]{16}\.journal")
assert _HEADER.size == SEGMENT_HEADER_BYTES


class SegmentHeader(NamedTuple):
    """What the first bytes of a segment say. `crc` is 0 until it is packed or read."""

    size_bytes: int
    first_lsn: int
    previous_lsn: int
    cluster_id: bytes
    salt: bytes
    version: int = VERSION
    crc: int = 0
    key_block: KeyBlock | None = None
    epoch: int = FIRST_EPOCH

    @property
    def name(self) -> str:
        """The file's name."""
        return segment_name(self.first_lsn)

    @property
    def seed(self) -> int:
        """Where the checksums of its frames start from."""
        return crc32c(self.salt)

    @property
    def cipher(self) -> int:
        """The cipher of all its frames."""
        return PLAIN if self.version == VERSION else SEALED

    @property
    def frames_at(self) -> int:
        """Where its first frame begins."""
        return opening_bytes(self.cipher)

    def read_frame(self, data: bytes, offset: int) -> Frame | None:
        """The frame of this segment at `offset` of `data`, None when there is no whole and undamaged one."""
        return read_frame(data, offset, self.seed, self.cipher, self.epoch)


def segment_name(first_lsn: int) -> str:
    """The name of the segment that starts with this batch; names sort like batches."""
    return f"{first_lsn:016x}.journal"


def first_lsn_of(name: str) -> int:
    """The batch that a segment of this name starts with."""
    return int(name[:16], 16)


def segment_names(names: list[str]) -> list[str]:
    """Those of `names` that are segments, oldest first."""
    return sorted(name for name in names if _NAME.fullmatch(name))


def encrypted(
    header: SegmentHeader, keyring: Keyring, entropy: Callable[[int], bytes]
) -> tuple[SegmentHeader, DataKey]:
    """The header as that of an encrypted segment, with a data key of its own."""
    header = header._replace(version=ENCRYPTED_VERSION)
    key, block = keyring.wrap(pack_segment_header(header), entropy)
    return header._replace(key_block=block), key


def opening_bytes(cipher: int) -> int:
    """How many bytes of a segment come before its first frame."""
    return SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES * cipher


def is_too_long(header: SegmentHeader, first_bytes: int) -> bool:
    """Whether nobody makes a file so long that begins with so much: it is longer than SEGMENT_BYTES_CEILING for the
    sake of its first batch only, and of that one's part in the index, which is no more than twice as long."""
    return header.size_bytes > max(SEGMENT_BYTES_CEILING, first_bytes * 4)


def pack_segment_header(header: SegmentHeader) -> bytes:
    """The encoded header, with the key block if it has one."""
    blank = _HEADER.pack(
        MAGIC, 0, header.version, SEGMENT_HEADER_BYTES, header.size_bytes, header.epoch, header.first_lsn,
        header.previous_lsn, header.cluster_id, header.salt,
    )  # fmt: skip
    opening = blank[:8] + _CRC.pack(crc32c(blank[_COVERED_AT:])) + blank[_COVERED_AT:]
    return opening if header.key_block is None else opening + pack_key_block(header.key_block)


def opening_crc(opening: bytes) -> int:
    """The checksum in a packed header, to which the first frame is chained."""
    crc: int = _CRC.unpack_from(opening, 8)[0]
    return crc


def read_segment_header(name: str, data: bytes) -> SegmentHeader | None:
    """The header of a segment, or None when it or its key block is damaged.

    StorageError when it is whole but of a format that this program does not read.
    """
    try:
        magic, crc, version, length, size, epoch, first, previous, cluster, salt = _HEADER.unpack_from(data)
    except error:
        return None
    if magic != MAGIC or crc32c(memoryview(data)[_COVERED_AT : max(length, _COVERED_AT)]) != crc:
        return None
    if version not in (VERSION, ENCRYPTED_VERSION):
        age = "a newer" if version > ENCRYPTED_VERSION else "an older"
        raise StorageError(
            f"{name} is in format {version} of {age} mqbroker; this one reads formats {VERSION} and {ENCRYPTED_VERSION}"
        )
    block = read_key_block(data, SEGMENT_HEADER_BYTES) if version == ENCRYPTED_VERSION else None
    if first != first_lsn_of(name) or (version == ENCRYPTED_VERSION and block is None):
        return None
    return SegmentHeader(size, first, previous, cluster, salt, version, crc, block, epoch)
