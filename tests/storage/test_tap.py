"""The tap: who is told what, when, and in which thread; on simulated and on real files."""

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import current_thread, main_thread

import pytest

from mqbroker.storage.journal import FSYNC, WRITE, open_journal
from mqbroker.storage.log.disk import FileDisk
from mqbroker.storage.log.pieces import Appended, Deleted, Piece
from mqbroker.storage.tools.verify import verify
from tests.storage.following import Link, segments_of
from tests.storage.house import FORMATS, Fatal, Journal, ManualExecutor, an_entry
from tests.storage.simdisk import SimDisk


def test_a_frame_is_told_before_the_local_disk_has_it() -> None:
    """The standby's sync began when the local one had ended, so that a confirm waited for the sum of both."""
    told: list[Piece] = []
    disk = SimDisk()
    journal = Journal(disk)
    written: list[int] = []
    write = disk.write

    def noted(name: str, parts: list[bytes], offset: int, sync: bool) -> None:
        written.append(len(told))
        write(name, parts, offset, sync)

    disk.write = noted  # type: ignore[method-assign]
    journal.ledger.tap.follow(told.append)
    journal.put(an_entry(1))
    assert written == [1]
    (piece,) = told
    assert isinstance(piece, Appended)
    assert disk.read(journal.disk.names()[0], piece.offset, piece.size) == piece.octets


def test_whoever_follows_is_told_from_the_next_batch_on_and_not_after_leaving() -> None:
    appends = ManualExecutor()
    journal, told = Journal(appends=appends), list[Piece]()
    journal.put(an_entry(1))
    assert journal.ledger.tap.follow(told.append) == 2, "batch 2 is on its way, and will be in the files"
    appends.step()
    assert told == []
    journal.put(an_entry(2))
    journal.ledger.tap.leave(told.append)
    appends.step()
    assert told == []
    journal.ledger.tap.follow(told.append)
    journal.put(an_entry(3))
    appends.step()
    assert [piece.lsn for piece in told if isinstance(piece, Appended)] == [4]


def test_the_end_of_the_log_and_deletions_are_told_too() -> None:
    journal, told = Journal(segment_bytes=1024), list[Piece]()
    journal.ledger.tap.follow(told.append)
    entries = [an_entry(number, body=bytes(300)) for number in range(6)]
    for entry in entries:
        journal.put(entry)
    for entry in entries:
        journal.ledger.settle(entry)
    journal.ledger.close()
    assert Deleted(1) in told
    assert isinstance(told[-1], Appended)
    assert told[-1].lsn == journal.ledger.encoder.last_lsn


@pytest.mark.parametrize("mode", [FSYNC, WRITE])
def test_a_standby_on_real_files_follows_a_journal_with_its_threads(tmp_path: Path, mode: str) -> None:
    calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
    source, target = FileDisk(tmp_path / "active"), FileDisk(tmp_path / "standby")
    ledger, _ = open_journal(source, FORMATS, mode, calls.put, Fatal(), 1 << 16)
    threads: set[object] = set()
    ledger.tap.follow(lambda _: threads.add(current_thread()))
    link = Link(ledger, source, target)
    entries = [an_entry(number, body=b"%d" % number * 500) for number in range(300)]
    for number, entry in enumerate(entries):
        ledger.enqueue(entry)
        if number % 3:
            ledger.settle(entries[number // 2])
            entries[number // 2] = entry
        ledger.seal()
        while not calls.empty():
            calls.get()()
        link.step_some()
    ledger.seal()
    while ledger.writer.wait():
        pass
    ledger.close()
    while not calls.empty():
        calls.get()()
    while not link.is_up_to_date:
        link.step_some()
    assert segments_of(target) == segments_of(FileDisk(tmp_path / "active", exclusive=False))
    target.close()
    assert verify(tmp_path / "standby").is_sound
    assert threads == {main_thread()}
