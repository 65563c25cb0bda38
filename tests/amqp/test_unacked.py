"""Deliveries by tag against a dictionary, and how old they are: no connection, no loop."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.core.message import Entry
from mqbroker.protocols.ages import Ages, Reached
from mqbroker.protocols.unacked import Unacked
from tests.core.messages import entry


def delivered(tag: int) -> Entry:
    made = entry(tag)
    made.tag = tag
    return made


Step = tuple[str, int]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "skip", "gap", "take", "through", "back", "all"]), st.integers(0, 60)
    ),
    max_size=60,
)


class Naive:
    """A dictionary that says the same, and what is taken out for a while."""

    def __init__(self) -> None:
        self.waiting: dict[int, Entry] = {}
        self.taken: list[Entry] = []
        self.next_tag = 1

    def take(self, tags: list[int]) -> list[int]:
        self.taken += [self.waiting.pop(tag) for tag in tags]
        return tags


def play(unacked: Unacked, naive: Naive, step: str, number: int) -> None:
    if step == "add":
        for _ in range(number % 7 + 1):
            made = delivered(naive.next_tag)
            naive.waiting[naive.next_tag] = made
            unacked.add(naive.next_tag, made)
            naive.next_tag += 1
    elif step in ("skip", "gap"):  # tags that go to deliveries without acknowledgement
        naive.next_tag += number if step == "skip" else 5_000
    elif step == "take":
        tag = max(0, naive.next_tag - number)
        found = unacked.take(tag)
        assert (None if found is None else found.tag) == (tag if tag in naive.waiting else None)
        naive.take([tag] if found is not None else [])
    elif step == "through":
        most = number % 5 * 7
        expected = [tag for tag in sorted(naive.waiting) if tag <= naive.next_tag - number]
        assert [each.tag for each in unacked.take_through(naive.next_tag - number, most)] == naive.take(expected[:most])
    elif step == "all":
        assert [each.tag for each in unacked.take_through(naive.next_tag, 1 << 30)] == naive.take(sorted(naive.waiting))
    else:
        back, naive.taken = naive.taken[:number], naive.taken[number:]
        unacked.put_back(back)
        naive.waiting.update({each.tag: each for each in back})


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_deliveries_are_found_by_their_tags(steps: list[Step]) -> None:
    unacked, naive = Unacked(), Naive()
    for step, number in steps:
        play(unacked, naive, step, number)
        assert unacked.live == len(naive.waiting)
        tags = sorted(naive.waiting)
        assert [each.tag for each in unacked.below(naive.next_tag)] == tags
        middle = max(0, naive.next_tag - number)
        assert [each.tag for each in unacked.below(middle)] == [tag for tag in tags if tag < middle]
        assert unacked.has(middle) is (middle in naive.waiting)


@pytest.mark.parametrize("tag", [0, 2, 1 << 62, 1 << 63, (1 << 64) - 1])
def test_any_number_can_be_asked_for(tag: int) -> None:
    """Compiled, a tag above 2**63 from a client was an internal error."""
    unacked = Unacked()
    unacked.add(1, delivered(1))
    assert unacked.take(tag) is None
    assert not unacked.has(tag)


def test_one_old_delivery_does_not_keep_the_memory_of_all_later_ones() -> None:
    unacked = Unacked()
    for tag in range(1, 100_001):
        unacked.add(tag, delivered(tag))
        if tag > 1:
            assert unacked.take(tag) is not None
    assert unacked.live == 1
    assert len(unacked.slots) < 10_000
    assert [each.tag for each in unacked.take_through(1, 2)] == [1]


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 5)), max_size=40), st.integers(1, 2_000))
def test_a_tag_is_never_taken_for_older_than_it_is(sweeps: list[tuple[int, int]], timeout_ms: int) -> None:
    ages, now, next_tag = Ages(), 0, 1
    ages.watch(timeout_ms)
    born: dict[int, int] = {}
    last_sweep = 0
    for duration_ms, count in sweeps:
        for _ in range(count):
            born[next_tag] = now
            next_tag += 1
        now += duration_ms
        ages.mark(now, next_tag)
        reached = ages.reached(timeout_ms, now)
        assert all(now - born[tag] >= timeout_ms for tag in born if tag < reached)
        last_sweep = max(last_sweep, duration_ms)
        assert all(now - born[tag] <= timeout_ms + 2 * last_sweep for tag in born if tag >= reached)


@pytest.mark.parametrize("interval_ms", [1, 500, 10_000])
def test_marks_are_few_and_ages_nearly_right_with_a_huge_timeout(interval_ms: int) -> None:
    """A timeout of a year kept a mark of every sweep, all of which each delivery was compared with."""
    ages, now = Ages(), 0
    timeouts = [interval_ms * factor for factor in (2, 100, 3000, 15_000)]
    for timeout_ms in (*timeouts, 366 * 86_400_000):
        ages.watch(timeout_ms)
    for sweep in range(1, 20_001):
        now += interval_ms
        ages.mark(now, sweep)
        assert len(ages._marks) <= 1000
        if sweep % 997:
            continue
        for timeout_ms in timeouts:
            found = ages.reached(timeout_ms, now)
            age_ms = now - found * interval_ms  # of the mark that was found, or of the broker
            assert age_ms >= timeout_ms or not found
            assert age_ms <= timeout_ms + timeout_ms // 15 + interval_ms
            assert Reached(ages, now)[timeout_ms] == found


def test_the_shortest_timeout_is_known() -> None:
    ages = Ages()
    assert ages.shortest_ms == 0
    for timeout_ms in (0, 500, 0, 100, 900):
        ages.watch(timeout_ms)
    assert ages.shortest_ms == 100
