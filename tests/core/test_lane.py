"""The waiting line against a sorted list: whatever is pushed, popped and put back, the oldest is always next."""

import time

from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import Entry
from mqbroker.core.queues.lane import Lane
from tests.core.messages import entry

STEPS = st.lists(st.sampled_from(["push", "pop", "put back"]) | st.integers(1, 5), max_size=80)


@given(STEPS)
def test_the_oldest_is_always_next(steps: list[str | int]) -> None:
    lane, naive, out, pushed = Lane(), list[int](), list[Entry](), 0
    for step in steps:
        if step == "push":
            pushed += 1
            lane.push(entry(pushed))
            naive.append(pushed)
        elif step == "pop":
            if naive:
                out.append(lane.pop())
                assert out[-1].sequence == naive.pop(0)
        else:
            count = 1 if step == "put back" else int(step)
            back, out = out[::2][:count], [each for each in out if each not in out[::2][:count]]
            lane.put_back(back)
            naive = sorted([*naive, *(each.sequence for each in back)])
        head = lane.peek()
        assert (head.sequence if head else None) == (naive[0] if naive else None)
        assert lane.count == len(naive)
        assert [each.sequence for each in lane.entries()] == naive
        for offset in range(len(naive) + 1):
            assert [each.sequence for each in lane.look(offset, 3)] == naive[offset : offset + 3]


def test_a_look_at_all_of_a_long_line_in_portions_copies_none_of_the_rest() -> None:
    """Each look made a list of all that waited: a search through a million messages took minutes."""
    lane = Lane()
    for sequence in range(1, 200_001):
        lane.push(entry(sequence))
    lane.put_back([lane.pop() for _ in range(1000)])
    begun = time.process_time()
    seen = [each.sequence for start in range(0, 200_000, 50) for each in lane.look(start, 50)]
    assert time.process_time() - begun < 3
    assert seen == list(range(1, 200_001))


def test_a_long_line_gives_its_memory_back() -> None:
    lane = Lane()
    for sequence in range(1, 10_001):
        lane.push(entry(sequence))
    for sequence in range(1, 9_001):
        assert lane.pop().sequence == sequence
    assert len(lane.fresh) < 5_000
    assert [each.sequence for each in lane.entries()] == list(range(9_001, 10_001))


def test_what_comes_back_one_by_one_is_not_sorted_each_time() -> None:
    """Every single requeue sorted everything that had come back before, which is quadratic."""
    lane = Lane()
    for sequence in range(1, 20_001):
        lane.push(entry(sequence))
    taken = [lane.pop() for _ in range(20_000)]
    begun = time.monotonic()
    for each in taken:
        lane.put_back([each])
    assert time.monotonic() - begun < 5
    assert [each.sequence for each in lane.entries()] == list(range(1, 20_001))
