"""The consuming loop: receives from all connections of a job until everything published has come, then reports.

Owns the end of a run: what is complete, what is lost, what came too much. Knows no protocol (see `dialect`).
"""

import selectors
import time
from multiprocessing.connection import Connection

import numpy as np

from bench.driver.dialect import dialect_of
from bench.driver.inlet import Inlet
from bench.driver.jobs import ConsumeJob, Expect, Received
from bench.driver.lead import ReceivedCount
from bench.driver.percentiles import percentiles
from bench.driver.verify import Faults, shared_faults
from bench.errors import DriverError, ProtocolError


class Consumer:
    """Drives the connections of one job. tally: where it tells how much it has received."""

    def __init__(self, job: ConsumeJob, tally: ReceivedCount | None = None) -> None:
        self._job = job
        self._tally = tally
        self._inlets = [] if job.subscribe_at_start else self._open()
        self._expect: Expect | None = None
        self._wanted: list[int] = []
        self._selector = selectors.DefaultSelector()

    def _open(self) -> list[Inlet]:
        dialect = dialect_of(self._job.endpoint)
        return [Inlet(dialect.open_consumer(self._job, part), self._job, part) for part in self._job.subscriptions]

    def run(self, start_at: float, control: Connection) -> Received:
        """Receive until all is there or nothing comes any more. The connections stay open."""
        if self._job.subscribe_at_start:
            time.sleep(max(0.0, start_at - time.monotonic()))
            self._inlets = self._open()
        for inlet in self._inlets:
            self._selector.register(inlet.side.socket, selectors.EVENT_READ, inlet)
        self._selector.register(control, selectors.EVENT_READ, None)
        busy = time.process_time()
        self._receive(control)
        for inlet in self._inlets:
            inlet.verify()
            inlet.acknowledge()
        return self._report(start_at, time.process_time() - busy)

    def _receive(self, control: Connection) -> None:
        quiet_at = time.monotonic() + self._job.settle_seconds
        while not self._complete():
            moved = 0
            for key, _ in self._selector.select(0.2):
                if key.data is None:
                    self._take_order(control)
                    moved += 1
                else:
                    moved += key.data.receive()
            if self._tally is not None:
                self._tally.tell(sum(inlet.count for inlet in self._inlets))
            now = time.monotonic()
            if moved or self._expect is None:
                quiet_at = now + self._job.settle_seconds
            elif now > quiet_at:
                return

    def _take_order(self, control: Connection) -> None:
        order = control.recv()
        if not isinstance(order, Expect):
            raise DriverError(f"a consumer was told {order!r}")
        self._expect = order
        self._wanted = [sum(map(inlet.subscription.expects, order.sent)) for inlet in self._inlets]

    def _complete(self) -> bool:
        if self._expect is None:
            return False
        if self._job.shared:
            return sum(inlet.count for inlet in self._inlets) >= sum(self._expect.sent)
        return all(inlet.count >= wanted for inlet, wanted in zip(self._inlets, self._wanted, strict=True))

    def _report(self, start_at: float, busy: float) -> Received:
        faults = Faults()
        for number, inlet in enumerate(self._inlets):
            faults.add(inlet.faults)
            if not self._job.shared:
                self._count(faults, number, inlet, self._wanted[number])
        if self._job.shared:
            faults.add(self._shared_faults())
        last_at = max(inlet.last_at for inlet in self._inlets)
        counts = [inlet.count for inlet in self._inlets]
        return Received(counts, start_at, last_at, faults, busy, self._latencies(start_at))

    def _count(self, faults: Faults, number: int, inlet: Inlet, wanted: int) -> None:
        if inlet.count < wanted:
            faults.missing += wanted - inlet.count
            faults.note(f"consumer {number} received {inlet.count} of {wanted} messages {inlet.explanation()}".rstrip())
        elif inlet.count > wanted:
            faults.surplus += inlet.count - wanted
            faults.note(f"consumer {number} received {inlet.count} messages where {wanted} were published")

    def _shared_faults(self) -> Faults:
        assert self._expect is not None
        seen = [part for inlet in self._inlets if inlet.rising is not None for part in inlet.rising.seen]
        return shared_faults(seen, sum(self._expect.sent))

    def _latencies(self, start_at: float) -> dict[str, float]:
        """Seconds from when a message was due to be sent (not when it was sent) to its arrival, by percentile."""
        arrivals = [part for inlet in self._inlets for part in inlet.arrivals]
        if not arrivals:
            return {}
        late = np.concatenate([times - start_at - sequences / self._job.rate for sequences, times in arrivals])
        return percentiles(late)

    def finish(self) -> int:
        """Close all connections in order; how many deliveries came after everything was there."""
        self._selector.close()
        surplus = 0
        for inlet in self._inlets:
            try:
                surplus += inlet.side.finish()
            except ProtocolError:
                # A stream that broke off in the middle of a record cannot be closed politely: drop it.
                inlet.side.socket.close()
        return surplus
