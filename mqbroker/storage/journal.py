"""Opens a journal: recovers what it says, and puts together what goes on writing it."""

import os
from collections.abc import Callable

from mqbroker.errors import DiskFailed
from mqbroker.limits import SEGMENT_BYTES
from mqbroker.storage.disk import Disk
from mqbroker.storage.lanes import InlineLane, Lane, ThreadLane, Wake
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.recovery import Formats, Recovered, Recovery
from mqbroker.storage.scribe import Entropy, Scribe
from mqbroker.storage.segment import ID_BYTES, first_lsn_of
from mqbroker.storage.writer import Writer

FSYNC = "fsync"
WRITE = "write"


def open_journal(
    disk: Disk,
    formats: Formats,
    mode: str,
    wake: Wake,
    fatal: Callable[[DiskFailed], None],
    segment_bytes: int = SEGMENT_BYTES,
) -> tuple[JournalLedger, Recovered]:
    """The ledger of a journal, and what the journal said before. Blocks until a new segment of this run is durable.

    `mode` is "fsync" (a batch is durable when it is on the disk) or "write" (when the operating system has it).
    `formats` makes new properties from their encoded form, per `Properties.code` without DEAD_LETTER_BIT. `wake` has a
    callable called soon on the thread that uses the ledger (`loop.call_soon_threadsafe`). `fatal` is called there,
    once, when the disk has failed: no promise is kept after it, and the process has to end. JournalCorrupt when the
    journal is damaged, StorageError when it cannot be used otherwise.
    """
    appends = ThreadLane("journal", wake) if mode == FSYNC else InlineLane()
    return assemble(disk, formats, mode == FSYNC, appends, ThreadLane("journal-chores", wake), fatal, segment_bytes)


def assemble(
    disk: Disk,
    formats: Formats,
    sync: bool,
    appends: Lane,
    chores: Lane,
    fatal: Callable[[DiskFailed], None],
    segment_bytes: int,
    entropy: Entropy = os.urandom,
) -> tuple[JournalLedger, Recovered]:
    """The same with the lanes and the source of random bytes chosen by the caller."""
    try:
        recovery = Recovery(disk, formats)
        recovery.run()
        return _continue(disk, recovery, Writer(disk, appends, chores, sync, segment_bytes), fatal, entropy)
    except BaseException:
        appends.close()
        chores.close()
        raise


def _continue(
    disk: Disk, recovery: Recovery, writer: Writer, fatal: Callable[[DiskFailed], None], entropy: Entropy
) -> tuple[JournalLedger, Recovered]:
    recovered = recovery.recovered
    scribe = Scribe(
        recovery.tallies, recovered.definitions, recovered.position - 1, recovery.cluster_id or entropy(ID_BYTES),
        entropy, writer.segment_bytes,
    )  # fmt: skip
    ledger = JournalLedger(scribe, writer, recovered.position)
    ledger.begin()
    writer.fatal = fatal
    # Only now: until the new segment's checkpoint lasts, everything older is needed.
    if recovery.unfinished and first_lsn_of(recovery.unfinished[0]) in recovery.tallies.by_first:
        writer.finish(*recovery.unfinished)
    writer.delete(recovery.rubbish)
    return ledger, recovered
