"""The asyncio shell around one session: bytes from the socket in, the session's output out, and an orderly close.

It owns the transport and nothing else. It knows no protocol; it never awaits; it is called once per chunk, not once per
message. An error that a session did not foresee is logged with its traceback and costs that one connection.

Whatever a session was called for may have left facts, promises or deadlines in the core, even where it has nothing to
send, or has ended. So every call is followed by the end of a turn (`Outbox.wake`), which is asked for here and not by
the protocols, unless the session says that it was told only a part of something (`is_halfway`). A call from that end
itself (`flush`) is its own business.

    admitted --connection_made--> open --session.is_closing--> closing --peer closes, or time is up--> gone
"""

import asyncio
import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

from mqbroker.clock import Clock
from mqbroker.limits import (
    CLOSE_TIMEOUT_S,
    INPUT_BYTES,
    INPUT_SLICE_BYTES_MIN,
    PUBLISHER_HASTE,
    WRITE_BUFFER_HIGH_BYTES,
)
from mqbroker.net.choice import SessionFactory, Undecided
from mqbroker.net.peer import with_certificate
from mqbroker.net.ration import Ration
from mqbroker.protocols.session import Peer, Session

if TYPE_CHECKING:
    from mqbroker.net.connections import Connections

log = logging.getLogger(__name__)

# C integers when compiled
_INPUT = INPUT_BYTES
_SLICE_MIN = INPUT_SLICE_BYTES_MIN
_HASTE = PUBLISHER_HASTE


class Connection:
    """One accepted connection, from before its TLS handshake to its end. Its methods are those of a protocol of
    asyncio, but it is made as an `AcceptedConnection`."""

    __slots__ = (
        "_batch",
        "_batch_bytes",
        "_clock",
        "_close_timer",
        "_connections",
        "_has_ended",
        "_is_open",
        "_is_reading",
        "_is_resting",
        "_offered",
        "_ration",
        "accepted_from",
        "greeting",
        "is_hasty",
        "new_session",
        "peer",
        "session",
        "transport",
    )

    session: Session
    transport: asyncio.Transport

    def __init__(self, new_session: SessionFactory, peer: Peer, connections: "Connections", clock: Clock) -> None:
        self.peer = peer
        self.accepted_from = peer
        """The peer as accept() gave it, whatever a proxy says of its client."""
        self.greeting: asyncio.Task[None] | None = None
        """What happens between accept() and the session: PROXY header, TLS, WebSocket handshake."""
        self.new_session = new_session
        """Makes the session once the connection is open; until then a WebSocket's handshake may choose another."""
        self._connections = connections
        self._clock = clock
        self._has_ended = False
        self._is_open = False
        self._is_reading = True
        self._is_resting = False
        self._ration = Ration()
        self.is_hasty = False
        """Whether it publishes so much that others are in need of shorter turns."""
        self._batch = 0
        self._batch_bytes = 0
        self._offered = 0
        """How much it was to read at most when it was hasty."""
        self._close_timer: asyncio.TimerHandle | None = None

    @property
    def _name(self) -> str:
        return f"connection {self.peer.host}:{self.peer.port} to {self.peer.listener}"

    @property
    def is_authenticated(self) -> bool:
        """Whether the peer has logged in, so that it no longer counts against the budget of those without a name."""
        return self._is_open and self.session.is_authenticated

    # --- called by asyncio ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there, and its TLS handshake is done."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH_BYTES)
        try:
            self.peer = with_certificate(self.peer, transport)
            self.session = self.new_session(self.peer)
            if isinstance(self.session, Undecided):
                self.session.adopt = self._adopt
        except Exception:
            log.exception("%s: closed before it began: internal error", self._name)
            self.transport.abort()
            return
        self._is_open = True
        self._connections.add_session(self.session, self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where the next input goes: to where the session wants it, or into the buffer that all connections share."""
        spare = self._connections.input
        if not self._is_open:
            return spare
        session = self.session
        if session.sink is not None:
            return session.sink
        size = session.appetite or self._ration.slice_bytes
        if self.is_hasty and not session.appetite:
            size = self._offered = max(size // _HASTE, _SLICE_MIN)
        return spare[:size] if size < _INPUT else spare

    def buffer_updated(self, nbytes: int) -> None:
        """That much has arrived there."""
        if not self._is_open or self.session.sink is None:
            self.data_received(bytes(self._connections.input[:nbytes]))
        elif not self.session.is_closing:
            connections = self._connections
            connections.count_input(nbytes)
            self.session.octets_in += nbytes
            self.session.reads += 1
            congestion = connections.congestion
            ledger = congestion.ledger
            before, now = ledger.added(), self._clock.now()
            self.session.sink_filled(nbytes, now)
            added = ledger.added() - before
            if added and self._is_open:
                congestion.weigh(self, added, now)
            self.session.outbox.wake()

    def data_received(self, data: bytes) -> None:
        """Hands a chunk to the session. After the close has begun it only keeps the peer from being reset."""
        if not self._is_open or self.session.is_closing:
            return
        session, connections = self.session, self._connections
        connections.octets_in += len(data)
        if connections.octets_in >= connections.input_due:
            connections.see_input()
        session.octets_in += len(data)
        session.reads += 1
        congestion = connections.congestion
        ledger = congestion.ledger
        before, now = ledger.added(), self._clock.now()
        started = perf_counter_ns()
        try:
            session.receive_data(data, now)
        except Exception:
            self._fail()
            return
        ended = perf_counter_ns()
        if not session.is_halfway:
            connections.watch.took(started, ended, session)
        if len(data) >= _SLICE_MIN:  # little follows from smaller chunks
            self._account(len(data), ended - started)
        added = ledger.added() - before
        if added and self._is_open:
            congestion.weigh(self, added, now)
        if len(data) < self._offered:
            self.is_hasty = False
        if not session.is_halfway:
            session.outbox.wake()
        if session.is_reading is not self._is_reading or session.is_closing:
            self._obey()

    def eof_received(self) -> bool:
        """The peer sends no more. What its last words asked for is still written, also if that takes a while."""
        if not self._is_open:
            return False
        now = self._clock.now()
        try:
            is_waiting = self.session.input_ended(now)
        except Exception:
            self._fail()
            return False
        self._has_ended = True
        self.flush(now)
        self.session.outbox.wake()
        # TLS has no half that could stay open.
        return is_waiting and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        if self._is_open:
            self.session.pause_output()

    def resume_writing(self) -> None:
        """What was written has gone out."""
        if not self._is_open:
            return
        try:
            self.session.resume_output(self._clock.now())
        except Exception:
            self._fail()
            return
        self.session.outbox.wake()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket is closed."""
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._release()
        self._connections.forget(self)

    # --- called by the turn of the loop -----------------------------------------------------------------------------

    def flush(self, now: int) -> None:
        """Writes the session's output with one call, then does what the session asks of its connection."""
        if not self._is_open:
            return
        session = self.session
        sent_before = session.octets_out
        lent = session.take_lent()
        data = session.take_output()
        self._connections.octets_out += session.octets_out - sent_before
        if lent is not None:
            lent.append(data)
            self.transport.writelines(lent)
            session.writes += 1
        elif data:
            self.transport.write(data)
            session.writes += 1
        try:
            session.output_written(now)
        except Exception:
            self._fail()
            return
        if session.is_reading is not self._is_reading or session.is_closing:
            self._obey()

    def tick(self, now: int) -> None:
        """The session's deadline has passed."""
        try:
            self.session.tick(now)
        except Exception:
            self._fail()
            return
        self.session.outbox.wake()
        if self.session.is_closing:
            self._obey()

    def shut_down(self, now: int) -> None:
        """The broker stops: the session tells its peer and closes when it may."""
        try:
            self.session.shut_down(now)
        except Exception:
            self._fail()
            return
        self.session.outbox.wake()
        if self.session.is_closing:
            self._obey()

    def close(self) -> None:
        """Closes our side and waits for the peer's, so that input we did not read does not reset our last words."""
        self._release()
        transport = self.transport
        if transport.is_closing() or self._close_timer is not None:
            return
        if self._has_ended or not self.session.lingers:
            transport.close()
            return
        self._close_timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.abort)
        self._set_reading(True)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()  # TLS: close_notify goes out, and what still arrives is read until the peer's

    def turn_away(self) -> None:
        """Ends a connection that has no name yet, so that another one has room."""
        if self._is_open:
            self.abort()
        elif self.greeting is not None:
            self.greeting.cancel()

    def abort(self) -> None:
        """Ends the connection at once; what was not written is lost."""
        self._release()
        self.transport.abort()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _adopt(self, new_session: SessionFactory, data: bytes, now: int) -> None:
        """It is clear what the peer speaks: goes on with a session of that protocol, which has to take what came."""
        octets_in, reads = self.session.octets_in, self.session.reads
        self._connections.remove_session(self.session)
        self.session = new_session(self.peer)
        self.session.octets_in, self.session.reads = octets_in, reads
        self._connections.add_session(self.session, self)
        self.session.receive_data(data, now)
        self.session.mark()  # the end of the turn sees to what it wants of the connection

    def _account(self, size: int, spent_ns: int) -> None:
        """So many octets took so long."""
        connections = self._connections
        if self.is_hasty:  # a smaller part of a slice, and so of a turn
            # All that was offered is a whole slice, which only grows when it was full.
            size = self._ration.slice_bytes if size >= self._offered else size * _HASTE
            spent_ns *= _HASTE
        if not self._ration.spend(size, spent_ns, connections.turn, connections.share_ns):
            return
        if self._is_open and not self._is_resting and not self.session.is_closing:
            self._is_resting = True
            connections.rest(self)
            self._obey()

    def count_added(self, added: int, batch: int) -> int:
        """It has added so many bytes to the journal's open batch, which has that number: how many in all."""
        if batch != self._batch:
            self._batch = batch
            self._batch_bytes = 0
        self._batch_bytes += added
        return self._batch_bytes

    def hold(self, is_hasty: bool) -> bool:
        """It is not read for the journal's sake, until `let_go`. False when that is so already."""
        self.is_hasty = is_hasty
        if self.session.is_throttled:
            return False
        self.session.is_throttled = True
        self._obey()
        return True

    def let_go(self, now: int) -> None:
        """It is read again, if the session wants to."""
        self.session.unthrottle(now)
        if self._is_open:
            self._obey()

    def end_rest(self) -> None:
        """A turn is over: it is read again."""
        self._is_resting = False
        if self._is_open:
            self._obey()

    def _obey(self) -> None:
        """Brings the transport in line with `is_reading` and `is_closing`."""
        session = self.session
        if session.is_closing:
            if session.has_output:
                session.mark()  # the turn writes it and comes back here
            else:
                self.close()
        elif not self.transport.is_closing():
            self._set_reading(session.is_reading and not (self._is_resting or session.is_throttled))

    def _set_reading(self, is_reading: bool) -> None:
        if is_reading is self._is_reading:
            return
        self._is_reading = is_reading
        if is_reading:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _fail(self) -> None:
        log.exception("%s: closed: internal error", self._name)
        self.abort()

    def _release(self) -> None:
        """Ends the session, once: what it held is free before the peer has finished closing."""
        if not self._is_open:
            return
        self._is_open = False
        self._connections.remove_session(self.session)
        try:
            self.session.connection_lost(self._clock.now())
        except Exception:
            log.exception("%s: its session did not end cleanly: internal error", self._name)
        self.session.outbox.wake()


class AcceptedConnection(Connection, asyncio.BufferedProtocol):
    """The same as a class of asyncio, which looks for its own. Compiled, the other one cannot be derived from it."""

    __slots__ = ()
