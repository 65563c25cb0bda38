"""What whoever follows a log gets of it, in its order: the same octets, each with its place.

The tap gives pieces as they are appended, the reader as they are found in the files, and the applier takes them. They
are as they are on the disk: encrypted where the log is.
"""

from typing import NamedTuple


class Appended(NamedTuple):
    """A frame at the end of a segment; at offset 0 the segment's opening comes before it."""

    segment: int
    """The first batch of the segment, which names it."""
    offset: int
    lsn: int
    """The frame's batch."""
    parts: list[bytes]
    """The octets, one part after the other."""

    @property
    def octets(self) -> bytes:
        """All parts."""
        return b"".join(self.parts)

    @property
    def size(self) -> int:
        """How many octets there are."""
        return sum(map(len, self.parts))


class Deleted(NamedTuple):
    """The segment that begins with this batch is not needed any more."""

    segment: int


class Skipped(NamedTuple):
    """The batches up to this one, as far as they were not given, stood in segments that are deleted."""

    lsn: int


Piece = Appended | Deleted | Skipped
