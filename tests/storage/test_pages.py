"""Indexes of segments, what a restart leaves on the disk by them, what checks that, how old segments are emptied."""

from pathlib import Path
from random import Random

import pytest

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import Extent, Place
from mqbroker.limits import QUEUE_WINDOW, SCRUB_BYTES_PER_S, YOUNG_BYTES_MAX
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log import encoder as encoders
from mqbroker.storage.log.facts import pack_index, pack_index_part
from mqbroker.storage.log.index import Stretch, pack_stretches
from mqbroker.storage.log.segment import segment_name, segment_names
from mqbroker.storage.tools.verify import inspect, repair, report, verify
from tests.storage.house import KEYRING, KEYRINGS, Journal, ManualExecutor, an_entry
from tests.storage.simdisk import SimDisk
from tests.storage.test_verify import change_segment, flip_batch, journal_of, laid_out

SEGMENT_BYTES = 8192


class CountingDisk(SimDisk):
    """Knows how much of which file was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes: dict[str, int] = {}

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        data = super().read(name, offset, size)
        self.read_bytes[name] = self.read_bytes.get(name, 0) + len(data)
        return data


class Asked:
    """Stands in for a long queue: notes what it is asked to let go of."""

    number = 1

    def __init__(self) -> None:
        self.asked: set[int] = set()

    def page_out(self, extent: Extent, place: Place, window: int, least: int) -> int:
        self.asked |= set(range(extent.first, extent.last + 1))
        return extent.count


def filled(count: int = 200, keyring: Keyring | None = None, window: int = 1) -> tuple[Journal, list[Entry]]:
    """A journal of many segments with messages of one queue, none of which is settled."""
    journal = Journal(segment_bytes=SEGMENT_BYTES, keyring=keyring, window=window)
    entries = [an_entry(number, body=number.to_bytes(2, "big") * 100) for number in range(1, count + 1)]
    for entry in entries:
        journal.put(entry)
    return journal, entries


def reopened(journal: Journal, disk: SimDisk | None = None, window: int = 1) -> Journal:
    """The next life, in which what is left to be done begins."""
    again = Journal(disk or journal.disk.after_kill(), SEGMENT_BYTES, keyring=journal.keyring, window=window)
    again.ledger.restored()
    return again


def bodies(journal: Journal, queue: int = 1) -> dict[int, bytes]:
    """What the journal says of a queue, by sequence."""
    return {entry.sequence: entry.message.content() for entry in journal.recovered.entries.get(queue, [])}


@KEYRINGS
def test_a_restart_reads_the_newest_segment_and_indexes_only(keyring: Keyring | None) -> None:
    """The time to serve grew with the backlog."""
    journal, entries = filled(keyring=keyring)
    disk = CountingDisk()
    for name in journal.disk.names():
        disk.put(name, journal.disk.read(name))
    again = reopened(journal, disk)
    *older, _ = segment_names(journal.disk.names())
    assert len(older) > 5
    assert all(disk.read_bytes[name] < len(journal.disk.read(name)) // 3 for name in older)
    assert again.recovered.entries.paged > 150
    assert again.recovered.entries.total == len(entries)
    assert bodies(again) == {entry.sequence: entry.message.content() for entry in entries}


@KEYRINGS
def test_of_the_newest_segment_a_restart_makes_no_messages_that_nobody_wants_yet(keyring: Keyring | None) -> None:
    """The newest segment was decoded as a whole: some seconds with two million messages."""
    journal = Journal(segment_bytes=1 << 20, keyring=keyring, window=1)
    entries = [an_entry(number, body=bytes(50)) for number in range(1, 201)]
    for entry in entries:
        journal.put(entry)
    for at in (3, 50, 51, 120):
        journal.ledger.settle(entries[at])
    journal.ledger.attempt(entries[60])
    journal.put(an_entry(201, body=b"last"))
    again = Journal(journal.disk.after_kill(), 1 << 20, keyring=keyring, window=1)
    assert len(segment_names(journal.disk.names())) == 1
    assert again.recovered.entries.paged >= 190
    assert again.recovered.entries.total == 197
    assert bodies(again).keys() == ({entry.sequence for entry in entries} - {4, 51, 52, 121}) | {201}
    again.put(an_entry(202, body=b"later"))
    third = Journal(again.disk.after_kill(), 1 << 20, keyring=keyring, window=1)
    assert third.recovered.entries.total == 198
    assert bodies(third)[201] == b"last"
    assert sum(segment.live for segment in third.ledger.encoder.liveness.by_first.values()) == 198


def test_what_a_consumer_takes_before_long_stays_in_memory() -> None:
    """What a consumer that had fallen some thousand messages behind was about to take was paged out and read again."""
    journal, queue = Journal(segment_bytes=1 << 26, window=QUEUE_WINDOW), Asked()
    journal.ledger.watch(queue, 0)
    mebibyte = bytes(1 << 20)

    def put(first: int, count: int) -> None:
        for number in range(first, first + count):
            journal.put(an_entry(number, body=mebibyte))

    put(1, 3)
    journal.ledger.tend()
    put(4, 2)
    assert not queue.asked
    journal.ledger.tend()
    assert queue.asked == {1, 2, 3}, "they have been there for a second"
    last = 5 + (YOUNG_BYTES_MAX >> 20)
    put(6, last - 5)
    assert queue.asked == {1, 2, 3, 4, 5, 6}, "but not however many there are"
    journal.ledger.press(True)
    put(last + 1, 1)
    assert queue.asked == set(range(1, last + 2)), "nor while memory is short"


@KEYRINGS
def test_what_was_settled_changed_or_forgotten_is_so_after_a_restart(keyring: Keyring | None) -> None:
    journal, entries = filled(keyring=keyring)
    chance = Random(1)
    gone = set(chance.sample(range(len(entries)), 80))
    for at in gone:
        journal.ledger.settle(entries[at])
    (back,) = [entry for at, entry in enumerate(entries) if at not in gone][10:11]
    back.attempts, back.is_redelivered = 3, True
    journal.ledger.attempt(back)
    journal.ledger.seal()
    again = reopened(journal)
    found = {entry.sequence: entry for entry in again.recovered.entries[1]}
    assert set(found) == {entry.sequence for at, entry in enumerate(entries) if at not in gone}
    assert found[back.sequence].attempts == 3
    assert all(entry.is_redelivered for entry in found.values())
    again.ledger.forget(1)
    again.ledger.seal()
    assert reopened(again).recovered.entries == {}


@KEYRINGS
def test_a_journal_without_indexes_gets_them_when_it_is_opened(keyring: Keyring | None) -> None:
    """What an earlier version wrote had to be read at each start."""
    journal, entries = filled(keyring=keyring, window=0)
    again = reopened(journal, window=40)
    assert again.recovered.entries.paged == 0
    again.ledger.seal()
    third = reopened(again, window=40)
    assert third.recovered.entries.paged > 150
    assert bodies(third) == {entry.sequence: entry.message.content() for entry in entries}
    assert bodies(reopened(third, window=0)) == bodies(third), "and it can be opened without using them"


def test_closing_does_not_wait_for_indexes() -> None:
    """An orderly stop took as long as it takes to index all that an earlier version had written."""
    journal, entries = filled(window=0)
    background = ManualExecutor()
    again = Journal(journal.disk.after_kill(), SEGMENT_BYTES, background=background, window=1)
    again.ledger.restored()
    again.ledger.close()
    assert not background.orders
    assert again.ledger.encoder.liveness.closed()[0].index == b""
    assert len(bodies(reopened(again))) == len(entries)


@KEYRINGS
def test_the_scrub_finds_damage_in_what_was_not_read(keyring: Keyring | None) -> None:
    """A damaged message stayed unnoticed until a consumer came to it."""
    journal, _ = filled(keyring=keyring)
    disk = journal.disk.after_kill()
    name = segment_names(disk.names())[2]
    content = bytearray(disk.read(name))
    content[1000] ^= 1
    disk.put(name, bytes(content))
    again = reopened(journal, disk)
    for _ in range(20):
        again.ledger.tend()
    assert again.fatal.errors, "it was not found"
    assert name in str(again.fatal.errors[0])
    assert "bytes" in str(again.fatal.errors[0])


@KEYRINGS
def test_damage_in_a_page_stops_the_broker_where_it_is_read(keyring: Keyring | None) -> None:
    """A damaged message was left out, or given to a consumer."""
    journal, _ = filled(keyring=keyring)
    again = reopened(journal)
    pages, _ = again.recovered.entries.parts(1)
    place = pages[10].place
    assert place is not None
    name = segment_name(place.segment)
    content = bytearray(again.disk.read(name))
    content[place.end - 20] ^= 1
    again.disk.put(name, bytes(content))
    got: list[list[Entry]] = []
    again.ledger.load(pages[9], got.append)
    again.ledger.load(pages[10], got.append)
    assert len(got) == 1
    assert f"{name}: bytes {place.start} to {place.end}" in str(again.fatal.errors[0])


def test_a_queue_may_be_deleted_while_a_page_of_it_is_being_read() -> None:
    """The broker stopped as if the disk had failed: the file was gone when the read had its turn."""
    journal, _ = filled()
    reads = ManualExecutor()
    again = Journal(journal.disk.after_kill(), SEGMENT_BYTES, window=1, reads=reads)
    pages, _ = again.recovered.entries.parts(1)
    place = pages[0].place
    assert place is not None
    got: list[list[Entry]] = []
    again.ledger.load(pages[0], got.append)
    again.ledger.forget(1)
    again.ledger.seal()
    assert segment_name(place.segment) not in again.disk.names()
    assert reads.step()
    assert not again.fatal.errors
    assert got == [[]], "who purges it has to come to an end"


def test_the_scrub_calls_a_sound_journal_sound_and_ends() -> None:
    journal, _ = filled(keyring=KEYRING)
    again = reopened(journal)
    scrub = again.ledger.scrub
    assert scrub is not None
    for _ in range(100):
        again.ledger.tend()
    assert scrub.is_over
    assert 10_000 < scrub.bytes_checked < SCRUB_BYTES_PER_S
    assert not again.fatal.errors


@KEYRINGS
def test_verify_knows_indexes(tmp_path: Path, keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that says more than there is was called sound."""
    journal, _ = filled(keyring=keyring)
    place = laid_out(journal.disk.after_kill(), tmp_path)
    assert verify(place, keyring).is_sound
    assert any("index of segment" in line for line in inspect(place, keyring))

    def lying(first_lsn: int, entries: int, stretches: list[Stretch]) -> bytes:
        for each in stretches:
            for extent in each.extents.values():
                extent.count += 1
        return pack_index(first_lsn, entries, stretches)

    monkeypatch.setattr(encoders, "pack_index", lying)
    journal, _ = filled(keyring=keyring)
    assert "index does not say" in str(report(journal.disk.after_kill(), keyring))


@KEYRINGS
def test_verify_knows_what_the_newest_segment_tells_of_itself(
    keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart leaves messages on the disk by it, and nothing had checked it."""
    journal = Journal(segment_bytes=1 << 20, keyring=keyring, window=1)
    for number in range(1, 41):
        journal.put(an_entry(number, number % 3))
    assert report(journal.disk.after_kill(), keyring).is_sound

    def lying(first_lsn: int, stretches: list[Stretch]) -> bytes:
        for each in stretches:
            for extent in each.extents.values():
                extent.last += 1
        return pack_index_part(first_lsn, stretches)

    monkeypatch.setattr(encoders, "pack_index_part", lying)
    for number in range(41, 81):
        journal.put(an_entry(number, number % 3))
    assert "index does not say" in str(report(journal.disk.after_kill(), keyring))


@KEYRINGS
def test_what_a_repair_has_cut_out_is_not_expected_any_more(tmp_path: Path, keyring: Keyring | None) -> None:
    """The index still named what was lost, and the broker stopped where it was to be read."""
    journal, entries = filled(keyring=keyring)
    place = laid_out(journal.disk.after_kill(), tmp_path)
    change_segment(place, 2, flip_batch(4), keyring)
    assert repair(place, keyring=keyring)
    disk = journal_of(place)
    again = reopened(journal, disk)
    assert len(bodies(again)) == again.recovered.entries.total == len(entries) - 1
    third = reopened(again)
    assert len(bodies(third)) == third.recovered.entries.total == len(entries) - 1


@KEYRINGS
def test_one_forgotten_message_pins_no_segment(keyring: Keyring | None) -> None:
    """A message that nobody takes kept 64 MiB of the disk for ever, and so did the next one."""
    journal, entries = filled(count=600, keyring=keyring)
    left = entries[::20]
    for entry in entries:
        if entry not in left:
            journal.ledger.settle(entry)
    journal.ledger.seal()
    before = journal.ledger.segments
    assert before > 20
    for _ in range(20):
        journal.ledger.tend()
    size = sum(len(journal.disk.read(name)) for name in segment_names(journal.disk.names())[:-1])
    live = sum(segment.live_bytes for segment in journal.ledger.encoder.liveness.closed())
    assert size <= 1.5 * live + 2 * SEGMENT_BYTES
    assert journal.ledger.segments < before // 3
    again = reopened(journal)
    assert bodies(again) == {entry.sequence: entry.message.content() for entry in left}
    for entry in left[1:]:  # known by the batches that brought them
        journal.ledger.settle(entry)
    journal.ledger.seal()
    assert list(bodies(reopened(journal))) == [left[0].sequence]
    assert not journal.fatal.errors


def test_what_was_moved_is_known_for_as_long_as_it_lives_only() -> None:
    """A journal that had ever emptied a segment looked up every message that was settled, for ever."""
    journal, entries = filled(count=600)
    for entry in entries:
        if entry.sequence % 20:
            journal.ledger.settle(entry)
    journal.ledger.seal()
    for _ in range(20):
        journal.ledger.tend()
    moved = journal.ledger.encoder.liveness.moved
    assert len(moved) > 5
    for entry in entries:
        if not entry.sequence % 20:
            journal.ledger.settle(entry)
    journal.put(*[an_entry(number, queue=2, body=bytes(1000)) for number in range(1, 40)])
    assert len(moved) == 0
    assert len(bodies(reopened(journal), queue=2)) == 39
    assert not bodies(reopened(journal))
    assert not journal.fatal.errors


def test_stretches_are_packed_as_long_as_they_say() -> None:
    journal, _ = filled(count=3)
    stretches = journal.ledger.encoder.stretches
    assert stretches
    assert len(pack_stretches(stretches)) == sum(stretch.packed_bytes for stretch in stretches)
