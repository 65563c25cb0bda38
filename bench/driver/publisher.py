"""The publishing loop: pushes pre-encoded records into sockets as fast as the broker takes them, within the window.

Owns non-blocking writes, confirm windows and the end of a run. Knows no protocol (see `dialect`) and no schedule
(see `pacer`).
"""

import selectors
import time

from bench.driver.dialect import PublishSide, dialect_of
from bench.driver.jobs import SETTLE_SECONDS, UNLIMITED, PublishJob, Sent
from bench.driver.lead import Lead
from bench.driver.records import RecordSource
from bench.driver.verify import Faults
from bench.errors import DriverError

READ_SIZE_BYTES = 256 * 1024
_SOCKET_WAIT_SECONDS = 0.1
_LEAD_WAIT_SECONDS = 0.001
_NOTHING = memoryview(b"")


class Outlet:
    """One publishing connection: how much it may send, what is half sent, what is confirmed."""

    def __init__(self, side: PublishSide, publisher: int, window: int) -> None:
        self.side = side
        self.source = RecordSource(side.layout, publisher)
        self._window = window
        # Refilling the window in eighths keeps it nearly full without a system call for each confirm.
        self._refill = max(1, window // 8)
        self._pending = _NOTHING
        side.socket.setblocking(False)

    @property
    def sent(self) -> int:
        """Messages handed out to the socket so far, the half-sent included."""
        return self.source.next_sequence

    @property
    def drained(self) -> bool:
        """Whether everything handed out is written."""
        return not self._pending

    @property
    def settled(self) -> bool:
        """Whether everything handed out is written and confirmed."""
        ledger = self.side.ledger
        return self.drained and (ledger is None or ledger.confirmed >= self.sent)

    def write(self, allowed: int) -> int:
        """Write until the socket is full, the window closed or `allowed` more messages are begun; bytes written."""
        written = 0
        while True:
            if not self._pending:
                count = min(allowed, self._room())
                if count <= 0:
                    return written
                before = self.sent
                self._pending = self.source.take(count)
                allowed -= self.sent - before
            try:
                size = self.side.socket.send(self._pending)
            except BlockingIOError:
                return written
            written += size
            self._pending = self._pending[size:]

    def _room(self) -> int:
        if self.side.ledger is None:
            return self.source.block_records
        room = self._window - (self.sent - self.side.ledger.confirmed)
        return room if room >= self._refill else 0

    def read(self) -> int:
        """Take what the broker sent: confirms; how many bytes."""
        try:
            data = self.side.socket.recv(READ_SIZE_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            raise DriverError("the broker closed a publisher's connection")
        if self.side.ledger is not None:
            self.side.ledger.receive(data, self.sent)
        return len(data)


class Publisher:
    """Drives the connections of one job. lead: how far they may be ahead of the consumers, None for any distance."""

    def __init__(self, job: PublishJob, lead: Lead | None = None) -> None:
        self._lead = lead
        self._limit = job.limit
        dialect = dialect_of(job.endpoint)
        numbers = range(job.first_publisher, job.first_publisher + job.connections)
        self.outlets = [Outlet(dialect.open_publisher(job, number), number, job.window) for number in numbers]
        self._selector = selectors.DefaultSelector()
        self._last_at = 0.0

    def run(self, start_at: float) -> Sent:
        """Publish until the limit, then wait for the last confirms. The connections stay open."""
        for outlet in self.outlets:
            self._register(outlet)
        time.sleep(max(0.0, start_at - time.monotonic()))
        first_at, busy = time.monotonic(), time.process_time()
        self._push(first_at + self._limit.seconds, self._limit.messages)
        last_at = self._last_at
        self._settle()
        busy = time.process_time() - busy
        messages = [outlet.sent for outlet in self.outlets]
        return Sent(messages, first_at, last_at, busy, confirm_faults=confirm_faults(self.outlets))

    def _register(self, outlet: Outlet) -> None:
        self._selector.register(outlet.side.socket, selectors.EVENT_READ, outlet)

    def _push_rest(self) -> None:
        """Write out what is begun."""
        self._push(0.0, 0)

    def _push(self, over_at: float, messages: int) -> None:
        """Write until this time or so many messages per connection, and what was begun by then."""
        waiting = list(self.outlets)
        first_at = time.monotonic()
        stalled_at = first_at + SETTLE_SECONDS
        while waiting:
            now = time.monotonic()
            over = now >= over_at
            begun = 0 if over else min(messages, self._led(now - first_at))
            moved = sum(outlet.write(begun - outlet.sent) for outlet in waiting)
            self._last_at = time.monotonic()
            waiting = [outlet for outlet in waiting if not outlet.drained or (not over and outlet.sent < messages)]
            if waiting:
                moved += self._wait(waiting)
            if moved:
                stalled_at = now + SETTLE_SECONDS
            elif now > stalled_at:
                raise DriverError(f"the broker took no more messages for {SETTLE_SECONDS:.0f} s")

    def _led(self, elapsed_seconds: float) -> int:
        """Most messages that each connection may have begun by now, for the consumers' sake."""
        return UNLIMITED if self._lead is None else self._lead.messages(elapsed_seconds) // len(self.outlets)

    def _wait(self, waiting: list[Outlet]) -> int:
        for outlet in waiting:
            self._watch(outlet)
        # Where the lead is what stops it, nothing in a socket wakes it up.
        seconds = _SOCKET_WAIT_SECONDS if self._lead is None else _LEAD_WAIT_SECONDS
        return sum(key.data.read() for key, events in self._selector.select(seconds) if events & selectors.EVENT_READ)

    def _watch(self, outlet: Outlet) -> None:
        wanted = selectors.EVENT_READ | (0 if outlet.drained else selectors.EVENT_WRITE)
        if self._selector.get_key(outlet.side.socket).events != wanted:
            self._selector.modify(outlet.side.socket, wanted, outlet)

    def _settle(self) -> None:
        """Wait for the confirms of what was sent; what has not come when nothing moves any more is missing."""
        quiet_at = time.monotonic() + SETTLE_SECONDS
        while not all(outlet.settled for outlet in self.outlets) and time.monotonic() < quiet_at:
            if self._wait(self.outlets):
                quiet_at = time.monotonic() + SETTLE_SECONDS

    def finish(self) -> None:
        """Close all connections in order."""
        self._selector.close()
        for outlet in self.outlets:
            outlet.side.finish()


def confirm_faults(outlets: list[Outlet]) -> Faults:
    """The faults of all ledgers, with the confirms that never came."""
    faults = Faults()
    for outlet in outlets:
        ledger = outlet.side.ledger
        if ledger is None:
            continue
        faults.add(ledger.faults)
        if ledger.confirmed < outlet.sent:
            faults.missing += outlet.sent - ledger.confirmed
            faults.note(f"{outlet.sent - ledger.confirmed} of {outlet.sent} messages were never confirmed or answered")
    return faults
