"""Lanes: order, outcomes on the right thread, waiting."""

import threading
from queue import Empty, SimpleQueue

import pytest

from mqbroker.storage.lanes import InlineLane, ThreadLane


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


def test_an_inline_lane_is_done_before_submit_returns() -> None:
    outcomes: list[Exception | None] = []
    InlineLane().submit(lambda: None, outcomes.append)
    assert outcomes == [None]
    assert not InlineLane().wait()


def test_a_thread_works_in_order_and_reports_on_the_loop() -> None:
    loop, seen = Loop(), list[object]()
    lane = ThreadLane("test", loop.wake)
    for number in range(20):
        lane.submit(
            lambda number=number: seen.append((number, threading.current_thread().name)),  # type: ignore[misc]
            lambda error: seen.append((error, threading.current_thread().name)),
        )
    for _ in range(20):
        loop.run_one()
    work = [item for item in seen if isinstance(item, tuple) and item[1] == "test"]
    assert [number for number, _ in work] == list(range(20))
    assert seen.count((None, threading.current_thread().name)) == 20
    lane.close()


def test_every_exception_of_the_work_is_an_outcome() -> None:
    loop, outcomes = Loop(), list[Exception | None]()
    lane = ThreadLane("test", loop.wake)
    lane.submit(lambda: next(iter(())), outcomes.append)
    loop.run_one()
    assert isinstance(outcomes[0], StopIteration)
    lane.close()


def test_waiting_takes_the_outcome_and_the_late_wake_finds_nothing() -> None:
    loop, outcomes = Loop(), list[Exception | None]()
    lane = ThreadLane("test", loop.wake)
    lane.submit(lambda: None, outcomes.append)
    assert lane.wait()
    assert outcomes == [None]
    assert not lane.wait()
    loop.run_one()
    assert outcomes == [None]
    lane.close()
    with pytest.raises(Empty):
        loop.calls.get_nowait()
