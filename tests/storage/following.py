"""A standby on a simulated disk and its link to the node that writes, for the tests of tap, reader and applier."""

from collections import deque
from random import Random

from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.applier import Applier
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.pieces import Appended, Piece
from mqbroker.storage.log.reader import Reader
from mqbroker.storage.log.segment import segment_names
from tests.storage.simdisk import SimDisk


def segments_of(disk: Disk) -> dict[str, bytes]:
    """Every segment's octets."""
    return {name: disk.read(name) for name in segment_names(disk.names())}


def copied(source: Disk, target: SimDisk | None = None) -> SimDisk:
    """Brings a standby's disk to where the files of `source` are."""
    disk = target or SimDisk()
    applier = Applier(disk, True)
    reader = Reader(source, applier.lsn)
    while not reader.is_at_end:
        for piece in reader.read():
            applier.apply(piece)
    for gone in reader.gone(applier.segments):
        applier.apply(gone)
    return disk


class Link:
    """Catches up from the files, then goes on with the tap: what a link between two nodes does."""

    def __init__(self, ledger: JournalLedger, source: Disk, target: Disk) -> None:
        self.applier = Applier(target, True)
        self.tap = ledger.tap
        self.reader = Reader(source, self.applier.lsn)
        self.joined = -1
        self.live: deque[Piece] = deque()

    def step(self, chance: Random) -> None:
        """Does a part of what there is to do."""
        self.step_some(chance.choice((1, 500, 100_000)))

    def step_some(self, size: int = 10_000) -> None:
        """The same, with so many bytes at most from the files."""
        if self.joined < 0 or self.reader.lsn < self.joined:
            for piece in self.reader.read(size):
                self.applier.apply(piece)
            if self.joined < 0 and self.reader.is_at_end:
                self.joined = self.tap.follow(self.live.append)
                for gone in self.reader.gone(self.applier.segments):
                    self.applier.apply(gone)
        elif self.live:
            self._take(self.live.popleft())

    def _take(self, piece: Piece) -> None:
        if not isinstance(piece, Appended) or piece.lsn > self.applier.lsn:
            self.applier.apply(piece)

    @property
    def is_up_to_date(self) -> bool:
        """Whether nothing is left to do until more is written."""
        return self.joined >= 0 and self.reader.lsn >= self.joined and not self.live

    def cut(self) -> None:
        """Ends it; what it has not applied is lost."""
        self.tap.leave(self.live.append)
