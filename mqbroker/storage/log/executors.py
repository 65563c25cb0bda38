"""Where the journal's disk work is done: in the caller, in a thread of its own, or in either as the disk's speed asks.

An executor does its work in order. The outcome of each piece, None or the exception, is given to its `done` on the
loop's thread. A thread that has an outcome wakes the loop through an injected call, so nothing here knows asyncio.
"""

import resource
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, process_time
from typing import Protocol, TypeVar

from mqbroker.limits import SLOW_WRITE_S, SLOW_WRITES_EXPECTED_S

T = TypeVar("T")

Work = Callable[[], None]
"""One piece of work. An attribute `is_long` that is true says that it waits for the disk in any case."""
Done = Callable[[Exception | None], object]
Wake = Callable[[Callable[[], None]], None]
"""Has a callable called soon on the loop's thread; may be called from any thread (`loop.call_soon_threadsafe`)."""


class Executor(Protocol):
    """Does work in order."""

    def submit(self, work: Work, done: Done) -> None:
        """Has `work` done, then `done` called with what it raised."""

    def wait(self) -> bool:
        """Blocks until one piece of work is done, and calls its `done`. False when none was under way."""

    def close(self) -> None:
        """Ends the executor after what was submitted."""


def _outcome(work: Work) -> Exception | None:
    # Nothing may be lost in a thread: a programming error ends the process just as a failed write does.
    try:
        work()
    except Exception as error:
        return error
    return None


class InlineExecutor:
    """Does the work in the caller; `done` is called before `submit` returns."""

    def submit(self, work: Work, done: Done) -> None:
        done(_outcome(work))

    def wait(self) -> bool:
        return False

    def close(self) -> None:
        return None


class WriteSpeed:
    """Whether what is written is taken at once.

    Copying a batch to the page cache takes a few microseconds, less than handing it over to a thread; but sometimes the
    file system makes the writer wait many milliseconds until older pages are written. Such times last.
    """

    def __init__(
        self,
        seconds: Callable[[], float] = monotonic,
        waits: Callable[[], int] | None = None,
        busy: Callable[[], float] = process_time,
    ) -> None:
        """`seconds` is the clock that times the work, `waits` how often the calling thread has waited for anything, and
        `busy` for how long any thread of the process has had a processor."""
        self._seconds = seconds
        self._waits = waits or thread_waits
        self._busy = busy
        self._slow_until = 0.0

    @property
    def is_slow(self) -> bool:
        """Whether the next write is expected to wait."""
        return self._seconds() < self._slow_until

    def timed(self, work: Callable[[], T]) -> T:
        """Does the work, which writes; returns what it returns."""
        waits, busy, began = self._waits(), self._busy(), self._seconds()
        found = work()
        ended = self._seconds()
        # What others of its threads did meanwhile is not the disk's time: one may have had the interpreter.
        is_long = ended - began - (self._busy() - busy) > SLOW_WRITE_S
        if is_long and self._waits() > waits:  # else it was ready all the time, and other processes had the processor
            self._slow_until = ended + SLOW_WRITES_EXPECTED_S
        return found


class AdaptiveExecutor:
    """Does the work in the caller for as long as that takes no time, and otherwise in the thread of another
    executor."""

    def __init__(
        self,
        thread: Executor,
        seconds: Callable[[], float] = monotonic,
        waits: Callable[[], int] | None = None,
        busy: Callable[[], float] = process_time,
    ) -> None:
        """All but `thread` is for a WriteSpeed."""
        self._inline = InlineExecutor()
        self._thread = thread
        self._speed = WriteSpeed(seconds, waits, busy)
        self._under_way = 0

    def submit(self, work: Work, done: Done) -> None:
        is_long = getattr(work, "is_long", False)
        timed = work if is_long else partial(self._speed.timed, work)
        if is_long or self._under_way or self._speed.is_slow:
            self._under_way += 1
            self._thread.submit(timed, partial(self._finish, done))
        else:
            self._inline.submit(timed, done)

    def _finish(self, done: Done, error: Exception | None) -> None:
        self._under_way -= 1
        done(error)

    def wait(self) -> bool:
        return self._thread.wait()

    def close(self) -> None:
        self._thread.close()


def thread_waits() -> int:
    """How often this thread has given up the processor to wait for something."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class ThreadExecutor:
    """Does the work in one thread of its own."""

    def __init__(self, name: str, wake: Wake) -> None:
        self._wake = wake
        self._orders: SimpleQueue[tuple[Work, Done] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[tuple[Done, Exception | None]] = SimpleQueue()
        self._under_way = 0
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Work, done: Done) -> None:
        self._under_way += 1
        self._orders.put((work, done))

    def wait(self) -> bool:
        if not self._under_way:
            return False
        self._finish(*self._outcomes.get())
        return True

    def close(self) -> None:
        self._orders.put(None)
        self._thread.join()

    def _run(self) -> None:
        while order := self._orders.get():
            work, done = order
            self._outcomes.put((done, _outcome(work)))
            self._wake(self._deliver)

    def _deliver(self) -> None:
        # `wait` may have taken the outcome already.
        try:
            outcome = self._outcomes.get_nowait()
        except Empty:
            return
        self._finish(*outcome)

    def _finish(self, done: Done, error: Exception | None) -> None:
        self._under_way -= 1
        done(error)
