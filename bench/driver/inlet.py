"""One consuming connection: receives into one buffer, acknowledges in time, verifies in big steps.

Owns the buffer and the counters of a connection. Knows no protocol (see `dialect`) and does not wait (see `consumer`).
"""

import time

import numpy as np
import numpy.typing as npt

from bench.driver.dialect import ConsumeSide
from bench.driver.jobs import ConsumeJob, Subscription
from bench.driver.records import RecordLayout
from bench.driver.verify import Faults, RisingCheck, Verifier
from bench.errors import DriverError

VERIFY_SIZE_BYTES = 256 * 1024
_FULL_SIZE_CONNECTIONS = 200
"""More connections than that verify in smaller steps: a thousand full buffers would be half a gigabyte."""


class Inlet:
    """Receives, counts, acknowledges and verifies one stream of deliveries.

    count: messages received entirely. arrivals: (latencies only) sequences and their arrival times, as arrays.
    rising: (shared messages only) which sequences came.
    """

    def __init__(self, side: ConsumeSide, job: ConsumeJob, subscription: Subscription) -> None:
        self.side = side
        self.count = 0
        self.last_at = 0.0
        self.arrivals: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
        self.subscription = subscription
        self._job = job
        crowd = -(-len(job.subscriptions) // _FULL_SIZE_CONNECTIONS)
        self._verify_size = VERIFY_SIZE_BYTES // crowd
        self._buffer = bytearray(2 * self._verify_size)
        self._view = memoryview(self._buffer)
        self._fill = 0
        self._base = 0  # how many messages were before the one at the start of the buffer
        self._acknowledged = 0
        self._size = 0
        self.rising = RisingCheck() if job.shared else None
        self._verifier: Verifier | None = None
        self._marks: list[tuple[int, float]] = []
        self._take_early(side.early)
        side.socket.setblocking(False)

    @property
    def faults(self) -> Faults:
        """What the verifier found so far."""
        return self._verifier.faults if self._verifier else Faults()

    def _take_early(self, early: bytes) -> None:
        self._reserve(len(early))
        self._buffer[: len(early)] = early
        self._fill = len(early)
        if early:
            self._advance(time.monotonic())

    def receive(self) -> int:
        """Take what is in the socket, up to the free part of the buffer; how many bytes."""
        try:
            size = self.side.socket.recv_into(self._view[self._fill :])
        except BlockingIOError:
            return 0
        if not size:
            raise DriverError(f"the broker closed a consumer's connection: {self.explanation() or 'without a word'}")
        self._fill += size
        self._advance(time.monotonic())
        return size

    def _advance(self, now: float) -> None:
        if self._verifier is None and not self._learn():
            return
        self.count = self._base + self._fill // self._size
        self.last_at = now
        if self._job.rate:
            self._marks.append((self.count, now))
        if self._job.prefetch and self.count - self._acknowledged >= self._job.ack_every:
            self.acknowledge()
        if self._fill >= max(self._verify_size, self._size):
            self.verify()

    def _learn(self) -> bool:
        layout = self.side.learn(bytes(self._view[: self._fill]))
        if layout is None:
            if self._fill == len(self._buffer):
                self._reserve(2 * self._fill)
            return False
        self._adopt(layout)
        return True

    def _adopt(self, layout: RecordLayout) -> None:
        self._size = layout.size
        numbered, order = self.side.numbered, self.rising
        self._verifier = Verifier(layout, self._job.publishers, numbered, order, self._verify_size)
        self._reserve(self._verify_size + 2 * layout.size)

    def _reserve(self, size: int) -> None:
        if size <= len(self._buffer):
            return
        larger = bytearray(size)
        larger[: self._fill] = self._view[: self._fill]
        self._buffer, self._view = larger, memoryview(larger)

    def explanation(self) -> str:
        """What the broker says in the bytes after the last whole message, or ""."""
        return self.side.explain(bytes(self._view[(self.count - self._base) * self._size : self._fill]))

    def acknowledge(self) -> None:
        """Settle all that was received and is not settled."""
        if self.count == self._acknowledged or not self._job.prefetch:
            return
        start = (self._acknowledged - self._base) * self._size
        stop = (self.count - self._base) * self._size
        self._send(self.side.acknowledge(self._view[start:stop], self.count))
        self._acknowledged = self.count

    def _send(self, data: bytes) -> None:
        try:
            sent = self.side.socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            # Acknowledgements are small: a full socket means a broker that reads nothing, so blocking is right.
            self.side.socket.settimeout(self._job.settle_seconds)
            self.side.socket.sendall(data[sent:])
            self.side.socket.setblocking(False)

    def verify(self) -> None:
        """Check all whole records in the buffer and make room."""
        if self._verifier is None or self.count == self._base:
            return
        if self.side.settles_by_content:
            self.acknowledge()  # while the records are still in the buffer
        stop = (self.count - self._base) * self._size
        sequences = self._verifier.check(self._view[:stop])
        if self._job.rate:
            self._record_arrivals(sequences)
        rest = self._fill - stop
        self._view[:rest] = self._view[stop : self._fill]
        self._fill = rest
        self._base = self.count

    def _record_arrivals(self, sequences: npt.NDArray[np.int64]) -> None:
        counts = np.array([count for count, _ in self._marks], np.int64)
        times = np.array([at for _, at in self._marks], np.float64)
        positions = np.arange(self._base + 1, self.count + 1)
        self.arrivals.append((sequences, times[np.searchsorted(counts, positions)]))
        self._marks.clear()
