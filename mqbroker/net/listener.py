"""Listening sockets, and what happens to a connection between accept() and its session: budget, PROXY header, TLS.

Accepting is done here and not by the loop's own servers, because three things must come before the TLS handshake: the
budgets, so that a flood of half-open handshakes is bounded too; the PROXY header, which is read byte-exactly from the
bare socket; and the choice of the current certificate.
"""

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mqbroker import limits
from mqbroker.clock import Clock
from mqbroker.config.addresses import Network
from mqbroker.config.listener import Listener
from mqbroker.config.sections import WebSocketConfig
from mqbroker.errors import ConfigError, ProtocolViolation
from mqbroker.net.choice import SessionFactory
from mqbroker.net.connection import AcceptedConnection
from mqbroker.net.connections import Connections
from mqbroker.net.peer import peer_of, with_proxy_header
from mqbroker.net.proxy_protocol import ProxyHeader, ProxyHeaderParser
from mqbroker.net.tls import ServerTls
from mqbroker.net.upgrade import Carried
from mqbroker.net.websocket import WebSocket
from mqbroker.protocols.protocol import Protocol
from mqbroker.protocols.rate_log import RateLog
from mqbroker.protocols.session import Peer

log = logging.getLogger(__name__)

_WEBSOCKET_DEFAULTS = WebSocketConfig()
_NOT_TLS = {
    "HTTP_REQUEST": "this looks like HTTP without TLS",
    "HTTPS_PROXY_REQUEST": "this looks like HTTP without TLS",
    "WRONG_VERSION_NUMBER": "what came is not TLS",
}
"""What OpenSSL says of first octets that begin no handshake, in plain words."""
_ADDRESS_MISSING = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_NOT_ACCEPTED = {errno.ECONNABORTED, errno.EINTR, errno.EPROTO, errno.EPERM}
"""accept(2): the connection was gone or forbidden before it was accepted; the next one may be fine."""


@dataclass(frozen=True, slots=True)
class Door:
    """One listening socket."""

    listener: Listener
    socket: socket.socket
    new_session: SessionFactory
    url: str
    """That of the listener, with the address and the port that were really taken."""


class Listeners:
    """Every address that the broker listens on."""

    def __init__(
        self,
        connections: Connections,
        protocols: Sequence[Protocol],
        factories: Mapping[str, SessionFactory],
        clock: Clock,
        proxies: tuple[Network, ...] = (),
        tls: ServerTls | None = None,
        websocket: WebSocketConfig = _WEBSOCKET_DEFAULTS,
    ) -> None:
        """`factories` maps a protocol's name to what makes the session for a peer."""
        self._connections = connections
        self._factories = factories
        self._carried = Carried(protocols)
        self._by_scheme = {scheme.name: each.name for each in protocols for scheme in each.schemes}
        self._clock = clock
        self._proxies = proxies
        self._tls = tls
        self._websocket = websocket
        self._doors: list[Door] = []
        self._suspended: list[tuple[Listener, int, tuple[object, ...]]] = []
        """What is not listened on at the moment: family and address, with the port that was really taken."""
        self._greetings: set[asyncio.Task[None]] = set()
        self._troubles = RateLog(log)

    @property
    def addresses(self) -> list[tuple[Listener, str, int]]:
        """What is listened on, with the port that was really taken."""
        return [(door.listener, *door.socket.getsockname()[:2]) for door in self._doors]

    def open(self, listener: Listener) -> None:
        """Listens on every address of the listener's host. Raises ConfigError where that fails."""
        try:
            found = socket.getaddrinfo(
                listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG
            )
            for family, _, _, _, address in found:
                self._open_door(listener, family, address)
        except OSError as error:
            if listener.is_optional and error.errno in _ADDRESS_MISSING:
                log.info("%s is left out: this machine does not have the address", listener.url)
                return
            raise ConfigError(f"cannot listen on {listener.url}: {_reason(error)}") from None

    def _open_door(self, listener: Listener, family: int, address: tuple[object, ...]) -> None:
        listening = _listening_socket(family, address)
        # Which session a WebSocket gets is said in its handshake; one that does not say gets the default.
        name = self._carried.default if listener.is_websocket else self._by_scheme[listener.scheme]
        new_session = self._factories[name]
        door = Door(listener, listening, new_session, _url(listener.scheme, *listening.getsockname()[:2]))
        self._doors.append(door)
        self._attend(door)

    @property
    def is_suspended(self) -> bool:
        """Whether clients are turned away."""
        return bool(self._suspended)

    def suspend(self, stays: Callable[[str], bool]) -> None:
        """Stops listening but on schemes that stay: new clients go elsewhere, those that are here stay."""
        for door in [each for each in self._doors if not stays(each.listener.scheme)]:
            self._suspended.append((door.listener, door.socket.family, door.socket.getsockname()))
            self._doors.remove(door)
            _shut(door)

    def resume(self) -> None:
        """Listens again, on the same ports. Raises ConfigError where somebody else has taken one."""
        while self._suspended:
            listener, family, address = self._suspended[-1]
            try:
                self._open_door(listener, family, address)
            except OSError as error:
                raise ConfigError(f"cannot listen on {listener.url}: {_reason(error)}") from None
            self._suspended.pop()

    def close(self) -> None:
        """Stops listening and gives up on connections that have no session yet."""
        for door in self._doors:
            _shut(door)
        self._doors.clear()
        for greeting in self._greetings:
            greeting.cancel()

    # --- accepting --------------------------------------------------------------------------------------------------

    def _attend(self, door: Door) -> None:
        if door in self._doors:
            asyncio.get_running_loop().add_reader(door.socket, self._accept, door)

    def _accept(self, door: Door) -> None:
        for _ in range(limits.ACCEPTS_PER_WAKE_MAX):
            try:
                connected, remote = door.socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _NOT_ACCEPTED:
                    continue
                self._rest(door, error)
                return
            self._welcome(door, connected, remote)

    def _rest(self, door: Door, error: OSError) -> None:
        """Out of descriptors or memory: the socket stays readable, so looking again at once would only burn the CPU."""
        self._troubles.warning(self._clock.now(), f"{door.url} cannot accept connections: {_reason(error)}")
        loop = asyncio.get_running_loop()
        loop.remove_reader(door.socket)
        loop.call_later(limits.ACCEPT_PAUSE_S, self._attend, door)

    def _welcome(self, door: Door, connected: socket.socket, remote: tuple[str, int]) -> None:
        connected.setblocking(False)
        peer = peer_of(connected, remote, door.listener.is_tls, door.url)
        connection = AcceptedConnection(door.new_session, peer, self._connections, self._clock)
        if not self._connections.admit(connection):
            connected.close()
            return
        greeting = asyncio.get_running_loop().create_task(self._greet(door, connection, connected))
        connection.greeting = greeting
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    # --- between accept and session ---------------------------------------------------------------------------------

    async def _greet(self, door: Door, connection: AcceptedConnection, connected: socket.socket) -> None:
        peer = connection.peer
        try:
            if self._is_proxy(peer):
                connection.peer = with_proxy_header(peer, await _read_proxy_header(connected))
            if door.listener.is_websocket:
                await self._upgrade(connection, connected)
            else:
                await self._connect(connection, connected, connection)
        except (OSError, ProtocolViolation) as error:  # ssl.SSLError and TimeoutError are OSErrors
            self._connections.forget(connection)
            connected.close()
            text = f"connection {peer.host}:{peer.port} to {door.url} failed: {_reason(error)}"
            self._troubles.warning(self._clock.now(), text)
        except BaseException:
            self._connections.forget(connection)
            connected.close()
            raise
        finally:
            connection.greeting = None

    async def _upgrade(self, connection: AcceptedConnection, connected: socket.socket) -> None:
        websocket = WebSocket(connection, self._websocket, self._carried, self._factories)
        await self._connect(connection, connected, websocket)
        try:
            async with asyncio.timeout(self._connections.limits.preauth_timeout_s):
                refusal = await websocket.upgraded
        except BaseException:
            websocket.abort()
            raise
        if refusal:
            raise ProtocolViolation("websocket", refusal)
        if not websocket.is_open:
            self._connections.forget(connection)

    async def _connect(
        self, connection: AcceptedConnection, connected: socket.socket, protocol: asyncio.BaseProtocol
    ) -> None:
        loop = asyncio.get_running_loop()
        if not connection.peer.is_tls:
            await loop.connect_accepted_socket(lambda: protocol, connected)
            return
        assert self._tls is not None
        await loop.connect_accepted_socket(
            lambda: protocol,
            connected,
            ssl=self._tls.context,
            ssl_handshake_timeout=limits.TLS_HANDSHAKE_TIMEOUT_S,
            ssl_shutdown_timeout=limits.TLS_SHUTDOWN_TIMEOUT_S,
        )

    def _is_proxy(self, peer: Peer) -> bool:
        if not self._proxies:
            return False
        address = ipaddress.ip_address(peer.host)
        return any(address in network for network in self._proxies)


async def _read_proxy_header(connected: socket.socket) -> ProxyHeader:
    """Reads the header and not one byte more."""
    loop = asyncio.get_running_loop()
    parser = ProxyHeaderParser()
    async with asyncio.timeout(limits.PROXY_HEADER_TIMEOUT_S):
        while True:
            data = await loop.sock_recv(connected, parser.wanted)
            if not data:
                raise ProtocolViolation("proxy", "the connection ended before its PROXY header")
            header = parser.receive(data)
            if header is not None:
                return header


def _shut(door: Door) -> None:
    asyncio.get_running_loop().remove_reader(door.socket)
    door.socket.close()


def _listening_socket(family: int, address: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit the next two (tcp(7)), which saves two system calls for each.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(limits.LISTEN_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _reason(error: Exception) -> str:
    """Why, in words: the system's text without its number, or the exception's own."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS:
        return _NOT_TLS[error.reason]
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
