"""The decision table of recovery.py, row by row. Each test names its row."""

import itertools
import struct
from collections.abc import Callable

import pytest
from crc32c import crc32c

from mqbroker.errors import JournalCorrupt, StorageError
from mqbroker.limits import RECOVERY_STEP_BYTES
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.recovery import Recovery
from tests.storage.house import FORMATS, Journal, an_entry
from tests.storage.simdisk import SimDisk


def a_journal(batches: int = 3) -> Journal:
    """One segment with that many batches of one entry after its opening."""
    journal = Journal()
    for sequence in range(batches):
        journal.put(an_entry(sequence))
    return journal


def pinned(journal: Journal | None = None) -> Journal:
    """Three segments, each with live messages."""
    journal = journal or Journal()
    for sequence in range(12):
        journal.put(an_entry(sequence, body=bytes(800)))
    return journal


def changed(journal: Journal, index: int, change: Callable[[bytearray, Scan], None]) -> SimDisk:
    """The disk after a kill, with one segment changed."""
    disk = journal.disk.after_kill()
    name = segment_names(disk.names())[index]
    content = bytearray(disk.read(name))
    change(content, Scan(name, bytes(content)))
    disk.put(name, bytes(content))
    return disk


def refused(disk: SimDisk, reason: str) -> JournalCorrupt:
    """Opening it must fail and leave the disk as it is."""
    before = {name: disk.read(name) for name in disk.names()}
    with pytest.raises(JournalCorrupt, match=reason) as caught:
        Journal(disk)
    assert {name: disk.read(name) for name in disk.names()} == before
    assert "mqbroker journal repair sim" in str(caught.value)
    return caught.value


def test_no_segment_is_a_new_journal() -> None:
    recovered = Journal().recovered
    assert (recovered.is_new, recovered.was_clean, recovered.position) == (True, True, 1)


def test_leftovers_that_are_no_segments_are_not_read() -> None:
    disk = SimDisk()
    disk.put("spare", b"junk")
    disk.put("0000000000000001.journal.damaged", b"junk")
    assert Journal(disk).recovered.is_new


@pytest.mark.parametrize("content", [b"", bytes(4096), b"junk" * 1000], ids=["empty", "zeros", "junk"])
def test_a_newest_segment_without_a_header_is_damage(content: bytes) -> None:
    disk = changed(a_journal(), -1, lambda data, _: data.__setitem__(slice(None), content))
    refused(disk, "beginning of the newest segment")


def test_a_newest_segment_without_its_first_batch_is_damage() -> None:
    disk = changed(a_journal(), -1, lambda data, scan: data.__setitem__(scan.frames[0].start, 99))
    refused(disk, "beginning of the newest segment")


@pytest.mark.parametrize(("version", "age"), [(3, "a newer"), (0, "an older")])
def test_another_version_is_refused_by_name(version: int, age: str) -> None:
    def change(data: bytearray, _: Scan) -> None:
        struct.pack_into("<H", data, 12, version)
        struct.pack_into("<I", data, 8, crc32c(bytes(data[12:80])))

    with pytest.raises(StorageError, match=f"format {version} of {age} mqbroker; this one reads formats 1 and 2"):
        Journal(changed(a_journal(), -1, change))


def test_memory_is_looked_at_before_and_while_each_segment_is_read() -> None:
    """It was looked at only after each segment: one of many large messages had the process killed before that."""
    journal = Journal(segment_bytes=16 << 20)
    for number in range(10):
        journal.put(an_entry(number, body=bytes(RECOVERY_STEP_BYTES)))
    disk = journal.disk
    told: list[int] = []
    Recovery(disk, FORMATS, step=told.append).run()
    sizes = [disk.size(name) for name in segment_names(disk.names())]
    assert [size for size in told if size] == [sizes[-1], *sizes[:-1]]
    assert told.count(0) >= 10
    reads: list[str] = []
    disk.read = lambda name, *_: reads.append(name) or b""  # type: ignore[method-assign, func-returns-value]

    def refuse(_: int) -> None:
        raise StorageError("too much")

    with pytest.raises(StorageError, match="too much"):
        Recovery(disk, FORMATS, step=refuse).run()
    assert reads == []


def test_zeros_behind_the_last_batch_are_the_end() -> None:
    recovered = a_journal().reopen().recovered
    assert recovered.note == ""
    assert not recovered.was_clean


def a_wide_journal() -> Journal:
    """One segment with three batches and a last one of many sectors, none of which is zeros."""
    journal = Journal(segment_bytes=1 << 16)
    for sequence in range(3):
        journal.put(an_entry(sequence))
    journal.put(an_entry(3, body=b"x" * 20_000))
    return journal


MISSING = {
    "first": lambda index, count: index == 0,
    "last": lambda index, count: index == count - 1,
    "one in the middle": lambda index, count: index == 2,
    "all but the first": lambda index, count: index > 0,
    "every other": lambda index, count: index % 2 == 1,
}


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("missing", MISSING)
def test_a_last_batch_of_which_sectors_are_missing_is_torn_and_is_told(missing: str, sector: int) -> None:
    def change(data: bytearray, scan: Scan) -> None:
        start, end = scan.frames[-1].offset, scan.end
        borders = [start, *range((start // sector + 1) * sector, end, sector), end]
        for index, (at, part_end) in enumerate(itertools.pairwise(borders)):
            if MISSING[missing](index, len(borders) - 1):
                data[at:part_end] = bytes(part_end - at)

    journal = Journal(changed(a_wide_journal(), -1, change))
    assert journal.found() == {1: [0, 1, 2]}
    assert "ends in a torn write at byte" in journal.recovered.note


def test_a_torn_write_is_not_said_to_have_never_been_confirmed() -> None:
    """The log said "nothing behind it was ever confirmed" of batches that had been confirmed and were damaged since."""
    journal = Journal(changed(a_wide_journal(), -1, _cut_off))
    assert "its last batch was not written whole and is left out" in journal.recovered.note
    assert "never" not in journal.recovered.note
    assert "confirmed only if the disk lost what it had reported as written" in journal.recovered.note


def _cut_off(data: bytearray, scan: Scan) -> None:
    """Leaves the first sectors of the last batch, as a write does that was cut off."""
    border = (scan.frames[-1].start // 512 + 1) * 512
    data[border : scan.end] = bytes(scan.end - border)


@pytest.mark.parametrize("at", [0, 3, 4, 20, 63, 64, 100, -1])
def test_a_last_batch_with_a_flipped_bit_is_damage(at: int) -> None:
    """After kill -9 one flipped bit in the last batch lost 499 confirmed messages as a torn write."""
    for bit in range(8):

        def change(data: bytearray, scan: Scan, bit: int = bit) -> None:
            data[(scan.frames[-1].offset if at >= 0 else scan.end) + at] ^= 1 << bit

        error = refused(changed(a_wide_journal(), -1, change), "no write that was cut off leaves this")
        assert error.start == _scan_of(a_wide_journal()).frames[-1].offset


def test_junk_after_a_torn_write_is_damage() -> None:
    """One batch is written at a time, so nothing can follow what its header announces."""

    def change(data: bytearray, scan: Scan) -> None:
        _cut_off(data, scan)
        data[scan.end + 600] = 1

    refused(changed(a_wide_journal(), -1, change), "no write that was cut off leaves this")


def test_a_torn_end_is_dead_for_ever_once_the_log_went_on() -> None:
    journal = Journal(changed(a_wide_journal(), -1, _cut_off))
    journal.put(an_entry(77))
    assert journal.reopen().found() == journal.reopen().reopen().found() == {1: [0, 1, 2, 77]}


def test_the_last_batch_of_a_journal_at_rest_cannot_be_taken_for_a_torn_write() -> None:
    """A batch with a sector of zeros may look torn. A journal that came to rest says that it was confirmed."""
    journal = a_journal()
    journal.put(an_entry(3, body=bytes(3000)))
    zeros = changed(journal, -1, lambda data, scan: data.__setitem__(scan.frames[-1].start, 99))
    assert Journal(zeros).found() == {1: [0, 1, 2]}
    journal.ledger.tend()
    journal.ledger.tend()
    frames = _scan_of(journal).frames
    assert (frames[-1].entries, frames[-1].facts, frames[-1].committed) == (0, 0, frames[-2].lsn)
    refused(changed(journal, -1, lambda data, scan: data.__setitem__(scan.frames[-2].start, 99)), "good batches follow")
    assert journal.reopen().found() == {1: [0, 1, 2, 3]}


def _scan_of(journal: Journal) -> Scan:
    name = _newest(journal)
    return Scan(name, journal.disk.read(name))


def _newest(journal: Journal) -> str:
    return segment_names(journal.disk.names())[-1]


def test_a_bad_batch_before_a_good_one_is_damage_with_its_range() -> None:
    journal = a_journal()
    disk = changed(journal, -1, lambda data, scan: data.__setitem__(scan.frames[1].start, 99))
    error = refused(disk, "good batches follow")
    scan = Scan(*next((name, journal.disk.read(name)) for name in segment_names(journal.disk.names())))
    assert (error.start, error.end) == (scan.frames[1].offset, scan.frames[2].offset)


def test_a_bad_last_batch_of_a_log_that_was_closed_in_order_is_damage() -> None:
    journal = a_journal()
    journal.ledger.close()
    disk = changed(journal, -1, lambda data, scan: data.__setitem__(scan.frames[-2].start, 99))
    refused(disk, "good batches follow")


def test_a_frame_in_a_body_is_not_taken_for_one() -> None:
    journal = a_journal()
    frame = Scan(*next((name, journal.disk.read(name)) for name in segment_names(journal.disk.names()))).data[80:]
    copied = frame.rstrip(b"\0")
    journal.put(an_entry(50, body=copied + b"x" * 600))
    assert Journal(changed(journal, -1, _cut_off)).found() == {1: [0, 1, 2]}


def test_a_file_cut_within_its_batches_is_damage() -> None:
    for lost in (1, 30):
        disk = changed(a_journal(), -1, lambda data, scan, lost=lost: data.__delitem__(slice(scan.end - lost, None)))  # type: ignore[misc]
        refused(disk, "shorter than it was made")


@pytest.mark.parametrize("ended", ["in order", "killed"])
def test_a_newest_segment_that_is_missing_is_damage(ended: str) -> None:
    """Removed after an orderly stop and start: the file before it still said that the broker had stopped in order."""
    journal = a_journal()
    if ended == "in order":
        journal.ledger.close()
    again = journal.reopen()
    again.put(*map(an_entry, range(10, 40)))
    again.ledger.close()
    disk = again.disk.after_kill()
    disk.delete(segment_names(disk.names())[-1])
    refused(disk, "a newer file of the journal began, and that one is missing")


def test_a_segment_that_was_not_cut_when_the_next_one_began_is_cut_at_the_next_start() -> None:
    """The broker may have been killed in between, and whatever removes the newer file later must be noticed."""
    journal = a_journal()
    journal.ledger.close()
    name = _newest(journal)
    uncut = journal.disk.read(name)
    again = journal.reopen()
    again.put(an_entry(10))
    disk = again.disk.after_kill()
    disk.put(name, uncut)
    third = Journal(disk).disk.after_kill()
    for newer in segment_names(third.names())[1:]:
        third.delete(newer)
    assert segment_names(third.names()) == [name]
    refused(third, "that one is missing")


def test_a_segment_that_one_large_batch_fills_shows_that_another_one_has_followed() -> None:
    journal = a_journal()
    journal.put(an_entry(10, body=bytes(10_000)))
    journal.put(an_entry(11))
    disk = journal.disk.after_kill()
    assert len(segment_names(disk.names())) == 3
    disk.delete(segment_names(disk.names())[-1])
    refused(disk, "that one is missing")


def test_a_file_cut_within_its_zeros_has_lost_nothing() -> None:
    journal = Journal(changed(a_journal(), -1, lambda data, scan: data.__delitem__(slice(scan.end + 1, None))))
    assert journal.found() == {1: [0, 1, 2]}


def test_a_missing_segment_with_live_messages_is_damage() -> None:
    disk = pinned().disk.after_kill()
    names = segment_names(disk.names())
    assert len(names) >= 3
    disk.delete(names[1])
    refused(disk, r"missing, with \d+ live messages")


def test_a_missing_segment_whose_messages_were_settled_since_is_none() -> None:
    journal = Journal()
    entries = [an_entry(sequence, body=bytes(800)) for sequence in range(12)]
    journal.put(*entries[:4])
    for entry in entries[4:]:
        journal.put(entry)
    disk = journal.disk
    oldest = disk.read(segment_names(disk.names())[0])
    name = segment_names(disk.names())[0]
    for entry in entries[:4]:
        journal.ledger.settle(entry)
    journal.ledger.seal()
    assert name not in disk.names()
    assert journal.reopen().found() == {1: list(range(4, 12))}
    undeleted = disk.after_kill()
    undeleted.put(name, oldest)
    again = Journal(undeleted)
    assert again.found() == {1: list(range(4, 12))}
    assert name not in again.disk.names()


def test_damage_in_an_older_segment_is_refused_even_in_its_last_batch() -> None:
    for index in (0, -1):
        disk = changed(pinned(), 0, lambda data, scan, at=index: data.__setitem__(scan.frames[at].start, 99))  # type: ignore[misc]
        refused(disk, "not all good")


def test_a_segment_of_another_journal_is_refused() -> None:
    disk = pinned().disk.after_kill()
    stranger = pinned(Journal(entropy_start=1000))
    name = segment_names(disk.names())[0]
    disk.put(name, stranger.disk.read(name))
    with pytest.raises(StorageError, match="belongs to the journal of another broker"):
        Journal(disk)


def test_an_unknown_record_is_of_a_newer_broker() -> None:
    def change(data: bytearray, scan: Scan) -> None:
        frame = scan.frames[-1]
        assert scan.header is not None
        data[frame.start] = 200
        struct.pack_into("<I", data, frame.offset + 36 - 4 + 0, 1)
        payload = bytes(data[frame.start : frame.end])
        struct.pack_into("<I", data, frame.offset + 36, crc32c(payload, scan.header.seed))
        head = bytes(data[frame.offset + 8 : frame.start])
        struct.pack_into("<I", data, frame.offset + 4, crc32c(head, scan.header.seed))

    with pytest.raises(StorageError, match="newer mqbroker: record type 200"):
        Journal(changed(a_journal(), -1, change))
