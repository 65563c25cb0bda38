"""The durable ledger: collects the core's facts in batches, has them written, and keeps promises when they are safe.

It owns the open batch and the batches that wait for the disk; log/encoder.py turns them into bytes, log/appender.py
writes them, and gate.py says up to which batch promises may be kept. It runs once per message, so it is compiled.

An entry that is settled before its batch is sealed is never written. While a batch is under way the open one grows, so
the speed of the disk decides how large batches are (group commit without a timer), up to BATCH_BYTES_MAX.

Damage to the last batch of a log may look like a write that was cut off (torn.py). So a log at rest ends with a mark, a
batch without facts: everything before the mark was confirmed, and whatever is wrong there is damage.
"""

from collections import deque
from collections.abc import Callable

from mqbroker.core.ledger import Ledger, Pageable
from mqbroker.core.message import Entry
from mqbroker.core.queues.page import Loaded, Page
from mqbroker.limits import BATCH_BYTES_MAX, CARRIED_INDEX_SHARE, MARK_BYTES_MAX
from mqbroker.storage.gate import Gate
from mqbroker.storage.log.appender import Writer
from mqbroker.storage.log.batch import Batch, Moving
from mqbroker.storage.log.encoder import BatchEncoder
from mqbroker.storage.log.facts import DEFERRED_BYTES
from mqbroker.storage.log.frame import FLAG_CLOSED
from mqbroker.storage.log.index import Stretch
from mqbroker.storage.log.tap import Tap
from mqbroker.storage.pages.indexer import Indexer
from mqbroker.storage.pages.pager import Pager
from mqbroker.storage.pages.relocator import Relocator
from mqbroker.storage.pages.scrub import Scrub

ENTRY_BYTES = 64  # about what a record needs beside body and properties


def _nothing() -> None:
    """The default of `at_rest`."""


class JournalLedger(Ledger):
    """A ledger whose batches are frames of the journal. Made by `journal.open_journal`."""

    __slots__ = (
        "batches", "batches_tended", "bytes_written", "closed", "closed_bytes", "deferred", "doomed", "encoder",
        "entries", "entries_live", "gate", "indexer", "is_held", "is_marked", "is_sealing", "open", "open_bytes",
        "pager", "relocator", "scrub", "sealed", "sealed_bytes", "segment_begun", "settled", "writer",
    )  # fmt: skip

    def __init__(self, encoder: BatchEncoder, writer: Writer, position: int, pager: Pager, window: int = 0) -> None:
        super().__init__()
        self.window = self.room = window
        self.pager = pager
        self.indexer: Indexer | None = None
        self.relocator: Relocator | None = None
        self.scrub: Scrub | None = None
        """Checks what was not read at the start; None until it is known."""
        self.is_journalling = True
        self.position = position
        self.committed = position - 1
        self.gate = Gate(self.committed)
        """Decides what is committed. Whoever changes it then calls `keep_promises`."""
        self.encoder = encoder
        self.writer = writer
        writer.done = self._batch_done
        self.backlog_max = writer.backlog_max
        self.sealed: deque[Batch] = deque()
        """Batches that are complete and wait for the one under way."""
        self.sealed_bytes = 0
        """About how much there is in them."""
        self.closed_bytes = 0
        """About how much there was in all batches that are complete."""
        self.is_sealing = False
        self.is_held = False
        """Whether no further batch is to be written for now: what was written is on its way to others. Whoever clears
        it then calls `keep_promises`."""
        self.closed = False
        self.batches = 0
        """Frames written in this run."""
        self.bytes_written = 0
        """The payloads of those frames."""
        self.doomed: deque[tuple[int, list[int]]] = deque()
        """Segments that nothing needs once that batch is committed, by their first batches."""
        self.segment_begun: Callable[[], None] = _nothing
        """Called when a new segment begins."""
        self.batches_tended = 0
        """As many as there were when `tend` was called last."""
        self.is_marked = True
        """Whether the newest frame is a mark, or opens its segment: neither can be taken for torn."""
        self._open_batch()

    def added(self) -> int:
        return self.closed_bytes + self.open_bytes

    def backlog(self) -> int:
        return self.sealed_bytes + self._live_bytes()

    def _live_bytes(self) -> int:
        """About how much of the open batch will be written: what was settled meanwhile will not."""
        count = len(self.entries)
        return self.open_bytes * self.entries_live // count if count else self.open_bytes

    def _open_batch(self) -> None:
        self.open = Batch(self.position)
        self.entries = self.open.entries
        self.settled = self.open.settled
        self.deferred = self.open.deferred
        self.entries_live = 0
        self.open_bytes = 0

    def enqueue(self, entry: Entry) -> None:
        entries = self.entries
        message = entry.message
        entry.lsn = self.position
        entry.slot = len(entries)
        entries.append(entry)
        self.entries_live += 1
        self.open_bytes += ENTRY_BYTES + message.size + len(message.properties.raw)

    def settle(self, entry: Entry) -> None:
        if entry.lsn == self.position:
            self.entries[entry.slot] = None
            self.entries_live -= 1
            entry.lsn = 0
        else:
            self.settled.append(entry)

    def attempt(self, entry: Entry) -> None:
        # The encoder reads an open entry as it is at the seal.
        if entry.lsn != self.position:
            self.open.attempted.append(entry)

    def defer(self, entry: Entry) -> None:
        if entry.lsn != self.position:
            self.deferred.append(entry)
            self.open_bytes += DEFERRED_BYTES

    def define(self, key: str, value: bytes | None) -> None:
        self.open.defined.append((key, value))
        self.open_bytes += len(key) + len(value or b"")

    def forget(self, queue_number: int) -> None:
        # There may be many entries of the queue in this very batch. They are written, and not counted (encoder.py).
        self.open.forgotten.append(queue_number)
        self.pager.forget(queue_number)

    def watch(self, queue: Pageable, top: int = 0) -> None:
        if self.window:
            self.pager.watch(queue, top)

    def load(self, page: Page, done: Loaded) -> None:
        self.pager.load(page, done)

    def glance(self, page: Page, done: Loaded) -> None:
        self.pager.glance(page, done)

    def read(self, page: Page) -> list[Entry]:
        return self.pager.read(page)

    def refuse(self, page: Page, reason: str) -> None:
        self.pager.refuse(page, reason)

    def note_index(self, segment: int, record: bytes, stretches: list[Stretch]) -> None:
        """A segment has an index now: queues may let go of what is there."""
        if len(record) <= self.writer.segment_bytes // CARRIED_INDEX_SHARE:
            self.open.indexes.append((segment, record))
            self.open_bytes += len(record)
        self.pager.offer(stretches)

    def move(self, stretch: Stretch, entries: list[Entry]) -> None:
        """Has what is alive in a stretch written again, in a batch of its own."""
        if self.closed:
            return
        if self._has_facts():
            self._close_batch()
        self.open.moving = Moving(stretch.first_lsn, stretch.last_lsn, entries)
        self.open_bytes += sum([ENTRY_BYTES + entry.message.size for entry in entries])
        self._close_batch()
        self.seal()

    def press(self, is_pressed: bool) -> None:
        """Memory is short, or is not any more: queues keep less of what the journal has."""
        self.pager.press(is_pressed, self.encoder.stretches)
        self.room = self.pager.room

    def may_spill(self) -> bool:
        # While the disk is full, the rest of the newest segment is for what makes room.
        return not (self.closed or self.writer.is_full)

    def settle_page(self, page: Page) -> None:
        self.open.pages.append(page)

    def begin(self, size_bytes: int) -> None:
        """Begins this run's first segment, in the prepared file of that size; returns once it is durable.

        DiskFailed when it cannot be made so.
        """
        self._close_batch()
        self.encoder.segment_bytes, usual = size_bytes, self.encoder.segment_bytes
        self.encoder.may_grow = False
        self._write(self.sealed.popleft())
        self.encoder.may_grow = True
        self.encoder.segment_bytes = usual
        while self.writer.is_busy and self.writer.wait():
            pass
        if self.writer.failure is not None:
            raise self.writer.failure
        assert not self.writer.is_busy

    def restored(self) -> None:
        """Everything that the journal kept is back: what is left to be done in the background begins."""
        if self.indexer is not None:
            self.indexer.begin()

    @property
    def is_full(self) -> bool:
        """Whether there was no space for the next segment. Then block publishers, and go on calling `tend`."""
        return self.writer.is_full

    @property
    def tap(self) -> Tap:
        """Lets others follow what is written."""
        return self.writer.tap

    def watch_space(self, changed: Callable[[bool], None]) -> None:
        """Calls `changed` with `is_full` whenever that changes.

        Publishers must be blocked at once: the rest of the newest segment is for the acknowledgements that make room.
        """
        self.writer.space_changed = changed

    @property
    def segments(self) -> int:
        """How many segments are still needed."""
        return len(self.encoder.liveness.firsts)

    def tend(self, at_rest: Callable[[], None] = _nothing) -> None:
        """Called about once a second. Tries again what failed for lack of space, and marks the end of a log at rest.

        What `at_rest` defines becomes part of the mark, and must fit into MARK_BYTES_MAX.
        """
        if self.writer.is_full:
            self.writer.tend()
        if self.scrub is not None:
            self.scrub.go_on()
        if self.relocator is not None and not self.closed and not self.writer.is_full:
            self.relocator.go_on()
        self.pager.go_on()
        if not self.is_marked and self.batches == self.batches_tended and self._may_mark():
            at_rest()
            self._close_batch()
            self._write(self.sealed.popleft(), is_mark=True)
        self.batches_tended = self.batches

    def _may_mark(self) -> bool:
        is_at_rest = not (self.writer.is_busy or self.closed or self.sealed or self.waiting or self._has_facts())
        return is_at_rest and (self.encoder.has_room_for(MARK_BYTES_MAX) or self.writer.has_spare)

    def seal(self) -> None:
        # A promise kept by `commit` may call back; the loop below sees what it added.
        if self.is_sealing:
            return
        self.is_sealing = True
        try:
            while not (self.writer.is_busy or self.closed or self.is_held) and self._seal_next():
                pass
        finally:
            self.is_sealing = False
        if self.open_bytes > BATCH_BYTES_MAX:
            self._close_batch()

    def _seal_next(self) -> bool:
        """Starts writing the oldest batch. False when there is none."""
        if not self.sealed:
            if not self._has_facts():
                return self._commit_nothing()
            self._close_batch()
        self._write(self.sealed.popleft())
        return True

    def _has_facts(self) -> bool:
        batch = self.open
        return bool(
            self.entries_live
            or self.settled
            or self.deferred
            or batch.attempted
            or batch.defined
            or batch.forgotten
            or batch.pages
            or batch.indexes
        )

    def _commit_nothing(self) -> bool:
        """Passes a batch that has promises and no facts (any more): everything before it is durable here already."""
        if not self._has_promises():
            if self.entries:
                self._open_batch()
            return False
        position = self.position
        self.position = position + 1
        self._open_batch()
        self.commit(self.gate.empty(position))
        return self._has_promises() or self._has_facts()

    def _has_promises(self) -> bool:
        """Whether there are promises that can be kept. When the gate waits for a member, `keep_promises` follows."""
        waiting = self.waiting
        return bool(waiting) and (self.gate.committed == self.gate.local or waiting[0][0] <= self.committed)

    def _close_batch(self) -> None:
        self.open.size = self._live_bytes()
        self.sealed_bytes += self.open.size
        self.closed_bytes += self.open_bytes
        self.sealed.append(self.open)
        self.position += 1
        self._open_batch()

    def _write(self, batch: Batch, is_mark: bool = False) -> None:
        self.sealed_bytes -= batch.size
        job = self.encoder.encode(batch, self.committed)
        self.is_marked = is_mark or job.segment is not None
        self.batches += 1
        self.bytes_written += len(job.payload)
        if job.segment is not None and self.encoder.may_grow:
            self.writer.segment_bytes = self.encoder.segment_bytes
        self.writer.append(job)
        if job.segment is not None:
            self.segment_begun()
            if self.indexer is not None:
                self.indexer.add(self.encoder.take_unindexed())

    def _batch_done(self, lsn: int) -> None:
        self.encoder.liveness.moved.durable = lsn
        self.doom(lsn, self.encoder.liveness.take_dead())
        self.backlog_max = self.writer.backlog_max
        self.commit(self.gate.durable(lsn))
        if self.doomed:
            self._delete_doomed()
        if self.encoder.ended:
            self.pager.has_ended(self.encoder.take_ended())
        self.seal()

    def doom(self, lsn: int, segments: list[int]) -> None:
        """Has these segments deleted once that batch is committed: another node may go on without it."""
        if segments:
            self.doomed.append((lsn, segments))

    def _delete_doomed(self) -> None:
        while self.doomed and self.doomed[0][0] <= self.gate.committed:
            self.writer.delete(self.doomed.popleft()[1])

    def keep_promises(self) -> None:
        """Keeps the promises that the gate lets pass by now."""
        self.commit(self.gate.committed)
        self._delete_doomed()
        self.seal()

    def close(self) -> None:
        """Makes everything durable, notes in the journal that the broker stopped in order, and closes it. Blocks.

        When the disk has failed or is full, what is not durable yet is lost, and its promises are not kept.
        """
        if self.closed:
            return
        for work in (self.indexer, self.relocator):
            if work is not None:
                work.stop()
        self.is_held = False
        self.seal()
        while self.writer.is_busy and self.writer.wait():
            pass
        self.closed = True
        if not self.writer.is_busy:
            self._write(Batch(self.position, FLAG_CLOSED))
        self.pager.close()
        self.writer.close()
