"""The reader: which pieces it gives from which batch on, and what it says of gaps, ends and damage."""

import pytest

from mqbroker.errors import JournalCorrupt, StorageError
from mqbroker.limits import JOURNAL_READ_BYTES
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.frame import Frame, pack_frame
from mqbroker.storage.log.pieces import Appended, Deleted, Piece, Skipped
from mqbroker.storage.log.reader import Reader
from mqbroker.storage.log.segment import segment_name, segment_names
from tests.storage.house import KEYRINGS, Journal, an_entry
from tests.storage.simdisk import SimDisk


def read_all(disk: SimDisk, lsn: int = 0, size: int = 1) -> list[Piece]:
    """Every piece after a batch."""
    reader = Reader(disk, lsn)
    pieces: list[Piece] = []
    while not reader.is_at_end:
        pieces += reader.read(size)
    return pieces


def lsns(pieces: list[Piece]) -> list[int]:
    """The batches of the frames among them."""
    return [piece.lsn for piece in pieces if isinstance(piece, Appended)]


def a_log(keyring: Keyring | None = None, batches: int = 12) -> Journal:
    """A journal of several segments with one message a batch, all alive."""
    journal = Journal(segment_bytes=1024, keyring=keyring)
    for number in range(1, batches):
        journal.put(an_entry(number, body=bytes(200)))
    return journal


@KEYRINGS
def test_the_pieces_are_the_octets_of_the_files(keyring: Keyring | None) -> None:
    disk = a_log(keyring).disk
    files = {name: bytearray(disk.size(name)) for name in segment_names(disk.names())}
    assert len(files) > 3
    for piece in read_all(disk):
        assert isinstance(piece, Appended)
        files[segment_name(piece.segment)][piece.offset : piece.offset + piece.size] = piece.octets
    assert files == {name: disk.read(name) for name in files}


@pytest.mark.parametrize("size", [1, 300, 1 << 20])
def test_reading_begins_after_any_batch(size: int) -> None:
    disk = a_log().disk
    everything = lsns(read_all(disk))
    assert everything == list(range(1, 13))
    for lsn in (0, *everything):
        assert lsns(read_all(disk, lsn, size)) == everything[lsn:]


def test_the_end_is_told_and_what_is_written_later_is_read_then() -> None:
    journal = a_log()
    reader = Reader(journal.disk, 12)
    assert (reader.read(), reader.is_at_end) == ([], True)
    journal.put(an_entry(20, body=bytes(700)))
    journal.put(an_entry(21))
    assert lsns(reader.read(1)) == [13]
    assert not reader.is_at_end
    assert (lsns(reader.read()), reader.is_at_end, reader.lsn) == ([14], True, 14)


def test_what_is_written_between_two_looks_is_not_taken_for_deleted() -> None:
    """The reader found no further frame, then the segment was filled up and the next one begun before it looked."""
    journal = Journal(segment_bytes=1024)
    reader = Reader(journal.disk)
    assert lsns(reader.read()) == [1]
    names = journal.disk.names
    puts = [an_entry(number, body=bytes(300)) for number in range(9)]

    def late_names() -> list[str]:
        while puts:
            journal.put(puts.pop())
        return names()

    journal.disk.names = late_names  # type: ignore[method-assign]
    assert lsns(reader.read(1 << 20)) == list(range(2, 11))


@pytest.mark.parametrize(("lsn", "previous_lsn", "crc", "is_next"), [
    (2, 1, 0, True), (2, 0, 0, False), (2, 2, 0, False), (2, 1, 1, False),
])  # fmt: skip
def test_a_frame_is_the_next_one_by_its_number_and_by_its_chain(
    lsn: int, previous_lsn: int, crc: int, is_next: bool
) -> None:
    journal = Journal()
    segment = SegmentReader(journal.disk, segment_name(1))
    first = segment.peek()
    assert first is not None
    segment.next()
    frame = Frame(lsn, previous_lsn, 0, 0, 0, 0, 0)
    octets, _ = pack_frame(frame, b"", first.crc + crc, segment.chain.header.seed)
    assert (segment.chain.next(octets, 0) is not None) == is_next


def test_a_frame_that_is_half_written_is_not_read_yet() -> None:
    journal = Journal()
    journal.put(an_entry(1))
    name = segment_name(1)
    whole, end = journal.disk.read(name), read_all(journal.disk)[-1]
    assert isinstance(end, Appended)
    half = SimDisk()
    half.put(name, whole[: end.offset + 70] + bytes(len(whole) - end.offset - 70))
    reader = Reader(half)
    assert (lsns(reader.read()), reader.is_at_end) == ([1], True)
    half.put(name, whole)
    assert lsns(reader.read()) == [2]


def test_segments_that_are_gone_are_skipped_and_said_so() -> None:
    disk = a_log().disk
    names = segment_names(disk.names())
    firsts = [int(name[:16], 16) for name in names]
    disk.delete(names[1])
    pieces = read_all(disk)
    assert Skipped(firsts[2] - 1) in pieces
    assert lsns(pieces) == [lsn for lsn in range(1, 13) if not firsts[1] <= lsn < firsts[2]]
    assert read_all(disk, firsts[1])[0] == Skipped(firsts[2] - 1)
    assert lsns(read_all(disk, firsts[2] - 1))[0] == firsts[2]
    assert Reader(disk).gone(firsts) == [Deleted(firsts[1])]
    disk.delete(names[0])
    assert read_all(disk)[0] == Skipped(firsts[2] - 1)


def test_a_segment_that_is_deleted_while_it_is_read_is_told() -> None:
    disk = a_log().disk
    names = segment_names(disk.names())
    reader = Reader(disk)
    reader.read(1)
    disk.delete(names[0])
    pieces: list[Piece] = []
    while not reader.is_at_end:
        pieces += reader.read(1)
    at = pieces.index(Deleted(1))
    assert pieces[at + 1] == Skipped(int(names[1][:16], 16) - 1) or lsns(pieces[:at])
    assert lsns(pieces)[-1] == 12


@KEYRINGS
def test_damage_before_the_next_segment_is_refused(keyring: Keyring | None) -> None:
    """A standby would have been told that the rest of the segment was deleted."""
    disk = a_log(keyring).disk
    name = segment_names(disk.names())[1]
    content = bytearray(disk.read(name))
    content[-1] ^= 1
    disk.put(name, bytes(content))
    with pytest.raises(JournalCorrupt, match=name):
        read_all(disk)


def test_a_damaged_header_is_refused() -> None:
    disk = a_log().disk
    name = segment_names(disk.names())[1]
    disk.put(name, b"?" + disk.read(name)[1:])
    with pytest.raises(JournalCorrupt, match="its header is not readable"):
        read_all(disk)


def test_a_batch_that_the_log_never_had_is_refused() -> None:
    journal = Journal()
    journal.put(an_entry(1))
    journal.ledger.promise(journal.ledger.position, lambda: None)
    journal.ledger.seal()
    journal.put(an_entry(2))
    assert lsns(read_all(journal.disk)) == [1, 2, 4]
    with pytest.raises(StorageError, match="has no batch 3"):
        Reader(journal.disk, 3)
    with pytest.raises(StorageError, match="has no batch 5"):
        read_all(journal.disk, 5)


def test_a_large_segment_is_read_in_small_pieces() -> None:
    """A segment of 64 MiB was in memory as a whole, once for each standby."""
    journal = Journal(segment_bytes=4 << 20)
    for number in range(30):
        journal.put(an_entry(number, body=bytes(100_000)))
    journal.put(an_entry(40, body=bytes(3 * JOURNAL_READ_BYTES)))
    sizes: list[int] = []
    read = journal.disk.read

    def noted(name: str, offset: int = 0, size: int = -1) -> bytes:
        sizes.append(size)
        return read(name, offset, size)

    journal.disk.read = noted  # type: ignore[method-assign]
    assert lsns(read_all(journal.disk)) == list(range(1, 33))
    assert min(sizes) > 0
    assert sorted(sizes)[-2] <= JOURNAL_READ_BYTES
