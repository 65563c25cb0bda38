"""What a connection may read at once, and how long its input may take of a turn."""

from mqbroker.limits import INPUT_BYTES, INPUT_SLICE_BYTES_FIRST, INPUT_SLICE_BYTES_MIN
from mqbroker.net.ration import Ration, share_ns

MS = 1_000_000


def test_who_is_quick_reads_more_at_once_up_to_a_bound() -> None:
    ration = Ration()
    sizes = []
    for turn in range(12):
        sizes.append(ration.slice_bytes)
        assert not ration.spend(ration.slice_bytes, MS // 10, turn, share_ns(1))
    assert sizes[:3] == [INPUT_SLICE_BYTES_FIRST, 2 * INPUT_SLICE_BYTES_FIRST, 4 * INPUT_SLICE_BYTES_FIRST]
    assert sizes[-1] == INPUT_BYTES


def test_small_chunks_say_nothing_of_large_ones() -> None:
    ration = Ration()
    ration.spend(1000, MS // 100, 1, share_ns(1))
    assert ration.slice_bytes == INPUT_SLICE_BYTES_FIRST


def test_what_takes_long_is_read_in_slices_of_a_millisecond() -> None:
    ration = Ration()
    ration.spend(8000, 8 * MS, 1, share_ns(1))
    assert ration.slice_bytes == 1000
    ration.spend(1000, 1000 * MS, 2, share_ns(1))
    assert ration.slice_bytes == INPUT_SLICE_BYTES_MIN


def test_the_share_of_a_turn_is_used_up_by_all_slices_of_it_and_there_again_in_the_next() -> None:
    ration = Ration()
    share = share_ns(1)
    assert not ration.spend(8000, share - 1, 1, share)
    assert ration.spend(8000, 1, 1, share)
    assert not ration.spend(8000, share - 1, 2, share)


def test_many_have_less_each_but_something() -> None:
    assert share_ns(0) == share_ns(1) == 2 * share_ns(2)
    assert share_ns(1000) == share_ns(1001) > 0
