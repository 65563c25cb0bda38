"""The link of a consumer: `deliver` turns an entry into transfer frames, as far as the client's credit goes.

    +------------+--------------------------+-------------+------------------------+------+--------+
    | head       | delivery-id, twice       | tail        | header, other sections | body | footer |     one frame
    +------------+--------------------------+-------------+------------------------+------+--------+

    head    frame header, start of the performative, handle, 0x70
    tail    message-format 0, settled; the delivery-tag before it is the delivery-id again, or empty if pre-settled

Credit is no prefetch: what is acknowledged does not come back to it. So the consumer's window is open while there is
credit and the session takes frames, and whoever changes one of the two calls `update`.
"""

from typing import TYPE_CHECKING

from mqbroker import octets
from mqbroker.core.consumer import Consumer, Window
from mqbroker.core.message import Entry, Message, failures_of
from mqbroker.core.properties import Properties
from mqbroker.limits import LARGE_PIECE_BYTES, OUTPUT_HIGH_WATER_BYTES
from mqbroker.protocols.amqp1.codec.encode import uint
from mqbroker.protocols.amqp1.codec.performatives import Flow
from mqbroker.protocols.amqp1.codec.types import Symbol
from mqbroker.protocols.amqp1.properties import data_start, encode_header, in_parts
from mqbroker.protocols.amqp1.sections import with_application_property
from mqbroker.protocols.amqp1.translation import Shown, shown
from mqbroker.protocols.takers import taker_facts

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.protocols.amqp1.session import LinkSession

_FRAME_START_BYTES = 8
_ACTIVE = Symbol("rabbitmq:active")
FIRST_OF_GROUP = "JMSXGroupFirstForConsumer"

# C integers when compiled
_HIGH_WATER = OUTPUT_HIGH_WATER_BYTES
_LARGE = LARGE_PIECE_BYTES


class OutgoingLink(Consumer):
    """A link on which the client receives from a queue."""

    __slots__ = (
        "closes_subscription", "credit", "default_outcome", "delivery_count", "exchange", "frame_max", "handle",
        "has_parts", "head", "is_draining", "middle", "name", "owns_queue", "place", "properties", "routing_key",
        "session", "size", "size_max", "tail", "wire_handle",
    )  # fmt: skip

    def __init__(
        self, queue: "Queue", session: "LinkSession", name: str, handle: int, window: Window | None = None
    ) -> None:
        """`window` is for subclasses that share theirs."""
        Consumer.__init__(self, queue, session.connection.gate, Window() if window is None else window)
        self.window.is_open = False
        self.session = session
        self.name = name
        self.handle = handle
        self.wire_handle = uint(handle)
        self.credit = 0
        self.delivery_count = 0
        self.is_draining = False
        self.frame_max = session.connection.frame_max
        self.size_max = 0
        """The largest message that the client takes; 0 for any."""
        self.default_outcome: object = None
        self.owns_queue = False
        """Whether the queue goes with the link."""
        self.closes_subscription = False
        """Whether its queue is a subscription that ends with the link, unless others have it too."""
        self.properties: Properties | None = None
        self.exchange: str | None = None
        self.routing_key: str | None = None
        self.place: Shown | None = None
        """What the last message was shown with, which holds for others with the same properties, exchange and key."""
        self.has_parts = False
        """Whether its body came in several sections."""
        self.size = -1
        """The size of the body for which the pieces below are; -1 for none."""
        self.head = b""
        self.middle = b""
        self.tail = b""

    def label(self) -> str:
        return self.name

    def describe(self) -> dict[str, object]:
        session = self.session
        connection = session.connection
        return taker_facts(connection.name, connection.peer, connection.user, session.channel)

    def given(self) -> list[Entry]:
        session = self.session
        return [entry for entry in session.unacked.below(session.next_tag) if entry.consumer is self]

    def consumers(self) -> list[Consumer]:
        """Who takes what it delivers out of the queues. Overridden where that are several."""
        return [self]

    def source_name(self) -> str:
        """The queue whose end is that of the link. Overridden where there are several."""
        return self.queue.name

    def attached(self, now: int) -> None:
        """The link is there: the queue may deliver, once there is credit."""
        self.queue.add_consumer(self, now)

    def detached(self, now: int) -> None:
        """The link is gone; what it holds unsettled is still to be given back."""
        if not self.queue.is_deleted:
            self.queue.remove_consumer(self, now)

    # --- credit -----------------------------------------------------------------------------------------------------

    def take_flow(self, flow: Flow) -> None:
        """The client grants credit, or takes it back (AMQP 1.0 part 2, 2.6.7)."""
        if flow.link_credit is not None:
            counted = flow.delivery_count if flow.delivery_count is not None else 0
            left = (counted + flow.link_credit - self.delivery_count) & 0xFFFF_FFFF
            self.credit = left if left < 1 << 31 else 0
            self.is_draining = flow.drain
        self.update()
        if self.is_draining:
            self.end_drain()
        if flow.echo:
            self.session.send_flow(self.flow())

    def update(self) -> None:
        """Credit or the session's window has changed: takes what waits, if it may."""
        window = self.window
        was_open = window.is_open
        window.is_open = self.credit > 0 and self.session.is_flowing
        if window.is_open and not was_open:
            self.queue.offer(self, self.session.connection.now)

    def end_drain(self) -> None:
        """Gives back the credit that is left, once nothing more is ready (2.6.7)."""
        if self.credit > 0 and self.can_take() and self.queue.waiting_count() and not self.is_waiting:
            return
        if self.credit > 0 and not (self.gate.is_open and self.session.is_flowing):
            return  # more goes out when the client reads on
        self.give_back_credit()

    def give_back_credit(self) -> None:
        """Nothing more is ready: the credit is gone."""
        self.delivery_count = (self.delivery_count + self.credit) & 0xFFFF_FFFF
        self.credit = 0
        self.window.is_open = False
        self.is_draining = False
        part = self.flow()
        part.drain = True
        self.session.send_flow(part)

    def take_turn(self, portion: int, now: int) -> int:
        """Takes up to a portion of what waits; then a drain may be over."""
        count = Consumer.take_turn(self, portion, now)
        if self.is_draining:
            self.end_drain()
        return count

    def flow(self) -> Flow:
        """Its part of a flow."""
        return Flow(
            handle=self.handle,
            delivery_count=self.delivery_count,
            link_credit=self.credit,
            available=min(self.queue.waiting_count(), 0xFFFF_FFFF),
        )

    # --- deliveries -------------------------------------------------------------------------------------------------

    def deliver(self, entry: Entry) -> None:
        """Sends a message that the client has to settle, unless the link is pre-settled."""
        session = self.session
        if not self.no_ack:
            entry.tag = session.next_tag
            session.unacked.add(entry.tag, entry)
        is_first = not entry.is_redelivered and not entry.message.properties.is_dead_letter
        self.put(entry.message, is_first, failures_of(entry.attempts))

    def pass_on(self, message: Message) -> None:
        """The same for a message that nobody will settle."""
        self.put(message, not message.properties.is_dead_letter, 0)

    def put(self, message: Message, is_first: bool, failures: int) -> None:
        """Encodes one delivery under the session's next id."""
        session = self.session
        delivery_id = (session.next_tag - 1) & 0xFFFF_FFFF
        session.next_tag += 1
        if (
            message.properties is not self.properties
            or message.exchange is not self.exchange
            or message.routing_key is not self.routing_key
        ):
            self.reshape(message)
        body = message.content()
        if self.has_parts:
            body = self.sections_of(body)
        size = len(body)
        if is_first and not failures and size != self.size and size < _LARGE:
            self.resize(size)
        if is_first and not failures and size == self.size and session.is_flowing:
            self.put_frame(delivery_id, body)
        else:
            self.put_unusual(delivery_id, body, is_first, failures)
        self.delivery_count = (self.delivery_count + 1) & 0xFFFF_FFFF
        self.credit -= 1
        if self.credit <= 0:
            self.window.is_open = False
            if self.is_draining:
                self.end_drain()

    def put_frame(self, delivery_id: int, body: bytes) -> None:
        """A first delivery of a size for which there are pieces: one frame."""
        session = self.session
        connection = session.connection
        place = self.place
        assert place is not None
        if connection.deliveries is None:
            connection.begin_deliveries()
        octets.put_transfer(connection.out, self.head, delivery_id, self.middle, self.tail, body, place.footer)
        session.sent_one()
        if len(connection.out) + connection.lent_bytes > _HIGH_WATER:
            connection.gate.is_open = False
        if not connection.is_marked:
            connection.mark()

    def put_unusual(self, delivery_id: int, body: bytes, is_first: bool, failures: int) -> None:
        """Any other delivery."""
        properties, place = self.properties, self.place
        assert properties is not None
        assert place is not None
        header = encode_header(properties.persistent, place.priority, properties.ttl_ms, is_first, failures)
        start = b"" if place.is_coded else data_start(len(body), place.is_wide)
        self.send_frames(delivery_id, header + place.middle + start, body, place.footer)

    def reshape(self, message: Message) -> None:
        """The message has other properties, another exchange or key than the last one."""
        self.place = shown(message)
        self.has_parts = bool(self.place.parts)
        self.properties, self.exchange, self.routing_key = message.properties, message.exchange, message.routing_key
        self.size = -1

    def sections_of(self, body: bytes) -> bytes:
        """The data sections that a body came in."""
        assert self.place is not None
        return in_parts(body, self.place.parts)

    def resize(self, size: int) -> None:
        """Makes the pieces around bodies of this size, if a message with such a one fits into a frame."""
        self.size = -1
        properties, place = self.properties, self.place
        assert properties is not None
        assert place is not None
        header = encode_header(properties.persistent, place.priority, properties.ttl_ms, True, 0)
        start = b"" if place.is_coded else data_start(size, place.is_wide)
        performative = self.performative(0, has_more=False)
        sections = header + place.middle + start
        message_size = len(sections) + size + len(place.footer)
        whole = 8 + len(performative) + message_size
        if whole > self.frame_max or 0 < self.size_max < message_size:
            return
        fields_at = 7 + len(self.wire_handle)  # before the delivery-id: descriptor, list, handle, constructor
        head = whole.to_bytes(4, "big") + b"\x02\x00" + self.session.channel.to_bytes(2, "big")
        self.head = head + performative[:fields_at]
        rest = performative[fields_at + 4 :]
        self.middle = b"" if self.no_ack else rest[:2]
        self.tail = (rest if self.no_ack else rest[6:]) + sections
        self.size = size

    def send_frames(self, delivery_id: int, sections: bytes, body: bytes, footer: bytes) -> None:
        """Sends a message in as many frames as it takes."""
        session = self.session
        size = len(sections) + len(body) + len(footer)
        if 0 < self.size_max < size:
            self.window.is_open = False
            session.connection.message_too_large(self, size)
            return
        start = self.performative(delivery_id, has_more=False)
        room = self.frame_max - _FRAME_START_BYTES - len(start)
        if size <= room:
            head = (size + len(start) + 8).to_bytes(4, "big") + b"\x02\x00" + session.channel.to_bytes(2, "big")
            session.put_frames([(head + start + sections, body, footer)])
            return
        whole = memoryview(sections + body + footer)
        room -= 1  # `more` is one octet more
        frames: list[tuple[bytes, ...]] = []
        for at in range(0, size, room):
            part = whole[at : at + room]
            start = self.performative(delivery_id, has_more=at + room < size)
            head = (len(part) + len(start) + 8).to_bytes(4, "big") + b"\x02\x00" + session.channel.to_bytes(2, "big")
            frames.append((head + start, bytes(part)))
        session.put_frames(frames)

    def performative(self, delivery_id: int, has_more: bool) -> bytes:
        """A transfer. Every frame of a message repeats all of it."""
        number = delivery_id.to_bytes(4, "big")
        tag = b"\xa0\x00" if self.no_ack else b"\xa0\x04" + number
        more = b"\x41" if has_more else b""
        fields = self.wire_handle + b"\x70" + number + tag + (b"\x43\x41" if self.no_ack else b"\x43\x42") + more
        return b"\x00\x53\x14\xc0" + bytes((len(fields) + 1, 6 if has_more else 5)) + fields

    def group_begins(self, message: Message) -> None:
        """Overrides Consumer's: clients of ActiveMQ look for an application property."""
        self.reshape(message)
        assert self.place is not None
        self.place.middle = with_application_property(self.place.middle, FIRST_OF_GROUP, True)

    def group_has_begun(self) -> None:
        """Overrides Consumer's: the next message is shaped anew."""
        self.properties = None

    def active_changed(self) -> None:
        """Overrides Consumer's: RabbitMQ 4 says so by a property of a flow."""
        session = self.session
        if session.is_ending or session.connection.close_sent or session.outgoing.get(self.handle) is not self:
            return  # nothing comes after its end
        flow = self.flow()
        flow.properties = {_ACTIVE: self.is_active}
        session.send_flow(flow)

    def cancelled(self) -> None:
        """The queue is gone: so is the link."""
        self.session.connection.queue_gone(self)
