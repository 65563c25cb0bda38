"""Checkpoints of very many queues: what is kept of the last one, what is made anew, and how long segments are then."""

from random import Random

import pytest

from mqbroker.core.queues.extent import FLEETING
from mqbroker.limits import CHECKPOINT_SHARE, INDEX_SORTED_MAX, SEGMENT_BYTES_MIN
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.liveness import QUEUES_TOGETHER_BITS, LogLiveness, SegmentLiveness
from mqbroker.storage.log import checkpoint as checkpoints
from mqbroker.storage.log import encoder as encoders
from mqbroker.storage.log import facts
from mqbroker.storage.log.checkpoint import Checkpoint
from mqbroker.storage.log.facts import Facts, pack_defined, packed, read_facts
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.pages import indexer
from mqbroker.storage.tools.verify import report
from tests.storage.house import KEYRINGS, Journal, an_entry
from tests.storage.simdisk import SimDisk

VALUE = b"what a definition says, much of which all others say as well"


class Life:
    """A checkpoint that is asked for again and again, and what it has to say."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.definitions = {f"old{number}": VALUE for number in range(self.chance.randrange(400))}
        self.liveness = LogLiveness()
        self.next_lsn = 1
        self._begin_segment()
        self.checkpoint = Checkpoint(self.liveness, self.definitions)

    def _begin_segment(self) -> None:
        self.liveness.add(SegmentLiveness(self.next_lsn, self.next_lsn, False, True))

    def define(self) -> None:
        for _ in range(self.chance.randrange(1, 300)):
            key = self.chance.choice(("new", "old")) + str(self.chance.randrange(600))
            value = VALUE + self.chance.randbytes(2)
            self.definitions[key] = value
            self.checkpoint.definitions.define(key, pack_defined(key, value))

    def undefine(self) -> None:
        known = list(self.definitions)
        for key in self.chance.sample(known, self.chance.randrange(len(known) + 1)):
            del self.definitions[key]
            self.checkpoint.definitions.remove(key)
        self.checkpoint.definitions.remove("never was")

    def count(self) -> None:
        segment = self.liveness.current()
        for _ in range(self.chance.randrange(1, 100)):
            segment.count(self.chance.randrange(2000) | self.chance.choice((0, FLEETING)), self.chance.randrange(1, 9))

    def settle(self) -> None:
        for segment in list(self.liveness.by_first.values()):
            for queue in self.chance.sample(list(segment.shares), min(50, len(segment.shares))):
                start = self.chance.randrange(20)
                segment.settle(queue, start, start + self.chance.randrange(2))
                segment.change(queue, 40, (1, True, 0, 0))
                if self.chance.random() < 0.1:
                    self.liveness.forget(queue)

    def prepare(self) -> None:
        self.checkpoint.prepare(self.chance.random())

    def roll(self) -> None:
        self.next_lsn += 1
        self._begin_segment()

    def compare(self) -> None:
        closed = self.liveness.closed()
        records = self.checkpoint.records(closed)
        assert self.checkpoint.size(closed) == sum(map(len, records))
        said = Facts(1 << 40)
        data = b"".join(records)
        read_facts(data, 0, len(data), said)
        assert list(said.definitions.items()) == list(self.definitions.items())
        found = {
            (first, queue): (share.live, list(share.settled), share.attempts)
            for first, segment in said.older.items()
            for queue, share in segment.shares.items()
        }
        assert found == {
            (each.first_lsn, queue): (share.live, list(share.settled), share.attempts)
            for each in closed
            for queue, share in each.shares.items()
            if share.live > 0 and not queue & FLEETING
        }
        assert all(segment.is_encrypted for segment in said.older.values())


@pytest.mark.parametrize("block", range(4))
def test_a_checkpoint_says_what_there_is_whenever_it_was_made(block: int) -> None:
    """What had changed since its octets were made was missing."""
    for seed in range(block * 25, block * 25 + 25):
        life = Life(seed)
        for _ in range(life.chance.randrange(5, 40)):
            deed = life.chance.choice(("define", "undefine", "count", "count", "settle", "settle", "prepare", "roll"))
            getattr(life, deed)()
            if life.chance.random() < 0.3:
                life.compare()
        life.compare()


def declared(queues: int, segment_bytes: int, keyring: Keyring | None = None) -> Journal:
    """A journal with definitions of so many queues."""
    journal = Journal(segment_bytes=segment_bytes, keyring=keyring, window=8)
    for number in range(queues):
        journal.ledger.define(f"queue/{number}", VALUE + number.to_bytes(4, "big"))
    journal.ledger.seal()
    return journal


def test_what_has_not_changed_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop stood still while a checkpoint was put together, a third of a second with 100,000 queues."""
    journal = declared(5000, 1 << 20)
    made: list[int] = []

    def packing(records: bytes) -> bytes:
        made.append(len(records))
        return packed(records)

    monkeypatch.setattr(checkpoints, "packed", packing)
    monkeypatch.setattr(facts, "packed", packing)
    most, sequence = 0, 0
    for _ in range(4):
        segments = journal.ledger.segments
        while journal.ledger.segments == segments:
            made.clear()
            sequence += 1
            first = sequence % 50 * 100
            journal.put(*(an_entry(sequence, queue, body=bytes(20)) for queue in range(first, first + 100)))
            most = max(most, len(made))
    assert 0 < most < 12, "of 60 and more: what the last batch has changed, and a little"


def test_what_changes_with_every_batch_is_not_made_again_with_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue with 20,000 changed messages was packed with each batch of half a segment, 12 ms each."""
    liveness = LogLiveness()
    segment = SegmentLiveness(1, 1)
    liveness.add(segment)
    checkpoint = Checkpoint(liveness, {})
    made: list[object] = []

    def packing(records: bytes) -> bytes:
        made.append("definitions")
        return records

    def packing_shares(_segment: SegmentLiveness, number: int) -> bytes:
        made.append(number)
        return b"shares"

    monkeypatch.setattr(checkpoints, "packed", packing)
    monkeypatch.setattr(checkpoints, "pack_shares", packing_shares)
    for number in range(10):
        segment.count(number << QUEUES_TOGETHER_BITS, 1)
    for left in range(1000, 0, -1):
        segment.change(0, left, (1, True, 0, 0))
        checkpoint.definitions.define("changing", pack_defined("changing", left.to_bytes(2, "big")))
        checkpoint.prepare(1 / left)
    assert set(made) == {"definitions", *range(10)}
    assert len(segment.stale) + len(checkpoint.definitions.stale) <= 1
    assert len(made) < 150, "with 1000 batches"


def test_what_was_made_last_is_made_last() -> None:
    """A queue that is busy was made again and again, and all others when the segment began."""
    liveness = LogLiveness()
    segment = SegmentLiveness(1, 1)
    liveness.add(segment)
    checkpoint = Checkpoint(liveness, {})
    for number in range(100):
        segment.count(number << QUEUES_TOGETHER_BITS, 1)
    for _ in range(110):
        segment.count(0, 1)
        checkpoint.prepare(1 / len(segment.stale))
    assert set(segment.stale) <= {0}


@pytest.mark.parametrize("queues", [500, 60_000])
def test_segments_are_long_enough_for_their_checkpoints(queues: int) -> None:
    """With 100,000 queues a third of each segment was its checkpoint."""
    journal = declared(queues, SEGMENT_BYTES_MIN)
    sequence = 0
    for _ in range(3):
        segments = journal.ledger.segments
        while journal.ledger.segments == segments:
            sequence += 1
            journal.put(an_entry(sequence, sequence % queues + 1, body=sequence.to_bytes(4, "big") * 5000))
    found = [Scan(name, journal.disk.read(name)) for name in segment_names(journal.disk.names())]
    for scan in found[2:]:
        assert scan.header is not None
        assert scan.frames[0].payload_bytes * CHECKPOINT_SHARE < scan.header.size_bytes * 1.1
        assert (scan.header.size_bytes > SEGMENT_BYTES_MIN) == (queues > 500)
    again = Journal(journal.disk.after_kill(), SEGMENT_BYTES_MIN, window=8)
    assert len(again.recovered.definitions) == queues
    name = segment_names(again.disk.names())[-1]
    newest = Scan(name, again.disk.read(name))
    assert newest.header is not None
    assert newest.frames[0].payload_bytes * CHECKPOINT_SHARE < newest.header.size_bytes * 1.1
    assert again.recovered.entries.total == sequence


def test_a_nearly_full_disk_that_has_no_longer_segment_takes_acknowledgements() -> None:
    """The next segment was to be longer, the one that was prepared was given up for it, and no batch could be written:
    so no acknowledgement, which would have made room."""
    chance, kept = Random(1), list[bool]()
    journal = Journal(SimDisk(SEGMENT_BYTES_MIN * 5 // 2), SEGMENT_BYTES_MIN, window=8)
    for number in range(4000):
        journal.ledger.define(f"queue/{number}", chance.randbytes(60))
    journal.ledger.seal()
    entries = [an_entry(sequence, body=bytes(10_000)) for sequence in range(1, 80)]
    for entry in entries:
        journal.put(entry)
    assert journal.ledger.segments == 2
    assert journal.ledger.is_full, "there is no space for a longer one"
    for entry in entries:
        journal.ledger.settle(entry)
        journal.ledger.promise(journal.ledger.position, lambda: kept.append(True))
        journal.ledger.seal()
    assert len(kept) == len(entries)
    assert journal.reopen().recovered.entries.total == 0
    assert not journal.fatal.errors


@KEYRINGS
def test_an_index_of_very_many_parts_is_made_where_it_is_written(
    keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop packed an index of 60,000 queues at once."""
    monkeypatch.setattr(encoders, "INDEX_SORTED_MAX", 40)
    assert INDEX_SORTED_MAX > 40
    journal = Journal(segment_bytes=1 << 16, keyring=keyring, window=8)
    for sequence in range(1, 41):
        journal.put(*(an_entry(sequence, queue, body=bytes(20)) for queue in range(1, 101)))
    closed = journal.ledger.encoder.liveness.closed()
    assert len(closed) > 3
    assert all(each.index_at for each in closed)
    assert str(report(journal.disk.after_kill(), keyring)).count("index does not say") == 0
    again = Journal(journal.disk.after_kill(), 1 << 16, keyring=keyring, window=8)
    assert again.recovered.entries.paged > 2000
    assert again.recovered.entries.total == 4000


@KEYRINGS
@pytest.mark.parametrize("sorted_max", [4, 1000])
def test_a_segment_that_a_large_batch_has_left_without_an_index_gets_one_at_once(
    keyring: Keyring | None, sorted_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With very many parts it had none until the next start, and what was alive in it could not be moved."""
    monkeypatch.setattr(encoders, "INDEX_SORTED_MAX", 4)
    monkeypatch.setattr(indexer, "INDEX_SORTED_MAX", sorted_max)
    journal = Journal(segment_bytes=1 << 16, keyring=keyring, window=8)
    journal.put(*(an_entry(1, queue, body=bytes(500)) for queue in range(1, 9)))
    journal.put(an_entry(2, body=bytes(70_000)))
    journal.ledger.seal()
    segment = journal.ledger.encoder.liveness.closed()[0]
    assert not segment.index_at
    assert segment.index
    assert str(report(journal.disk.after_kill(), keyring)).count("index does not say") == 0
    again = Journal(journal.disk.after_kill(), 1 << 16, keyring=keyring, window=8)
    assert again.recovered.entries.paged >= 8
    assert again.recovered.entries.total == 9
