"""What an AMQP connection is at the moment, and the steps that handlers share.

The handlers of methods and the parts of a connection (handshake, ending, holding ...) work on this; connection.py scans
the input and calls them. So nothing below needs to know how octets become frames.
"""

from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.errors import PreconditionFailed, ProtocolViolation
from mqbroker.limits import PREAUTH_BYTES_MAX
from mqbroker.protocols.amqp.body_budget import BodyBudget
from mqbroker.protocols.amqp.channel import Arrival, Channel
from mqbroker.protocols.amqp.limits import AMQP_BODIES_BYTES_MAX, AMQP_HELD_FRAMES_BYTES_MAX, AMQP_SIP_BYTES
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.session import Outbox, Peer, Session

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer
    from mqbroker.core.message import Entry, Message
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp.body_buffer import BodyBuffer
    from mqbroker.protocols.amqp.methods import Method
    from mqbroker.protocols.amqp.parts import Opening
    from mqbroker.protocols.amqp.services import AmqpServices


class ConnectionState(Session):
    """One client, as handlers know it."""

    protocol = "AMQP 0-9-1"

    __slots__ = (
        "access_generation", "arrival", "at_method", "blocked_for", "body_budget", "capabilities", "channel_max",
        "channels", "client_properties", "close_sent", "confirming", "current", "frame_max", "handshake",
        "has_published", "heartbeat_ms", "held_bytes", "is_held", "is_leaving", "ledger", "name", "next_sweep", "now",
        "peer", "position", "promised", "received_at", "releasing", "remainder", "services", "size_limit", "user",
        "vhost",
    )  # fmt: skip

    def __init__(self, outbox: Outbox, services: "AmqpServices", peer: Peer, now: int) -> None:
        Session.__init__(self, outbox)
        self.appetite = AMQP_SIP_BYTES
        self.services = services
        self.ledger = services.broker.ledger
        self.peer = peer
        self.name = f"{peer.host}:{peer.port} -> {peer.server_host}:{peer.server_port}"
        self.handshake: Opening | None = None
        """What is left of the opening; None once the connection is open."""
        self.client_properties: dict[str, object] = {}
        self.capabilities: dict[str, object] = {}
        self.user = ""
        self.vhost: VHost | None = None
        self.channels: dict[int, Channel] = {}
        self.channel_max = 0
        self.frame_max = services.settings.frame_max
        self.size_limit = PREAUTH_BYTES_MAX
        """The largest payload that is taken: RabbitMQ forgives clients that forget the eight octets around it."""
        self.heartbeat_ms = 0
        self.received_at = now
        self.next_sweep = 0
        self.now = now
        self.position = 0
        """Where in the chunk at hand the next frame begins."""
        self.at_method = 0
        """The index of the method at hand, for the close that may follow; 0 for none."""
        self.current = 0
        """The number of the channel whose frame is at hand."""
        self.remainder = b""
        self.arrival: Arrival | None = None
        """The large body frame that is under way."""
        self.body_budget = BodyBudget(AMQP_BODIES_BYTES_MAX, services.body_budget)
        self.access_generation = 0
        self.confirming: list[Channel] = []
        """Channels with publishes of this turn to confirm."""
        self.promised = 0
        """The newest journal batch that this connection has asked to be told of."""
        self.held_bytes = 0
        """How much is kept of frames for channels that wait for the journal."""
        self.is_leaving = False
        """The client has closed, while some of its channels are held, or end."""
        self.close_sent = False
        self.releasing = 0
        """How many of its channels, or all of them together, are being released at the moment."""
        self.has_published = False
        self.blocked_for = ""
        """The reason of the last connection.blocked that is still in force."""
        self.is_held = False
        """Whether the first publish is at hand, in `remainder`, and waits until publishers go on."""

    def label(self) -> str:
        """Overrides Session's."""
        return self.name

    # --- channels ---------------------------------------------------------------------------------------------------

    def channel_count(self) -> int:
        """How many channels are open."""
        return len(self.channels)

    def open_channel(self, number: int) -> None:
        """channel.open. Raises ProtocolViolation beyond the negotiated number, NotAllowed beyond the user's."""
        count, most = len(self.channels), self.channel_max
        if count >= most:
            text = f"number of channels opened ({count}) has reached the negotiated channel_max ({most})"
            self.at_method = 0
            raise ProtocolViolation("not_allowed", text)
        self.services.admission.check_channels(self.user)
        self.channels[number] = Channel(self, number)
        self.tell_of_channel("channel.opened", number)
        self.send(encode_method("channel.open-ok", number))

    def tell_of_channel(self, event: str, number: int) -> None:
        """Tells whoever watches the broker that a channel has opened or closed."""
        assert self.vhost is not None
        self.services.broker.events.tell(
            event, session=self.name, channel=number, user=self.user, vhost=self.vhost.name
        )

    def forget_routes(self) -> None:
        """Permissions have changed: every channel has to ask again before it publishes."""
        self.access_generation = self.services.broker.access.generation
        for channel in self.channels.values():
            channel.publish_frame = channel.express = b""
            channel.is_repeated = False
            channel.routes.clear()

    # --- confirms ---------------------------------------------------------------------------------------------------

    def settle_confirms(self) -> None:
        """At the end of a chunk: confirms what waits for nothing, and asks to be told of the journal for the rest."""
        needed = 0
        for channel in self.confirming:
            channel.is_confirming = False
            needed = max(needed, channel.note_confirms())
        self.send_confirms(self.confirming)
        self.confirming.clear()
        if needed > self.ledger.committed and needed > self.promised:
            self.promised = needed
            self.ledger.promise(needed, self.committed)

    def committed(self) -> None:
        """The journal has moved on: confirms what that covers."""
        self.send_confirms([channel for channel in self.channels.values() if channel.owed])

    def send_confirms(self, channels: list[Channel]) -> None:
        """Sends the confirms that are due on these channels."""
        committed = self.ledger.committed
        confirms = b"".join([channel.take_confirms(committed) for channel in channels])
        if confirms:
            self.send_first(confirms)

    # --- settling ---------------------------------------------------------------------------------------------------

    def last_of(self, channel: Channel, tag: int) -> int:
        """The tag of the last delivery that a client means by `multiple`; 0 is all. Raises PreconditionFailed if it is
        none of those that wait."""
        if tag == 0:
            return channel.next_tag - 1
        if not channel.unacked.has(tag):
            raise PreconditionFailed(f"unknown delivery tag {tag}")
        return tag

    def settle(self, _channel: Channel, entries: "list[Entry]") -> None:
        """Acknowledges many, then offers their consumers to the queues once each."""
        previous: Consumer | None = None
        consumers: dict[Consumer, None] = {}
        for entry in entries:
            consumer: Consumer = entry.consumer
            queue: Queue = consumer.queue
            queue.settle(entry)
            if consumer is not previous:
                consumers[consumer] = None
                previous = consumer
        for consumer in consumers:
            queue = consumer.queue
            queue.offer(consumer, self.now)

    # --- reading ----------------------------------------------------------------------------------------------------

    def update_reading(self) -> None:
        """Reads, or does not: neither from a publisher while a resource is low, nor from who has sent much ahead."""
        is_held = bool(self.blocked_for) or self.is_held or self.held_bytes > AMQP_HELD_FRAMES_BYTES_MAX
        self.set_reading(self.close_sent or not is_held)

    # --- overridden by what scans -----------------------------------------------------------------------------------

    def process(self, data: bytes) -> None:
        """Handles the frames of a chunk. Overridden, as all below."""
        raise NotImplementedError

    def go_on(self, now: int) -> None:
        """Takes what has waited for a log-in, or for publishers to be let through."""
        raise NotImplementedError

    def complete(self, channel: Channel, buffer: "BodyBuffer") -> None:
        """More of a body has arrived."""
        raise NotImplementedError

    def published(self, channel: Channel, message: "Message", outcome: int, mandatory: bool) -> None:
        """A message was routed."""
        raise NotImplementedError

    def acknowledge(self, channel: Channel, tag: int, multiple: bool) -> None:
        """basic.ack."""
        raise NotImplementedError

    def connection_method(self, method: "Method") -> None:
        """A method of channel 0."""
        raise NotImplementedError

    def close_once_released(self) -> None:
        """The client closes, or has closed and the last channel that was held or released is so no more."""
        raise NotImplementedError
