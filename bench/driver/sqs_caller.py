"""The loops that make SQS calls: many keep-alive connections in one process, one call outstanding on each.

Owns sockets, waiting, timing and the end of a run. What is called is the lanes' business (see `sqs_lanes`).
epoll is used without the selectors module, which costs as much as a call does.
"""

import select
import socket
import time
from array import array
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np

from bench.driver import sns_calls, sqs_calls
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, connect
from bench.driver.http_answers import AnswerReader
from bench.driver.jobs import Endpoint, Expect
from bench.driver.pacer import precise_timers
from bench.driver.sqs_jobs import SCHEDULE_DELAY_SECONDS, Called, CycleJob, Seconds, SendJob, no_seconds
from bench.driver.sqs_lanes import Budget, CycleLane, Lane, PublishLane, SendLane, StampedSendLane
from bench.driver.sqs_ledger import Answer, SqsLedger
from bench.errors import DriverError

READ_SIZE_BYTES = 256 * 1024
_POLL_SECONDS = 0.2


class Line:
    """One keep-alive connection and its lane. called_at: when the outstanding call was made."""

    def __init__(self, endpoint: Endpoint, lane: Lane) -> None:
        self.lane = lane
        self.called_at = 0.0
        self.reader = AnswerReader()
        self.socket = self._connected(endpoint)

    @staticmethod
    def _connected(endpoint: Endpoint) -> socket.socket:
        sock = connect(endpoint)
        sock.setblocking(False)
        return sock

    def reconnect(self, endpoint: Endpoint) -> None:
        """Connect anew: the server closes after each answer (Werkzeug's does)."""
        self.socket.close()
        self.reader = AnswerReader()
        self.socket = self._connected(endpoint)

    def call(self, request: bytes) -> None:
        """Send a whole call."""
        self.called_at = time.monotonic()
        try:
            sent = self.socket.send(request)
        except BlockingIOError:
            sent = 0
        if sent < len(request):
            # With one call outstanding a full socket means a broker that reads nothing: blocking is right.
            self.socket.settimeout(CALL_TIMEOUT_SECONDS)
            self.socket.sendall(request[sent:])
            self.socket.setblocking(False)


class Caller:
    """Drives the connections of one job."""

    def __init__(self, job: SendJob | CycleJob) -> None:
        self._endpoint = job.endpoint
        self._settle_seconds = job.settle_seconds
        is_sns = isinstance(job, SendJob) and bool(job.topic)
        self._decoded: Callable[[int, bytes], Answer] = sns_calls.decoded if is_sns else sqs_calls.decoded
        self._until_told = isinstance(job, CycleJob) and job.until_told
        self._told: int | None = None
        self._last_at = 0.0
        self._call_seconds = array("d")
        self._wakes: list[tuple[int, float]] = []
        self._rate = job.rate
        self.ledger = SqsLedger(job.size, job.groups)
        self.budget = Budget(job.limit.messages, job.limit.seconds)
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._outstanding = 0
        # One buffer for all: to make room for the largest answer each time costs ten times what the system call does.
        self._buffer = bytearray(READ_SIZE_BYTES)
        self._view = memoryview(self._buffer)
        for number in range(job.connections):
            self._watch(Line(job.endpoint, self._lane(job, number)))

    def _lane(self, job: SendJob | CycleJob, number: int) -> Lane:
        if isinstance(job, CycleJob):
            return CycleLane(job, self.ledger, self.budget, number, self._wakes)
        if job.topic:
            return PublishLane(job, self.ledger, self.budget)
        kind = StampedSendLane if job.stamped else SendLane
        return kind(job, self.ledger, self.budget, number)

    def _watch(self, line: Line) -> None:
        self._lines[line.socket.fileno()] = line
        self._epoll.register(line.socket, select.EPOLLIN)

    def run(self, start_at: float, control: Connection) -> Called:
        """Call until the lanes have nothing more to do, or until all has come that the crew tells of."""
        time.sleep(max(0.0, start_at - time.monotonic()))
        busy = time.process_time()
        self.budget.start(time.monotonic())
        if self._until_told:
            self._epoll.register(control.fileno(), select.EPOLLIN)
        for line in self._lines.values():
            self._go_on(line, line.lane.begin())
        self._work(control)
        return self._report(start_at, time.process_time() - busy)

    def _go_on(self, line: Line, request: bytes | None) -> None:
        if request is not None:
            self._outstanding += 1
            line.call(request)

    def _work(self, control: Connection) -> None:
        quiet_at = time.monotonic() + self._settle_seconds
        while self._outstanding and not self._complete():
            progress = self._progress()
            self._turn(_POLL_SECONDS, control)
            now = time.monotonic()
            if self._progress() != progress or (self._until_told and self._told is None):
                quiet_at = now + self._settle_seconds
            elif now > quiet_at:
                self._give_up()
                return

    def _turn(self, timeout: float, control: Connection) -> None:
        for number, _ in self._epoll.poll(timeout):
            line = self._lines.get(number)
            if line is None:
                self._take_order(control)
            else:
                self._receive(line)

    def _progress(self) -> int:
        return self.ledger.sent + self.ledger.deleted

    def _complete(self) -> bool:
        return self._told is not None and self.ledger.deleted >= self._told

    def _give_up(self) -> None:
        """Nothing moves any more. What is missing is found by counting (see `sqs_crew`)."""
        self.ledger.faults.note(
            f"nothing moved for {self._settle_seconds:.0f} s, with {self._outstanding} calls unanswered"
        )
        if not self._until_told:
            self.ledger.faults.missing += self._outstanding

    def _take_order(self, control: Connection) -> None:
        order = control.recv()
        if not isinstance(order, Expect):
            raise DriverError(f"a receiver was told {order!r}")
        self._told = sum(order.sent)

    def _receive(self, line: Line) -> None:
        try:
            size = line.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        if not size:
            raise DriverError("the broker closed a connection")
        body = line.reader.feed(bytes(self._view[:size]))
        if body is None:
            return
        now = time.monotonic()
        self._outstanding -= 1
        self._call_seconds.append(now - line.called_at)
        before = self._progress()
        request = line.lane.answer(self._decoded(line.reader.status, body))
        if self._progress() != before:
            self._last_at = now
        if line.reader.closes:
            del self._lines[line.socket.fileno()]
            line.reconnect(self._endpoint)
            self._watch(line)
        self._after(line, request)

    def _after(self, line: Line, request: bytes | None) -> None:
        """What becomes of a connection whose call was answered."""
        self._go_on(line, request)

    def _report(self, start_at: float, busy: float) -> Called:
        return Called(
            calls=len(self._call_seconds),
            sent=self.ledger.sent,
            received=self.ledger.received,
            deleted=self.ledger.deleted,
            last_at=self._last_at,
            busy_seconds=busy,
            call_seconds=np.array(self._call_seconds),
            wake_seconds=self._wake_seconds(start_at),
            faults=self.ledger.faults,
        )

    def _wake_seconds(self, start_at: float) -> Seconds:
        if not self._wakes:
            return no_seconds()
        sequences, times = np.array(self._wakes, np.float64).T
        due = start_at + SCHEDULE_DELAY_SECONDS + sequences / self._rate
        wakes: Seconds = times - due
        return wakes

    def finish(self) -> None:
        """Close all connections."""
        self._epoll.close()
        for line in self._lines.values():
            line.socket.close()


class PacedCaller(Caller):
    """Sends on schedule: message s is due at start + delay + s / rate, and goes out on any free connection."""

    def __init__(self, job: SendJob) -> None:
        super().__init__(job)
        self._job = job
        self._idle: deque[Line] = deque()
        self._lags = array("d")

    def run(self, start_at: float, control: Connection) -> Called:
        """Send on schedule until the limit, then wait for the last answers."""
        precise_timers()
        first_at = start_at + SCHEDULE_DELAY_SECONDS
        self._idle.extend(self._lines.values())
        time.sleep(max(0.0, first_at - time.monotonic()))
        busy = time.process_time()
        self._send_on_schedule(first_at, control)
        self._work(control)
        called = self._report(start_at, time.process_time() - busy)
        called.late_seconds = np.array(self._lags)
        return called

    def _send_on_schedule(self, first_at: float, control: Connection) -> None:
        total = min(self._job.limit.messages, int(self._job.limit.seconds * self._rate))
        for sequence in range(total):
            due_at = first_at + sequence / self._rate
            while (rest := due_at - time.monotonic()) > 0 or not self._idle:
                self._turn(rest if self._idle else _POLL_SECONDS, control)
            self._lags.append(-rest)
            line = self._idle.popleft()
            lane = line.lane
            assert isinstance(lane, StampedSendLane)
            self._go_on(line, lane.send(sequence, 1))

    def _after(self, line: Line, request: bytes | None) -> None:
        self._idle.append(line)
