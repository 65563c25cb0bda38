"""The verifier must find every kind of damage to a stream, and nothing in a sound one."""

import numpy as np
import pytest

from bench.driver import stamp
from bench.driver.records import RecordLayout, RecordSource
from bench.driver.verify import RisingCheck, Verifier, shared_faults

BODY = 40
LAYOUT = RecordLayout((b"head-a" + stamp.body(0, 0, BODY) + b"\xce",), 6, BODY)
TWO_VARIANTS = RecordLayout(
    (b"head-a" + stamp.body(0, 0, BODY) + b"\xce", b"head-b" + stamp.body(0, 0, BODY) + b"\xce"), 6, BODY
)


def records(layout: RecordLayout, count: int, publisher: int = 0) -> list[bytes]:
    source = RecordSource(layout, publisher)
    made: list[bytes] = []
    while len(made) < count:
        block = bytes(source.take(count - len(made)))
        made += [block[at : at + layout.size] for at in range(0, len(block), layout.size)]
    return made


def verdict(layout: RecordLayout, stream: list[bytes], publishers: int = 1) -> Verifier:
    verifier = Verifier(layout, publishers, numbered=False)
    verifier.check(memoryview(b"".join(stream)))
    return verifier


def test_a_sound_stream_has_no_faults() -> None:
    verifier = verdict(LAYOUT, records(LAYOUT, 20_000))
    assert not verifier.faults
    assert verifier.count == 20_000


def test_a_sound_stream_may_arrive_in_pieces() -> None:
    verifier = Verifier(LAYOUT, 1, numbered=False)
    stream = records(LAYOUT, 100)
    for at in range(0, 100, 7):
        verifier.check(memoryview(b"".join(stream[at : at + 7])))
    assert not verifier.faults
    assert verifier.count == 100


def test_the_source_writes_the_bodies_that_the_stamp_module_defines() -> None:
    made = records(LAYOUT, 3, publisher=7)
    assert made[2] == b"head-a" + stamp.body(2, 7, BODY) + b"\xce"


@pytest.mark.parametrize("at", range(LAYOUT.size))
def test_a_flipped_bit_anywhere_is_found(at: int) -> None:
    stream = records(LAYOUT, 10)
    damaged = bytearray(stream[4])
    damaged[at] ^= 0x10
    stream[4] = bytes(damaged)
    faults = verdict(LAYOUT, stream).faults
    assert faults.corrupt
    assert faults.examples


def test_a_lost_message_is_found() -> None:
    stream = records(LAYOUT, 1000)
    del stream[500]
    assert verdict(LAYOUT, stream).faults.out_of_order == 1


def test_a_duplicate_that_hides_a_loss_is_found() -> None:
    stream = records(LAYOUT, 1000)
    stream[500] = stream[499]
    assert verdict(LAYOUT, stream).faults.out_of_order == 2


def test_swapped_messages_are_found() -> None:
    stream = records(LAYOUT, 1000)
    stream[10], stream[11] = stream[11], stream[10]
    assert verdict(LAYOUT, stream).faults.out_of_order == 3


def test_publishers_may_interleave_but_each_keeps_its_order() -> None:
    one, two = records(LAYOUT, 50), records(LAYOUT, 50, publisher=1)
    interleaved = [message for pair in zip(one, two, strict=True) for message in pair]
    assert not verdict(LAYOUT, interleaved, publishers=2).faults
    interleaved[10], interleaved[12] = interleaved[12], interleaved[10]
    assert verdict(LAYOUT, interleaved, publishers=2).faults.out_of_order == 3


def test_a_publisher_that_does_not_exist_is_found() -> None:
    assert verdict(LAYOUT, records(LAYOUT, 5, publisher=3), publishers=2).faults.corrupt == 5


def test_variants_may_overtake_each_other_but_each_keeps_its_order() -> None:
    stream = records(TWO_VARIANTS, 10)
    assert stream[0].startswith(b"head-a")
    assert stream[1].startswith(b"head-b")
    reordered = stream[0::2] + stream[1::2]
    assert not verdict(TWO_VARIANTS, reordered).faults
    reordered[0], reordered[1] = reordered[1], reordered[0]
    assert verdict(TWO_VARIANTS, reordered).faults.out_of_order


def test_a_message_that_took_the_place_of_another_variant_is_found() -> None:
    stream = records(TWO_VARIANTS, 10)
    stream[3] = b"head-a" + stream[3][6:]
    assert verdict(TWO_VARIANTS, stream).faults.corrupt == 1


def test_numbered_deliveries_must_count_from_one() -> None:
    layout = RecordLayout((bytes(8) + stamp.body(0, 0, BODY),), 8, BODY, number_at=0)
    stream = records(RecordLayout((bytes(8) + stamp.body(0, 0, BODY),), 8, BODY), 5)
    numbered = [(index + 1).to_bytes(8, "big") + record[8:] for index, record in enumerate(stream)]
    sound = Verifier(layout, 1, numbered=True)
    sound.check(memoryview(b"".join(numbered)))
    assert not sound.faults
    numbered[3] = (9).to_bytes(8, "big") + numbered[3][8:]
    broken = Verifier(layout, 1, numbered=True)
    broken.check(memoryview(b"".join(numbered)))
    assert broken.faults.corrupt == 1


def test_opaque_spans_may_hold_anything() -> None:
    layout = RecordLayout(LAYOUT.templates, 6, BODY, opaque=((0, 6),))
    stream = [b"other!" + record[6:] for record in records(LAYOUT, 5)]
    assert not verdict(layout, stream).faults


def test_check_returns_the_sequences_in_order_of_arrival() -> None:
    verifier = Verifier(LAYOUT, 1, numbered=False)
    assert list(verifier.check(memoryview(b"".join(records(LAYOUT, 4))))) == [0, 1, 2, 3]


def test_checks_differ_by_sequence_publisher_and_size() -> None:
    sequences = np.arange(1000, dtype=np.uint64)
    one = stamp.checks(sequences, np.uint64(0), 100)
    assert len(set(one.tolist())) > 990
    assert (one != stamp.checks(sequences, np.uint64(1), 100)).all()
    assert (one != stamp.checks(sequences, np.uint64(0), 101)).all()


def test_a_body_without_room_for_its_stamp_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        stamp.fill(15)


def shared(*parts: list[int]) -> list[Verifier]:
    """What some sharers of one stream have received, by sequence."""
    stream = records(LAYOUT, 100)
    verifiers = []
    for part in parts:
        verifiers.append(Verifier(LAYOUT, 1, numbered=False, order=RisingCheck()))
        verifiers[-1].check(memoryview(b"".join(stream[sequence] for sequence in part)))
    return verifiers


def test_sharers_may_receive_any_part_in_order() -> None:
    assert [bool(each.faults) for each in shared([0, 3, 4], [1, 2])] == [False, False]


def test_a_sharer_must_not_receive_an_older_message_or_the_same_again() -> None:
    assert [each.faults.out_of_order for each in shared([0, 4, 3], [1, 1])] == [1, 1]


def test_sharers_together_must_receive_everything_once() -> None:
    parts = [np.array(part, np.int64) for part in ([0, 3], [1, 3, 7])]
    faults = shared_faults(parts, 5)
    assert (faults.missing, faults.surplus) == (2, 2)
    assert not shared_faults([*parts[:1], np.array([1, 2], np.int64)], 4)
    assert shared_faults([], 1).missing == 1
