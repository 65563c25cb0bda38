"""Queues that have left memory are looked at, and lose their heads to a limit, without a read on the loop."""

import pytest

from mqbroker.core.browsing import Browsing
from mqbroker.core.consumer import Gate
from mqbroker.core.message import Entry
from mqbroker.storage.pages.pager import Pager
from tests.model.house import name_of
from tests.model.model import Letter
from tests.model.test_paged import Broker
from tests.storage.house import ManualExecutor


@pytest.fixture(autouse=True)
def reads_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was read on the loop."""
    found: list[int] = []
    read = Pager.read

    def noting(pager: Pager, page: object) -> list[Entry]:
        found.append(1)
        return read(pager, page)  # type: ignore[arg-type]

    monkeypatch.setattr(Pager, "read", noting)
    return found


class Onlooker(Gate):
    """Somebody who browses."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def show(self, entry: Entry) -> None:
        self.seen.append(name_of(entry.message)[0])

    def end(self) -> None:
        self.seen.append(None)


def filled(count: int, queue: str = "plain", *, window: int = 1) -> Broker:
    """A broker whose queue is on the disk; each third message is not persistent."""
    twin = Broker(window, ManualExecutor())
    for ident in range(1, count + 1):
        twin.house.publish(Letter(ident, 20, "", queue, ident % 3 > 0, ident % 4, None))
        if ident % 7 == 0:
            twin.house.finish()
            twin.spill()
            twin.rest()
    twin.rest()
    assert twin.house.ledger.pager.paged_out > count // 2
    return twin


@pytest.mark.parametrize("queue", ["plain", "ranked"])
def test_a_browser_is_shown_pages_in_order_and_one_at_a_time(queue: str, reads_at_once: list[int]) -> None:
    """All that waited was read at once, and was in memory until it had been shown."""
    twin = filled(60, queue)
    expected = [name_of(entry.message)[0] for entry in twin.queue(queue).waiting()]
    assert len(expected) == 60
    reads_at_once.clear()
    onlooker = Onlooker()
    Browsing([(twin.queue(queue), onlooker.show)], onlooker, onlooker.end, None).begin(twin.house.now)
    assert 0 < len(onlooker.seen) < 60
    twin.rest()
    assert onlooker.seen == [*expected, None]
    assert reads_at_once == []
    assert twin.queue(queue).waiting_count() == 60


def test_what_is_taken_while_somebody_looks_does_the_look_no_harm(reads_at_once: list[int]) -> None:
    """What had been settled of a page counted as damage."""
    twin = filled(60)
    onlooker = Onlooker()
    browsing = Browsing([(twin.queue("plain"), onlooker.show)], onlooker, onlooker.end, None)
    browsing.begin(twin.house.now)
    taker = twin.house.consume("plain", 1, 0, True)
    reads = twin.reads
    assert isinstance(reads, ManualExecutor)
    for _ in range(12):
        twin.house.finish()
        reads.step()
        twin.house.broker.scheduler.step(twin.house.now)
    twin.rest()
    assert onlooker.seen[-1] is None
    shown = [each for each in onlooker.seen if each is not None]
    assert shown == sorted(set(shown))  # type: ignore[type-var]
    assert [delivery.name[0] for delivery in twin.observed.deliveries["plain"]] == list(range(1, 61))
    assert taker.number == 1
    assert reads_at_once == []


def test_what_leaves_memory_while_a_browser_waits_for_its_page_is_shown() -> None:
    """What was kept beside the page when it was asked for, and was recorded before it came, was never shown."""
    twin = Broker(1, ManualExecutor())
    for ident in range(1, 31):
        twin.house.publish(Letter(ident, 20, "", "plain", ident % 3 > 0, 0, None))
        if ident % 6 == 0:
            twin.house.finish()
    onlooker = Onlooker()
    Browsing([(twin.queue("plain"), onlooker.show)], onlooker, onlooker.end, None).begin(twin.house.now)
    before = twin.house.ledger.pager.paged_out
    twin.spill()
    twin.house.broker.scheduler.finish(twin.house.now)
    twin.house.finish()
    assert twin.house.ledger.pager.paged_out > before
    twin.rest()
    assert onlooker.seen == [*range(1, 31), None]


def test_a_browser_that_goes_is_shown_nothing_more() -> None:
    twin = filled(60)
    onlooker = Onlooker()
    browsing = Browsing([(twin.queue("plain"), onlooker.show)], onlooker, onlooker.end, None)
    browsing.begin(twin.house.now)
    browsing.end()
    seen = len(onlooker.seen)
    twin.rest()
    assert len(onlooker.seen) == seen


def test_a_limit_drops_what_was_read_ahead(reads_at_once: list[int]) -> None:
    """Each page of a full queue was read on the loop when its head was dropped."""
    twin = Broker(8, ManualExecutor())
    for ident in range(1, 400):
        twin.house.publish(Letter(ident, 20, "", "long", True, 0, None))
        twin.rest()
    assert twin.queue("long").waiting_count() == 100
    assert twin.house.ledger.pager.paged_in > 100
    assert reads_at_once == []
    assert [name_of(entry.message)[0] for entry in twin.queue("long").waiting()] == list(range(300, 400))
