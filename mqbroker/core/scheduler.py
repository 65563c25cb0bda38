"""Who may go on: work that would hold everybody else up is done in bounded portions, in turn.

A task is anything that may have much to do at once: a queue whose backlog meets consumers with room, a connection that
reads again, a purge. It joins the round, is given a portion when its turn comes, and goes to the end of the round if
that was not enough. The scheduler neither knows what a task does nor looks at a clock. Whoever runs the turns of the
loop calls `step` until the time of a turn is used up, and lets sockets be read and written before the next one.

    add --> [ first | ... | last ] --step: run a portion--> done
                             ^                        |
                             +------ has more --------+

What costs little is not brought here: a message that meets a ready consumer of an empty queue, one acknowledgement.
"""

from collections import deque
from collections.abc import Callable

from mqbroker.limits import PORTION

_PORTION = PORTION  # a C integer when compiled


class Task:
    """A piece of work that is done in portions. Subclassed."""

    __slots__ = ("is_scheduled",)

    def __init__(self) -> None:
        self.is_scheduled = False
        """True while it stands in the round."""

    def run(self, now: int, portion: int) -> bool:
        """Does at most about `portion` messages' worth of work. True when there is more that could be done at once.

        It may add tasks, itself too. One that was overtaken by events (its queue is deleted) just returns False.
        Overridden.
        """
        raise NotImplementedError


class Scheduler:
    """The round of tasks. `wake` asks for a turn of the loop, as soon as there is something in the round."""

    __slots__ = ("round", "wake")

    def __init__(self) -> None:
        self.round: deque[Task] = deque()
        self.wake: Callable[[], None] | None = None
        """None as long as nobody runs turns: at the start, and in tests that call `step` themselves."""

    def add(self, task: Task) -> None:
        """Puts a task at the end of the round; one that is in it keeps its place."""
        if task.is_scheduled:
            return
        task.is_scheduled = True
        self.round.append(task)
        if len(self.round) == 1 and self.wake is not None:
            self.wake()

    def step(self, now: int) -> bool:
        """Runs the first task of the round for one portion. True while there is anybody left in the round."""
        if not self.round:
            return False
        task: Task = self.round.popleft()
        task.is_scheduled = False
        if task.run(now, _PORTION) and not task.is_scheduled:
            task.is_scheduled = True
            self.round.append(task)
        return bool(self.round)

    def finish(self, now: int) -> None:
        """Runs everything to its end, where nobody else is kept waiting."""
        while self.step(now):
            pass
