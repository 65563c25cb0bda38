"""Executors: order, outcomes on the right thread, waiting."""

import threading
from queue import Empty, SimpleQueue

import pytest

from mqbroker.limits import SLOW_WRITE_S
from mqbroker.storage.log.executors import AdaptiveExecutor, InlineExecutor, ThreadExecutor, thread_waits


class Loop:
    """Stands in for the event loop: runs what it is woken for when it is told to."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[object] = SimpleQueue()

    def wake(self, callback: object) -> None:
        self.calls.put(callback)

    def run_one(self) -> None:
        """Waits for a call and does it."""
        callback = self.calls.get(timeout=10)
        assert callable(callback)
        callback()


def test_an_inline_executor_is_done_before_submit_returns() -> None:
    outcomes: list[Exception | None] = []
    InlineExecutor().submit(lambda: None, outcomes.append)
    assert outcomes == [None]
    assert not InlineExecutor().wait()


def test_a_thread_works_in_order_and_reports_on_the_loop() -> None:
    loop, seen = Loop(), list[object]()
    executor = ThreadExecutor("test", loop.wake)
    for number in range(20):
        executor.submit(
            lambda number=number: seen.append((number, threading.current_thread().name)),  # type: ignore[misc]
            lambda error: seen.append((error, threading.current_thread().name)),
        )
    for _ in range(20):
        loop.run_one()
    work = [item for item in seen if isinstance(item, tuple) and item[1] == "test"]
    assert [number for number, _ in work] == list(range(20))
    assert seen.count((None, threading.current_thread().name)) == 20
    executor.close()


def test_every_exception_of_the_work_is_an_outcome() -> None:
    loop, outcomes = Loop(), list[Exception | None]()
    executor = ThreadExecutor("test", loop.wake)
    executor.submit(lambda: next(iter(())), outcomes.append)
    loop.run_one()
    assert isinstance(outcomes[0], StopIteration)
    executor.close()


def test_waiting_takes_the_outcome_and_the_late_wake_finds_nothing() -> None:
    loop, outcomes = Loop(), list[Exception | None]()
    executor = ThreadExecutor("test", loop.wake)
    executor.submit(lambda: None, outcomes.append)
    assert executor.wait()
    assert outcomes == [None]
    assert not executor.wait()
    loop.run_one()
    assert outcomes == [None]
    executor.close()
    with pytest.raises(Empty):
        loop.calls.get_nowait()


class Long:
    """Work that says that it waits for the disk."""

    is_long = True

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def __call__(self) -> None:
        self.seen.append(threading.current_thread().name)


def test_an_adaptive_executor_goes_to_its_thread_once_the_disk_makes_the_caller_wait() -> None:
    """In the mode `write` the loop stood still with the file system, so that messages waited longer than in `fsync`."""
    loop, seen, outcomes = Loop(), list[str](), list[Exception | None]()
    time, waits = [0.0], [0]
    executor = AdaptiveExecutor(ThreadExecutor("test", loop.wake), lambda: time[0], lambda: waits[0], lambda: 0.0)

    def work(seconds: float = 0.0) -> None:
        time[0] += seconds
        waits[0] += seconds > 0
        seen.append(threading.current_thread().name)

    here = threading.current_thread().name
    executor.submit(work, outcomes.append)
    assert (seen, outcomes) == ([here], [None])
    executor.submit(lambda: work(2 * SLOW_WRITE_S), outcomes.append)
    executor.submit(work, outcomes.append)
    assert outcomes == [None, None]
    loop.run_one()
    assert (seen, outcomes) == ([here, here, "test"], [None, None, None])
    executor.close()


def test_an_adaptive_executor_stays_when_other_processes_had_the_processor() -> None:
    """On a busy machine a write without confirmation took a detour through the thread: a quarter of the throughput."""
    loop, time, outcomes = Loop(), [0.0], list[Exception | None]()
    executor = AdaptiveExecutor(ThreadExecutor("test", loop.wake), lambda: time[0], lambda: 0)

    def work() -> None:
        time[0] += 2 * SLOW_WRITE_S

    for _ in range(3):
        executor.submit(work, outcomes.append)
    assert outcomes == [None, None, None]
    executor.close()


def test_an_adaptive_executor_stays_when_another_thread_had_the_interpreter() -> None:
    """While pages were read, writes took the detour: context switches by the thousand, a quarter of the throughput."""
    loop, time, waits, outcomes = Loop(), [0.0], [0], list[Exception | None]()
    thread = ThreadExecutor("test", loop.wake)
    executor = AdaptiveExecutor(thread, lambda: time[0], lambda: waits[0], lambda: time[0])

    def work() -> None:
        time[0] += 2 * SLOW_WRITE_S
        waits[0] += 1

    for _ in range(3):
        executor.submit(work, outcomes.append)
    assert outcomes == [None, None, None]
    executor.close()


def test_the_waits_of_a_thread_are_counted() -> None:
    before, event = thread_waits(), threading.Event()
    threading.Timer(0.001, event.set).start()
    assert event.wait(10)
    assert thread_waits() > before


def test_an_adaptive_executor_takes_long_work_to_its_thread_and_keeps_the_order() -> None:
    loop, seen, outcomes = Loop(), list[str](), list[Exception | None]()
    executor = AdaptiveExecutor(ThreadExecutor("test", loop.wake), lambda: 0.0)
    executor.submit(Long(seen), outcomes.append)
    executor.submit(lambda: seen.append("second"), outcomes.append)
    assert outcomes == []
    assert executor.wait()
    assert executor.wait()
    assert (seen, outcomes) == (["test", "second"], [None, None])
    executor.submit(lambda: seen.append("third"), outcomes.append)
    assert (seen[-1], len(outcomes)) == ("third", 3)
    executor.close()
