"""Runs SQS workers together: get ready, start at once, tell the receivers how much was sent, collect, judge.

Owns the run of a set of jobs. The processes themselves are `crew`'s.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np

from bench.driver.crew import FINISH_SECONDS, READY_SECONDS, RUN_SECONDS, START_AHEAD_SECONDS, Worker
from bench.driver.jobs import Expect, Ready, Start
from bench.driver.percentiles import percentiles
from bench.driver.sqs_jobs import Called, CycleJob, SendJob
from bench.driver.verify import Faults


@dataclass
class CallOutcome:
    """What a run came to. seconds: from the start signal to the answer to the last send or deletion, 0 without any.

    calls, wakes, late: percentile -> seconds, as in `sqs_jobs.Called`.
    """

    seconds: float
    call_count: int = 0
    sent: int = 0
    received: int = 0
    deleted: int = 0
    driver_busy: float = 0.0
    calls: dict[str, float] = field(default_factory=dict)
    wakes: dict[str, float] = field(default_factory=dict)
    late: dict[str, float] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)


class CallCrew:
    """The workers of one run, each with one job, as a context manager that leaves none behind."""

    def __init__(self, jobs: Sequence[SendJob | CycleJob]) -> None:
        self._stack = ExitStack()
        self._workers: list[Worker] = []
        with self._stack:
            for job in jobs:
                self._workers.append(Worker(job))
                self._stack.callback(self._workers[-1].stop)
            self._await_ready(READY_SECONDS)
            self._stack = self._stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _await_ready(self, timeout_seconds: float) -> None:
        for worker in self._workers:
            answer = worker.answer(timeout_seconds)
            assert isinstance(answer, Ready)

    def run(self) -> CallOutcome:
        """Run all jobs at once, to their end. DriverError when a worker fails."""
        start_at = time.monotonic() + START_AHEAD_SECONDS
        for worker in self._workers:
            worker.pipe.send(Start(start_at))
        found = _collect(self._workers)
        for worker in self._workers:
            worker.pipe.send(Ready())
        self._await_ready(FINISH_SECONDS)
        return _outcome(start_at, found)


def _collect(workers: list[Worker]) -> list[Called]:
    """First those who end by themselves, then those who must be told how many messages there are."""
    told = [worker for worker in workers if isinstance(worker.job, CycleJob) and worker.job.until_told]
    found = [_called(worker) for worker in workers if worker not in told]
    for worker in told:
        worker.pipe.send(Expect((sum(called.sent for called in found),)))
    return found + [_called(worker) for worker in told]


def _called(worker: Worker) -> Called:
    answer = worker.answer(RUN_SECONDS)
    assert isinstance(answer, Called), answer
    return answer


def _outcome(start_at: float, found: list[Called]) -> CallOutcome:
    outcome = CallOutcome(max(0.0, max(called.last_at for called in found) - start_at))
    for called in found:
        outcome.call_count += called.calls
        outcome.sent += called.sent
        outcome.received += called.received
        outcome.deleted += called.deleted
        outcome.driver_busy += called.busy_seconds
        outcome.faults.add(called.faults)
    outcome.calls = percentiles(np.concatenate([called.call_seconds for called in found]))
    outcome.wakes = percentiles(np.concatenate([called.wake_seconds for called in found]))
    outcome.late = percentiles(np.concatenate([called.late_seconds for called in found]))
    return outcome
