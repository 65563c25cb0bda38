"""The state of one AMQP channel: the content being received, what waits for its ack, and the confirms it owes.

Every publisher confirm of a channel comes from `take_confirms`, in every durability mode. A channel that waits for
the journal (a durable declaration, a commit) is HELD: its frames are kept until the promise is kept, so that replies
never overtake each other.
"""

import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from mqbroker import octets
from mqbroker.core.consumer import Window
from mqbroker.core.properties import Properties
from mqbroker.core.routing.route import Route
from mqbroker.protocols.ages import Ages
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.unacked import Unacked

if TYPE_CHECKING:
    from mqbroker.core.scheduler import Task
    from mqbroker.protocols.amqp.body_buffer import BodyBuffer
    from mqbroker.protocols.amqp.consumer import AmqpConsumer, Holder
    from mqbroker.protocols.amqp.parts import Held, UnderWay
    from mqbroker.protocols.amqp.state import ConnectionState

# What may be done with a frame that arrives for the channel.
OPEN = 0  # handle it
HELD = 1  # keep it until the journal has caught up (holding.py)
CLOSING = 2  # drop it: we have closed the channel and wait for close-ok

# What the next frame must be.
METHOD = 0
HEADER = 1
BODY = 2

_pack_confirm = struct.Struct(">BHIIQBB").pack
_CLASS_AND_WEIGHT = b"\x00\x3c\x00\x00"
_ACK = 60 << 16 | 80
_NACK = 60 << 16 | 120


class Channel:
    """One channel of a connection."""

    __slots__ = (
        "accepted", "ages", "awaited_name", "body_size", "buffer", "confirmed", "confirms", "connection",
        "consumers", "expecting", "express", "header_frame", "held", "held_confirm", "held_replies", "holders",
        "is_confirming", "is_plain", "is_repeated", "last_queue", "mandatory", "next_tag", "number", "owed",
        "polling", "position", "prefetch", "properties", "publish_frame", "published", "publishes", "rejected",
        "reply_consumer", "returns", "route", "routes", "settling", "state", "transaction", "unacked", "window",
    )  # fmt: skip

    def __init__(self, connection: "ConnectionState", number: int) -> None:
        self.connection = connection
        self.number = number
        self.state = OPEN
        self.expecting = METHOD
        # publishing: the last basic.publish and content header as they came, and what they meant
        self.publish_frame = b""
        self.header_frame = b""
        self.express = b""
        """Both, and the start of the body frame: what a message begins with that differs from the last by its body."""
        self.is_repeated = False
        """Whether the last basic.publish was the same as the one before."""
        self.routes: dict[bytes, tuple[Route, bool]] = {}
        """What each recent basic.publish meant: its route, and whether it is mandatory."""
        self.route: Route | None = None
        self.mandatory = False
        self.properties: Properties | None = None
        self.is_plain = False
        """True when the properties ask for nothing but routing: no CC, reply-to or user-id, and no transaction."""
        self.body_size = 0
        self.buffer: BodyBuffer | None = None
        """What has arrived of a body in several pieces."""
        self.publishes = self.returns = 0
        """How many messages were published on it, and how many of them nobody was there for who had to be."""
        # confirms
        self.confirms = False
        self.published = 0
        """The publisher's delivery tag of the last publish."""
        self.accepted = 0
        """The highest of them that no queue refused."""
        self.confirmed = 0
        self.position = 0
        """The journal batch that the last publish waits for; 0 if it waits for none."""
        self.rejected: list[int] = []
        self.owed: deque[tuple[int, int]] = deque()
        """(journal batch, tag): everything up to the tag may be confirmed once the batch is durable."""
        self.is_confirming = False
        """True while the connection has this channel on its list of those that published in this turn."""
        # consuming
        self.next_tag = 1
        self.unacked = Unacked()
        self.window = Window()
        self.polling = Window()
        """The window of what was got by polling: never shut, never full."""
        self.settling: Task | None = None
        """What is settled of it in portions at the moment."""
        self.prefetch = 0
        self.consumers: dict[str, AmqpConsumer] = {}
        self.holders: dict[str, Holder] = {}
        """For basic.get: who holds what was got, by queue."""
        self.ages = Ages()
        """How old deliveries are, for the consumer timeout."""
        self.reply_consumer: AmqpConsumer | None = None
        self.last_queue = ""
        """The last queue declared: what an empty queue name means (AMQP 0-9-1 §1.7)."""
        self.awaited_name = ""
        """The name of the server's for a queue that is to be declared, while it is being decided about."""
        self.transaction: UnderWay | None = None
        # waiting for the journal
        self.held: Held | None = None
        """What has arrived meanwhile; None until something has."""
        self.held_confirm = b""
        """The answer to a commit; it goes before deliveries."""
        self.held_replies: list[bytes] = []

    def has_same_properties(self, frame: bytes) -> bool:
        """Whether a content header frame differs from the last one at most by the size of the body."""
        properties = self.properties
        if properties is None or len(frame) != len(properties.raw) + 20:
            return False
        return octets.starts_at(frame, _CLASS_AND_WEIGHT, 7) and octets.starts_at(frame, properties.raw, 19)

    def reply(self, name: str, **args: Any) -> None:
        """Sends a method; while the channel is held, once it is released."""
        self.send(encode_method(name, self.number, **args))

    def send(self, frame: bytes) -> None:
        """The same for a method that is encoded already."""
        if self.state == HELD:
            self.held_replies.append(frame)
        else:
            self.connection.send(frame)

    def note_confirms(self) -> int:
        """Notes what was published in this turn; the journal batch that has to be durable before all is confirmed."""
        if not self.owed or self.owed[-1][1] != self.accepted:
            self.owed.append((self.position, self.accepted))
        return self.position

    def take_confirms(self, committed: int) -> bytes:
        """Every confirm that is due when the journal is durable up to `committed`. The only place they come from."""
        if self.state == CLOSING:
            return b""
        confirms = b"".join([_pack_confirm(1, self.number, 13, _NACK, tag, 0, 0xCE) for tag in self.rejected])
        self.rejected.clear()
        owed = self.owed
        tag = 0
        while owed and owed[0][0] <= committed:
            tag = owed.popleft()[1]
        if tag > self.confirmed:
            multiple = tag > self.confirmed + 1
            self.confirmed = tag
            confirms += _pack_confirm(1, self.number, 13, _ACK, tag, multiple, 0xCE)
        return confirms


class Arrival:
    """A body frame of which `left` octets of the payload are still to come, or only the end octet."""

    __slots__ = ("buffer", "channel", "left", "size")

    def __init__(self, channel: Channel, buffer: "BodyBuffer", size: int) -> None:
        self.channel = channel
        self.buffer = buffer
        self.size = size
        self.left = size
