"""Runs publishing and consuming worker processes together: get ready, start at once, collect, close, judge.

Owns the worker processes, from start to end. Knows jobs, not protocols, targets or scenarios.
"""

import ctypes
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self, TypeVar

from bench.driver.jobs import ConsumeJob, Expect, Failed, PublishJob, Ready, Received, Sent, Start
from bench.driver.lead import Counts, Lead, ReceivedCount, deliveries_per_message
from bench.driver.sqs_jobs import CycleJob, SendJob
from bench.driver.verify import Faults
from bench.driver.worker import work
from bench.errors import DriverError

READY_SECONDS = 120.0
FINISH_SECONDS = 90.0
RUN_SECONDS = 1800.0
START_AHEAD_SECONDS = 0.05

Answer = TypeVar("Answer")


@cache
def _context() -> ForkServerContext:
    """Workers are forked from a server process that has imported the driver already, and does nothing else."""
    context = multiprocessing.get_context("forkserver")
    dialects = ("amqp", "amqp1", "mqtt", "stomp")
    context.set_forkserver_preload(["bench.driver.worker", *(f"bench.driver.{each}_dialect" for each in dialects)])
    return context


class Worker:
    """One worker process and its pipe. shared: what a publisher looks at and a consumer writes meanwhile."""

    def __init__(
        self, job: PublishJob | ConsumeJob | SendJob | CycleJob, shared: Lead | ReceivedCount | None = None
    ) -> None:
        self.job = job
        context = _context()
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=work, args=(theirs, shared), daemon=True)
        self.process.start()
        theirs.close()
        self.pipe.send(job)

    def tell(self, what: Start | Expect | Ready) -> None:
        """DriverError with its reason when the worker has failed meanwhile."""
        try:
            self.pipe.send(what)
        except BrokenPipeError:
            self.answer(0.0)
            raise

    def answer(self, timeout_seconds: float) -> object:
        """The next answer; DriverError when the worker failed, vanished or hangs."""
        if not self.pipe.poll(timeout_seconds):
            raise DriverError(f"a worker did not answer within {timeout_seconds:.0f} s")
        try:
            answer = self.pipe.recv()
        except EOFError:
            raise DriverError("a worker process vanished") from None
        if isinstance(answer, Failed):
            raise DriverError(answer.reason)
        return answer

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.pipe.close()
        self.process.join(5.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@dataclass
class Outcome:
    """What a run came to. messages: deliveries; seconds: from the start signal to the last delivery (or write)."""

    published: int
    messages: int
    seconds: float
    publish_seconds: float
    faults: Faults
    driver_busy: float
    latencies: dict[str, float]
    late_p99: float

    @property
    def rate(self) -> float:
        """Deliveries per second from the start to the last one."""
        return self.messages / self.seconds if self.seconds > 0 else 0.0


class Crew:
    """Workers of one run, as a context manager that leaves none behind."""

    def __init__(self, publish: Sequence[PublishJob], consume: Sequence[ConsumeJob]) -> None:
        self._publishers: list[Worker] = []
        self._consumers: list[Worker] = []
        counts = _context().RawArray(ctypes.c_longlong, len(consume))
        try:
            # Consumers first: bound queues of theirs must exist before the first message.
            self._consumers += [Worker(job, ReceivedCount(counts, place)) for place, job in enumerate(consume)]
            self._await_ready(self._consumers)
            per_message = len(publish) * deliveries_per_message(consume)
            self._publishers += [Worker(job, _lead(job, counts, per_message)) for job in publish]
            self._await_ready(self._publishers)
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        for worker in self._publishers + self._consumers:
            worker.stop()

    def _await_ready(self, workers: list[Worker]) -> None:
        for worker in workers:
            answer = worker.answer(READY_SECONDS)
            assert isinstance(answer, Ready)

    def run(self, sent_before: tuple[int, ...] = ()) -> Outcome:
        """Start everybody, wait for the end, close in order. DriverError when a worker fails.

        sent_before: messages of each publisher that were queued before, when nobody publishes in this run.
        """
        start_at = time.monotonic() + START_AHEAD_SECONDS
        for worker in self._consumers + self._publishers:
            worker.tell(Start(start_at))
        sent = [_expect(worker, Sent) for worker in self._publishers]
        counts = sent_before or tuple(count for part in sent for count in part.messages)
        for worker in self._consumers:
            worker.tell(Expect(counts))
        received = [_expect(worker, Received) for worker in self._consumers]
        outcome = _outcome(start_at, sent, received)
        self._finish(outcome.faults)
        return outcome

    def _finish(self, faults: Faults) -> None:
        # Publishers first: what they sent has then been read by the broker, and a duplicate of it has been delivered.
        for worker in self._publishers:
            worker.tell(Ready())
            worker.answer(FINISH_SECONDS)
        for worker in self._consumers:
            worker.tell(Ready())
            surplus = worker.answer(FINISH_SECONDS)
            assert isinstance(surplus, int)
            if surplus:
                faults.surplus += surplus
                faults.note(f"{surplus} more deliveries after all messages had come")


def _lead(job: PublishJob, counts: Counts, per_message: float) -> Lead | None:
    """None where nobody receives, or where what is sent keeps to a schedule anyway."""
    return Lead(counts, per_message, job.limit.seconds) if per_message and not job.rate else None


def _expect(worker: Worker, kind: type[Answer]) -> Answer:
    answer = worker.answer(RUN_SECONDS)
    assert isinstance(answer, kind), answer
    return answer


def _outcome(start_at: float, sent: list[Sent], received: list[Received]) -> Outcome:
    faults = Faults()
    for part in sent:
        faults.add(part.confirm_faults)
    for answer in received:
        faults.add(answer.faults)
    published = sum(sum(part.messages) for part in sent)
    publish_end = max((part.last_at for part in sent), default=start_at)
    end = max((answer.last_at for answer in received), default=publish_end)
    return Outcome(
        published=published,
        messages=sum(sum(answer.messages) for answer in received) if received else published,
        seconds=end - start_at,
        publish_seconds=publish_end - start_at,
        faults=faults,
        driver_busy=sum(part.busy_seconds for part in sent) + sum(answer.busy_seconds for answer in received),
        latencies=received[0].latencies if received else {},
        late_p99=max((part.late_p99 for part in sent), default=0.0),
    )
