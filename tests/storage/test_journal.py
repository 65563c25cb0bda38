"""The journal on real files, with its threads, in both modes."""

import os
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from mqbroker.errors import DiskFailed
from mqbroker.storage.journal import FSYNC, WRITE, open_journal
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.disk import FileDisk
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.recovery import Recovered
from mqbroker.storage.tools.verify import verify
from tests.storage.house import FORMATS, Fatal, an_entry, sequences

SEGMENT_BYTES = 1 << 16
MODES = pytest.mark.parametrize("mode", [FSYNC, WRITE])


class House:
    """A journal on real files, and the loop that it wakes."""

    def __init__(self, directory: Path, mode: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.fatal = Fatal()
        self.disk = FileDisk(directory)
        opened = open_journal(self.disk, FORMATS, mode, self.calls.put, self.fatal, segment_bytes)
        self.ledger: JournalLedger = opened[0]
        self.recovered: Recovered = opened[1]
        self.kept: list[int] = []

    def publish(self, first: int, last: int) -> None:
        """One batch each, with a promise."""
        for number in range(first, last):
            self.ledger.enqueue(an_entry(number, body=b"%d" % number * 50))
            self.ledger.promise(self.ledger.position, lambda number=number: self.kept.append(number))  # type: ignore[misc]
            self.ledger.seal()
            while not self.calls.empty():
                self.calls.get()()

    def until_kept(self, count: int) -> None:
        """Runs the loop until so many promises are kept."""
        while len(self.kept) < count:
            self.calls.get(timeout=30)()


@MODES
def test_what_was_promised_survives_and_the_order_is_kept(tmp_path: Path, mode: str) -> None:
    house = House(tmp_path, mode)
    house.publish(0, 500)
    house.until_kept(500)
    assert house.kept == list(range(500))
    house.ledger.close()
    assert verify(tmp_path).is_sound
    again = House(tmp_path, mode)
    assert again.recovered.was_clean
    assert sequences(again.recovered) == {1: list(range(500))}
    assert again.recovered.entries[1][7].message.content() == b"7" * 50
    again.ledger.close()


@MODES
def test_closing_keeps_every_promise(tmp_path: Path, mode: str) -> None:
    house = House(tmp_path, mode)
    house.publish(0, 300)
    house.ledger.close()
    assert house.kept == list(range(300))
    assert house.fatal.errors == []


@MODES
def test_drained_segments_leave_the_disk(tmp_path: Path, mode: str) -> None:
    house = House(tmp_path, mode, segment_bytes=1 << 14)
    entries = [an_entry(number, body=bytes(1000)) for number in range(200)]
    for entry in entries:
        house.ledger.enqueue(entry)
        house.ledger.seal()
        while not house.calls.empty():
            house.calls.get()()
    assert house.ledger.segments >= 1
    for entry in entries:
        house.ledger.settle(entry)
    house.ledger.close()
    again = House(tmp_path, mode)
    assert again.recovered.entries == {}
    again.ledger.close()
    assert len(segment_names(os.listdir(tmp_path))) == 1


@MODES
def test_a_journal_that_fails_is_fatal_and_promises_nothing(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, mode)
    house.publish(0, 3)
    house.until_kept(3)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(house.disk, "write", fail)
    house.publish(3, 4)
    while not house.fatal.errors:
        house.calls.get(timeout=30)()
    house.publish(4, 6)
    house.ledger.close()
    assert house.kept == [0, 1, 2]
    (error,) = house.fatal.errors
    assert isinstance(error, DiskFailed)
    assert "Input/output error" in str(error)


def test_a_journal_can_be_verified_while_it_is_written(tmp_path: Path) -> None:
    house = House(tmp_path, FSYNC, segment_bytes=1 << 14)
    for number in range(20):
        house.publish(number * 20, number * 20 + 20)
        assert verify(tmp_path).is_sound
    house.ledger.close()


def test_a_killed_run_is_followed_by_one_that_knows(tmp_path: Path) -> None:
    house = House(tmp_path, FSYNC)
    house.publish(0, 10)
    house.until_kept(10)
    house.ledger.writer.close()
    again = House(tmp_path, FSYNC)
    assert not again.recovered.was_clean
    assert all(entry.is_redelivered for entry in again.recovered.entries[1])
    again.ledger.close()
