"""A batch, the facts between two seals as objects; and a job, the same as bytes on the way to the disk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mqbroker.core.message import Entry
from mqbroker.core.queues.page import Page
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.log.frame import Frame
from mqbroker.storage.log.segment import SegmentHeader


class Moving(NamedTuple):
    """What is alive of successive batches, to be written again: entries as they were read."""

    first_lsn: int
    last_lsn: int
    entries: list[Entry]


class Batch:
    """Facts that become durable together. `entries` holds None where an entry was settled before the seal."""

    __slots__ = (
        "attempted", "deferred", "defined", "entries", "flags", "forgotten", "indexes", "lsn", "moving", "pages",
        "settled", "size",
    )  # fmt: skip

    def __init__(self, lsn: int, flags: int = 0) -> None:
        self.lsn = lsn
        self.flags = flags
        self.size = 0
        """About how many bytes it comes to, once it is complete."""
        self.entries: list[Entry | None] = []
        self.settled: list[Entry] = []
        self.pages: list[Page] = []
        """Whole pages that are settled, each one run of sequences."""
        self.attempted: list[Entry] = []
        self.deferred: list[Entry] = []
        self.defined: list[tuple[str, bytes | None]] = []
        self.forgotten: list[int] = []
        self.moving: Moving | None = None
        """Entries of older batches that are written again; then it has no others."""
        self.indexes: list[tuple[int, bytes]] = []
        """Segments, and the records of their indexes."""


@dataclass(slots=True)
class Job:
    """One frame to append. With `segment` it is the first one of that new segment."""

    frame: Frame
    payload: bytes
    segment: SegmentHeader | None
    key: DataKey | None
    """That segment's key, if it is encrypted."""
    finished: tuple[str, int] | None
    """The segment that ends with the batch before, and its length; None when there is none to be finished."""
    late: Callable[[], bytes] | None = None
    """Makes the end of the payload, if that takes long: it is called where the batch is written."""
