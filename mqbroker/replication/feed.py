"""What the active node sends to one standby: first what the files have, then what is written, as it is written.

    copying --(nothing is missing)--> reading
    reading --(at the end)--> joining --(the files have what was on its way)--> live --(too much waits)--> reading

Without loop, clock or socket: `next` is called when there is room to send. It counts what is sent and not acknowledged.
"""

from collections import deque
from collections.abc import Callable

from mqbroker.limits import PAIR_QUEUED_BYTES_MAX, PAIR_READ_BYTES
from mqbroker.replication.copies import Copies
from mqbroker.replication.course import Course, History, Meeting, Stretch, begun_by, meeting
from mqbroker.replication.wire import Joined, Packet
from mqbroker.storage.gate import Gate
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.pieces import Appended, Deleted, Piece, Skipped
from mqbroker.storage.log.reader import Reader
from mqbroker.storage.log.tap import Tap

NOTHING = -1


class Source:
    """The log of the node that writes, for those that follow it."""

    def __init__(self, disk: Disk, tap: Tap, gate: Gate, before: Course, newest: Stretch) -> None:
        """`before` is the course as it was before this run began with the segment `newest`."""
        self.disk = disk
        self.tap = tap
        self.gate = gate
        self.history = History(before)
        self.history.note(newest)
        tap.follow(self._note)

    def _note(self, piece: Piece) -> None:
        # Before any feed is told: what a standby was sent is always part of the history.
        if isinstance(piece, Appended) and (stretch := begun_by(piece)):
            self.history.note(stretch)

    def meet(self, course: Course) -> Meeting:
        """Where a standby whose log went like that goes on."""
        return meeting(self.history, self.disk, self.tap.last_lsn, course)


class Feed:
    """One standby's, from its last common batch on."""

    def __init__(self, source: Source, found: Meeting, course: Course, wake: Callable[[], None]) -> None:
        """`course` is what the standby has said of its log, `found` what came of that. `wake` is called when there is
        something to send."""
        keep = found.keep
        self._copies = Copies(source.disk, found.missing)
        self.is_live = False
        self.in_flight = 0
        """Octets sent and not acknowledged."""
        self.sent = keep
        """The last batch that was sent."""
        self.acked = NOTHING
        """Up to where it has acknowledged over this link."""
        self._source = source
        self._wake = wake
        self._segments = {each.first for each in course.stretches if each.first <= keep}
        self._gone: dict[int, Piece] = {}
        self._unacked: deque[tuple[int, int]] = deque()
        self._live: deque[Piece] = deque()
        self._live_bytes = 0
        self.joined = NOTHING
        """All up to this batch was found in the files; -1 before that is known."""
        self._reader: Reader | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is something to send at once."""
        if self.is_live:
            return bool(self._live)
        return self._reader is None or not self._reader.is_at_end

    def next(self, size: int = PAIR_READ_BYTES) -> list[Packet]:
        """What to send next, about so many octets. JournalCorrupt, StorageError when the files cannot be read."""
        if not self._copies.is_done:
            return self._copied(size)
        packets: list[Packet] = list(self._from_memory(size) if self.is_live else self._from_files(size))
        for packet in packets:
            self._count(packet)
        if not self.is_live and 0 <= self.joined <= self.sent:
            self.is_live = True
            packets += [Joined(self.sent), *self._take_gone()]
        return packets

    def _copied(self, size: int) -> list[Packet]:
        pieces = self._copies.next(size)
        self._segments.update(each.segment for each in pieces)
        return list(pieces)

    def _take_gone(self) -> list[Piece]:
        gone, self._gone = self._gone, {}
        self._segments -= gone.keys()
        return list(gone.values())

    def _from_files(self, size: int) -> list[Piece]:
        reader = self._reader
        if reader is None:
            if self._source.gate.frame < self.sent:
                return []  # the standby has more than the files here, which will have it in a moment
            reader = self._reader = Reader(self._source.disk, self.sent)
        pieces = reader.read(size)
        if self.joined < 0 and reader.is_at_end:
            self.joined = self._source.tap.follow(self._arrived)
            begun = {each.segment for each in pieces if isinstance(each, Appended)}
            pieces += reader.gone(sorted(self._segments | begun))
        # A segment that is gone here may be needed by all that the standby has so far: it goes once it has the rest.
        self._gone.update((each.segment, each) for each in pieces if isinstance(each, Deleted))
        return [each for each in pieces if not isinstance(each, Deleted)]

    def _from_memory(self, size: int) -> list[Piece]:
        pieces: list[Piece] = []
        while self._live and size > 0:
            piece = self._live.popleft()
            if isinstance(piece, Appended):
                self._live_bytes -= piece.size
                size -= piece.size
                if piece.lsn <= self.sent:
                    continue  # it was in the files already
            pieces.append(piece)
        return pieces

    def _arrived(self, piece: Piece) -> None:
        self._live.append(piece)
        if isinstance(piece, Appended):
            self._live_bytes += piece.size
            if self._live_bytes > PAIR_QUEUED_BYTES_MAX:
                self._fall_back()
        self._wake()

    def _fall_back(self) -> None:
        """Too far behind for memory: the rest is read from the files."""
        self.close()
        self._live.clear()
        self._live_bytes = 0
        self.is_live = False
        self.joined = NOTHING
        self._reader = None

    def _count(self, packet: Packet) -> None:
        if isinstance(packet, Appended):
            self.sent = packet.lsn
            self.in_flight += packet.size
            self._unacked.append((packet.lsn, packet.size))
            self._segments.add(packet.segment)
        elif isinstance(packet, Skipped):
            self.sent = packet.lsn
        elif isinstance(packet, Deleted):
            self._segments.discard(packet.segment)

    def durable(self, lsn: int) -> None:
        """The standby has everything up to that batch."""
        self.acked = max(lsn, self.acked)
        while self._unacked and self._unacked[0][0] <= lsn:
            self.in_flight -= self._unacked.popleft()[1]

    def close(self) -> None:
        """Sends nothing more."""
        self._source.tap.leave(self._arrived)
