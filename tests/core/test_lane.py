"""The waiting line against a sorted list: whatever is pushed, popped and put back, the oldest is always next."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import Entry
from mqbroker.core.queues import page as pages
from mqbroker.core.queues.extent import Extent, Place
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.page import Page, first_pages, page_of, page_on_disk
from mqbroker.limits import QUEUE_WINDOW_BYTES
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


def an_extent(first: int, last: int) -> Extent:
    """What the journal has of the queue 1 from this sequence to that."""
    return Extent(1, 0, last - first + 1, 0, first, last, 0)


def test_of_many_pages_only_those_of_an_extent_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """While memory was short each part of a segment went through all pages: 180 ms for a segment of a long queue."""
    lane, older, place = Lane(), Place(1, 0, 100, 1, 9), Place(10, 0, 100, 10, 19)
    kept = [entry(10 * number + 5) for number in range(1, 1001)]
    for each in kept:
        each.lsn = 15
    lane.restore([page_on_disk(an_extent(10 * number, 10 * number + 9), older) for number in range(1, 1001)], kept)
    asked: list[Page] = []
    made: list[Page] = []
    page_out, leaving = Page.page_out, pages.leaving

    def asking(page: Page, extent: Extent, place: Place, least: int) -> int:
        asked.append(page)
        return page_out(page, extent, place, least)

    def making(extent: Extent, place: Place, entries: list[Entry]) -> Page:
        made.append(leaving(extent, place, entries))
        return made[-1]

    monkeypatch.setattr(Page, "page_out", asking)
    monkeypatch.setattr(pages, "leaving", making)
    assert lane.page_out_between(an_extent(5005, 5025), place, 1) == 3
    assert [page.first for page in asked] == [5000, 5010, 5020]
    assert [page.first for page in made] == [5005, 5015, 5025]
    assert lane.page_out_between(an_extent(5006, 5014), place, 1) == 0
    assert lane.page_out_between(an_extent(20_000, 20_001), place, 1) == 0
    assert lane.page_out_between(an_extent(1, 2), place, 1) == 0
    assert len(made) == 3, "where nothing is kept none is made"
    assert len(asked) <= 6
    assert lane.page_out_between(an_extent(1, 20_000), place, 1) == 997
    assert all(page.on_disk == 11 and not page.kept for page in lane.middle or ())


@pytest.mark.parametrize("mortal", range(1, 7))
def test_a_page_knows_the_deadlines_of_what_it_keeps(mortal: int) -> None:
    """What was beside the part of a page that left memory later did not expire until it was read for something else."""
    entries = [entry(number) for number in range(1, 7)]
    entries[mortal - 1].expires_at = 500
    for each in entries[1:5]:
        each.lsn = 0 if each.sequence == 3 else 15
    page = page_of(1, 0, entries)
    assert page.page_out(an_extent(2, 5), Place(10, 0, 100, 10, 19), 1) == 3
    assert [each.sequence for each in page.kept] == [1, 3, 6]
    assert page.expires_at == 500


def test_what_is_read_ahead_of_a_page_is_all_of_its_parts() -> None:
    """Of pages at several places only one counted: more than 16 MiB of a queue were read ahead."""
    found = [page_on_disk(an_extent(10 * number, 10 * number), Place(1, 0, 100, 1, 9)) for number in range(1, 9)]
    for page in found:
        other = page_on_disk(an_extent(page.first + 1, page.first + 1), Place(10, 0, 100, 10, 19))
        other.byte_count = QUEUE_WINDOW_BYTES // 4
        page.others = [other]
    assert first_pages(found, 1000) == found[:4]
