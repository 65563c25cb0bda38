"""Twins that are told the same must show the same: one keeps everything in memory, the queues of the other leave it.

What its clients do and see is up to each test. A restart comes with everything durable, so that both find the same.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Generic, TypeVar

from mqbroker.storage.log.executors import Executor
from tests.model.house import House
from tests.model.model import Observed
from tests.storage.house import ManualExecutor
from tests.storage.simdisk import SimDisk

NOW = 1_700_000_000_000


class Twin:
    """One broker. Subclassed with its clients."""

    def __init__(self, window: int, reads: Executor | None) -> None:
        self.window = window
        self.reads = reads
        self.lives = 0
        self.paged = [0, 0, 0]
        """How many messages it has paged out, in, and moved in its journal."""
        self._open(SimDisk(), NOW)

    def _open(self, disk: SimDisk, now: int) -> None:
        self.lives += 1
        self.observed = Observed()
        self.house = House(disk, True, now, self.observed, self.lives << 32, self.window, self.reads)
        self.house.begin()

    def rest(self) -> None:
        """Does everything that can be done now."""
        self.house.finish()
        self._do_due()
        while isinstance(self.reads, ManualExecutor) and self.reads.step():
            self._do_due()

    def _do_due(self) -> None:
        self.house.broker.scheduler.finish(self.house.now)
        for _ in self.house.steps(self.house.now):
            pass

    def restart(self, down_ms: int) -> None:
        """Is killed when it has nothing left to do, and started again."""
        self.rest()
        self.house.finish()
        self.end()
        self._open(self.house.disk.after_kill(), self.house.now + down_ms)

    def end(self) -> None:
        """Counts what this life has paged."""
        pager, emptying = self.house.ledger.pager, self.house.ledger.relocator
        self.paged[0] += pager.paged_out
        self.paged[1] += pager.paged_in
        self.paged[2] += emptying.moved if emptying is not None else 0

    def shown(self, is_whole: bool) -> dict[str, object]:
        """What can be seen of it. Overridden."""
        raise NotImplementedError


T = TypeVar("T", bound=Twin)


class Deeds(Generic[T]):
    """What happens to both twins. Subclassed with what clients do."""

    def __init__(self, twins: list[T], chance: Random) -> None:
        self.twins = twins
        self.chance = chance
        self.idents = 0

    def compare(self, name: str) -> None:
        """After a deed of that name."""
        is_whole = self.is_seen_whole()
        left, right = (twin.shown(is_whole) for twin in self.twins)
        assert left == right, f"after {name}"

    def is_seen_whole(self) -> bool:
        """Whether messages are looked at now, which may bring them back. Overridden."""
        return True

    def wait_for(self, ms: int) -> None:
        for twin in self.twins:
            for _ in twin.house.steps(twin.house.now + ms):
                twin.rest()

    def press(self) -> None:
        is_pressed = self.chance.random() < 0.6
        self.both(lambda twin: twin.house.ledger.press(is_pressed))

    def tend(self) -> None:
        self.both(lambda twin: twin.house.ledger.tend())

    def both(self, deed: Callable[[T], object]) -> None:
        for twin in self.twins:
            deed(twin)


def live(
    seed: int,
    is_slow: bool,
    twin: Callable[[int, Executor | None], T],
    life: Callable[[list[T], Random], Deeds[T]],
    names: Sequence[str],
    most: int,
) -> list[int]:
    """One history of fewer than `most` of these deeds; how much the second twin has paged. With `is_slow` pages take a
    while to come."""
    chance = Random(seed)
    twins = [twin(0, None), twin(chance.choice((1, 1, 3, 8)), ManualExecutor() if is_slow else None)]
    deeds = life(twins, chance)
    try:
        for _ in range(chance.randrange(10, most)):
            name = chance.choice(names)
            getattr(deeds, name)()
            deeds.both(lambda each: each.rest())
            deeds.compare(name)
    except BaseException as error:
        error.add_note(f"this was seed {seed}, slow {is_slow}")
        raise
    finally:
        for each in twins:
            each.end()
    return twins[1].paged
