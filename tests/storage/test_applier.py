"""The applier: what it refuses, and that a refusal changes nothing; truncation; changes of the writing node."""

from collections.abc import Callable
from random import Random

import pytest

from mqbroker.errors import JournalCorrupt, LogRefused, StaleEpoch, StorageError
from mqbroker.limits import SEGMENT_BYTES_CEILING
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.applier import Applier
from mqbroker.storage.log.batch import Job
from mqbroker.storage.log.frame import Frame
from mqbroker.storage.log.framing import Framer
from mqbroker.storage.log.pieces import Appended, Deleted, Piece, Skipped
from mqbroker.storage.log.reader import Reader
from mqbroker.storage.log.segment import (
    SegmentHeader,
    is_too_long,
    opening_bytes,
    read_segment_header,
    segment_name,
    segment_names,
)
from mqbroker.storage.tools.repair import Repair
from mqbroker.storage.tools.verify import report
from tests.storage.following import copied, segments_of
from tests.storage.house import KEYRINGS, Journal, an_entry
from tests.storage.simdisk import PowerCut, SimDisk


def pieces_of(disk: SimDisk) -> list[Appended]:
    """All frames of a log."""
    reader, found = Reader(disk), list[Piece]()
    while not reader.is_at_end:
        found += reader.read()
    return [piece for piece in found if isinstance(piece, Appended)]


def a_log(keyring: Keyring | None = None, entropy_start: int = 0, batches: int = 12) -> Journal:
    """A journal of several segments with one message a batch, all alive."""
    journal = Journal(segment_bytes=1024, keyring=keyring, entropy_start=entropy_start)
    for number in range(1, batches):
        journal.put(an_entry(number, body=bytes(200)))
    return journal


def opening(pieces: list[Appended], number: int) -> int:
    """Where the piece with the opening of the segment of that number is."""
    return [index for index, piece in enumerate(pieces) if piece.offset == 0][number]


Change = Callable[[list[Appended]], Appended]


def _flipped(pieces: list[Appended]) -> Appended:
    octets = bytearray(pieces[1].octets)
    octets[-1] ^= 1
    return pieces[1]._replace(parts=[bytes(octets)])


def _flipped_opening(pieces: list[Appended]) -> Appended:
    octets = bytearray(pieces[0].octets)
    octets[40] ^= 1
    return pieces[0]._replace(parts=[bytes(octets)])


REFUSED: dict[str, Change] = {
    "a bit is wrong": _flipped,
    "it is longer than its frame": lambda pieces: pieces[1]._replace(parts=[*pieces[1].parts, b"x"]),
    "it is another batch than it says": lambda pieces: pieces[1]._replace(lsn=7),
    "a frame is left out": lambda pieces: pieces[2],
    "it is at another place": lambda pieces: pieces[1]._replace(offset=pieces[1].offset + 1),
    "it is of another segment": lambda pieces: pieces[1]._replace(segment=9),
    "a segment is left out": lambda pieces: pieces[opening(pieces, 2)],
    "it comes a second time": lambda pieces: pieces[0],
    "a bit of the opening is wrong": _flipped_opening,
    "it is of another cluster": lambda _: pieces_of(a_log(entropy_start=1000).disk)[0],
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_does_not_continue_the_log_is_refused_and_changes_nothing(change: Change) -> None:
    pieces = pieces_of(a_log().disk)
    disk = SimDisk()
    applier = Applier(disk, True)
    applier.apply(pieces[0])
    before, calls = segments_of(disk), disk.calls
    with pytest.raises(LogRefused, match="which ends with batch 1, refuses"):
        applier.apply(change(pieces))
    assert (segments_of(disk), disk.calls) == (before, calls)
    for piece in pieces[1:]:
        applier.apply(piece)
    assert (applier.lsn, applier.segments) == (12, sorted({piece.segment for piece in pieces}))


def test_a_deleted_segment_goes_and_a_gap_is_taken_only_when_it_is_told() -> None:
    pieces = pieces_of(a_log().disk)
    second, third = opening(pieces, 1), opening(pieces, 2)
    applier = Applier(SimDisk(), True)
    for piece in pieces[:second]:
        applier.apply(piece)
    with pytest.raises(LogRefused):
        applier.apply(pieces[third])
    applier.apply(Skipped(pieces[third].segment - 1))
    with pytest.raises(LogRefused):
        applier.apply(pieces[second])
    with pytest.raises(LogRefused):
        applier.apply(pieces[third - 1])
    applier.apply(pieces[third])
    applier.apply(Deleted(1))
    assert applier.segments == [pieces[third].segment]


def test_nothing_more_is_appended_to_a_segment_once_the_rest_of_it_is_gone() -> None:
    pieces = pieces_of(a_log().disk)
    applier = Applier(SimDisk(), True)
    applier.apply(pieces[0])
    applier.apply(Skipped(9))
    with pytest.raises(LogRefused, match="it is not the next good frame"):
        applier.apply(pieces[1])


def a_frame(framer: Framer, lsn: int, previous_lsn: int, payload: bytes, header: SegmentHeader | None) -> Appended:
    """A piece as a node might make it that has lost its way."""
    frame = Frame(lsn, previous_lsn, 0, 0, len(payload), 0, 0)
    return framer.frame(Job(frame, payload, header, None, None))


def test_a_segment_is_never_filled_beyond_its_size() -> None:
    framer, applier = Framer(), Applier(SimDisk(), True)
    header = SegmentHeader(400, 1, 0, bytes(16), bytes(16))
    applier.apply(a_frame(framer, 1, 0, bytes(50), header))
    with pytest.raises(LogRefused, match="has no room"):
        applier.apply(a_frame(framer, 2, 1, bytes(142), None))
    with pytest.raises(LogRefused, match="has no room"):
        Applier(SimDisk(), True).apply(a_frame(Framer(), 1, 0, bytes(256), header))


def test_a_segment_is_not_made_longer_than_anybody_makes_one() -> None:
    """A header whose checksum was good had the whole disk preallocated."""
    disk = SimDisk()
    header = SegmentHeader(SEGMENT_BYTES_CEILING + 1, 1, 0, bytes(16), bytes(16))
    with pytest.raises(LogRefused, match="asks for 1073741825 bytes of disk"):
        Applier(disk, True).apply(a_frame(Framer(), 1, 0, bytes(50), header))
    assert disk.names() == []
    assert not is_too_long(header._replace(size_bytes=SEGMENT_BYTES_CEILING), 100)
    assert not is_too_long(header, SEGMENT_BYTES_CEILING // 3)


def test_a_segment_never_takes_the_place_of_an_older_one() -> None:
    disk = copied(a_log().disk)
    applier, before = Applier(disk, True), segments_of(disk)
    header = SegmentHeader(1024, 1, 12, applier.cluster_id, bytes(16))
    with pytest.raises(LogRefused, match="it follows batch 12"):
        applier.apply(a_frame(Framer(), 13, 12, b"", header))
    assert segments_of(disk) == before


def test_a_copy_that_is_cut_off_while_it_is_truncated_has_no_gap() -> None:
    whole = a_log().disk
    for fail_at in range(1, 30):
        disk = copied(whole)
        disk.fail_at, disk.failure = disk.calls + fail_at, PowerCut()
        try:
            Applier(disk, True).truncate(2)
        except PowerCut:
            names = segment_names(disk.after_power_cut(Random(fail_at)).names())
            assert names == segment_names(whole.names())[: len(names)]
        else:
            break
    assert fail_at > 4


@KEYRINGS
def test_a_repaired_log_is_copied_with_its_fillers(keyring: Keyring | None) -> None:
    journal = a_log(keyring)
    damaged = journal.disk.after_kill()
    name = segment_names(damaged.names())[1]
    content = bytearray(damaged.read(name))
    content[opening_bytes(int(keyring is not None)) + 100] ^= 1
    damaged.put(name, bytes(content))
    Repair(damaged, keyring).run()
    Journal(damaged, segment_bytes=1024, keyring=keyring).put(an_entry(90))
    copy = copied(damaged)
    assert segments_of(copy) == segments_of(damaged)
    assert report(copy, keyring).is_sound


@KEYRINGS
def test_a_node_that_was_replaced_is_refused_for_ever(keyring: Keyring | None) -> None:
    """Its clients got confirms for what the new one did not have."""
    old = a_log(keyring)
    copy = copied(old.disk)
    promoted = Journal(copy, segment_bytes=1024, keyring=keyring, epoch=2, entropy_start=500)
    promoted.put(an_entry(50))
    standby = copied(copy)
    applier = Applier(standby, True)
    assert applier.epoch == 2
    rival = Journal(old.disk.after_kill(), segment_bytes=1024, keyring=keyring)
    late = pieces_of(rival.disk)[-1]
    assert late.offset == 0
    for _ in range(2):
        with pytest.raises(StaleEpoch, match="epoch 1 is refused: the epoch 2 has begun"):
            applier.apply(late)
        applier = Applier(standby, True)


def test_an_epoch_that_was_promised_elsewhere_is_kept_without_a_segment_of_it() -> None:
    applier = Applier(SimDisk(), True, epoch=3)
    with pytest.raises(StaleEpoch):
        applier.apply(pieces_of(a_log().disk)[0])


@KEYRINGS
def test_the_old_node_follows_the_promoted_one_once_its_own_tail_is_cut(keyring: Keyring | None) -> None:
    old = a_log(keyring)
    standby = copied(old.disk)
    last = Applier(standby, True).lsn
    old.put(an_entry(60, body=b"never confirmed"))
    old.put(an_entry(61, body=bytes(900)))
    promoted = Journal(standby, segment_bytes=1024, keyring=keyring, epoch=2, entropy_start=500)
    promoted.put(an_entry(70, body=b"confirmed"))
    promoted.put(an_entry(71, body=bytes(900)))
    back = old.disk.after_kill()
    applier = Applier(back, True)
    applier.truncate(last)
    assert applier.lsn == last
    copied(standby, back)
    assert segments_of(back) == segments_of(standby)
    again = Journal(back.after_kill(), keyring=keyring)
    assert again.found() == promoted.reopen().found()
    assert again.recovered.entries[1][-1].message.content() == bytes(900)


def test_epochs_stand_in_every_header_and_frame_and_never_go_back() -> None:
    disk = a_log().disk
    epochs = []
    for epoch in (None, 4, None, 4, 9):
        disk = disk.after_kill()
        journal = Journal(disk, epoch=epoch)
        journal.put(an_entry(100))
        name = segment_names(disk.names())[-1]
        header = read_segment_header(name, disk.read(name))
        assert header is not None
        epochs.append(header.epoch)
        frame = header.read_frame(disk.read(name), header.frames_at)
        assert frame is not None
        assert frame.epoch == header.epoch
    assert epochs == [1, 4, 4, 4, 9]
    with pytest.raises(StorageError, match="written in the epoch 9 and cannot go on in the older one 8"):
        Journal(disk.after_kill(), epoch=8)
    assert report(disk.after_kill()).is_sound


def test_a_frame_of_another_epoch_than_its_segment_is_no_frame() -> None:
    disk = a_log().disk
    later = Journal(disk.after_kill(), epoch=2).disk
    name = segment_names(later.names())[-1]
    header = read_segment_header(name, later.read(name))
    assert header is not None
    assert header.read_frame(later.read(name), header.frames_at) is not None
    assert header._replace(epoch=1).read_frame(later.read(name), header.frames_at) is None


@KEYRINGS
def test_the_log_is_cut_after_any_batch_and_goes_on_from_there(keyring: Keyring | None) -> None:
    whole = a_log(keyring).disk
    for lsn in range(13):
        disk = copied(whole)
        applier = Applier(disk, True)
        applier.truncate(lsn)
        assert applier.lsn == Applier(disk, True).lsn == lsn
        copied(whole, disk)
        assert segments_of(disk) == segments_of(whole)


def test_a_log_is_not_cut_after_a_batch_that_it_does_not_have() -> None:
    disk = copied(a_log(batches=5).disk)
    before = segments_of(disk)
    with pytest.raises(LogRefused, match="cannot be cut after batch 99"):
        Applier(disk, True).truncate(99)
    assert segments_of(disk) == before


def test_a_torn_tail_is_overwritten_and_damage_is_refused() -> None:
    """A standby that had lost what it had acknowledged went on as if it never had it."""
    whole = a_log(batches=3)
    name = segment_name(1)
    torn, content = copied(whole.disk), bytearray(whole.disk.read(name))
    last = pieces_of(whole.disk)[-1]
    assert last.offset < 512 < last.offset + last.size, "a sector ends in it"
    torn.put(name, bytes(content[:512]) + bytes(len(content) - 512))
    applier = Applier(torn, True)
    assert applier.lsn == last.lsn - 1
    applier.apply(last)
    assert segments_of(torn) == segments_of(whole.disk)
    content[last.offset - 1] ^= 1
    torn.put(name, bytes(content))
    with pytest.raises(JournalCorrupt, match="have the writing node send this segment again"):
        Applier(torn, True)
