"""Starts on a disk that has no space for a whole segment: killed when it was full, a broker has to be drained."""

import itertools
from contextlib import suppress
from random import Random

import pytest

from mqbroker.core.message import Entry
from mqbroker.errors import StorageError
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import segment_names
from tests.storage.house import KEYRINGS, Journal, an_entry
from tests.storage.simdisk import PowerCut, SimDisk

SEGMENT_BYTES = 1 << 18


def full_journal(keyring: Keyring | None = None) -> Journal:
    """A journal that has found no space for its next segment, and of whose newest one more than half is left."""
    journal = Journal(SimDisk(capacity_bytes=4 * SEGMENT_BYTES), SEGMENT_BYTES, keyring=keyring)
    for sequence in itertools.count(1):
        journal.put(an_entry(sequence, body=b"x" * 10_000))
        if journal.ledger.is_full:
            return journal
    raise AssertionError


def killed_full(keyring: Keyring | None = None) -> SimDisk:
    """The disk of one that was killed then, filled up by somebody else to its last byte."""
    disk = full_journal(keyring).disk.after_kill()
    disk.capacity_bytes -= disk.free_bytes()
    return disk


def drain(journal: Journal, entries: list[Entry]) -> None:
    """Settles every entry, one batch each."""
    for entry in entries:
        journal.ledger.settle(entry)
        journal.ledger.seal()


@KEYRINGS
def test_a_broker_that_was_killed_on_a_full_disk_starts_and_can_be_drained(keyring: Keyring | None) -> None:
    """It did not start: there was no space for a whole segment, and so nobody could make any."""
    journal = Journal(killed_full(keyring), SEGMENT_BYTES, keyring=keyring)
    entries = journal.recovered.entries[1]
    assert len(entries) > 50
    assert journal.ledger.is_full, "publishers are blocked from the start"
    drain(journal, entries)
    assert not journal.ledger.is_full
    journal.put(an_entry(1000))
    assert journal.fatal.errors == []
    again = Journal(journal.disk.after_kill(), SEGMENT_BYTES, keyring=keyring)
    assert again.found() == {1: [1000]}


def test_a_full_disk_may_be_met_at_every_start() -> None:
    disk = killed_full()
    for generation in range(1, 20):
        journal = Journal(disk, SEGMENT_BYTES)
        (entries,) = journal.recovered.entries.values()
        assert entries[0].sequence == generation
        drain(journal, entries[:1])
        disk = journal.disk.after_kill()
        disk.capacity_bytes -= disk.free_bytes()


@KEYRINGS
def test_whichever_call_the_power_fails_in_at_a_start_on_a_full_disk_nothing_is_lost(keyring: Keyring | None) -> None:
    whole = Journal(killed_full(keyring), SEGMENT_BYTES, keyring=keyring).found()
    for fail_at in itertools.count(1):
        disk = killed_full(keyring)
        disk.fail_at, disk.failure = fail_at, PowerCut()
        with suppress(PowerCut):
            Journal(disk, SEGMENT_BYTES, keyring=keyring)
        for seed in range(4):
            again = disk.after_power_cut(Random(fail_at * 10 + seed))
            assert Journal(again, SEGMENT_BYTES, keyring=keyring).found() == whole
        if disk.calls < fail_at:
            break
    assert fail_at > 5


@pytest.mark.parametrize("missing", ["the first sector", "the second sector", "the last sector"])
def test_a_torn_write_is_known_as_one_also_after_the_newest_segment_was_cut(missing: str) -> None:
    journal = full_journal()
    journal.put(an_entry(5000, body=b"x" * 5000))
    disk = journal.disk.after_kill()
    name = segment_names(disk.names())[-1]
    content = bytearray(disk.read(name))
    scan = Scan(name, bytes(content))
    start, end = scan.frames[-1].offset, scan.end
    border = (start // 512 + 1) * 512
    at, to = {
        "the first sector": (start, border),
        "the second sector": (border, border + 512),
        "the last sector": (end // 512 * 512, end),
    }[missing]
    content[at:to] = bytes(to - at)
    disk.put(name, bytes(content))
    disk.capacity_bytes -= disk.free_bytes()
    disk.fail_at, disk.failure = disk.calls + 4, PowerCut()  # after the cut
    with pytest.raises(PowerCut):
        Journal(disk, SEGMENT_BYTES)
    cut = disk.after_kill()
    assert len(cut.read(name)) < SEGMENT_BYTES
    assert Scan(name, cut.read(name)).tail is Tail.TORN
    assert 5000 not in Journal(cut, SEGMENT_BYTES).found()[1]


def test_without_any_space_there_is_one_plain_sentence_and_nothing_is_lost() -> None:
    disk = SimDisk(capacity_bytes=SEGMENT_BYTES)
    Journal(disk, 4096).put(an_entry(1))
    killed = disk.after_kill()
    killed.capacity_bytes = 4096
    with pytest.raises(StorageError, match=r"no space for the next segment of the journal sim: [0-9]+ bytes at least"):
        Journal(killed, 4096)
    killed.capacity_bytes = SEGMENT_BYTES
    assert Journal(killed, 4096).found() == {1: [1]}


@KEYRINGS
def test_the_size_of_an_opening_is_known_before_it_is_made(keyring: Keyring | None) -> None:
    journal = Journal(keyring=keyring)
    journal.ledger.define("queue/1", b"durable")
    entries = [an_entry(sequence, body=bytes(900)) for sequence in range(20)]
    for entry in entries:
        journal.put(entry)
    entries[7].attempts = 3
    journal.ledger.attempt(entries[7])
    journal.ledger.settle(entries[4])
    journal.ledger.seal()
    foreseen = journal.ledger.encoder.opening_bytes()
    again = journal.reopen()
    name = segment_names(again.disk.names())[-1]
    assert Scan(name, again.disk.read(name), keyring=keyring).end + 1 == foreseen
