"""The round of tasks: in turn, in portions, each at most once in it."""

from collections.abc import Callable

from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.limits import PORTION


class Chore(Task):
    """Has so many units to do, and notes each portion in a diary shared by all."""

    def __init__(self, name: str, units: int, diary: list[tuple[str, int]]) -> None:
        super().__init__()
        self.name = name
        self.units = units
        self.diary = diary
        self.then: Callable[[], None] | None = None

    def run(self, now: int, portion: int) -> bool:
        done = min(self.units, portion)
        self.units -= done
        self.diary.append((self.name, done))
        if self.then is not None:
            self.then()
        return self.units > 0


def test_a_small_task_waits_for_one_portion_of_a_large_one_and_not_for_all_of_it() -> None:
    diary: list[tuple[str, int]] = []
    scheduler = Scheduler()
    scheduler.add(Chore("large", 3 * PORTION, diary))
    scheduler.add(Chore("small", 5, diary))
    scheduler.finish(0)
    assert diary == [("large", PORTION), ("small", 5), ("large", PORTION), ("large", PORTION)]


def test_a_task_that_is_added_twice_has_one_place() -> None:
    diary: list[tuple[str, int]] = []
    scheduler = Scheduler()
    chore = Chore("a", 1, diary)
    scheduler.add(chore)
    scheduler.add(Chore("b", 1, diary))
    scheduler.add(chore)
    scheduler.finish(0)
    assert diary == [("a", 1), ("b", 1)]


def test_a_task_that_adds_itself_while_it_runs_has_one_place() -> None:
    diary: list[tuple[str, int]] = []
    scheduler = Scheduler()
    chore = Chore("a", PORTION + 1, diary)

    def again() -> None:
        if chore.units:
            scheduler.add(chore)

    chore.then = again
    scheduler.add(chore)
    assert scheduler.step(0)
    assert len(scheduler.round) == 1
    assert not scheduler.step(0)
    assert diary == [("a", PORTION), ("a", 1)]


def test_a_turn_is_asked_for_once_when_there_is_something_to_do() -> None:
    woken: list[str] = []
    scheduler = Scheduler()
    scheduler.wake = lambda: woken.append("wake")
    scheduler.add(Chore("a", 1, []))
    scheduler.add(Chore("b", 1, []))
    assert woken == ["wake"]
    scheduler.finish(0)
    scheduler.add(Chore("c", 1, []))
    assert woken == ["wake", "wake"]


def test_an_empty_round_has_nothing_to_do() -> None:
    assert not Scheduler().step(0)
