"""What an AMQP 1.0 connection is at the moment, and the steps that its parts share.

Sessions, links and the handlers of performatives work on this; connection.py scans the input and calls them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec.frames import performative
from mqbroker.protocols.amqp1.codec.quick import Quick
from mqbroker.protocols.amqp1.links import IncomingLink
from mqbroker.protocols.amqp1.session import LinkSession
from mqbroker.protocols.session import Outbox, Peer, Session

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp1.outgoing import OutgoingLink
    from mqbroker.protocols.amqp1.services import Amqp1Services


class Opening(Protocol):
    """The handshake of a connection that is not open yet (handshake.py)."""

    stage: str

    def step(self, data: bytes) -> bool:
        """Takes the next header or frame; False when it is not complete, or has to wait."""


class Overdue(Protocol):
    """Looks for deliveries that are not settled in time (timeouts.py)."""

    next_sweep: int

    def watch(self, link: "OutgoingLink", timeout_ms: int, now: int) -> None:
        """Deliveries of the link are to be settled so soon."""

    def sweep(self, connection: "Amqp1State", now: int) -> None:
        """Takes back what is overdue."""


class Amqp1State(Session):
    """One client."""

    protocol = "AMQP 1.0"

    __slots__ = (
        "changed",
        "channel_max",
        "close_sent",
        "confirming",
        "container_id",
        "current_link",
        "current_session",
        "frame_max",
        "handshake",
        "idle_ms",
        "is_held",
        "ledger",
        "name",
        "now",
        "open_properties",
        "partial_bytes",
        "peer",
        "position",
        "promised", "quick",
        "received_at",
        "redo",
        "releasing",
        "remainder",
        "services",
        "sessions",
        "size_limit",
        "timeouts",
        "transactions",
        "user",
        "vhost",
    )  # fmt: skip

    def __init__(self, outbox: Outbox, services: "Amqp1Services", peer: Peer, now: int) -> None:
        Session.__init__(self, outbox)
        self.services = services
        self.ledger = services.broker.ledger
        self.peer = peer
        self.name = f"{peer.host}:{peer.port} -> {peer.server_host}:{peer.server_port}"
        self.handshake: Opening | None = None
        """What is left of the opening; None once the connection is open."""
        self.timeouts: Overdue | None = None
        """None until a link has a timeout."""
        self.container_id = ""
        self.open_properties: dict[Any, Any] = {}
        self.user = ""
        self.vhost: VHost | None = None
        self.sessions: dict[int, LinkSession] = {}
        self.channel_max = 0
        self.frame_max = 0
        """The largest frame that the client takes."""
        self.size_limit = services.settings.frame_max
        """The largest frame that is taken."""
        self.idle_ms = 0
        """How often the client wants to hear something; 0 for never."""
        self.received_at = now
        self.now = now
        self.quick = Quick()
        self.position = 0
        """Where in the chunk at hand the next frame begins."""
        self.remainder = b""
        self.is_held = False
        """Whether what comes has to wait until it is known if what is at hand is allowed."""
        self.redo: Callable[[], None] | None = None
        """What is to be done again then, before anything else."""
        self.current_session: LinkSession | None = None
        self.current_link: IncomingLink | OutgoingLink | None = None
        """What the frame at hand is for: it ends when that is wrong."""
        self.confirming: list[LinkSession] = []
        """Sessions with outcomes of this turn to tell publishers."""
        self.changed: list[IncomingLink] = []
        """Links that may want credit at the end of the chunk."""
        self.promised = 0
        """The newest journal batch that this connection has asked to be told of."""
        self.partial_bytes = 0
        self.close_sent = False
        self.releasing = 0
        """How many of its sessions, or all together, are being released at the moment."""
        self.transactions: dict[bytes, Any] = {}

    def label(self) -> str:
        """Overrides Session's."""
        return self.name

    def channel_count(self) -> int:
        """How many sessions are open: users have a limit of channels, which is what they are."""
        return len(self.sessions)

    def tell_of_session(self, event: str, number: int) -> None:
        """Tells whoever watches the broker that a session has opened or closed."""
        vhost = self.vhost.name if self.vhost is not None else ""
        self.services.broker.events.tell(event, session=self.name, channel=number, user=self.user, vhost=vhost)

    def send_performative(self, channel: int, value: Any) -> None:
        """Sends one that has no payload."""
        self.send(performative(channel, value))

    # --- memory -----------------------------------------------------------------------------------------------------

    def count_partial(self, size: int) -> None:
        """So much more, or less, is kept of messages that are not complete. Raises ProtocolViolation when there are
        too many of them."""
        self.partial_bytes += size
        self.services.partial_bytes += size
        if size > 0 and self.services.partial_bytes > self.services.partial_bytes_max:
            raise ProtocolViolation("resources", "there is no room for more messages that are not complete")

    # --- at the end of a chunk --------------------------------------------------------------------------------------

    def look_at(self, link: IncomingLink) -> None:
        """The link may want credit."""
        if not link.is_changed:
            link.is_changed = True
            self.changed.append(link)

    def settle_confirms(self) -> None:
        """Tells publishers what waits for nothing, and asks to be told of the journal for the rest."""
        needed = 0
        for session in self.confirming:
            session.is_confirming = False
            if session.owed:
                needed = max(needed, session.owed[-1].position)
        sessions, self.confirming = self.confirming, []
        self.send_outcomes(sessions)
        if needed > self.ledger.committed and needed > self.promised:
            self.promised = needed
            self.ledger.promise(needed, self.committed)

    def committed(self) -> None:
        """The journal has moved on."""
        self.send_outcomes([session for session in self.sessions.values() if session.owed])
        self.grant_credit()

    def send_outcomes(self, sessions: list[LinkSession]) -> None:
        """Sends the outcomes that are due on these sessions."""
        committed = self.ledger.committed
        due = b"".join([session.take_outcomes(committed) for session in sessions])
        if due and not self.close_sent:
            self.send_first(due)

    def grant_credit(self) -> None:
        """Renews the credit of the links that want some."""
        links, self.changed = self.changed, []
        for link in links:
            link.is_changed = False
            session = link.session
            is_there = session.incoming.get(link.handle) is link and not session.is_ending
            if is_there and not self.close_sent and link.wants_credit():
                link.grant()

    # --- overridden -------------------------------------------------------------------------------------------------

    def go_on(self, now: int) -> None:
        """Takes what has waited. Overridden, as all below."""
        raise NotImplementedError

    def watch(self, link: "OutgoingLink", timeout_ms: int) -> None:
        """Deliveries of a link are to be settled so soon; 0 for whenever the client likes."""
        raise NotImplementedError

    def queue_gone(self, link: "OutgoingLink") -> None:
        """The queue of a link is deleted."""
        raise NotImplementedError

    def message_too_large(self, link: "OutgoingLink", size: int) -> None:
        """The next message of a link is larger than its client takes: its session ends, soon."""
        raise NotImplementedError
