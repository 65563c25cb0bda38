"""A consumer that speaks AMQP: `deliver` turns an entry into the pieces of its frames.

    +-------------------------------------------------------------+-----------+----------------------------------+
    | head: frame start, 60/60, consumer tag, delivery tag (upper) | low octet | tail: redelivered, exchange, key  |
    +-------------------------------------------------------------+-----------+----------------------------------+
    | tail, continued: 0xCE, content header frame, body frame start             | body                      | 0xCE |
    +---------------------------------------------------------------------------+---------------------------+------+

Successive deliveries mostly differ in their tag and body only. So the pieces around them are made once and sent again
for as long as exchange, key, properties and size stay the same objects and number; of the delivery tag only the lowest
octet changes from one to the next. A delivery is then one copy of five pieces into the connection's output. Of a large
body nothing is copied: its frames go out as slices of it, between the pieces.
"""

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mqbroker import octets
from mqbroker.core.consumer import Consumer, Gate, Window
from mqbroker.core.message import Entry, Message, failures_of, returns_of
from mqbroker.core.properties import Properties
from mqbroker.core.recent import remember
from mqbroker.limits import CONSUMER_SHAPES_MAX, LARGE_PIECE_BYTES, OUTPUT_HIGH_WATER_BYTES
from mqbroker.protocols.amqp.channel import CLOSING, Channel
from mqbroker.protocols.amqp.frames import body_frames, content_header_frame
from mqbroker.protocols.amqp.properties import AMQP, BasicProperties, amqp_properties
from mqbroker.protocols.session import Session
from mqbroker.protocols.takers import taker_facts

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue

# C integers when compiled
_AMQP = AMQP
_HIGH_WATER = OUTPUT_HIGH_WATER_BYTES
_LARGE = LARGE_PIECE_BYTES

_END = b"\xce"
_pack_method_start = struct.Struct(">BHII").pack
_pack_body_start = struct.Struct(">BHI").pack
_DELIVER = 60 << 16 | 60


def short_string(text: str) -> bytes:
    """A short string as it is on the wire, AMQP 0-9-1 §4.2.5.3."""
    octets = text.encode(errors="surrogateescape")
    return bytes((len(octets),)) + octets


def properties_to_send(entry: Entry, queue: "Queue") -> BasicProperties:
    """The properties of an entry in this protocol's encoding, with its counts if the queue shows them."""
    properties = amqp_properties(entry.message.properties)
    if not entry.attempts or not queue.counts_failures:
        return properties
    counts = {"x-acquired-count": returns_of(entry.attempts)}
    failures = failures_of(entry.attempts)
    if failures:
        counts["x-delivery-count"] = failures
    return properties.with_headers({**properties.headers(), **counts})


class Holder(Consumer):
    """Who holds, for a channel, what it got from a queue by polling."""

    __slots__ = ("timeout_ms",)

    def __init__(self, queue: "Queue", gate: Gate, window: Window) -> None:
        Consumer.__init__(self, queue, gate, window)
        self.timeout_ms = 0
        """How long what was got may stay unacknowledged; 0 for ever."""

    def can_take(self) -> bool:
        """Never: nothing is delivered to it unasked."""
        return False


class AmqpConsumer(Consumer):
    """One basic.consume."""

    __slots__ = (
        "address", "body_size", "channel", "content_start", "exchange", "foreign", "head", "properties", "room",
        "routing_key", "session", "shapes", "tag", "tag_high", "tail", "tail_again", "timeout_ms", "translated",
        "wire_tag",
    )  # fmt: skip

    def __init__(self, queue: "Queue", session: Session, channel: Channel, tag: str, frame_max: int) -> None:
        Consumer.__init__(self, queue, session.gate, channel.window)
        self.session = session
        self.channel = channel
        self.tag = tag
        self.wire_tag = short_string(tag)
        self.timeout_ms = 0
        """How long a delivery may stay unacknowledged; 0 for ever."""
        self.room = frame_max - 8 if frame_max else 1 << 62
        """The most octets of a body that fit into one frame."""
        self.exchange: str | None = None
        self.routing_key: str | None = None
        self.properties: Properties | None = None
        self.foreign: Properties | None = None
        self.translated: Properties | None = None
        """Another protocol's properties as they were last shown: those of what expires together are one object."""
        self.body_size = -1
        self.address = b""
        self.content_start = b""
        self.shapes: dict[Properties, tuple[int, bytes]] = {}
        """What was last made of recent properties: for which size of the body, and how the content begins."""
        self.head = b""
        self.tail = b""
        self.tail_again = b""
        self.tag_high = -1

    def deliver(self, entry: Entry) -> None:
        """Appends the frames of one delivery to the connection's output."""
        channel = self.channel
        tag = channel.next_tag
        if not self.no_ack:
            entry.tag = tag
            channel.unacked.add(tag, entry)
        message = entry.message
        properties = message.properties
        if entry.attempts or properties.code & 0x7F != _AMQP:
            properties = self.translate(entry)
        self.put(message, properties, entry.is_redelivered)

    def pass_on(self, message: Message) -> None:
        """The same for a message that has no entry, because nobody will settle it."""
        properties = message.properties
        if properties.code & 0x7F != _AMQP:
            properties = self.native(properties)
        self.put(message, properties, False)

    def put(self, message: Message, properties: Properties, is_redelivered: bool) -> None:
        """Encodes one delivery under the channel's next tag."""
        channel = self.channel
        tag = channel.next_tag
        channel.next_tag = tag + 1
        body = message.content()
        size = len(body)
        if message.exchange is not self.exchange or message.routing_key is not self.routing_key:
            self.readdress(message)
        if properties is not self.properties or size != self.body_size:
            self.reshape(properties, size)
        if tag >> 8 != self.tag_high:
            self.renumber(tag)
        session = self.session
        if session.deliveries is None:
            session.begin_deliveries()
        tail = self.tail_again if is_redelivered else self.tail
        if 0 < size <= self.room and size < _LARGE:
            octets.put_delivery(session.out, self.head, tag & 255, tail, body, 0xCE)
        else:
            self.put_pieces(b"%b%c%b" % (self.head, tag & 255, tail), body)
        if len(session.out) + session.lent_bytes > _HIGH_WATER:
            session.gate.is_open = False
        if not session.is_marked:
            session.mark()

    def put_pieces(self, start: bytes, body: bytes) -> None:
        """A delivery that does not fit into one frame, or is too large to be copied. `start` is what goes before the
        body, with the start of the body's frame if there is only one."""
        session = self.session
        session.out += start
        if 0 < len(body) <= self.room:
            pieces: Iterable[bytes | memoryview] = (body, _END)
        else:
            pieces = body_frames(self.channel.number, body, self.room + 8)
        for piece in pieces:
            session.send_delivery(piece)

    def readdress(self, message: Message) -> None:
        """The exchange or the key has changed: makes their piece anew, and with it the frame's start."""
        self.exchange = message.exchange
        self.routing_key = message.routing_key
        self.address = short_string(message.exchange) + short_string(message.routing_key) + _END
        self.join_tail()
        self.tag_high = -1

    def reshape(self, properties: Properties, size: int) -> None:
        """The properties or the body's size have changed: makes the content header and the body frame's start anew."""
        self.properties = properties
        self.body_size = size
        known = self.shapes.get(properties)
        if known is None or known[0] != size:
            number = self.channel.number
            start = content_header_frame(number, properties.raw, size)
            if 0 < size <= self.room:
                start += _pack_body_start(3, number, size)
            known = remember(self.shapes, properties, (size, start), CONSUMER_SHAPES_MAX)
        self.content_start = known[1]
        self.join_tail()

    def join_tail(self) -> None:
        """Puts together what stands between the delivery tag and the body, for a first delivery and for a later one."""
        tail = self.address + self.content_start
        self.tail = b"\x00" + tail
        self.tail_again = b"\x01" + tail

    def renumber(self, tag: int) -> None:
        """The upper octets of the delivery tag have changed: makes the frame's start anew."""
        self.tag_high = tag >> 8
        # class, method, delivery tag and redelivered are 13 octets; the end octet in `address` is no payload
        size = len(self.wire_tag) + len(self.address) + 12
        start = _pack_method_start(1, self.channel.number, size, _DELIVER)
        self.head = start + self.wire_tag + self.tag_high.to_bytes(7, "big")

    def translate(self, entry: Entry) -> Properties:
        """The properties of a message that cannot go out as they are: another protocol's, or with a delivery count."""
        if entry.attempts and self.queue.counts_failures:
            return properties_to_send(entry, self.queue)
        return self.native(entry.message.properties)

    def native(self, properties: Properties) -> Properties:
        """Properties in this protocol's encoding."""
        if properties is not self.foreign or self.translated is None:
            self.translated = amqp_properties(properties)
            self.foreign = properties
        return self.translated

    def label(self) -> str:
        return self.tag

    def describe(self) -> dict[str, object]:
        connection = self.channel.connection
        return taker_facts(connection.label(), connection.peer, connection.user, self.channel.number)

    def given(self) -> list[Entry]:
        channel = self.channel
        return [entry for entry in channel.unacked.below(channel.next_tag) if entry.consumer is self]

    def cancelled(self) -> None:
        """The queue has gone: tells a client that understands it (RabbitMQ's consumer_cancel_notify)."""
        channel = self.channel
        is_known = channel.consumers.pop(self.tag, None) is not None
        if is_known and channel.state != CLOSING and channel.connection.capabilities.get("consumer_cancel_notify"):
            channel.reply("basic.cancel", consumer_tag=self.tag, nowait=True)
