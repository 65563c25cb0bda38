"""What the journal has without keeping it: entries that a restart ignores, and that nothing is needed for after it."""

from pathlib import Path

import pytest

from mqbroker.core.queues.extent import FLEETING
from mqbroker.core.queues.page import Page, page_on_disk
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.tools.verify import inspect, verify
from tests.storage.following import copied
from tests.storage.house import KEYRINGS, Journal, an_entry
from tests.storage.test_verify import laid_out

SEGMENT_BYTES = 8192
QUEUE = 1
LOOSE = QUEUE | FLEETING


def filled(keyring: Keyring | None, count: int = 120) -> Journal:
    """A journal of many segments: of a queue each third message is kept."""
    journal = Journal(segment_bytes=SEGMENT_BYTES, keyring=keyring, window=1)
    for number in range(1, count + 1):
        journal.put(an_entry(number, QUEUE if number % 3 == 0 else LOOSE, body=number.to_bytes(2, "big") * 100))
    return journal


def reopened(journal: Journal) -> Journal:
    """The next life, in which what is left to be done begins."""
    again = Journal(journal.disk.after_kill(), SEGMENT_BYTES, keyring=journal.keyring, window=1)
    again.ledger.restored()
    return again


@KEYRINGS
@pytest.mark.parametrize("window", [0, 1], ids=["read", "indexed"])
def test_a_restart_has_what_was_kept_and_nothing_else(keyring: Keyring | None, window: int) -> None:
    """What nobody was promised came back as messages of a queue that is not there, and pinned its segments."""
    journal = filled(keyring)
    assert len(segment_names(journal.disk.names())) > 5
    again = Journal(journal.disk.after_kill(), SEGMENT_BYTES, keyring=keyring, window=window)
    assert again.found() == {QUEUE: list(range(3, 121, 3))}
    shares = [share for each in again.ledger.encoder.liveness.closed() for share in each.shares]
    assert set(shares) == {QUEUE}


@KEYRINGS
def test_a_standby_that_takes_over_has_what_was_kept_and_nothing_else(keyring: Keyring | None) -> None:
    copy = copied(filled(keyring).disk)
    assert Journal(copy, SEGMENT_BYTES, keyring=keyring, window=1).found() == {QUEUE: list(range(3, 121, 3))}


@KEYRINGS
def test_the_tools_know_what_is_not_kept(tmp_path: Path, keyring: Keyring | None) -> None:
    place = laid_out(filled(keyring).disk.after_kill(), tmp_path)
    assert verify(place, keyring).is_sound
    lines = list(inspect(place, keyring))
    assert any("published queue 1 (not kept)" in line for line in lines)
    assert not any("held segment" in line and "not kept" in line for line in lines)


@KEYRINGS
def test_a_segment_in_which_nothing_else_is_alive_goes_with_the_restart(keyring: Keyring | None) -> None:
    journal = Journal(segment_bytes=SEGMENT_BYTES, keyring=keyring, window=1)
    for number in range(1, 121):
        journal.put(an_entry(number, LOOSE, body=bytes(200)))
    before = segment_names(journal.disk.names())
    assert len(before) > 3, "they are needed while this life lasts"
    again = reopened(journal)
    assert again.found() == {}
    assert len(segment_names(again.disk.names())) == 1
    third = reopened(again)
    assert third.found() == {}


def test_what_is_settled_changed_and_forgotten_of_them_means_nothing_to_a_restart() -> None:
    journal = Journal(segment_bytes=1 << 20, window=1)
    entries = [an_entry(number, LOOSE, body=bytes(100)) for number in range(1, 41)]
    kept = an_entry(41, QUEUE)
    journal.put(*entries[:20])
    journal.put(*entries[20:], kept)
    for entry in entries[:5]:
        journal.ledger.settle(entry)
    entries[7].is_redelivered = True
    journal.ledger.attempt(entries[7])
    journal.ledger.seal()
    assert reopened(journal).found() == {QUEUE: [41]}
    journal.ledger.forget(LOOSE)
    journal.ledger.seal()
    assert reopened(journal).found() == {QUEUE: [41]}


def test_the_next_life_of_a_queue_gives_the_same_number_to_others() -> None:
    """An index of the life before told of places that messages of this life have as well."""
    again = reopened(filled(None))
    entries = [an_entry(number, LOOSE, body=b"again" * 20) for number in range(1, 121)]
    for entry in entries:
        again.put(entry)
    pages: list[Page] = []

    class Queue:
        number = LOOSE

        def page_out(self, extent: object, place: object, _window: int, _least: int) -> int:
            pages.append(page_on_disk(extent, place))  # type: ignore[arg-type]
            return 0

    again.ledger.watch(Queue())
    again.ledger.press(True)
    read = {}
    for page in pages:
        if page.place is not None and page.place.first_lsn >= entries[0].lsn:
            for entry in again.ledger.read(page):
                read[entry.sequence] = entry.message.content()
    assert len(read) > 100
    assert set(read.values()) == {b"again" * 20}
    assert not again.fatal.errors


def test_they_are_moved_and_counted_like_all_others_while_the_life_lasts() -> None:
    """One forgotten message that is not persistent pinned its segment."""
    journal = Journal(segment_bytes=SEGMENT_BYTES, window=1)
    entries = [an_entry(number, LOOSE, body=bytes(200)) for number in range(1, 201)]
    for entry in entries:
        journal.put(entry)
    for entry in entries:
        if entry.sequence % 40:
            journal.ledger.settle(entry)
            journal.ledger.seal()
    for _ in range(10):
        journal.ledger.tend()
    assert journal.ledger.relocator is not None
    assert journal.ledger.relocator.moved > 0
    assert sum(each.live for each in journal.ledger.encoder.liveness.by_first.values()) == 5
    assert len(segment_names(journal.disk.names())) <= 4
    for entry in entries:
        if not entry.sequence % 40:
            journal.ledger.settle(entry)
    journal.ledger.seal()
    assert sum(each.live for each in journal.ledger.encoder.liveness.by_first.values()) == 0
    assert not journal.fatal.errors
