"""Tells the rest of a write that was cut off from later damage. It knows frames and sectors, no records.

A segment is zeros where nothing was written, and one batch is written at a time. A disk writes a sector whole or not at
all, and a kernel that ends a process stops at the end of a page. So each sector of the write that was under way is
either new or as before, which is zeros from the end of the previous batch on:

    | ... batch before | header, payload, payload |  payload ...  |  (zeros)  |  payload | zeros ...
                       ^ end                      sector           a sector that is missing

Where no sector is zeros and a checksum is wrong all the same, bits have changed, and that batch may have been
confirmed. The reverse is not certain: a sector of a good batch may be all zeros. The next batch protects from that, and
an idle journal writes one too (ledger.py): damage before a good batch is never taken for a torn write.
"""

from mqbroker.storage.log.frame import FRAME_BYTES, MAGIC, announced_end

SECTOR_BYTES = 512  # every disk writes so many bytes whole; larger sectors are multiples


def is_torn(data: bytes, end: int, seed: int) -> bool:
    """Whether the octets after `end`, where the last good batch ends, can be the rest of one write."""
    announced = announced_end(data, end, seed)
    if announced < 0:
        return _is_header_torn(data, end)
    return len(data.rstrip(b"\0")) <= announced and _misses_sector(data, end, announced)


def _is_header_torn(data: bytes, start: int) -> bool:
    """Whether a missing sector is why the header is not whole. Then the end of its batch is not known either."""
    if not data.startswith(MAGIC[: _sector_end(start) - start], start):
        return not any(data[start : _sector_end(start)])
    return _misses_sector(data, start, _sector_end(start + FRAME_BYTES - 1))


def _misses_sector(data: bytes, start: int, end: int) -> bool:
    """Whether the part of some sector that lies between the two places is all zeros."""
    while start < end:
        part_end = min(_sector_end(start), end)
        if not any(data[start:part_end]):
            return True
        start = part_end
    return False


def _sector_end(at: int) -> int:
    """Where the sector of that byte ends."""
    return (at // SECTOR_BYTES + 1) * SECTOR_BYTES
