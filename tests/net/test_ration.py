"""What a connection may read at once, and how long its input may take of a turn."""

from mqbroker.limits import INPUT_BYTES, INPUT_SLICE_BYTES_FIRST, INPUT_SLICE_BYTES_MIN
from mqbroker.net.ration import next_slice, share_ns

MS = 1_000_000


def test_who_is_quick_reads_more_at_once_up_to_a_bound() -> None:
    sizes = [INPUT_SLICE_BYTES_FIRST]
    for _ in range(12):
        sizes.append(next_slice(sizes[-1], sizes[-1], MS // 10))
    assert sizes[:3] == [INPUT_SLICE_BYTES_FIRST, 2 * INPUT_SLICE_BYTES_FIRST, 4 * INPUT_SLICE_BYTES_FIRST]
    assert sizes[-1] == INPUT_BYTES


def test_small_chunks_say_nothing_of_large_ones() -> None:
    assert next_slice(INPUT_SLICE_BYTES_FIRST, 1000, MS // 100) == INPUT_SLICE_BYTES_FIRST


def test_what_takes_long_is_read_in_slices_of_a_millisecond() -> None:
    assert next_slice(INPUT_SLICE_BYTES_FIRST, 8000, 8 * MS) == 1000
    assert next_slice(1000, 1000, 1000 * MS) == INPUT_SLICE_BYTES_MIN


def test_many_have_less_each_but_something() -> None:
    assert share_ns(0) == share_ns(1) == 2 * share_ns(2)
    assert share_ns(1000) == share_ns(1001) > 0
