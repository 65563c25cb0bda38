"""A small journal cut and flipped at every byte: never a traceback, and what was confirmed is never lost in silence.

What can be known is told here exactly. A flipped byte is damage, also in the very last batch: a write that was cut off
leaves sectors that are whole or zeros. Where nothing was written nothing is lost, and a byte there is damage too unless
it may be what is left of a write whose beginning is missing.
"""

import pytest

from mqbroker.errors import StorageError
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.log.torn import SECTOR_BYTES
from mqbroker.storage.recovery import Recovered
from tests.storage.house import KEYRINGS, NOW, Journal, a_message, an_entry, sequences
from tests.storage.simdisk import SimDisk

SEGMENT_BYTES = 2048


def a_small_log(closed: bool, keyring: Keyring | None = None) -> SimDisk:
    """Two segments with live messages, settlements, attempts, deadlines and definitions."""
    journal = Journal(segment_bytes=SEGMENT_BYTES, keyring=keyring)
    ledger = journal.ledger
    ledger.define("queue/1", b"durable")
    message = a_message(b"both")
    entries = [an_entry(1, 1, message), an_entry(1, 2, message)]
    journal.put(*entries)
    for sequence in range(2, 13):
        entries.append(an_entry(sequence, body=b"body" * 20))
        if sequence in (3, 12):
            entries[-1].held_until = NOW + sequence
        journal.put(entries[-1])
    ledger.settle(entries[4])
    ledger.attempt(entries[5])
    entries[6].attempts, entries[6].held_until, entries[6].first_taken_at = 1, NOW + 6, NOW
    ledger.defer(entries[6])
    ledger.define("queue/2", b"durable")
    ledger.seal()
    journal.put(an_entry(99))
    if closed:
        ledger.close()
    disk = journal.disk.after_kill()
    disk.delete("spare")
    assert len(segment_names(disk.names())) >= 2
    name = segment_names(disk.names())[-1]
    assert len(Scan(name, disk.read(name), keyring=keyring).frames) > 2
    return disk


def outcome(disk: SimDisk, keyring: Keyring | None = None) -> object:
    """What is recovered, or None when it is refused by name."""
    try:
        recovered = Journal(disk, SEGMENT_BYTES, keyring=keyring).recovered
    except StorageError:
        return None
    return found(recovered)


def found(recovered: Recovered) -> tuple[object, ...]:
    """All that is recovered, as values."""
    entries = [entry for entries in recovered.entries.values() for entry in entries]
    states = [(entry.attempts, entry.held_until, entry.first_taken_at) for entry in entries]
    return sequences(recovered), recovered.definitions, states


@KEYRINGS
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
def test_every_flipped_byte_is_refused_or_loses_nothing(closed: bool, keyring: Keyring | None) -> None:
    """One flipped bit in the last batch of a killed broker was taken for a torn write: all in it was lost."""
    disk = a_small_log(closed, keyring)
    whole = outcome(disk.after_kill(), keyring)
    for name in segment_names(disk.names()):
        content = disk.read(name)
        is_newest = name == segment_names(disk.names())[-1]
        scan = Scan(name, content, keyring=keyring)
        for at in range(len(content)):
            flipped = disk.after_kill()
            flipped.put(name, content[:at] + bytes((content[at] ^ 0x41,)) + content[at + 1 :])
            result = outcome(flipped, keyring)
            may_be_left_of_a_write = not closed and at // SECTOR_BYTES > scan.end // SECTOR_BYTES
            if at >= scan.end and (may_be_left_of_a_write or not is_newest):
                assert result == whole, f"{name} byte {at}: nothing was there"
            else:
                assert result is None, f"{name} byte {at}: damage was not seen"


@KEYRINGS
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
def test_every_cut_is_refused_or_loses_nothing(closed: bool, keyring: Keyring | None) -> None:
    disk = a_small_log(closed, keyring)
    whole = outcome(disk.after_kill(), keyring)
    for name in segment_names(disk.names()):
        content = disk.read(name)
        is_newest = name == segment_names(disk.names())[-1]
        end = Scan(name, content, keyring=keyring).end
        for length in range(len(content)):
            cut = disk.after_kill()
            cut.put(name, content[:length])
            result = outcome(cut, keyring)
            needed = end + 1 if is_newest else end  # one zero at least says that nothing has followed
            assert result == (whole if length >= needed else None), f"{name} cut to {length}"


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
def test_every_missing_file_is_refused(closed: bool) -> None:
    disk = a_small_log(closed)
    for name in segment_names(disk.names()):
        less = disk.after_kill()
        less.delete(name)
        assert outcome(less) is None
