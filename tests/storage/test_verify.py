"""Looking at and mending journals that are damaged, on real files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mqbroker.errors import ConfigError, JournalCorrupt
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.disk import FileDisk
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.tools.verify import inspect, repair, verify
from tests.storage.house import KEYRINGS, Journal, a_message, an_entry, sequences
from tests.storage.simdisk import SimDisk
from tests.storage.test_damage import SEGMENT_BYTES, a_small_log

Change = Callable[[bytearray, Scan], None]


def laid_out(disk: SimDisk, directory: Path) -> Path:
    """The simulated disk as real files."""
    for name in disk.names():
        (directory / name).write_bytes(disk.read(name))
    return directory


def flip_batch(index: int) -> Change:
    """Damages the body of the batch with this index."""

    def change(data: bytearray, scan: Scan) -> None:
        data[scan.frames[index].start + 3] ^= 0xFF

    return change


def change_segment(directory: Path, index: int, change: Change, keyring: Keyring | None = None) -> Path:
    """Changes the segment with this index; returns its path."""
    path = directory / segment_names([entry.name for entry in directory.iterdir()])[index]
    content = bytearray(path.read_bytes())
    change(content, Scan(path.name, bytes(content), keyring=keyring))
    path.write_bytes(content)
    return path


def opened(directory: Path, keyring: Keyring | None = None) -> dict[int, list[int]]:
    """What a broker finds there."""
    return sequences(Journal(journal_of(directory), SEGMENT_BYTES, keyring=keyring).recovered)


def journal_of(directory: Path) -> SimDisk:
    """Real files as a simulated disk."""
    disk = SimDisk()
    for path in directory.iterdir():
        disk.put(path.name, path.read_bytes())
    return disk


@KEYRINGS
def test_a_sound_journal_is_called_sound_and_nothing_changes(tmp_path: Path, keyring: Keyring | None) -> None:
    laid_out(a_small_log(closed=True, keyring=keyring), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    report = verify(tmp_path, keyring)
    assert report.is_sound
    assert str(report).endswith(": sound")
    assert sum(segment.entries for segment in report.segments) == 14
    assert repair(tmp_path, keyring=keyring) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_empty_directory_is_a_sound_journal(tmp_path: Path) -> None:
    assert verify(tmp_path).is_sound
    assert list(inspect(tmp_path)) == []


def test_a_missing_directory_is_one_plain_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used: No such file or directory"):
        verify(tmp_path / "nowhere")


@KEYRINGS
def test_a_torn_end_is_noted_but_sound(tmp_path: Path, keyring: Keyring | None) -> None:
    def cut_off(data: bytearray, scan: Scan) -> None:
        border = (scan.frames[-1].start // 512 + 1) * 512
        data[border : scan.end] = bytes(scan.end - border)

    journal = Journal(segment_bytes=1 << 16, keyring=keyring)
    journal.put(an_entry(1))
    journal.put(an_entry(2, body=b"x" * 2000))
    laid_out(journal.disk, tmp_path)
    change_segment(tmp_path, -1, cut_off, keyring)
    report = verify(tmp_path, keyring)
    assert report.is_sound
    assert report.notes == [Journal(journal_of(tmp_path), keyring=keyring).recovered.note]
    assert "ends in a torn write at byte" in report.notes[0]


@KEYRINGS
def test_a_flipped_bit_in_the_last_batch_is_called_damage(tmp_path: Path, keyring: Keyring | None) -> None:
    """It was called sound, and a torn write, though every message in that batch had been confirmed."""
    laid_out(a_small_log(closed=False, keyring=keyring), tmp_path)
    change_segment(tmp_path, -1, flip_batch(-1), keyring)
    report = verify(tmp_path, keyring)
    assert not report.is_sound
    assert "no write that was cut off leaves this" in str(report)
    assert "the journal ends there" in repair(tmp_path, keyring=keyring)[0]
    assert verify(tmp_path, keyring).is_sound


@KEYRINGS
@pytest.mark.parametrize("segment", [0, -1])
def test_all_damage_is_reported_with_its_range_and_mended(
    tmp_path: Path, segment: int, keyring: Keyring | None
) -> None:
    laid_out(a_small_log(closed=True, keyring=keyring), tmp_path)
    whole = opened(tmp_path, keyring)
    path = change_segment(tmp_path, segment, flip_batch(1), keyring)
    original = path.read_bytes()
    frames = Scan(path.name, bytes(original), keyring=keyring).frames
    report = verify(tmp_path, keyring)
    assert not report.is_sound
    (damage,) = report.damage
    assert (damage.name, damage.start) == (path.name, frames[0].end)
    with pytest.raises(JournalCorrupt):
        opened(tmp_path, keyring)

    (sentence,) = repair(tmp_path, dry_run=True, keyring=keyring)
    assert sentence.startswith(str(damage))
    assert path.read_bytes() == original
    assert repair(tmp_path, keyring=keyring) == [sentence]
    assert (tmp_path / f"{path.name}.damaged").read_bytes() == original
    assert verify(tmp_path, keyring).is_sound
    assert "a repair cut out batches in 1 places" in str(verify(tmp_path, keyring))
    left = opened(tmp_path, keyring)
    assert len(whole[1]) - 2 <= len(left[1]) <= len(whole[1])
    assert set(left[1]) <= set(whole[1]) | {4}


@KEYRINGS
def test_the_last_batches_of_an_older_segment_can_be_given_up(tmp_path: Path, keyring: Keyring | None) -> None:
    laid_out(a_small_log(closed=True, keyring=keyring), tmp_path)
    whole = opened(tmp_path, keyring)

    def cut(data: bytearray, scan: Scan) -> None:
        del data[scan.frames[-2].start :]

    change_segment(tmp_path, 0, cut, keyring)
    assert len(repair(tmp_path, keyring=keyring)) == 1
    assert verify(tmp_path, keyring).is_sound
    assert len(opened(tmp_path, keyring)[1]) == len(whole[1]) - 2


@KEYRINGS
@pytest.mark.parametrize("change", ["missing", "empty", "header"])
def test_a_lost_older_segment_is_given_up(tmp_path: Path, change: str, keyring: Keyring | None) -> None:
    laid_out(a_small_log(closed=True, keyring=keyring), tmp_path)
    newest = set(opened(tmp_path, keyring)[1])
    path = change_segment(tmp_path, 0, lambda data, scan: data.__setitem__(20, data[20] ^ 1), keyring)
    if change == "missing":
        path.unlink()
    elif change == "empty":
        path.write_bytes(b"")
    assert len(repair(tmp_path, keyring=keyring)) == 1
    assert verify(tmp_path, keyring).is_sound
    left = opened(tmp_path, keyring)
    assert set(left[1]) < newest
    assert 99 in left[1]
    assert (tmp_path / f"{path.name}.damaged").exists() == (change != "missing")


@KEYRINGS
def test_without_its_newest_segment_a_journal_that_was_closed_before_is_no_longer_called_sound(
    tmp_path: Path, keyring: Keyring | None
) -> None:
    """The file before it said that the broker had stopped in order, and 300 of 400 messages were gone."""
    again = Journal(a_small_log(closed=True, keyring=keyring), SEGMENT_BYTES, keyring=keyring)
    again.put(an_entry(100))
    again.ledger.close()
    laid_out(again.disk, tmp_path)
    names = segment_names(again.disk.names())
    (tmp_path / names[-1]).unlink()
    report = verify(tmp_path, keyring)
    assert [damage.name for damage in report.damage] == [names[-2]]
    assert "a newer file of the journal began, and that one is missing" in str(report)
    assert "the journal ends there" in repair(tmp_path, keyring=keyring)[0]
    assert verify(tmp_path, keyring).is_sound
    recovered = Journal(journal_of(tmp_path), SEGMENT_BYTES, keyring=keyring).recovered
    assert 99 in sequences(recovered)[1]
    assert not recovered.was_clean


@KEYRINGS
def test_a_newest_segment_that_cannot_be_read_is_set_aside(tmp_path: Path, keyring: Keyring | None) -> None:
    laid_out(a_small_log(closed=True, keyring=keyring), tmp_path)
    path = change_segment(tmp_path, -1, flip_batch(0), keyring)
    assert not verify(tmp_path, keyring).is_sound
    assert "the journal ends before this segment" in repair(tmp_path, keyring=keyring)[-1]
    assert not path.exists()
    assert (tmp_path / f"{path.name}.damaged").exists()
    assert verify(tmp_path, keyring).is_sound
    assert opened(tmp_path, keyring)[1]


def test_a_journal_of_which_nothing_can_be_read_is_set_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "0000000000000001.journal"
    path.write_bytes(b"not a journal at all")
    assert not verify(tmp_path).is_sound
    repair(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{path.name}.damaged"]
    path.write_bytes(b"neither")
    repair(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [f"{path.name}.damaged", f"{path.name}.damaged.2"]


@KEYRINGS
def test_a_file_that_was_cut_is_mended(tmp_path: Path, keyring: Keyring | None) -> None:
    laid_out(a_small_log(closed=False, keyring=keyring), tmp_path)
    change_segment(tmp_path, -1, lambda data, scan: data.__delitem__(slice(scan.end, None)), keyring)
    assert not verify(tmp_path, keyring).is_sound
    repair(tmp_path, keyring=keyring)
    assert verify(tmp_path, keyring).is_sound
    assert 99 in opened(tmp_path, keyring)[1]


@KEYRINGS
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
def test_whatever_byte_is_flipped_a_repair_makes_a_journal_that_opens(
    tmp_path: Path, closed: bool, keyring: Keyring | None
) -> None:
    disk = a_small_log(closed, keyring=keyring)
    for index, name in enumerate(segment_names(disk.names())):
        content = disk.read(name)
        for at in range(index, len(content), 37):
            directory = tmp_path / f"{index}-{at}"
            directory.mkdir()
            laid_out(disk, directory)
            (directory / name).write_bytes(content[:at] + bytes((content[at] ^ 0x41,)) + content[at + 1 :])
            sound = verify(directory, keyring).is_sound
            assert bool(repair(directory, keyring=keyring)) != sound
            assert verify(directory, keyring).is_sound
            opened(directory, keyring)


def test_a_repair_beside_a_running_broker_is_refused(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path)
    with pytest.raises(ConfigError, match="in use by another broker"):
        repair(tmp_path)
    assert verify(tmp_path).is_sound
    disk.close()
    assert repair(tmp_path) == []


def test_the_listing_names_every_record_but_shows_no_body_and_no_value(tmp_path: Path) -> None:
    journal = Journal(segment_bytes=1 << 16)
    ledger = journal.ledger
    ledger.define("user/guest", b"secret hash")
    message = a_message(b"secret body", "key\n")
    first, second = an_entry(1, 1, message), an_entry(1, 2, message)
    delayed = an_entry(3, 1, a_message(b"more"))
    delayed.held_until = 1_700_000_009_000
    journal.put(first, second, an_entry(2, 1, a_message(b"more", "key\n")), delayed)
    ledger.settle(first)
    ledger.attempt(second)
    delayed.attempts, delayed.held_until, delayed.first_taken_at = 1, 1_700_000_010_000, 1_700_000_000_500
    ledger.defer(delayed)
    ledger.define("user/gone", None)
    ledger.forget(7)
    ledger.seal()
    ledger.close()
    laid_out(journal.reopen().disk, tmp_path)
    text = "\n".join(inspect(tmp_path))
    assert "secret" not in text
    for line in (
        "  batch 2 at ",
        "published queue 1 sequence 1, 2023-11-14T22:13:20Z, 11 bytes, exchange 'amq.direct' key 'key\\n'",
        "enqueued queue 2 sequence 1, the message of 0", "names of 0", "settled segment 1 queue 1: 1 to 1",
        "attempted segment 1 queue 2 sequence 1: attempts 0, redelivered False", "defined 'user/guest': 11 bytes",
        "      held until 1700000009000, first taken at 0",
        "deferred segment 1 queue 1 sequence 3: attempts 1, redelivered False, held until 1700000010000, first "
        "taken at 1700000000500", "defined 'user/gone': gone", "forgotten queue 7", "stopped in order", "checkpoint",
        "held segment 1 up to batch 4, queue 1: 2 live, 1 settled, 1 attempted", "zeros",
    ):  # fmt: skip
        assert line in text, line
