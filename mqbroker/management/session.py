"""A connection to the management API: a session of the broker on one side, aiohttp's HTTP server on the other.

The network below knows sessions only, and so TLS, PROXY headers, budgets for strangers and the end of the broker are
the same as for all protocols. aiohttp knows transports only, and is given one that is no socket.

    octets --> ManagementSession.receive_data --> aiohttp's protocol --> a task for the request
    octets <-- Session.send <---------------------- SessionTransport.write
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from mqbroker.management.limits import IDLE_TIMEOUT_MS
from mqbroker.protocols.session import Outbox, Peer, Session

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Guest(Protocol):
    """Who asks, as far as requests are concerned: a session, or somebody at the local socket."""

    @property
    def peer(self) -> Peer:
        """Where they are."""

    @property
    def is_local(self) -> bool:
        """Whether they are the owner of the data directory."""

    is_closing: bool
    requests_open: int

    def logged_in(self) -> None:
        """They have shown who they are."""


class ManagementSession(Session):
    """One connection."""

    protocol = "HTTP"
    is_local = False

    __slots__ = ("_handler", "_transport", "peer", "requests_open", "timeout_ms")

    def __init__(
        self, outbox: Outbox, peer: Peer, make: Callable[[], asyncio.Protocol], now: int, preauth_timeout_ms: int
    ) -> None:
        """`make` makes aiohttp's side of a connection."""
        Session.__init__(self, outbox)
        self.peer = peer
        self.requests_open = 0
        """Requests that are being handled: while there are any, silence says nothing."""
        self.timeout_ms = preauth_timeout_ms
        self.deadline = now + preauth_timeout_ms
        self._transport = SessionTransport(self)
        self._handler = make()
        self._handler.connection_made(self._transport)

    def label(self) -> str:
        """Overrides Session's."""
        return str(self.peer.describe()["name"])

    def logged_in(self) -> None:
        """Somebody has shown who they are."""
        self.is_authenticated = True
        self.timeout_ms = IDLE_TIMEOUT_MS

    def receive_data(self, data: bytes, now: int) -> None:
        """Overrides Session's."""
        self.deadline = now + self.timeout_ms
        try:
            self._handler.data_received(data)
        except ValueError:  # a target that is no URL, in versions of aiohttp before 3.11
            self.send(_BAD_REQUEST)
            self.shut_down(now)

    def tick(self, now: int) -> None:
        """Overrides Session's: whoever says nothing for long is gone."""
        if self.requests_open and self.is_authenticated:
            self.deadline = now + self.timeout_ms
        else:
            self.shut_down(now)

    def input_ended(self, _now: int) -> bool:
        """Overrides Session's: an answer may still be on its way."""
        if self.requests_open:
            return True
        self.is_closing = True
        return False

    def shut_down(self, _now: int) -> None:
        """Overrides Session's."""
        self.is_closing = True
        self.mark()

    def connection_lost(self, _now: int) -> None:
        """Overrides Session's."""
        self._transport.is_gone = True
        # Not at once: aiohttp's task for the connection may have to begin yet, and it asserts that it still has one.
        asyncio.get_running_loop().call_soon(self._handler.connection_lost, None)

    def pause_output(self) -> None:
        """Overrides Session's."""
        Session.pause_output(self)
        self._handler.pause_writing()

    def resume_output(self, now: int) -> None:
        """Overrides Session's."""
        Session.resume_output(self, now)
        self._handler.resume_writing()


class SessionTransport(asyncio.Transport):
    """What aiohttp writes to."""

    def __init__(self, session: ManagementSession) -> None:
        peer = session.peer
        super().__init__({"peername": (peer.host, peer.port), "sockname": (peer.server_host, peer.server_port)})
        self.session = session
        self.is_gone = False

    def write(self, data: Any) -> None:
        """Overrides Transport's."""
        if not self.is_gone and data:
            self.session.send(bytes(data))

    def is_closing(self) -> bool:
        """Overrides Transport's."""
        return self.is_gone or self.session.is_closing

    def close(self) -> None:
        """Overrides Transport's: what was written still goes out."""
        if not self.is_closing():
            self.session.is_closing = True
            self.session.mark()

    def abort(self) -> None:
        """Overrides Transport's."""
        self.close()

    def pause_reading(self) -> None:
        """Overrides Transport's."""
        self.session.set_reading(False)

    def resume_reading(self) -> None:
        """Overrides Transport's."""
        if not self.is_gone:
            self.session.set_reading(True)
