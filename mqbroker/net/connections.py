"""All connections of the process: who may come in, whose output to write, whose deadline has passed, who still leaves.

The budgets are kept here because they concern all connections together: how many there may be, and how many of them may
be without a name. A peer over budget is turned away itself; strangers.py says who makes room for whom before.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from mqbroker.clock import Clock
from mqbroker.config.sections import LimitsConfig
from mqbroker.limits import INPUT_BYTES
from mqbroker.net.congestion import Congestion
from mqbroker.net.connection import Connection
from mqbroker.net.ration import share_ns
from mqbroker.net.stopwatch import Stopwatch
from mqbroker.net.strangers import Strangers
from mqbroker.protocols.rate_log import RateLog
from mqbroker.protocols.session import Session


class Connections:
    """The connections that were admitted and are not gone yet."""

    def __init__(self, limits: LimitsConfig, clock: Clock) -> None:
        self.limits = limits
        self.input = memoryview(bytearray(INPUT_BYTES))
        """What all connections receive into: it is copied, or used up, before the next one reads."""
        self.octets_in = self.octets_out = 0
        """Of all connections since the start."""
        self._input_seen: Callable[[], None] = _nothing
        self._input_step = self.input_due = 1 << 62
        """With how many `octets_in` to call `see_input`."""
        self.turn = 0
        """The number of this turn of the loop."""
        self.share_ns = share_ns(0)
        """How long the input of each connection may take in this turn."""
        self.watch = Stopwatch()
        """How long turns take."""
        self._resting: list[Connection] = []
        self.congestion = Congestion()
        """Who is held back for the journal's sake."""
        self._clock = clock
        self._all: set[Connection] = set()
        self._strangers = Strangers(limits.preauth_connections_max, self._turn_away)
        self._by_session: dict[Session, Connection] = {}
        self._empty_waiter: asyncio.Event | None = None
        self._refusals = RateLog(logging.getLogger(__name__))

    def __len__(self) -> int:
        return len(self._all)

    def sessions(self) -> list[Session]:
        """The sessions of all open connections."""
        return list(self._by_session)

    # --- coming and going -------------------------------------------------------------------------------------------

    def admit(self, connection: Connection) -> bool:
        """Counts a new connection in, unless there are too many already."""
        if len(self._all) >= self.limits.connections_max:
            self._refuse(connection, f"limits.connections_max = {self.limits.connections_max}")
            return False
        if not self._strangers.admit(connection):
            self._refuse(connection, f"limits.preauth_connections_max = {self.limits.preauth_connections_max}")
            return False
        self._all.add(connection)
        return True

    def _refuse(self, connection: Connection, limit: str) -> None:
        peer = connection.peer
        self._refusals.warning(self._clock.now(), f"connection {peer.host}:{peer.port} refused: {limit} is reached")

    def _turn_away(self, connection: Connection) -> None:
        peer, most = connection.accepted_from, self.limits.preauth_connections_max
        text = f"connection {peer.host}:{peer.port} to port {peer.server_port} made room before it had logged in"
        reason = f"limits.preauth_connections_max = {most} is reached and its share is the largest"
        self._refusals.warning(self._clock.now(), f"{text}: {reason}")
        connection.turn_away()

    def add_session(self, session: Session, connection: Connection) -> None:
        """The connection is open from now on."""
        self._by_session[session] = connection

    def remove_session(self, session: Session) -> None:
        """The session has ended; its connection may still be closing."""
        del self._by_session[session]

    def forget(self, connection: Connection) -> None:
        """The connection is gone, or never came about."""
        self._all.discard(connection)
        self._strangers.discard(connection)
        if self._empty_waiter is not None and not self._all:
            self._empty_waiter.set()

    def watch_input(self, step: int, seen: Callable[[], None]) -> None:
        """Has `seen` called for each `step` bytes of input: it may fill the memory before the next regular look."""
        self._input_step, self._input_seen = step, seen
        self.input_due = self.octets_in + step

    def count_input(self, size: int) -> None:
        """So much has arrived."""
        self.octets_in += size
        if self.octets_in >= self.input_due:
            self.see_input()

    def see_input(self) -> None:
        """So many bytes have arrived again."""
        self.input_due = self.octets_in + self._input_step
        self._input_seen()

    # --- the turn of the loop ---------------------------------------------------------------------------------------

    def flush(self, marked: Iterable[Session], now: int) -> None:
        """Writes the output of the marked sessions, each with one call. The turn ends with that."""
        connections = self._by_session
        for session in marked:
            connection = connections.get(session)
            if connection is not None:
                connection.flush(now)
        self.turn += 1
        resting, self._resting = self._resting, []
        self.share_ns = share_ns(len(resting))
        for connection in resting:
            connection.end_rest()
        self.congestion.release(now)

    def rest(self, connection: Connection) -> None:
        """The connection has had its share of this turn: it is not read before the next one."""
        self._resting.append(connection)

    def tick(self, now: int) -> None:
        """Calls every session whose deadline has passed."""
        began = time.perf_counter_ns()
        self.congestion.release(now)
        due = [session for session in self._by_session if 0 < session.deadline <= now]
        for session in due:
            connection = self._by_session.get(session)
            if connection is not None:
                connection.tick(now)
        ended = time.perf_counter_ns()
        self.watch.took(began, ended, "deadlines of sessions")
        self.watch.end(ended)

    # --- the end ----------------------------------------------------------------------------------------------------

    def shut_down(self, now: int) -> None:
        """Every session tells its peer that the broker stops."""
        for connection in list(self._by_session.values()):
            connection.shut_down(now)

    async def wait_closed(self, timeout_s: float) -> bool:
        """Waits until every connection is gone; False when some still are after `timeout_s` seconds."""
        if not self._all:
            return True
        self._empty_waiter = asyncio.Event()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty_waiter.wait()
        except TimeoutError:
            return False
        return True

    def abort(self) -> None:
        """Cuts the connections that are still open."""
        for connection in list(self._by_session.values()):
            connection.abort()


def _nothing() -> None:
    """Stands in until somebody wants to know."""
