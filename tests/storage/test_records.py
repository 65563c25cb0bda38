"""Records of messages and facts: what goes in comes out, for any values and any settlements."""

from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import GONE, Entry, Message, new_entry, new_message
from mqbroker.errors import StorageError
from mqbroker.storage.intervals import NUMBER_MAX
from mqbroker.storage.liveness import SegmentLiveness, Share
from mqbroker.storage.log.facts import (
    Facts,
    pack_attempted,
    pack_checkpoint,
    pack_deferred,
    pack_defined,
    pack_forgotten,
    pack_held,
    pack_settled,
    pack_shares,
    read_facts,
)
from mqbroker.storage.log.records import EntryDecoder, EntryEncoder
from tests.storage.house import FORMATS, PROPERTIES, a_message, an_entry, make_properties

NAMES = st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
MESSAGES = st.builds(
    new_message, NAMES, NAMES, st.sampled_from([PROPERTIES, make_properties(b""), make_properties(b"x" * 70_000)]),
    st.binary(max_size=100), st.integers(0, NUMBER_MAX),
)  # fmt: skip


def encoded(entries: list[Entry | None], lsn: int = 5) -> tuple[bytes, EntryEncoder]:
    """The entry records of a batch."""
    encoder = EntryEncoder(lsn)
    encoder.encode(entries)
    data = b"".join(encoder.pieces)
    assert encoder.size == len(data)
    return data, encoder


def decoded(data: bytes, shares: dict[int, Share] | None = None, shares_only: bool = False) -> dict[int, list[Entry]]:
    """What a decoder finds in one batch that has seven bytes before it."""
    decoder = EntryDecoder(b"before!" + data + b"after", FORMATS, shares or {}, shares_only, False)
    decoder.decode(5, 7, 7 + len(data))
    return {queue: entries for queue, entries in decoder.lists.items() if entries}


def fields(entry: Entry) -> tuple[object, ...]:
    """All that has to survive."""
    message = entry.message
    return (
        entry.queue_number, entry.sequence, entry.expires_at, entry.attempts, entry.is_redelivered, entry.held_until,
        entry.first_taken_at, message.exchange, message.routing_key, message.properties.code, message.properties.raw,
        message.content(), message.received_at,
    )  # fmt: skip


@st.composite
def batches(draw: st.DrawFn) -> list[Entry | None]:
    """Entries of a few messages in a few queues, some of them elided."""
    messages = draw(st.lists(MESSAGES, min_size=1, max_size=5))
    entries: list[Entry | None] = []
    for sequence in range(draw(st.integers(0, 12))):
        entry = new_entry(draw(st.sampled_from(messages)), draw(st.integers(1, 3)), sequence)
        entry.expires_at = draw(st.integers(0, NUMBER_MAX))
        entry.attempts = draw(st.integers(0, 1 << 30))
        entry.is_redelivered = draw(st.booleans())
        if draw(st.booleans()):
            entry.held_until = draw(st.integers(0, NUMBER_MAX))
            entry.first_taken_at = draw(st.integers(0, NUMBER_MAX))
        entries.append(draw(st.sampled_from([entry, entry, entry, None])))
    return entries


@given(batches())
def test_entries_survive_any_values(entries: list[Entry | None]) -> None:
    live = [entry for entry in entries if entry is not None]
    data, encoder = encoded(entries)
    found = decoded(data)
    assert encoder.count == len(live) == sum(extent.count for extent in encoder.extents.values())
    for queue in (1, 2, 3):
        expected = [entry for entry in live if entry.queue_number == queue]
        assert [fields(entry) for entry in found.get(queue, [])] == [fields(entry) for entry in expected]
        assert sum(each.count for each in encoder.extents.values() if each.queue_number == queue) == len(expected)
    shared = {id(entry.message) for entry in live}
    assert len({id(entry.message) for entries in found.values() for entry in entries}) == len(shared)


@given(batches(), st.sets(st.tuples(st.integers(1, 3), st.integers(0, 12))), st.booleans())
def test_settled_entries_are_left_out(entries: list[Entry | None], gone: set[tuple[int, int]], shared: bool) -> None:
    shares: dict[int, Share] = {}
    for queue, sequence in gone:
        shares.setdefault(queue, Share()).settle(sequence, sequence)
    found = decoded(encoded(entries)[0], shares, shares_only=shared)
    for queue in (1, 2, 3):
        expected = [
            fields(entry) for entry in entries
            if entry and entry.queue_number == queue and (queue, entry.sequence) not in gone
            and (queue in shares or not shared)
        ]  # fmt: skip
        assert [fields(entry) for entry in found.get(queue, [])] == expected


def test_a_message_knows_where_it_is_afterwards() -> None:
    first, second = a_message(b"1"), a_message(b"22")
    data, _ = encoded([an_entry(1, message=first), an_entry(2, message=second), an_entry(3, 2, second)], lsn=9)
    assert (first.lsn, first.slot, second.lsn) == (9, 0, 9)
    assert data[second.slot] == 2


def test_names_are_written_once_for_messages_in_a_row() -> None:
    one, _ = encoded([an_entry(0)])
    many, _ = encoded([an_entry(number) for number in range(10)])
    assert len(many) == len(one) + 9 * (44 + 5)


def held(entry: Entry, held_until: int, first_taken_at: int) -> Entry:
    entry.held_until, entry.first_taken_at = held_until, first_taken_at
    return entry


def test_only_what_a_polled_queue_holds_is_written_with_its_state() -> None:
    message = a_message(b"x")
    plain, _ = encoded([an_entry(1, 1, message), an_entry(2), an_entry(1, 2, message)], lsn=8)
    second = an_entry(2)
    data, _ = encoded([held(an_entry(1, 1, message), 5, 0), held(second, 0, 7), held(an_entry(1, 2, message), 8, 9)])
    first_bytes = len(plain) - 44 - 5 - 32
    assert (plain[0], plain[first_bytes], plain[-32]) == (1, 2, 3)
    assert (data[0], data[second.message.slot], data[-48]) == (4, 5, 6)
    assert data[first_bytes : first_bytes + 16] == b"\5\0\0\0\0\0\0\0" + bytes(8)
    assert data[-16:] == b"\x08\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0"
    assert len(data) == len(plain) + 3 * 16


def test_a_held_message_is_found_by_other_queues_also_when_its_own_entry_is_settled() -> None:
    first, second = a_message(b"one"), a_message(b"two")
    entries: list[Entry | None] = [held(an_entry(1, 1, first), 5, 0), held(an_entry(2, 1, second), 6, 0)]
    data, _ = encoded([*entries, an_entry(1, 2, second), held(an_entry(2, 2, first), 7, 8)])
    share = Share()
    share.settle(1, 2)
    found = decoded(data, {1: share})
    assert [(entry.message.content(), entry.held_until) for entry in found[2]] == [(b"two", 0), (b"one", 7)]
    assert set(found) == {2}


def test_an_entry_that_left_its_queue_in_a_later_batch_is_written_as_visible() -> None:
    (entry,) = decoded(encoded([held(an_entry(1), GONE, 5)])[0])[1]
    assert (entry.held_until, entry.first_taken_at) == (0, 5)


def test_an_unknown_entry_record_is_an_error() -> None:
    with pytest.raises(ValueError, match="record type 77"):
        decoded(b"\x4d" + bytes(100))
    with pytest.raises(ValueError, match="record type 7"):
        decoded(b"\x07" + bytes(100))


def test_a_properties_format_that_is_not_known_is_an_error() -> None:
    data, _ = encoded([an_entry(1)])
    with pytest.raises(StorageError, match="written by a newer mqbroker"):
        EntryDecoder(data, {}, {}, False, False).decode(5, 0, len(data))


def facts_of(*records: bytes) -> Facts:
    """What the records come to in a segment that begins with batch 100."""
    data = b"".join(records)
    facts = Facts(100)
    read_facts(b"before!" + data + b"after", 7, 7 + len(data), facts)
    return facts


@given(NAMES, st.none() | st.binary())
def test_definitions_survive_any_values(key: str, value: bytes | None) -> None:
    facts = facts_of(pack_defined(key, b"old"), pack_defined(key, value))
    assert facts.definitions == ({} if value is None else {key: value})


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=10))
def test_a_checkpoint_says_what_is_held(runs: list[tuple[int, int]]) -> None:
    segment = SegmentLiveness(3, 9, is_redelivered=True)
    share = segment.shares[4] = Share(1000)
    for start, length in runs:
        share.settle(start, start + length)
    share.attempts = {60: (2, True, 0, 0), 61: (0, False, NUMBER_MAX, 5)}
    facts = facts_of(pack_checkpoint(0, 1), pack_held(segment), pack_shares(segment, 0))
    assert facts.is_checkpointed
    held = facts.older[3]
    assert (held.first_lsn, held.last_lsn, held.is_redelivered, held.is_open) == (3, 9, True, False)
    assert (held.shares[4].live, list(held.shares[4].settled)) == (share.live, list(share.settled))
    assert held.shares[4].attempts == share.attempts


def test_what_earlier_versions_have_said_of_segments_is_read() -> None:
    """One record for each queue, which names its segment each time (SHARE)."""
    head = Struct("<BB2xIIIIQQ").pack(23, 3, 4, 10, 1, 1, 3, 9)
    changed = Struct("<qIIqq").pack(60, 2, 1, 7, 5)
    facts = facts_of(pack_checkpoint(0, 1), head + Struct("<qq").pack(20, 30) + changed)
    held = facts.older[3]
    assert (held.last_lsn, held.is_redelivered, held.is_encrypted, held.is_open) == (9, True, True, False)
    assert (held.shares[4].live, list(held.shares[4].settled)) == (10, [(20, 30)])
    assert held.shares[4].attempts == {60: (2, True, 7, 5)}


def test_what_happened_since_the_checkpoint_is_applied_to_it() -> None:
    segment = SegmentLiveness(3, 9)
    segment.shares = {4: Share(10), 5: Share(1), 6: Share(1)}
    facts = facts_of(
        pack_held(segment), pack_shares(segment, 0), pack_attempted(3, 4, 7, 1, True), pack_attempted(3, 4, 8, 2, True),
        *pack_settled({(3, 4): [1, 2, 7, 7], (3, 5): [1, 1], (100, 4): [20, 30], (50, 4): [1, 1]}), pack_forgotten(6),
        pack_attempted(100, 4, 31, 3, False),
    )  # fmt: skip
    held = facts.older[3]
    assert set(held.shares) == {4}
    assert (held.shares[4].live, held.shares[4].attempts) == (7, {8: (2, True, 0, 0)})
    assert list(facts.own[4].settled) == [(20, 30)]
    assert facts.own[4].attempts == {31: (3, False, 0, 0)}
    assert facts.gone == {6}


@given(st.integers(0, 1 << 31), st.booleans(), st.integers(0, NUMBER_MAX), st.integers(0, NUMBER_MAX))
def test_what_was_deferred_survives_any_values(attempts: int, was_delivered: bool, until: int, taken_at: int) -> None:
    change = (attempts, was_delivered, until, taken_at)
    facts = facts_of(*pack_deferred([(100, 4, NUMBER_MAX, change), (99, 4, 1, change)]))
    assert facts.own[4].attempts == {NUMBER_MAX: change}
    assert facts.older == {}


def test_a_checkpoint_of_an_older_broker_is_read() -> None:
    record = bytes.fromhex(
        "14 01 0000 04000000 02000000 01000000 01000000 0300000000000000 0900000000000000"
        "0100000000000000 0200000000000000 0500000000000000 03000000 01000000"
    )
    share = facts_of(record).older[3].shares[4]
    assert (share.live, list(share.settled), share.attempts) == (2, [(1, 2)], {5: (3, True, 0, 0)})


def test_an_unknown_fact_record_is_an_error() -> None:
    with pytest.raises(ValueError, match="record type 99"):
        facts_of(b"\x63" + bytes(50))


def test_messages_of_another_batch_are_written_again() -> None:
    message: Message = a_message(b"body")
    encoded([an_entry(1, message=message)], lsn=1)
    data, _ = encoded([an_entry(1, 2, message)], lsn=2)
    assert decoded(data)[2][0].message.content() == b"body"
