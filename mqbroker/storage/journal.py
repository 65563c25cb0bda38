"""Opens a journal: recovers what it says, and puts together what goes on writing it."""

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from time import sleep

from mqbroker.core.properties import Formats
from mqbroker.errors import DiskFailed, StorageError
from mqbroker.limits import REST_S, SEGMENT_BYTES
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.appender import Writer
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.encoder import BatchEncoder, Entropy
from mqbroker.storage.log.executors import AdaptiveExecutor, Executor, InlineExecutor, ThreadExecutor, Wake
from mqbroker.storage.log.extents import ExtentReader
from mqbroker.storage.log.segment import ID_BYTES, first_lsn_of
from mqbroker.storage.opening import prepare_first
from mqbroker.storage.pages.indexer import Indexer
from mqbroker.storage.pages.pager import Pager
from mqbroker.storage.pages.relocator import Relocator
from mqbroker.storage.pages.scrub import Scrub
from mqbroker.storage.recovery import Recovered, Recovery, Step, no_step

FSYNC = "fsync"
WRITE = "write"
Accept = Callable[[Mapping[str, bytes]], None]


def open_journal(
    disk: Disk,
    formats: Formats,
    mode: str,
    wake: Wake,
    fatal: Callable[[DiskFailed], None],
    segment_bytes: int = SEGMENT_BYTES,
    keyring: Keyring | None = None,
    accept: Accept | None = None,
    step: Step = no_step,
    epoch: int | None = None,
    required: Collection[str] = (),
    window: int = 0,
) -> tuple[JournalLedger, Recovered]:
    """The ledger of a journal, and what the journal said before. Blocks until a new segment of this run is durable.

    `mode` is "fsync" (a batch is durable when it is on the disk) or "write" (when the operating system has it).
    `formats` makes new properties from their encoded form, per protocol in `Properties.code`. `wake` has a
    callable called soon on the thread that uses the ledger (`loop.call_soon_threadsafe`). `fatal` is called there,
    once, when the disk has failed: no promise is kept after it, and the process has to end. With a `keyring` everything
    from here on is encrypted. `accept` raises StorageError for definitions that the caller does not understand, and
    then nothing has changed; `step` is told how much memory recovery needs next, and may raise it too. `epoch` is the
    term of this node, which must not be older than the journal's; by default the journal goes on in its own. Nothing is
    committed without the members in `required`. `window` is how many messages each queue keeps in memory at least; with
    0 they all stay there.

    JournalCorrupt when the journal is damaged, KeyMissing when it is encrypted with another key, StorageError when it
    cannot be used otherwise.
    """
    thread = ThreadExecutor("journal", wake)
    appends = thread if mode == FSYNC else AdaptiveExecutor(thread)
    background = ThreadExecutor("journal-background", wake)
    reads = ThreadExecutor("journal-reads", wake)
    sync = mode == FSYNC
    return assemble(
        disk, formats, sync, appends, background, fatal, segment_bytes, keyring=keyring, accept=accept, step=step,
        epoch=epoch, wake=wake, required=required, window=window, reads=reads, rest=partial(sleep, REST_S),
    )  # fmt: skip


def _at_once(callback: Callable[[], None]) -> None:
    """The wake-up where everything is one thread."""
    callback()


def assemble(
    disk: Disk,
    formats: Formats,
    sync: bool,
    appends: Executor,
    background: Executor,
    fatal: Callable[[DiskFailed], None],
    segment_bytes: int,
    entropy: Entropy = os.urandom,
    keyring: Keyring | None = None,
    accept: Accept | None = None,
    step: Step = no_step,
    epoch: int | None = None,
    wake: Wake = _at_once,
    required: Collection[str] = (),
    window: int = 0,
    reads: Executor | None = None,
    rest: Callable[[], None] | None = None,
) -> tuple[JournalLedger, Recovered]:
    """The same with the executors and the source of random bytes chosen by the caller."""
    reads = reads or InlineExecutor()
    try:
        recovery = Recovery(disk, formats, keyring, step, pages=window > 0)
        recovery.run()
        if accept is not None:
            accept(recovery.recovered.definitions)
        _check_epoch(disk, recovery, epoch)
        writer = Writer(disk, appends, background, sync, segment_bytes, wake)
        cluster_id = recovery.reader.cluster_id = recovery.cluster_id or entropy(ID_BYTES)
        encoder = BatchEncoder(
            recovery.liveness, recovery.recovered.definitions, recovery.recovered.position - 1, cluster_id, entropy,
            segment_bytes, keyring, epoch or recovery.epoch, window,
        )  # fmt: skip
        pager = Pager(recovery.reader, reads, recovery.liveness, encoder.tops, window, writer.unreadable)
        ledger = JournalLedger(encoder, writer, recovery.recovered.position, pager, window)
        parts = disk, recovery.reader
        extents = ExtentReader(recovery.formats, encoder.tops)
        ledger.indexer = Indexer(*parts, extents, background, recovery.liveness, window, writer.unreadable)
        ledger.indexer.indexed = ledger.note_index
        ledger.scrub = Scrub(*parts, background, recovery.liveness, recovery.unread, writer.unreadable)
        if window:
            ledger.relocator = Relocator(
                recovery.reader, background, recovery.liveness, segment_bytes, ledger.move, writer.unreadable, rest
            )
        for member in required:
            ledger.gate.require(member, -1)
        return _begin(disk, recovery, ledger, fatal)
    except BaseException:
        appends.close()
        background.close()
        reads.close()
        raise


def _begin(
    disk: Disk, recovery: Recovery, ledger: JournalLedger, fatal: Callable[[DiskFailed], None]
) -> tuple[JournalLedger, Recovered]:
    """Begins the first segment of this run, in which the log goes on."""
    writer = ledger.writer
    opening = ledger.encoder.opening_bytes()
    ledger.encoder.grow(opening)
    writer.segment_bytes = ledger.encoder.segment_bytes
    size = prepare_first(disk, recovery, writer.segment_bytes, opening)
    writer.has_prepared(size)
    ledger.begin(size)
    writer.fatal = fatal
    # Only now: until the new segment's checkpoint lasts, everything older is needed.
    _finish(disk, recovery)
    ledger.doom(recovery.recovered.position, recovery.obsolete)
    ledger.keep_promises()
    return ledger, recovery.recovered


def _check_epoch(disk: Disk, recovery: Recovery, epoch: int | None) -> None:
    if epoch is not None and epoch < recovery.epoch:
        text = f"was written in the epoch {recovery.epoch} and cannot go on in the older one {epoch}"
        raise StorageError(f"the journal {disk.path} {text}")


def _finish(disk: Disk, recovery: Recovery) -> None:
    """Cuts older segments to what they hold, before anything is promised: each of them shows then that it is not the
    newest one, also the one that says that the broker stopped in order."""
    needed = recovery.liveness.by_first
    try:
        for name, end in recovery.unfinished.items():
            if first_lsn_of(name) in needed:
                disk.finish(name, end)
    except OSError as error:
        raise DiskFailed(f"the journal {disk.path} could not be written: {error}") from error
