"""The end of a turn of the loop: what has been recorded is sealed, promises are kept, and all output is written.

    sockets readable -> sessions -> core -> [scheduler] -> [ledger.seal -> (journal) -> commit -> promises]
        -> one write a connection

Sessions run whenever their socket has something; the turn runs once after them, before the loop waits again. It is
asked for after every call into a session (net/connection.py) and after every report of the journal's thread, and by
whoever else leaves facts or output. What is done in portions has some of the time of each turn; while anything of it is
left, the next turn comes as soon as the sockets have been looked at. The turn also keeps the one timer of the core.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.limits import TURN_MS
from mqbroker.net.connections import Connections
from mqbroker.net.stopwatch import Stopwatch
from mqbroker.protocols.session import Outbox

log = logging.getLogger(__name__)


class Turn:
    """Runs the end of every turn in which something happened."""

    def __init__(self, clock: Clock, stop: Callable[[], None]) -> None:
        """`stop` ends the process when the core itself has failed: a broker that has lost count must not go on."""
        self.outbox = Outbox(self.schedule)
        self._clock = clock
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._is_scheduled = True  # until there is a broker, of whose start nothing may be left when it fails
        self._watch = Stopwatch()
        self._next: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0

    def attach(self, broker: Broker, connections: Connections) -> None:
        """Says whose turns these are. Call it once, before the first session."""
        self._broker = broker
        self._connections = connections
        self._watch = connections.watch
        self._is_scheduled = False
        broker.scheduler.wake = self.schedule
        connections.congestion.attach(broker.ledger, self.schedule)

    def schedule(self) -> None:
        """Asks for the end of this turn."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._next = self._loop.call_soon(self._run)

    def close(self) -> None:
        """No turn comes any more: what they use is closed next. Reports of other threads are still heard."""
        self._is_scheduled = True
        for handle in (self._next, self._timer):
            if handle is not None:
                handle.cancel()

    def run(self, work: Callable[[], None]) -> None:
        """Does what another thread has asked for, and then the end of the turn."""
        began = time.perf_counter_ns()
        work()
        self._watch.took(began, time.perf_counter_ns(), "the report of another thread")
        self.schedule()

    def _run(self) -> None:
        broker = self._broker
        now = self._clock.now()
        try:
            began = self._work(now)
            broker.ledger.seal()
            kept = time.perf_counter_ns()
            # Only now: what was asked for by tasks and promises comes with the rest of this turn.
            self._is_scheduled = False
            self._flush(now)
            self._set_timer()
            self._watch.end_turn(began, kept, time.perf_counter_ns())
            if broker.scheduler.round:
                self.schedule()
        except Exception:
            self._is_scheduled = False
            log.critical("the broker stops: internal error", exc_info=True)
            self._stop()

    def _work(self, now: int) -> int:
        """Runs tasks for some time. Returns the time."""
        scheduler, watch = self._broker.scheduler, self._watch
        began = time.perf_counter_ns()
        end = began + TURN_MS * 1_000_000
        while scheduler.round and began < end:
            task = scheduler.round[0]
            scheduler.step(now)
            ended = time.perf_counter_ns()
            watch.took(began, ended, task)
            began = ended
        return began

    def _flush(self, now: int) -> None:
        outbox = self.outbox
        marked = outbox.take()
        self._connections.flush(marked, now)
        if marked:
            self._broker.ledger.seal()  # what was sent on may have left facts
        if outbox.marked:
            # An opened gate has led to more output: it leaves with the next turn, after what comes in.
            self.schedule()

    def _set_timer(self) -> None:
        deadline = self._broker.timers.next_deadline()
        if not deadline or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_later(max(0, deadline - self._clock.now()) / 1000, self._advance)

    def _advance(self) -> None:
        self._timer = None
        began = time.perf_counter_ns()
        try:
            self._broker.advance(self._clock.now())
        except Exception:
            log.critical("the broker stops: internal error", exc_info=True)
            self._stop()
            return
        self._watch.took(began, time.perf_counter_ns(), "timers")
        self.schedule()
