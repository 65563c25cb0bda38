"""A small broker for these tests: real listeners, and a protocol of lines that does what it is told.

HELLO      log in                      SAY text    answer "text"
STOP       read no more                FLOOD n     answer n bytes
BYE        answer "bye" and close      CLOSE       close without a word
WAIT       stay when the peer has ended
RAISE      an error that nobody foresaw        PUT n       put the next n bytes into my memory
KEEP n     add n bytes to the journal
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mqbroker.clock import Clock
from mqbroker.config.addresses import Network
from mqbroker.config.composition import listener_parser
from mqbroker.config.sections import LimitsConfig, WebSocketConfig
from mqbroker.core.ledger import Ledger
from mqbroker.net.connections import Connections
from mqbroker.net.listener import Listeners
from mqbroker.net.tls import ServerTls
from mqbroker.protocols.session import Outbox, Peer, Session
from mqbroker.spoken import PROTOCOLS

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

parse_listener = listener_parser(PROTOCOLS)


class LineSession(Session):
    """Does what each line says."""

    def __init__(self, outbox: Outbox, peer: Peer) -> None:
        super().__init__(outbox)
        self.peer = peer
        self.lines: list[bytes] = []
        self.ticks: list[int] = []
        self.pauses = 0
        self.losses = 0
        self.is_patient = False
        self.has_ended = False
        self.ledger = Ledger()
        self.memory = bytearray()
        self.chunks: list[int] = []
        """How many bytes came in each piece that was put into `memory`."""

    def receive_data(self, data: bytes, now: int) -> None:
        for line in data.splitlines():
            if not self.is_closing:
                self.lines.append(line)
                self.receive_line(line)

    def receive_line(self, line: bytes) -> None:
        command, _, argument = line.partition(b" ")
        if command == b"HELLO":
            self.is_authenticated = True
            self.send(b"hello\n")
        elif command == b"SAY":
            self.send(argument + b"\n")
        elif command == b"FLOOD":
            self.send(bytes(int(argument)))
        elif command == b"STOP":
            self.set_reading(False)
        elif command == b"BYE":
            self.send(b"bye\n")
            self.is_closing = True
        elif command == b"WAIT":
            self.is_patient = True
        elif command == b"CLOSE":
            self.is_closing = True
        elif command == b"PUT":
            self.memory = bytearray(int(argument))
            self.sink = memoryview(self.memory)
            self.appetite = 5
            self.send(b"go on\n")
        elif command == b"KEEP":
            self.ledger.define("kept", bytes(int(argument)))
        elif command == b"RAISE":
            raise RuntimeError("an error that nobody foresaw")

    def input_ended(self, now: int) -> bool:
        self.has_ended = True
        return self.is_patient

    def sink_filled(self, count: int, now: int) -> None:
        assert self.sink is not None
        self.chunks.append(count)
        self.sink = self.sink[count:] or None
        if self.sink is None:
            self.send(b"full\n")

    def tick(self, now: int) -> None:
        self.ticks.append(now)
        self.deadline = 0

    def shut_down(self, now: int) -> None:
        self.send(b"shutting down\n")
        self.is_closing = True

    def pause_output(self) -> None:
        self.pauses += 1
        super().pause_output()

    def connection_lost(self, now: int) -> None:
        self.losses += 1


class House:
    """The listeners, their connections, and every session that ever was."""

    def __init__(
        self, limits: LimitsConfig, proxies: tuple[Network, ...], tls: ServerTls | None, websocket: WebSocketConfig
    ) -> None:
        self.clock = Clock()
        self.outbox = Outbox(self._wake)
        self.connections = Connections(limits, self.clock)
        self.sessions: list[LineSession] = []
        self.ledger = Ledger()
        self.turns = 0
        factories = dict.fromkeys(("amqp", "mqtt"), self._new_session)
        self.listeners = Listeners(self.connections, PROTOCOLS, factories, self.clock, proxies, tls, websocket)

    def _new_session(self, peer: Peer) -> LineSession:
        session = LineSession(self.outbox, peer)
        session.ledger = self.ledger
        self.sessions.append(session)
        return session

    def keep_journal(self, ledger: Ledger) -> None:
        """What connections that come from now on add goes to that journal."""
        self.ledger = ledger
        self.connections.congestion.attach(ledger, self.wake)

    def wake(self) -> None:
        """Asks for the end of this turn, as a report of the journal's thread does."""
        self._wake()

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self.turns += 1
        self.ledger.seal()
        marked = self.outbox.take()
        self.connections.flush(marked, self.clock.now())

    @property
    def port(self) -> int:
        return self.listeners.addresses[0][2]

    async def connect(self, context: ssl.SSLContext | None = None) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=context)


@asynccontextmanager
async def open_house(
    url: str = "amqp://127.0.0.1:0",
    limits: LimitsConfig | None = None,
    proxies: tuple[Network, ...] = (),
    tls: ServerTls | None = None,
    websocket: WebSocketConfig | None = None,
) -> AsyncIterator[House]:
    """A house that listens, and whose connections are all gone afterwards."""
    house = House(limits or LimitsConfig(), proxies, tls, websocket or WebSocketConfig())
    house.listeners.open(parse_listener(url))
    try:
        yield house
    finally:
        house.listeners.close()
        house.connections.abort()
        assert await house.connections.wait_closed(10)


async def ask(streams: Streams, line: bytes) -> bytes:
    """Sends a line and returns the answer's line."""
    reader, writer = streams
    writer.write(line + b"\n")
    return await reader.readline()


async def is_refused(streams: Streams) -> bool:
    """Waits for the end of a connection: True if it ends, in whatever way, without a single byte."""
    try:
        return await streams[0].read() == b""
    except (OSError, ssl.SSLError):
        return True


async def say_goodbye(*all_streams: Streams) -> None:
    """Closes clients, whatever state their connection is in."""
    for _, writer in all_streams:
        writer.close()
    for _, writer in all_streams:
        try:
            await writer.wait_closed()
        except (OSError, ssl.SSLError):
            continue


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop turn until the condition is true; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 - what is watched is the broker itself, which has no event for it
        await asyncio.sleep(0)
