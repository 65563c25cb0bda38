"""A segment: one preallocated file of the journal. Here are its name and its header; frames follow at once.

    0          8       12        14       16        24        32         40             48           64       80
    +----------+-------+---------+--------+---------+---------+----------+--------------+------------+--------+
    | magic    | crc32c| version | header | size    | epoch   | first    | previous     | cluster id | salt   |
    | mqbrjrnl |       | u16     | bytes  | u64     | u64     | lsn u64  | lsn u64      | 16 bytes   | 16 b.  |
    +----------+-------+---------+--------+---------+---------+----------+--------------+------------+--------+

Little endian. The first 16 bytes keep their meaning in every version; `crc` covers what follows it up to the end of the
header. `size` is what the file was prepared with, so that a file that was cut is known. `previous lsn` is the last
batch of the log before this segment: whatever follows that batch in the older segment never counted. `salt` is random
and secret: its checksum seeds those of the frames. A segment gets its name only after its header and first batch are on
disk, so a named segment without them is damage, never a crash.
"""

import re
from struct import Struct, error
from typing import NamedTuple

from crc32c import crc32c

from mqbroker.errors import StorageError
from mqbroker.storage.frame import EPOCH

MAGIC = b"mqbrjrnl"
VERSION = 1
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
    crc: int = 0

    @property
    def name(self) -> str:
        """The file's name."""
        return segment_name(self.first_lsn)

    @property
    def seed(self) -> int:
        """Where the checksums of its frames start from."""
        return crc32c(self.salt)


def segment_name(first_lsn: int) -> str:
    """The name of the segment that starts with this batch; names sort like batches."""
    return f"{first_lsn:016x}.journal"


def first_lsn_of(name: str) -> int:
    """The batch that a segment of this name starts with."""
    return int(name[:16], 16)


def segment_names(names: list[str]) -> list[str]:
    """Those of `names` that are segments, oldest first."""
    return sorted(name for name in names if _NAME.fullmatch(name))


def pack_segment_header(header: SegmentHeader) -> bytes:
    """The encoded header."""
    blank = _HEADER.pack(
        MAGIC, 0, VERSION, SEGMENT_HEADER_BYTES, header.size_bytes, EPOCH, header.first_lsn, header.previous_lsn,
        header.cluster_id, header.salt,
    )  # fmt: skip
    return blank[:8] + _CRC.pack(crc32c(blank[_COVERED_AT:])) + blank[_COVERED_AT:]


def read_segment_header(name: str, data: bytes) -> SegmentHeader | None:
    """The header of a segment, or None when it is damaged.

    StorageError when it is whole but of a format that this program does not read.
    """
    try:
        magic, crc, version, length, size, _, first, previous, cluster, salt = _HEADER.unpack_from(data)
    except error:
        return None
    if magic != MAGIC or crc32c(memoryview(data)[_COVERED_AT : max(length, _COVERED_AT)]) != crc:
        return None
    if version != VERSION:
        age = "newer" if version > VERSION else "older"
        raise StorageError(f"{name} is in format {version} of an {age} mqbroker; this one reads format {VERSION}")
    return SegmentHeader(size, first, previous, cluster, salt, crc) if first == first_lsn_of(name) else None
