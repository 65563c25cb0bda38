"""Sets of numbers as intervals, against Python's own sets."""

from hypothesis import given
from hypothesis import strategies as st

from mqbroker.storage.intervals import NUMBER_MAX, Intervals

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=40)


@given(RANGES)
def test_it_says_what_a_set_of_the_same_numbers_says(ranges: list[tuple[int, int]]) -> None:
    intervals, model = Intervals(), set[int]()
    for start, end in ranges:
        added = set(range(start, end + 1))
        assert intervals.add(start, end) == len(added - model)
        model |= added
    assert [number for start, end in intervals for number in range(start, end + 1)] == sorted(model)
    for number in range(-1, 70):
        is_in, start, end = intervals.span(number)
        assert is_in == (number in model)
        assert start <= number <= end
        assert all((other in model) == is_in for other in range(max(start, -2), min(end, 70) + 1))


@given(RANGES)
def test_its_intervals_never_touch(ranges: list[tuple[int, int]]) -> None:
    intervals = Intervals()
    for start, end in ranges:
        intervals.add(start, end)
    assert all(after > end + 1 for end, after in zip(intervals.ends, intervals.starts[1:], strict=False))


def test_numbers_in_order_are_one_interval() -> None:
    intervals = Intervals()
    for number in range(100_000):
        intervals.add(number, number)
    assert list(intervals) == [(0, 99_999)]


@given(RANGES, st.integers(0, 60), st.integers(0, 10))
def test_narrowed_it_has_everything_outside_too(ranges: list[tuple[int, int]], first: int, more: int) -> None:
    """Compiled, both ends of what a number can be were too much for `add`: settled messages came back after a crash."""
    intervals, last = Intervals(), first + more
    for start, end in ranges:
        intervals.add(start, end)
    before = list(intervals)
    found = intervals.narrowed(first, last)
    assert list(intervals) == before
    assert all(after > end + 1 for end, after in zip(found.ends, found.starts[1:], strict=False))
    for number in (-NUMBER_MAX, *range(-3, 75), NUMBER_MAX):
        inside = intervals.span(number)[0] if first <= number <= last else True
        assert found.span(number)[0] == inside
