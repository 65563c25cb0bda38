"""Segments: when they begin, when they are deleted, and that nothing comes back with them."""

from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import SPARE, segment_name, segment_names
from tests.storage.house import Journal, ManualExecutor, an_entry

BODY = bytes(500)


def fill(journal: Journal, first: int, last: int, queue: int = 1) -> list[int]:
    """Publishes that many entries and settles each at once, one batch each; returns the sequences."""
    for sequence in range(first, last):
        entry = an_entry(sequence, queue, body=BODY)
        journal.put(entry)
        journal.ledger.settle(entry)
        journal.ledger.seal()
    return list(range(first, last))


def test_settled_segments_are_deleted_as_the_log_moves_on() -> None:
    journal = Journal()
    fill(journal, 0, 100)
    assert journal.ledger.segments == 1
    assert len(segment_names(journal.disk.names())) == 1
    assert len(journal.disk.deleted) > 10
    assert journal.reopen().found() == {}


def test_a_stuck_message_pins_only_its_own_segment() -> None:
    journal = Journal()
    fill(journal, 0, 20)
    stuck = an_entry(1000, body=b"stuck")
    journal.put(stuck)
    fill(journal, 20, 40)
    other = an_entry(2000, 2, body=b"other")
    journal.put(other)
    fill(journal, 40, 100)
    assert journal.ledger.segments == 3
    assert journal.reopen().found() == {1: [1000], 2: [2000]}
    journal.ledger.settle(stuck)
    journal.ledger.seal()
    assert journal.ledger.segments == 2
    assert journal.reopen().found() == {2: [2000]}


def test_what_was_settled_long_ago_stays_settled_when_the_segment_that_says_so_is_gone() -> None:
    journal = Journal()
    kept, gone = an_entry(1, body=BODY), an_entry(2, body=BODY)
    journal.put(kept, gone)
    fill(journal, 10, 20)
    journal.ledger.settle(gone)
    journal.ledger.seal()
    fill(journal, 20, 100)
    assert journal.ledger.segments == 2
    assert journal.reopen().found() == {1: [1]}
    assert journal.reopen().reopen().found() == {1: [1]}


def test_attempts_are_carried_from_checkpoint_to_checkpoint() -> None:
    journal = Journal()
    entry = an_entry(1)
    journal.put(entry)
    entry.attempts = 3
    journal.ledger.attempt(entry)
    fill(journal, 2, 60)
    assert journal.reopen().recovered.entries[1][0].attempts == 3
    assert journal.reopen().reopen().recovered.entries[1][0].attempts == 3


def test_what_is_held_is_carried_from_checkpoint_to_checkpoint() -> None:
    journal = Journal()
    entry = an_entry(1)
    journal.put(entry)
    entry.attempts, entry.held_until, entry.first_taken_at = 2, 1 << 60, 5
    journal.ledger.defer(entry)
    fill(journal, 2, 60)
    assert journal.ledger.segments > 1
    for again in (journal.reopen(), journal.reopen().reopen()):
        (found, *_) = again.recovered.entries[1]
        assert (found.attempts, found.held_until, found.first_taken_at) == (2, 1 << 60, 5)


def test_a_queue_that_is_drained_and_filled_again_within_a_segment_brings_nothing_back() -> None:
    journal = Journal(segment_bytes=1 << 16)
    fill(journal, 0, 5)
    journal.put(an_entry(5))
    assert journal.reopen().found() == {1: [5]}
    assert journal.reopen().reopen().found() == {1: [5]}


def test_numbers_used_again_after_a_restart_do_not_meet_old_settlements() -> None:
    journal = Journal()
    journal.put(an_entry(50))
    fill(journal, 1, 4)
    again = journal.reopen()
    again.put(an_entry(1), an_entry(2))
    assert again.reopen().found() == {1: [1, 2, 50]}
    assert again.reopen().reopen().found() == {1: [1, 2, 50]}


def test_a_settlement_of_what_is_gone_already_does_no_harm() -> None:
    journal = Journal()
    entries = [an_entry(sequence, body=BODY) for sequence in range(4)]
    journal.put(*entries)
    for _ in range(3):
        journal.ledger.settle(entries[0])
        journal.ledger.settle(entries[1])
        journal.ledger.seal()
    assert journal.reopen().found() == {1: [2, 3]}
    fill(journal, 10, 60)
    journal.ledger.settle(entries[2])
    journal.ledger.settle(entries[3])
    journal.ledger.seal()
    fill(journal, 60, 90)
    for entry in entries:
        journal.ledger.settle(entry)
        journal.ledger.attempt(entry)
        journal.ledger.defer(entry)
    journal.ledger.seal()
    assert journal.reopen().found() == {}


def test_a_segment_never_outgrows_what_was_prepared() -> None:
    journal = Journal()
    for sequence in range(20):
        journal.put(an_entry(sequence, body=bytes(3000)))
    journal.put(an_entry(20, body=bytes(50_000)))
    journal.put(an_entry(21, body=bytes(10)))
    assert journal.reopen().found() == {1: list(range(22))}


def test_the_next_segment_is_prepared_before_it_is_needed() -> None:
    background = ManualExecutor()
    journal = Journal(background=background)
    while background.step():
        pass
    assert SPARE in journal.disk.names()
    fill(journal, 0, 5)
    segments = len(segment_names(journal.disk.names()))
    fill(journal, 5, 8)
    assert len(segment_names(journal.disk.names())) == segments + 1


def test_a_closed_segment_gives_back_what_it_did_not_use() -> None:
    journal = Journal()
    journal.put(an_entry(1))
    first = segment_names(journal.disk.names())[0]
    again = journal.reopen()
    assert len(again.disk.read(first)) < 4096
    assert Scan(first, again.disk.read(first)).tail is Tail.FINISHED
    assert again.reopen().found() == {1: [1]}


def test_each_restart_begins_a_segment_and_deletes_the_empty_one() -> None:
    journal = Journal()
    for _ in range(10):
        journal = journal.reopen()
        assert len(segment_names(journal.disk.names())) == 1
    assert journal.recovered.position == 11


def test_segments_are_named_by_their_first_batch() -> None:
    assert segment_name(0x1F) == "000000000000001f.journal"
    assert segment_names(["spare", segment_name(2), "x.journal", segment_name(1) + ".damaged", segment_name(1)]) == [
        segment_name(1), segment_name(2),
    ]  # fmt: skip
