"""The file that the log is appended to: how a segment gets its name, and where zeros are written ahead of the frames.

Leader and follower write alike. It knows places and sizes, and of what it writes nothing.
"""

from time import perf_counter

from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.segment import SPARE

ZERO_AHEAD_BYTES = 1 << 18
"""A synced write into blocks that were never written has to change the file's metadata too, which takes about twice as
long. So once in a while a write takes zeros along, and those after it find their blocks written. With a megabyte of
them a write takes a millisecond, which all wait for who publish meanwhile."""
SMALL_WRITE_BYTES = 1 << 15  # what takes as long as a sync does
SMALL_WRITES_COUNTED = 16
_ZEROS = bytes(ZERO_AHEAD_BYTES)


class SegmentFile:
    """The newest segment. With `sync` a write returns once it lasts."""

    def __init__(self, disk: Disk, sync: bool) -> None:
        self.small_write_s = 0.0
        """How long a small write takes lately."""
        self._disk = disk
        self._sync = sync
        self._name = ""
        self._size = 0
        self._zeroed = 0

    def begin(self, name: str, size_bytes: int, parts: list[bytes]) -> None:
        """Makes the spare, which has that size, the segment `name`, with the opening and first frame in `parts`."""
        # Always synced, and before the spare gets the segment's name: then a named segment without a good header and
        # first batch is damage, in every mode.
        self.go_on(name, size_bytes)
        self._disk.write(SPARE, [*parts, self._zeros_ahead(sum(map(len, parts)))], 0, True)
        self._disk.rename(SPARE, name)
        self._disk.sync_names()

    def go_on(self, name: str, size_bytes: int) -> None:
        """Appends to that segment from here on, which the disk has open."""
        self._name = name
        self._size = size_bytes
        self._zeroed = 0

    def append(self, parts: list[bytes], offset: int) -> None:
        """Writes a frame. OSError when it is not as durable as the mode promises."""
        size = sum(map(len, parts))
        zeros = self._zeros_ahead(offset + size) if self._sync else b""
        began = perf_counter()
        self._disk.write(self._name, [*parts, zeros] if zeros else parts, offset, self._sync)
        if size + len(zeros) < SMALL_WRITE_BYTES:
            self.small_write_s += (perf_counter() - began - self.small_write_s) / SMALL_WRITES_COUNTED

    def _zeros_ahead(self, end: int) -> bytes:
        """What to write after the frame that ends there."""
        if not self._sync or end <= self._zeroed:
            return b""
        pieces = -(-end // ZERO_AHEAD_BYTES)
        self._zeroed = min(pieces * ZERO_AHEAD_BYTES, self._size)
        return _ZEROS[: self._zeroed - end]
