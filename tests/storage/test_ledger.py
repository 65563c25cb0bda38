"""The ledger as the core uses it: elision, promises, group commit, failures, a full disk."""

import errno

import pytest

from mqbroker.core.message import GONE
from mqbroker.core.properties import DEAD_LETTER_BIT, Properties
from mqbroker.errors import DiskFailed, StorageError
from mqbroker.limits import BATCH_BYTES_MAX, JOURNAL_BEHIND_BYTES_MIN
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_name, segment_names
from tests.storage.house import NOW, Journal, ManualExecutor, a_message, an_entry
from tests.storage.simdisk import SimDisk


def test_an_entry_comes_back_as_it_was() -> None:
    journal = Journal()
    message = a_message(b"body", "a.\udcff.key")
    first, second = an_entry(7, 3, message), an_entry(9, 4, message)
    first.expires_at, first.attempts, first.is_redelivered = 1_800_000_000_000, 2, True
    journal.put(first, second)
    journal.ledger.close()
    recovered = journal.reopen().recovered
    assert recovered.was_clean
    (one,), (two,) = recovered.entries[3], recovered.entries[4]
    assert (one.sequence, one.expires_at, one.attempts, one.is_redelivered) == (7, 1_800_000_000_000, 2, True)
    assert (two.sequence, two.expires_at, two.attempts, two.is_redelivered) == (9, 0, 0, False)
    assert one.message is two.message
    assert (one.message.exchange, one.message.routing_key) == ("amq.direct", "a.\udcff.key")
    assert one.message.content() == b"body"
    assert one.message.properties.raw == message.properties.raw
    assert one.message.received_at == message.received_at
    assert one.lsn == first.lsn
    assert (one.message.lsn, one.message.slot) == (message.lsn, message.slot)


def test_what_the_broker_wrote_into_the_headers_is_still_known_as_its_own() -> None:
    journal = Journal()
    properties = Properties(1, b"headers")
    properties.mark_dead_letter()
    journal.put(an_entry(1, message=a_message(properties=properties)), an_entry(2))
    marked, plain = journal.reopen().recovered.entries[1]
    assert marked.message.properties.is_dead_letter
    assert marked.message.properties.code == 1 | DEAD_LETTER_BIT
    assert not plain.message.properties.is_dead_letter


def test_messages_with_equal_properties_share_them_after_a_restart() -> None:
    journal = Journal()
    journal.put(*(an_entry(number, body=b"%d" % number) for number in range(5)))
    entries = journal.reopen().recovered.entries[1]
    assert [entry.message.content() for entry in entries] == [b"0", b"1", b"2", b"3", b"4"]
    assert len({id(entry.message.properties) for entry in entries}) == 1


def test_a_message_moved_to_another_queue_later_is_found_in_both() -> None:
    journal = Journal()
    message = a_message(b"moved")
    journal.put(an_entry(1, 1, message))
    journal.put(an_entry(1, 2, message))
    entries = journal.reopen().recovered.entries
    assert [entries[queue][0].message.content() for queue in (1, 2)] == [b"moved", b"moved"]


def test_an_entry_settled_before_the_seal_is_never_written() -> None:
    journal = Journal()
    written = journal.ledger.batches
    entry = an_entry(1, body=b"never seen")
    journal.ledger.enqueue(entry)
    journal.ledger.settle(entry)
    journal.ledger.seal()
    assert journal.ledger.batches == written
    assert entry.lsn == 0


def test_the_second_queue_carries_the_body_when_the_first_settled_before_the_seal() -> None:
    journal = Journal()
    message = a_message(b"shared")
    first, second, third = (an_entry(1, queue, message) for queue in (1, 2, 3))
    for entry in (first, second, third):
        journal.ledger.enqueue(entry)
    journal.ledger.settle(first)
    journal.ledger.seal()
    entries = journal.reopen().recovered.entries
    assert set(entries) == {2, 3}
    assert entries[2][0].message is entries[3][0].message
    assert entries[2][0].message.content() == b"shared"


def test_a_settled_carrier_still_serves_the_other_queues() -> None:
    journal = Journal()
    message = a_message(b"shared", "other key")
    entries = [an_entry(1, queue, message) for queue in (1, 2, 3)]
    journal.put(an_entry(5, 1), *entries, an_entry(6, 1))
    journal.ledger.settle(entries[0])
    journal.ledger.seal()
    recovered = journal.reopen().recovered.entries
    assert [entry.sequence for entry in recovered[1]] == [5, 6]
    assert recovered[2][0].message is recovered[3][0].message
    assert (recovered[2][0].message.routing_key, recovered[2][0].message.content()) == ("other key", b"shared")


def test_promises_are_kept_in_order_and_only_when_durable() -> None:
    executor = ManualExecutor()
    journal = Journal(appends=executor)
    ledger, kept = journal.ledger, list[str]()
    ledger.enqueue(an_entry(1))
    ledger.promise(ledger.position, lambda: kept.append("a"))
    ledger.promise(ledger.position, lambda: kept.append("b"))
    ledger.seal()
    ledger.enqueue(an_entry(2))
    ledger.promise(ledger.position, lambda: kept.append("c"))
    ledger.seal()
    assert kept == []
    executor.step()
    assert kept == ["a", "b"]
    executor.step()
    assert kept == ["a", "b", "c"]


def test_a_promise_for_nothing_waits_for_what_is_under_way() -> None:
    executor = ManualExecutor()
    ledger, kept = Journal(appends=executor).ledger, list[str]()
    ledger.enqueue(an_entry(1))
    ledger.seal()
    ledger.promise(ledger.position, lambda: kept.append("late"))
    ledger.seal()
    assert kept == []
    assert executor.step()
    assert kept == ["late"]
    assert not executor.orders


def test_a_promise_for_elided_entries_is_kept_without_a_write() -> None:
    journal, kept = Journal(), list[str]()
    ledger = journal.ledger
    entry = an_entry(1)
    ledger.enqueue(entry)
    ledger.settle(entry)
    position, batches = ledger.position, ledger.batches
    ledger.promise(position, lambda: kept.append("kept"))
    ledger.seal()
    assert (kept, ledger.batches) == (["kept"], batches)
    assert ledger.committed == position < ledger.position
    journal.put(an_entry(2))
    assert journal.reopen().found() == {1: [2]}


def test_a_kept_promise_may_add_facts_and_promises() -> None:
    journal, kept = Journal(), list[int]()
    ledger = journal.ledger

    def again() -> None:
        kept.append(len(kept))
        if len(kept) < 5:
            ledger.enqueue(an_entry(len(kept)))
            ledger.promise(ledger.position, again)

    ledger.promise(ledger.position, again)
    ledger.seal()
    assert kept == [0, 1, 2, 3, 4]
    assert journal.reopen().found() == {1: [1, 2, 3, 4]}


def test_promises_that_lead_to_batches_that_keep_promises_do_not_nest() -> None:
    """Without its guard `seal` ended each batch within the end of the one before it, until the stack was full.

    So it is where batches are written at once, as in the mode `write`.
    """
    journal, kept = Journal(segment_bytes=1 << 20), list[int]()
    ledger = journal.ledger
    depth = most = 0

    def again() -> None:
        nonlocal depth, most
        depth += 1
        most = max(most, depth)
        kept.append(len(kept))
        if len(kept) < 3000:
            ledger.define("key", b"%d" % len(kept))
            ledger.promise(ledger.position, again)
            ledger.seal()
        depth -= 1

    ledger.promise(ledger.position, again)
    ledger.seal()
    assert (len(kept), most) == (3000, 1)
    assert journal.reopen().recovered.definitions == {"key": b"2999"}


def test_a_promise_that_fails_leaves_a_ledger_that_seals() -> None:
    journal, kept = Journal(), list[str]()
    ledger = journal.ledger

    def fail() -> None:
        raise RuntimeError("a mistake in whoever keeps a promise")

    ledger.promise(ledger.position, fail)
    with pytest.raises(RuntimeError):
        ledger.seal()
    ledger.enqueue(an_entry(1))
    ledger.promise(ledger.position, lambda: kept.append("kept"))
    ledger.seal()
    assert kept == ["kept"]


def test_the_backlog_is_what_waits_for_the_disk_and_will_be_written() -> None:
    executor = ManualExecutor()
    ledger = Journal(segment_bytes=1 << 24, appends=executor).ledger
    assert ledger.backlog_max == JOURNAL_BEHIND_BYTES_MIN
    entries = [an_entry(sequence, body=bytes(1000)) for sequence in range(10)]
    ledger.enqueue(entries[0])
    ledger.seal()
    before = ledger.added()
    assert ledger.backlog() == 0, "it is under way"
    for entry in entries[1:]:
        ledger.enqueue(entry)
    added = ledger.added() - before
    assert 9 * 1000 < added < 10 * 1200
    ledger.seal()
    assert ledger.backlog() == added
    for entry in entries[1:4]:
        ledger.settle(entry)
    assert ledger.backlog() == added * 6 // 9, "what was settled is not written"
    ledger.define("large", bytes(BATCH_BYTES_MAX))
    ledger.seal()
    assert len(ledger.sealed) == 1
    assert ledger.backlog() > 0
    while executor.step():
        pass
    assert ledger.backlog() == 0
    assert ledger.added() - before == added + BATCH_BYTES_MAX + len("large")


def test_facts_gather_while_a_batch_is_under_way() -> None:
    executor = ManualExecutor()
    ledger = Journal(appends=executor).ledger
    ledger.enqueue(an_entry(1))
    ledger.seal()
    before = ledger.batches
    for sequence in range(2, 50):
        ledger.enqueue(an_entry(sequence))
        ledger.seal()
    assert ledger.batches == before
    executor.step()
    assert ledger.batches == before + 1
    assert len(executor.orders) == 1


def test_a_large_open_batch_is_sealed_and_a_busy_disk_does_not_make_it_larger() -> None:
    executor = ManualExecutor()
    journal = Journal(segment_bytes=1 << 20, appends=executor)
    ledger = journal.ledger
    body = bytes(BATCH_BYTES_MAX // 4)
    ledger.enqueue(an_entry(0))
    ledger.seal()
    for sequence in range(1, 9):
        assert ledger.open_bytes <= BATCH_BYTES_MAX
        ledger.enqueue(an_entry(sequence, body=body))
        if ledger.open_bytes > BATCH_BYTES_MAX:
            ledger.seal()
    ledger.seal()
    while executor.step():
        pass
    assert ledger.batches == 4
    assert journal.reopen().found() == {1: list(range(9))}


def test_a_settled_entry_does_not_come_back() -> None:
    journal = Journal()
    entries = [an_entry(sequence) for sequence in range(10)]
    journal.put(*entries)
    for sequence in (3, 1, 2, 9, 5):
        journal.ledger.settle(entries[sequence])
    journal.ledger.seal()
    assert journal.reopen().found() == {1: [0, 4, 6, 7, 8]}


def test_attempts_are_remembered_whether_the_batch_was_open_or_not() -> None:
    journal = Journal()
    sealed, unsealed = an_entry(1), an_entry(2)
    journal.put(sealed)
    journal.ledger.enqueue(unsealed)
    for entry in (sealed, unsealed):
        entry.attempts += 1
        entry.is_redelivered = True
        journal.ledger.attempt(entry)
    journal.ledger.close()
    for entry in journal.reopen().recovered.entries[1]:
        assert (entry.attempts, entry.is_redelivered) == (1, True)


def test_what_is_held_is_remembered_whether_the_batch_was_open_or_not() -> None:
    journal = Journal()
    sealed, unsealed = an_entry(1), an_entry(2)
    sealed.held_until = NOW + 5
    journal.put(sealed)
    journal.ledger.enqueue(unsealed)
    for entry in (sealed, unsealed):
        entry.attempts, entry.held_until, entry.first_taken_at = 3, NOW + 7, NOW
        journal.ledger.defer(entry)
    journal.ledger.seal()
    for entry in journal.reopen().recovered.entries[1]:
        assert (entry.attempts, entry.held_until, entry.first_taken_at) == (3, NOW + 7, NOW)
        assert entry.is_redelivered, "after a kill everything counts as delivered before"


def test_a_batch_that_only_defers_is_written() -> None:
    journal = Journal()
    entry = an_entry(1)
    journal.put(entry)
    kept = []
    entry.held_until = NOW
    journal.ledger.defer(entry)
    journal.ledger.promise(journal.ledger.position, lambda: kept.append(journal.ledger.batches))
    batches = journal.ledger.batches
    journal.ledger.seal()
    assert kept == [batches + 1]
    assert journal.reopen().recovered.entries[1][0].held_until == NOW


@pytest.mark.parametrize("is_taken", [False, True])
def test_what_was_taken_and_settled_in_one_batch_is_not_written_as_taken(is_taken: bool) -> None:
    journal = Journal()
    entry = an_entry(1)
    journal.put(entry)
    if is_taken:
        entry.held_until = NOW
        journal.ledger.defer(entry)
        entry.held_until = GONE
    journal.ledger.settle(entry)
    journal.ledger.seal()
    newest = Scan(segment_name(1), journal.disk.read(segment_name(1))).frames[-1]
    assert newest.payload_bytes == 36, "one record: settled, one run"


def test_after_a_crash_every_entry_counts_as_delivered_before_also_after_a_clean_restart_later() -> None:
    journal = Journal()
    journal.put(an_entry(1))
    crashed = journal.reopen()
    assert not crashed.recovered.was_clean
    assert crashed.recovered.entries[1][0].is_redelivered
    crashed.put(an_entry(2))
    crashed.ledger.close()
    clean = crashed.reopen()
    assert clean.recovered.was_clean
    assert [entry.is_redelivered for entry in clean.recovered.entries[1]] == [True, False]


def test_definitions_keep_their_order_and_last_value() -> None:
    journal = Journal()
    for key, value in (("a", b"1"), ("b", b""), ("c", b"3"), ("a", b"4"), ("c", None), ("d", b"5"), ("never", None)):
        journal.ledger.define(key, value)
        journal.ledger.seal()
    assert list(journal.reopen().recovered.definitions.items()) == [("a", b"4"), ("b", b""), ("d", b"5")]
    assert list(journal.reopen().reopen().recovered.definitions.items()) == [("a", b"4"), ("b", b""), ("d", b"5")]


def test_a_forgotten_queue_leaves_nothing_not_even_after_a_roll() -> None:
    journal = Journal()
    journal.put(an_entry(1, 1), an_entry(1, 2))
    last = an_entry(2, 1)
    journal.ledger.enqueue(last)
    journal.ledger.forget(1)
    journal.ledger.seal()
    assert journal.reopen().found() == {2: [1]}
    assert journal.reopen().reopen().found() == {2: [1]}


@pytest.mark.parametrize("body_bytes", [10, 5000])
def test_a_queue_that_is_forgotten_while_a_consumer_holds_its_newest_entry_leaves_nothing(body_bytes: int) -> None:
    """The entry was counted after the forgetting, or the forgetting left out where a segment began: it never went."""
    journal = Journal()
    journal.put(an_entry(1, 2))
    journal.ledger.enqueue(an_entry(1, 1, body=b"x" * body_bytes))
    journal.ledger.forget(1)
    journal.ledger.seal()
    segments = journal.ledger.encoder.liveness.by_first.values()
    assert [list(segment.shares) for segment in segments if segment.live] == [[2]]
    assert journal.reopen().found() == {2: [1]}
    assert journal.reopen().reopen().found() == {2: [1]}


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_a_failed_write_is_fatal_once_and_no_promise_is_kept_after_it(code: int) -> None:
    journal, kept = Journal(), list[str]()
    disk, ledger = journal.disk, journal.ledger
    disk.failure = OSError(code, "no")
    disk.fail_at = disk.calls + 1
    ledger.enqueue(an_entry(1))
    ledger.promise(ledger.position, lambda: kept.append("never"))
    ledger.seal()
    assert len(journal.fatal.errors) == 1
    assert isinstance(journal.fatal.errors[0], DiskFailed)
    calls = disk.calls
    ledger.enqueue(an_entry(2))
    ledger.promise(ledger.position, lambda: kept.append("never"))
    ledger.seal()
    ledger.tend()
    ledger.close()
    assert (kept, disk.calls, len(journal.fatal.errors)) == ([], calls, 1)


def test_no_space_for_the_next_segment_holds_confirms_until_there_is() -> None:
    journal = Journal(SimDisk(capacity_bytes=3 * 4096))
    ledger, kept = journal.ledger, list[int]()
    for sequence in range(1, 20):
        ledger.enqueue(an_entry(sequence, body=bytes(1000)))
        ledger.promise(ledger.position, lambda number=sequence: kept.append(number))  # type: ignore[misc]
        ledger.seal()
    assert ledger.is_full
    assert 0 < len(kept) < 19
    assert journal.fatal.errors == []
    assert [len(found) for found in journal.reopen_with(1 << 20).found().values()] == [len(kept)]
    journal.disk.capacity_bytes = 1 << 20
    ledger.tend()
    assert not ledger.is_full
    assert kept == list(range(1, 20))
    assert journal.reopen().found() == {1: list(range(1, 20))}


@pytest.mark.parametrize("capacity_bytes", [1 << 30, 6144], ids=["space", "no space"])
def test_half_of_a_segment_is_kept_until_there_is_a_next_one_or_is_known_to_be_none(capacity_bytes: int) -> None:
    background = ManualExecutor()
    journal = Journal(SimDisk(capacity_bytes), background=background)
    ledger = journal.ledger
    entries = [an_entry(sequence, body=bytes(100)) for sequence in range(1, 30)]
    taken = 0
    while ledger.committed == ledger.position - 1:
        journal.put(entries[taken])
        taken += 1
    newest = segment_names(journal.disk.names())[-1]
    assert 1500 < Scan(newest, journal.disk.read(newest)).end < 2500
    assert not ledger.is_full
    while background.step():
        pass
    assert ledger.is_full is (capacity_bytes < 8192)
    assert ledger.committed == ledger.position - 1
    for entry in entries[:taken]:
        ledger.settle(entry)
    ledger.seal()
    assert ledger.committed == ledger.position - 1


def test_a_full_disk_heals_itself_when_segments_are_drained() -> None:
    journal = Journal(SimDisk(capacity_bytes=4 * 4096))
    ledger, entries = journal.ledger, [an_entry(sequence, body=bytes(1000)) for sequence in range(12)]
    sent, changes = 0, list[bool]()
    ledger.watch_space(changes.append)
    while not ledger.is_full:
        journal.put(entries[sent])
        sent += 1
    for entry in entries[:sent]:
        ledger.settle(entry)
        ledger.seal()
    assert not ledger.is_full
    assert changes == [True, False]
    journal.put(entries[sent])
    assert journal.reopen_with(1 << 20).found() == {1: [sent]}


def test_without_space_at_the_start_there_is_one_plain_sentence() -> None:
    with pytest.raises(StorageError, match="no space for the next segment"):
        Journal(SimDisk(capacity_bytes=100))


def test_a_closed_ledger_stays_closed() -> None:
    journal = Journal()
    journal.put(an_entry(1))
    journal.ledger.close()
    calls = journal.disk.calls
    journal.ledger.close()
    journal.put(an_entry(2))
    assert (journal.disk.calls, journal.disk.is_closed) == (calls, True)
    assert journal.reopen().found() == {1: [1]}
