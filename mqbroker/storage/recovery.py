"""Reads a journal after a restart, and decides whether it may be trusted.

The newest segment opens with a checkpoint, which names every older segment that is still needed, and what is alive in
it. So the newest segment is read whole, older ones for their live messages only, and the rest is obsolete. Where the
index of an older one tells what is alive in it, that is left on the disk (pages/by_index.py), and the segment is
checked later, in the background (pages/scrub.py). The newest tells of its stretches as they end, and what is in these
is left on the disk too. Exactly one row of each table matches; whatever is refused is left unchanged on the disk.

    newest segment                                                     | the log
    -------------------------------------------------------------------+---------------------------------------------
    there is none                                                      | is new
    header or first batch is not good (it is named only after them)    | is damaged: refused
    format of another version                                          | is refused
    zeros after the last good batch                                    | ends there
    what a write that was cut off leaves after it (torn.py)            | ends there, and the log of the broker says so
    other bytes after it, no good batch further on                     | is damaged: refused
    a good batch with a higher number further on                       | is damaged: refused
    the file ends with it, and was made longer                         | went on in a newer one that is missing: refused
    the file is shorter than it was made, and not cut within zeros     | is damaged: refused
    it is encrypted with a key that was not given                      | is refused
    a whole batch does not open with its key                           | was changed: refused

    older segment                                                      | it
    -------------------------------------------------------------------+---------------------------------------------
    not named by the checkpoint, or all settled since                  | is obsolete, and deleted unread
    named and missing, with live messages                              | is damage: refused
    named, with another cluster's id                                   | is refused
    named and encrypted, and the newest segment is plain               | shows that the newest is forged: refused
    named as encrypted, and plain                                      | is forged: refused
    named, its batches good up to the one that the checkpoint names    | is good; what follows never counted
    named, and they are not                                            | is damage: refused

When the last good batch does not say that the broker stopped in order, every entry counts as delivered before.
"""

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from mqbroker.core.message import Entry
from mqbroker.core.properties import Formats
from mqbroker.core.queues.extent import FLEETING
from mqbroker.core.queues.kept import Kept
from mqbroker.core.queues.page import Page, sequence_of
from mqbroker.core.queues.polled import deduplication
from mqbroker.errors import JournalCorrupt, StorageError
from mqbroker.limits import RECOVERY_STEP_BYTES
from mqbroker.storage.intervals import NUMBER_MAX
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.liveness import LogLiveness, SegmentLiveness, Share
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.facts import Facts, read_facts
from mqbroker.storage.log.frame import FIRST_EPOCH
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.log.records import EntryDecoder
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import DAMAGED_SUFFIX, first_lsn_of, segment_name, segment_names
from mqbroker.storage.pages.by_index import pages_in, pages_of
from mqbroker.storage.pages.stretch_reader import StretchReader, wanted

Step = Callable[[int], object]

PLAIN_BEHIND = "it is not encrypted, though {} before it is"
PLAIN_INSTEAD = "it is not encrypted, though the newest segment knows it as encrypted"
NOT_ALL_GOOD = "the batches before the next segment are not all good"
HINT = "`mqbroker journal verify {}` tells more, `mqbroker journal repair {}` cuts it out"
TORN = (
    "{} ends in a torn write at byte {}: its last batch was not written whole and is left out; that batch had been "
    "confirmed only if the disk lost what it had reported as written"
)
REASONS = {
    Tail.NOTHING: "the beginning of the newest segment is not readable",
    Tail.GAP: "good batches follow",
    Tail.DAMAGE: "no write that was cut off leaves this",
    Tail.CUT: "the file is shorter than it was made",
    Tail.FINISHED: "it was cut there when a newer file of the journal began, and that one is missing",
    Tail.FORGED: "a batch was written by somebody without the key",
}


@dataclass(slots=True)
class Recovered:
    """What the journal says."""

    definitions: dict[str, bytes] = field(default_factory=dict)
    """The last value of every key, in the order in which the keys appeared."""
    entries: Kept = field(default_factory=Kept)
    """What there is of each queue number, read or left on the disk."""
    position: int = 1
    """The number of the next batch."""
    is_new: bool = True
    was_clean: bool = True
    """Whether the broker stopped in order. If not, every entry is marked as redelivered."""
    note: str = ""
    """One sentence for the log when the end of the journal was torn, else empty."""
    plain_segments: int = 0
    """How many of the segments that were read are not encrypted."""


def no_step(_: int) -> None:
    """The default: any amount of memory will do."""


class Recovery:
    """Reads a journal. `recovered` is for the broker, the other fields for whoever goes on writing the journal."""

    def __init__(
        self, disk: Disk, formats: Formats, keyring: Keyring | None = None, step: Step = no_step, pages: bool = False
    ) -> None:
        """`step` is called with the size of each segment before it is read, and with 0 while and after its messages are
        made: it may raise StorageError when that takes too much memory. With `pages` older segments are not read as far
        as their indexes tell what is alive in them."""
        self.recovered = Recovered()
        self.liveness = LogLiveness()
        self.cluster_id = b""
        self.epoch = FIRST_EPOCH
        """That of the newest segment."""
        self.obsolete: list[int] = []
        """The segments to delete, by their first batches."""
        self.unfinished: dict[str, int] = {}
        """Segments that are longer than their content, and where that ends. Nothing is ever appended to them."""
        self._newest_bytes = 0
        self.bytes_needed = 0
        """How much of the newest segment must stay for as long as it is the newest."""
        self._disk = disk
        self._keyring = keyring
        self._step = step
        self.formats = {**deduplication.FORMATS, **formats}
        self._files = disk.names()
        self._names = segment_names(self._files)
        self.unread: list[int] = []
        """The segments that were not read, but for their indexes: somebody has to check them."""
        self._with_pages = pages
        self._entries: dict[int, list[Entry]] = {}
        self._pages: dict[int, list[Page]] = {}
        self.reader = StretchReader(disk, self.formats, keyring)
        """Reads what was left on the disk."""

    @property
    def newest(self) -> str:
        """The name of the newest segment, empty for none."""
        return self._names[-1] if self._names else ""

    def run(self) -> None:
        """Reads everything. JournalCorrupt or StorageError when the journal cannot be trusted."""
        if not self._names:
            return
        # Millions of new objects and no garbage: the collector would walk over them again and again.
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            self._read_all()
        finally:
            if was_enabled:
                gc.enable()

    def _read_all(self) -> None:
        facts, newest = self._read_last()
        self._read_older(facts, newest)
        self.liveness.add(newest)
        for entries in self._entries.values():
            entries.sort(key=sequence_of)
        self.recovered.entries = Kept(self._entries, self._pages, self._read_page)
        self.recovered.definitions = facts.definitions

    def _read_last(self) -> tuple[Facts, SegmentLiveness]:
        # Each segment's octets are released before the next one is read: memory may be short.
        scan = self._read_newest()
        facts = self._read_facts(scan)
        return facts, self._read_own(scan, facts)

    def _read_newest(self) -> Scan:
        name = self.newest
        scan = Scan(name, self._read(name), keyring=self._keyring)
        if scan.tail in REASONS:
            raise self._corrupt(scan, REASONS[scan.tail])
        assert scan.header is not None
        self.cluster_id = self.reader.cluster_id = scan.header.cluster_id
        self.epoch = scan.header.epoch
        self.unfinished[name] = scan.end
        self.bytes_needed = scan.bytes_needed
        self._newest_bytes = len(scan.data)
        recovered = self.recovered
        recovered.is_new = False
        recovered.was_clean = scan.is_closed
        recovered.position = scan.last_lsn + 1
        if scan.tail is Tail.TORN:
            recovered.note = TORN.format(name, scan.end)
        return scan

    def _read_facts(self, scan: Scan) -> Facts:
        facts = Facts(first_lsn_of(scan.name))
        try:
            for frame in scan.batches:
                read_facts(scan.content, frame.start + frame.entries_bytes, frame.content_end, facts)
        except ValueError as error:
            raise StorageError(f"{self._at(scan.name)} was written by a newer mqbroker: {error}") from error
        if not facts.is_checkpointed:
            raise self._corrupt(scan, "the first batch holds no checkpoint")
        return facts

    def _read_older(self, facts: Facts, newest: SegmentLiveness) -> None:
        for first in map(first_lsn_of, self._names[:-1]):
            segment = facts.older.get(first)
            if segment is None or not segment.shares:
                self.obsolete.append(first)
        for first in sorted(facts.older):
            segment = facts.older[first]
            if segment.shares:
                self._read_needed(segment, newest)

    def _read_needed(self, segment: SegmentLiveness, newest: SegmentLiveness) -> None:
        name = segment_name(segment.first_lsn)
        if name not in self._names:
            raise JournalCorrupt(
                self._at(name), 0, 0, self._hinted(f"it is missing, with {segment.live} live messages")
            )
        # What a repair has cut out is in the index still.
        is_indexed = self._with_pages and name + DAMAGED_SUFFIX not in self._files
        if is_indexed and newest.is_encrypted >= segment.is_encrypted and self._leave(name, segment):
            return
        segment.index, segment.index_at = b"", 0
        scan = Scan(name, self._read(name), segment.last_lsn, self._keyring)
        if scan.header is not None and scan.header.cluster_id != self.cluster_id:
            raise StorageError(f"{self._at(name)} belongs to the journal of another broker")
        if scan.is_encrypted and not newest.is_encrypted:
            path = self._at(self.newest)
            raise JournalCorrupt(path, 0, self._newest_bytes, self._hinted(PLAIN_BEHIND.format(name)))
        if scan.is_plain and segment.is_encrypted:
            raise self._forged(scan, PLAIN_INSTEAD)
        if scan.last_lsn != segment.last_lsn:
            raise self._corrupt(scan, REASONS[scan.tail] if scan.tail is Tail.FORGED else NOT_ALL_GOOD)
        if len(scan.data) > scan.end:
            self.unfinished[name] = scan.end
        segment.is_redelivered = segment.is_redelivered or not self.recovered.was_clean
        self._decode(scan, segment, segment.shares, shares_only=True)
        self.liveness.add(segment)

    def _leave(self, name: str, segment: SegmentLiveness) -> bool:
        """Leaves what is alive in the segment where it is. False when it has to be read, because it has no index that
        is good, or to tell how it is damaged."""
        segment.is_redelivered = segment.is_redelivered or not self.recovered.was_clean
        try:
            entries, stretches = self.reader.counted_index_of(segment)
            pages = pages_in(segment, stretches, self.reader) if stretches else None
            if pages is None or (self.reader.key(segment.first_lsn) is not None) != segment.is_encrypted:
                return False
            if self._disk.size(name) >= self.reader.header(segment.first_lsn).size_bytes:
                self.unfinished[name] = self.reader.end_of(segment)
        except (JournalCorrupt, OSError, ValueError):
            return False
        segment.size = self.unfinished.get(name) or self._disk.size(name)
        segment.entry_bytes = segment.size / max(1, entries)
        for page in pages:
            self._pages.setdefault(page.queue_number, []).append(page)
        segment.close()
        self.liveness.add(segment)
        self.unread.append(segment.first_lsn)
        self.recovered.plain_segments += not segment.is_encrypted
        self._step(0)
        return True

    def _read_page(self, page: Page) -> list[Entry]:
        return self.reader.entries(wanted(self.liveness, page))

    def _read_own(self, scan: Scan, facts: Facts) -> SegmentLiveness:
        shares = {queue: share for queue, share in facts.own.items() if not queue & FLEETING}
        for queue in facts.gone:
            gone = shares[queue] = Share()
            gone.settled.add(-NUMBER_MAX, NUMBER_MAX)
        segment = SegmentLiveness(first_lsn_of(scan.name), scan.last_lsn, not self.recovered.was_clean)
        parts = facts.parts if self._with_pages and scan.name + DAMAGED_SUFFIX not in self._files else []
        self._decode(scan, segment, shares, shares_only=False, after=parts[-1].last_lsn if parts else 0)
        self._leave_own(segment, shares, parts)
        return segment

    def _leave_own(self, segment: SegmentLiveness, shares: dict[int, Share], parts: list[Stretch]) -> None:
        """Leaves on the disk what stands in the stretches of the newest segment that it tells of itself."""
        queues = {extent.queue_number for stretch in parts for extent in stretch.extents.values()}
        known = {queue: shares.get(queue) or Share() for queue in queues if not queue & FLEETING}
        for page in pages_of(known, segment.is_redelivered, parts, self.reader):
            self._pages.setdefault(page.queue_number, []).append(page)
            if page.queue_number not in segment.shares:
                known[page.queue_number].live = 0
                segment.shares[page.queue_number] = known[page.queue_number]
            segment.shares[page.queue_number].live += page.count

    def _decode(
        self, scan: Scan, segment: SegmentLiveness, shares: dict[int, Share], shares_only: bool, after: int = 0
    ) -> None:
        """Adds the live entries of a segment, from the batch after `after` on, to what was recovered; counts them."""
        decoder = EntryDecoder(scan.content, self.formats, shares, shares_only, segment.is_redelivered)
        try:
            stepped_at = 0
            for frame in scan.batches:
                if frame.lsn <= after:
                    continue
                decoder.decode(frame.lsn, frame.start, frame.start + frame.entries_bytes)
                if frame.end - stepped_at >= RECOVERY_STEP_BYTES:
                    stepped_at = frame.end
                    self._step(0)
        except (ValueError, KeyError) as error:
            raise StorageError(f"{self._at(scan.name)} was written by a newer mqbroker: {error}") from error
        live = {queue: entries for queue, entries in decoder.lists.items() if entries}
        segment.shares = {queue: shares.get(queue) or Share() for queue in live}
        for queue, entries in live.items():
            segment.shares[queue].live = len(entries)
            self._entries.setdefault(queue, []).extend(entries)
        segment.size = scan.end
        segment.entry_bytes = scan.end / max(1, sum(frame.entries for frame in scan.frames))
        segment.is_encrypted = scan.is_encrypted
        segment.close()
        self.recovered.plain_segments += not scan.is_encrypted
        self._step(0)

    def _read(self, name: str) -> bytes:
        self._step(self._disk.size(name))
        return self._disk.read(name)

    def _at(self, name: str) -> str:
        return os.path.join(self._disk.path, name)

    def _hinted(self, reason: str) -> str:
        return f"{reason}; {HINT.format(self._disk.path, self._disk.path)}"

    def _forged(self, scan: Scan, reason: str) -> JournalCorrupt:
        return JournalCorrupt(self._at(scan.name), 0, len(scan.data), self._hinted(reason))

    def _corrupt(self, scan: Scan, reason: str) -> JournalCorrupt:
        return JournalCorrupt(self._at(scan.name), scan.end, scan.damage_end, self._hinted(reason))
