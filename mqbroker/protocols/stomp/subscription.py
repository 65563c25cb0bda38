"""A subscription: `deliver` turns an entry into a MESSAGE frame.

    MESSAGE LF subscription:1 LF destination:/queue/a LF message-id:T_1@@session-x@@  7       `start`, number
    LF redelivered:false LF ack:T_1@@session-x@@  7 LF                                        `middle`, number
    content-type:text/plain LF content-length:5 LF LF  hello NUL LF                           `tail`, body

Successive deliveries mostly differ in their number and body only, so the pieces around them are made once and used
for as long as the exchange, the key, the properties and the size stay the same.
"""

from mqbroker.core.browsing import Browsing
from mqbroker.core.consumer import Consumer, Window
from mqbroker.core.message import Entry, Message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import Queue
from mqbroker.limits import LARGE_PIECE_BYTES, OUTPUT_HIGH_WATER_BYTES
from mqbroker.protocols.stomp.addresses import write_address
from mqbroker.protocols.stomp.codec.escapes import V1_2, for_version, header_line
from mqbroker.protocols.stomp.properties import (
    FIRST_OF_GROUP,
    ORIGINAL_DESTINATION,
    header_lines,
    jms_lines,
    jms_lines_of,
)
from mqbroker.protocols.stomp.wire import StompWire
from mqbroker.protocols.unacked import Unacked

AUTO = "auto"
CLIENT = "client"
INDIVIDUAL = "client-individual"

_HIGH_WATER = OUTPUT_HIGH_WATER_BYTES
_LARGE = LARGE_PIECE_BYTES
_END = b"\0\n"
_QUEUE_PREFIX = "/queue/"


class Subscription(Consumer):
    """One SUBSCRIBE."""

    __slots__ = (
        "browsing", "destination", "exchange", "has_ack", "id", "is_cumulative", "is_fixed", "middle",
        "middle_again", "parts", "properties", "routing_key", "size", "start", "tag", "tail", "unacked", "wire",
    )  # fmt: skip

    def __init__(self, queue: Queue, wire: StompWire, window: Window, id_: str | None, destination: str) -> None:
        Consumer.__init__(self, queue, wire.gate, window)
        self.wire = wire
        self.id = id_
        """As the client calls it; None in 1.0, when it has not."""
        self.destination = destination
        """What was subscribed to."""
        self.tag = f"Q_{destination}" if id_ is None else f"T_{id_}"
        self.browsing: Browsing | None = None
        """When it only looks at what is there."""
        self.has_ack = False
        """Whether its messages have a header `ack`, with the number again."""
        self.is_cumulative = False
        self.is_fixed = False
        """Whether its messages are shown with its own destination, whatever theirs is."""
        self.unacked = Unacked()
        self.parts: list[Subscription] = []
        """Its consumers of several queues, if its destination means so many: their deliveries are its own."""
        self.exchange: str | None = None
        self.routing_key: str | None = None
        self.properties: Properties | None = None
        self.size = -1
        self.start = self.middle = self.middle_again = self.tail = b""

    def deliver(self, entry: Entry) -> None:
        """Appends a MESSAGE to the connection's output."""
        if not self.no_ack:
            number = self.wire.next_number
            entry.tag = number
            self.unacked.add(number, entry)
        self.put(entry.message, entry.is_redelivered)

    def pass_on(self, message: Message) -> None:
        """The same for a message that nobody will settle."""
        self.put(message, False)

    def put(self, message: Message, is_redelivered: bool) -> None:
        """Encodes one MESSAGE under the next number."""
        wire = self.wire
        number = wire.next_number
        wire.next_number = number + 1
        body = message.content()
        if message.properties.is_coded:
            body = message.properties.readable(body)
        if message.exchange is not self.exchange or message.routing_key is not self.routing_key:
            self.readdress(message)
        if message.properties is not self.properties or len(body) != self.size:
            self.reshape(message.properties, len(body))
        middle = self.middle_again if is_redelivered else self.middle
        tail = self.tail if not wire.is_jms else jms_lines(message) + self.tail
        if self.size >= _LARGE:
            self.put_large(number, middle, tail, body)
            return
        if wire.deliveries is None:
            wire.begin_deliveries()
        if self.has_ack:
            wire.out += b"%b%d%b%d\n%b%b\0\n" % (self.start, number, middle, number, tail, body)
        else:
            wire.out += b"%b%d%b%b%b\0\n" % (self.start, number, middle, tail, body)
        if len(wire.out) + wire.lent_bytes > _HIGH_WATER:
            wire.gate.is_open = False
        if not wire.is_marked:
            wire.mark()

    def put_large(self, number: int, middle: bytes, tail: bytes, body: bytes) -> None:
        """The same in pieces: the body is not copied."""
        head = b"%b%d%b" % (self.start, number, middle)
        if self.has_ack:
            head += b"%d\n" % number
        for piece in (head + tail, body, _END):
            self.wire.send_delivery(piece)

    def show(self, entry: Entry) -> None:
        """Encodes what a browser sees: an entry that stays where it is."""
        self.put(entry.message, entry.is_redelivered)

    def show_end(self) -> None:
        """Encodes that a browser has seen everything."""
        lines = b"" if self.id is None else header_line("subscription", self.id)
        lines += header_line("destination", self.destination)
        self.wire.send_delivery(for_version(b"MESSAGE\n%bmessage-id:0\nbrowser:end\n\n\0\n" % lines, self.wire.version))

    def readdress(self, message: Message) -> None:
        """The exchange or the key has changed: makes what stands before and after the number anew."""
        self.exchange = message.exchange
        self.routing_key = message.routing_key
        wire = self.wire
        shown = self.destination
        if not self.is_fixed:
            shown = write_address(message.exchange, message.routing_key, wire.topic_exchange)
        lines = b"" if self.id is None else header_line("subscription", self.id)
        if wire.is_jms and message.exchange and self.destination.startswith(_QUEUE_PREFIX):
            lines += header_line(ORIGINAL_DESTINATION, shown)  # it has come through a virtual topic
            shown = _QUEUE_PREFIX + self.queue.name
        lines += header_line("destination", shown)
        mark = header_line("", f"{self.tag}@@{wire.session_id}@@").removesuffix(b"\n")
        self.start = for_version(b"MESSAGE\n%bmessage-id%b" % (lines, mark), wire.version)
        self.has_ack = wire.version == V1_2 and not self.no_ack
        rest = b"ack" + mark if self.has_ack else b""
        self.middle = (b"\n" if wire.is_jms else b"\nredelivered:false\n") + rest
        self.middle_again = b"\nredelivered:true\n" + rest

    def reshape(self, properties: Properties, size: int) -> None:
        """The properties or the size have changed: makes what stands between the second number and the body anew."""
        self.properties = properties
        self.size = size
        lines = header_lines(properties)
        if self.wire.is_jms:
            lines = jms_lines_of(properties, lines)
        lines = for_version(lines, self.wire.version)
        self.tail = b"%bcontent-length:%d\n\n" % (lines, size) if size else lines + b"\n"

    def group_begins(self, message: Message) -> None:
        """Overrides Consumer's: ActiveMQ says so in a header."""
        if self.wire.is_jms:
            properties = message.properties
            body = message.content()
            self.reshape(properties, len(properties.readable(body) if properties.is_coded else body))
            self.tail = FIRST_OF_GROUP + self.tail

    def group_has_begun(self) -> None:
        """Overrides Consumer's: the next message is shaped anew."""
        self.properties = None

    def ended(self) -> None:
        """It is the client's no more. Overridden by what has more than its queue."""

    def label(self) -> str:
        """Overrides Consumer's."""
        return self.tag

    def describe(self) -> dict[str, object]:
        """Overrides Consumer's."""
        return self.wire.taker()

    def given(self) -> list[Entry]:
        """Overrides Consumer's."""
        return [entry for entry in self.unacked.below(self.wire.next_number) if entry.consumer is self]

    def cancelled(self) -> None:
        """Overrides Consumer's."""
        self.wire.subscription_ended(self)
