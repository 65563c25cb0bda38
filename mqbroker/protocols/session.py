"""What every protocol session shows to the network: bytes in, bytes out, deadlines, and no I/O of its own.

A session collects its output in a `bytearray` and marks itself in the `Outbox`; whoever runs the loop takes the whole
of it once per loop turn and writes it with a single call. Large pieces are not copied into it but lent, and large
input may be received into memory that the session provides. The output size is watched here, because a session whose
output is not read by its peer must stop taking deliveries (its `gate` closes) before memory is spent on it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from mqbroker.core.consumer import Gate
from mqbroker.limits import LARGE_PIECE_BYTES, OUTPUT_HIGH_WATER_BYTES

# C integers when compiled
_HIGH_WATER = OUTPUT_HIGH_WATER_BYTES
_LARGE = LARGE_PIECE_BYTES


@dataclass(slots=True, frozen=True)
class Peer:
    """Who is at the other end of a connection, as the network layer knows it."""

    host: str
    port: int
    is_loopback: bool
    server_host: str = ""
    server_port: int = 0
    is_tls: bool = False
    certificate_names: dict[str, str] = field(default_factory=dict)
    """Names of a verified client certificate: keys `cn`, `dn`, `san_dns`, `san_ip`, `san_email`, `san_uri`."""
    tls: dict[str, str] = field(default_factory=dict)
    """What was agreed on (`protocol`, `cipher`), and of a client certificate its `issuer` and `validity`."""
    listener: str = ""
    """The URL of the listener that it came to, for the log."""
    basic: tuple[str, str] | None = field(default=None, repr=False)
    """The user and the password of a WebSocket's request [RFC 7617], empty where it has none; None of other peers."""

    def describe(self) -> dict[str, object]:
        """Its part of what a session says of itself."""
        return {
            "name": f"{self.host}:{self.port} -> {self.server_host}:{self.server_port}",
            "peer_host": self.host,
            "peer_port": self.port,
            "host": self.server_host,
            "port": self.server_port,
            "is_tls": self.is_tls,
            "certificate_names": dict(self.certificate_names),
            "tls": self.tls,
            "listener": self.listener,
        }


class Outbox:
    """The sessions with output to write in this loop turn. `wake` asks for the end of the turn, at any time.

    Those with confirms are written before all others. A client that publishes and consumes on two connections, and ends
    as soon as it has its answer, has its confirm then.
    """

    __slots__ = ("first", "marked", "wake")

    def __init__(self, wake: Callable[[], None]) -> None:
        self.first: list[Session] = []
        self.marked: list[Session] = []
        self.wake = wake

    def put_first(self, session: "Session") -> None:
        """The session, which is marked, is written before those that only deliver."""
        if not session.is_first:
            session.is_first = True
            self.first.append(session)

    def take(self) -> "list[Session]":
        """The sessions to write now, in their order; the outbox is empty from then on."""
        marked, self.marked = self.marked, []
        first = self.first
        if not first:
            return marked
        self.first = []
        first.extend([session for session in marked if not session.is_first])
        for session in first:
            session.is_first = False
        return first


class Session:
    """The base of all protocol sessions. Subclasses override the methods that say so."""

    protocol = ""
    """What the protocol is called, for whoever watches the broker. Overridden."""

    takes_text = False
    """Whether what it takes and says is text, so that WebSocket messages may be too. Overridden."""

    __slots__ = (
        "appetite", "deadline", "deliveries", "deliveries_at", "gate", "is_authenticated", "is_closing", "is_first",
        "is_halfway", "is_marked", "is_paused", "is_reading", "is_throttled", "lent", "lent_bytes", "lingers",
        "octets_in", "octets_out", "out", "outbox", "reads", "sink", "writes",
    )  # fmt: skip

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.sink: memoryview | None = None
        """Where the network is to put what it receives next, instead of handing it over; then `sink_filled`."""
        self.appetite = 0
        """How many octets to hand over next at most, for what follows will have a sink; 0 for no limit."""
        self.out = bytearray()
        self.lent: list[bytes | bytearray | memoryview] | None = None
        """Output before that of `out`, with large pieces that are not copied."""
        self.lent_bytes = 0
        self.deliveries: bytearray | None = None
        """The piece of output in which deliveries begin, at `deliveries_at`, after which nothing but deliveries comes;
        None while the output ends with something else."""
        self.deliveries_at = 0
        self.octets_in = self.octets_out = 0
        """What was received, counted by the network, and sent."""
        self.reads = self.writes = 0
        """In how many pieces, counted by the network."""
        self.is_first = False
        self.is_halfway = False
        """True after input that was a part of what the peer has to say: nothing has come of it, and no turn follows."""
        self.is_marked = False
        self.is_paused = False
        self.is_closing = False
        """True when the connection closes once the output is written."""
        self.is_reading = True
        """False while the session wants no more input: its peer is held back by TCP. Changed by `set_reading`."""
        self.is_throttled = False
        """True while it is not read from for the journal's sake, whatever it wants: its peer's silence says nothing."""
        self.lingers = True
        """Whether a close waits for the peer's: input that nobody read would reset what the peer still reads."""
        self.is_authenticated = False
        """True once the peer has a name: it no longer counts against the budget for strangers."""
        self.deadline = 0
        """When to call `tick`, in milliseconds; 0 for never."""
        self.gate = Gate()

    def label(self) -> str:
        """What the session is called in the log and in events: who is connected to what. Overridden."""
        return ""

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived. Never raises for what the peer did. Overridden."""
        raise NotImplementedError

    def sink_filled(self, count: int, now: int) -> None:
        """So many octets were put into the `sink`. Overridden where there is one."""
        raise NotImplementedError

    def unthrottle(self, _now: int) -> None:
        """It is read from again. Overridden where a peer that is silent for long is taken for gone."""
        self.is_throttled = False

    def tick(self, now: int) -> None:
        """Called at or soon after `deadline`. Overridden."""

    def input_ended(self, _now: int) -> bool:
        """The peer sends no more. Whether it has yet to be answered; then `is_closing` says when it was. Overridden."""
        return False

    def shut_down(self, _now: int) -> None:
        """The broker stops in an orderly way: tell the peer. Overridden."""
        self.is_closing = True

    def end(self, _reason: str, now: int) -> None:
        """An operator ends it: by an action of their own, or because its user or vhost is deleted. The peer is told
        `reason` if its protocol has a place for it. Overridden where that differs from an end of the broker."""
        self.shut_down(now)

    def speaking(self) -> tuple[str, str, int]:
        """Whose what is at hand is, for who looks on: its name, its user, and the number of the channel. Overridden."""
        return self.label(), "", 0

    def describe(self) -> dict[str, object]:
        """What an operator may want to know of it, by neutral names. Overridden: at least with `Peer.describe`."""
        return {}

    def connection_lost(self, now: int) -> None:
        """The connection is gone; release everything it held. Overridden; called exactly once."""

    def packet_ends(self, _data: bytes) -> list[int]:
        """Where the packets of its output end that `data` is; empty when peers take it as one stream. Overridden."""
        return []

    def close_word(self) -> tuple[int, str]:
        """The code and the reason with which a WebSocket around it is closed [RFC 6455 §7.4]. Overridden."""
        return 1000, ""

    def alarms_changed(self) -> None:
        """A resource has run low or has recovered. Overridden where publishers are held back by it."""

    def channel_count(self) -> int:
        """How many channels are open on it, for the limits of its user. Overridden where there are such."""
        return 0

    def set_reading(self, is_reading: bool) -> None:
        """Wants input from now on, or no more of it. The network is told with the end of this turn at the latest,
        whoever has changed it: a peer that is not read says nothing that could wake anybody."""
        if is_reading is not self.is_reading:
            self.is_reading = is_reading
            self.mark()

    def mark(self) -> None:
        """Asks for the output to be written at the end of this loop turn."""
        if not self.is_marked:
            self.is_marked = True
            marked = self.outbox.marked
            marked.append(self)
            if len(marked) == 1:
                self.outbox.wake()

    def send(self, piece: bytes | memoryview) -> None:
        """Appends one piece of output. A large one is not copied: it must not change any more."""
        self.deliveries = None
        self.append(piece)

    def send_delivery(self, piece: bytes | memoryview) -> None:
        """The same for a message, or a piece of one, that the client has not asked for."""
        if self.deliveries is None:
            self.begin_deliveries()
        self.append(piece)

    def begin_deliveries(self) -> None:
        """What comes now is a delivery."""
        self.deliveries = self.out
        self.deliveries_at = len(self.out)

    def send_first(self, piece: bytes | bytearray) -> None:
        """Sends what a publisher waits for: it goes before the deliveries of this turn, here and on other connections,
        but overtakes nothing else. Call it once for many confirms."""
        deliveries = self.deliveries
        if deliveries is None:
            self.append(bytes(piece))
        else:
            at = self.deliveries_at
            deliveries[at:at] = piece
            self.deliveries_at = at + len(piece)
            if deliveries is not self.out:
                self.lent_bytes += len(piece)
        self.outbox.put_first(self)

    def append(self, piece: bytes | memoryview) -> None:
        """Appends one piece of output, whatever it is."""
        if len(piece) < _LARGE:
            self.out += piece
        else:
            self.lend(piece)
        if len(self.out) + self.lent_bytes > _HIGH_WATER:
            self.gate.is_open = False
        if not self.is_marked:
            self.mark()

    def lend(self, piece: bytes | memoryview) -> None:
        """Appends a large piece, as it is, and goes on with a new `out` after it."""
        if self.lent is None:
            self.lent = []
        self.lent += (self.out, piece)
        self.lent_bytes += len(self.out) + len(piece)
        self.out = bytearray()

    def take_output(self) -> bytearray:
        """The output since the last call, after that of `take_lent`. It is the caller's from then on."""
        data = self.out
        self.octets_out += len(data)
        self.out = bytearray()
        self.deliveries = None
        self.is_marked = False
        return data

    @property
    def has_output(self) -> bool:
        """Whether there is something to write."""
        return bool(self.out) or self.lent is not None

    def take_lent(self) -> list[bytes | bytearray | memoryview] | None:
        """The output before that of `take_output`, in pieces; None when nothing was lent."""
        lent = self.lent
        self.octets_out += self.lent_bytes
        self.lent = None
        self.lent_bytes = 0
        return lent

    def output_written(self, now: int) -> None:
        """The output was handed to the transport: deliveries go on, unless the transport says that it is full."""
        if not self.gate.is_open and not self.is_paused:
            self.gate.is_open = True
            self.resume_deliveries(now)

    def pause_output(self) -> None:
        """The transport's buffer is full: no more deliveries to this peer."""
        self.is_paused = True
        self.gate.is_open = False

    def resume_output(self, now: int) -> None:
        """The transport's buffer has drained."""
        self.is_paused = False
        self.output_written(now)

    def resume_deliveries(self, _now: int) -> None:
        """The gate has opened: whoever waited for that goes on, in turn."""
        self.gate.go_on()
