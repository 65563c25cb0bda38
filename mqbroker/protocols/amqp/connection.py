"""An AMQP 0-9-1 connection: frames in, frames out, no I/O.

The hot path is here: `scan` looks at every octet of a chunk once and knows publish, content and ack by their numbers.
A publish or content header that is the same octets as the channel's last one means the same thing, so it is compared
and not parsed. Everything else is a method that `methods.py` decodes and the handlers of `dispatch.py` answer.

    AWAIT_HEADER -> (handshake.py: start, tune, open) -> RUNNING -> CLOSING (close sent, close-ok awaited) -> closed

A refusal closes the channel, a violation of the protocol the connection (replies.py has the table).
"""

import logging
import struct
from typing import TYPE_CHECKING

from mqbroker import octets
from mqbroker.core.message import Message, new_message
from mqbroker.core.queues.base import REJECTED, UNROUTED, Queue
from mqbroker.core.recent import remember
from mqbroker.core.settling import ACK
from mqbroker.errors import AccessPending, PreconditionFailed, ProtocolViolation, RequestRefused
from mqbroker.limits import LARGE_PIECE_BYTES, ROUTE_CACHE_ENTRIES_MAX
from mqbroker.protocols.amqp import (
    backpressure,
    bodies,
    description,
    ending,
    frames,
    other_frames,
    publishing,
    timeouts,
)
from mqbroker.protocols.amqp.body_buffer import BodyBuffer
from mqbroker.protocols.amqp.channel import BODY, HEADER, HELD, METHOD, OPEN, Channel
from mqbroker.protocols.amqp.constants import CONNECTION_CLOSE, CONNECTION_FORCED
from mqbroker.protocols.amqp.dispatch import HANDLERS
from mqbroker.protocols.amqp.handshake import Handshake
from mqbroker.protocols.amqp.methods import Method, decode_method, encode_method
from mqbroker.protocols.amqp.names import without_line_breaks
from mqbroker.protocols.amqp.settling import settle_through
from mqbroker.protocols.amqp.state import ConnectionState
from mqbroker.protocols.session import Outbox, Peer

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer
    from mqbroker.protocols.amqp.services import AmqpServices

log = logging.getLogger("mqbroker.amqp")

_pack_body_start = struct.Struct(">BHI").pack

# C integers when compiled
_PUBLISH = 60 << 16 | 40
_ACK = 60 << 16 | 80
_OPEN = OPEN
_METHOD = METHOD
_HEADER = HEADER
_BODY = BODY
_REJECTED = REJECTED
_UNROUTED = UNROUTED
_SETTLED = ACK
_LARGE = LARGE_PIECE_BYTES


class AmqpConnection(ConnectionState):
    """One client."""

    __slots__ = ()

    def __init__(self, outbox: Outbox, services: "AmqpServices", peer: Peer, now: int) -> None:
        ConnectionState.__init__(self, outbox, services, peer, now)
        self.handshake = Handshake(self, now)

    # --- input ------------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived. Whatever the peer did wrong is answered with the protocol's own error."""
        self.now = now
        self.received_at = now
        self.appetite = 0 if self.has_published else backpressure.appetite(self)
        if self.handshake is not None:
            self.handshake.octets += len(data)
        if self.arrival is not None:
            data = bodies.go_on(self, data)
        if self.remainder:
            data = self.remainder + data
            self.remainder = b""
        self.take(data)

    def go_on(self, now: int) -> None:
        """Takes what has waited for a log-in, or for publishers to be let through."""
        self.now = now
        self.is_held = False
        self.update_reading()
        data, self.remainder = self.remainder, b""
        self.take(data)

    def take(self, data: bytes) -> None:
        """Handles the frames of a chunk, and keeps what is not complete or has to wait."""
        self.position = 0
        if self.is_held or (self.handshake is not None and not self.handshake.take_header(data)):
            self.keep(data)
            return
        if self.access_generation != self.services.broker.access.generation:
            self.forget_routes()
        vhost = self.vhost
        watched = vhost if vhost is not None and vhost.tap is not None else None
        if watched is not None:
            watched.speaker = self
        self.process(data)
        if watched is not None:
            watched.speaker = None
        self.keep(data)
        if self.confirming:
            self.settle_confirms()

    def keep(self, data: bytes) -> None:
        """Keeps what could not be handled yet."""
        self.remainder = data[self.position :] if not self.is_closing else b""
        if self.handshake is not None:
            self.handshake.chunk_taken()

    def sink_filled(self, count: int, now: int) -> None:
        """More of a large body has been put in its place."""
        self.now = now
        self.received_at = now
        vhost = self.vhost
        watched = vhost if vhost is not None and vhost.tap is not None else None
        if watched is not None:
            watched.speaker = self
        bodies.filled(self, count)
        if watched is not None:
            watched.speaker = None

    def process(self, data: bytes) -> None:
        """Scans a chunk to its end, past every refusal, up to the first violation."""
        while not self.is_closing:
            try:
                self.scan(data)
                return
            except AccessPending as pending:
                self.wait_for(pending)
                return
            except RequestRefused as error:
                ending.refuse(self, error)
            except ProtocolViolation as error:
                ending.fail(self, error)
                self.position = len(data)

    def wait_for(self, pending: AccessPending) -> None:
        """Whether what is at hand is allowed is not known yet: from there on all is held, and nothing more is read."""
        self.is_held = True
        self.update_reading()
        pending.when_known(self.decided)

    def decided(self, now: int) -> None:
        """It is known."""
        if self.is_held and not self.is_closing and not self.blocked_for:
            self.go_on(now)

    def scan(self, data: bytes) -> None:  # noqa: C901  once for each frame, packet or record
        """Handles every complete frame from `position` on. Raises what a frame was refused or failed for."""
        length = len(data)
        position = self.position
        hot, limit = -1, self.size_limit
        channel: Channel | None = None
        while length - position >= 7:
            size = data[position + 3]  # by itself: compiled, an octet above 127 shifted by 24 would be a negative int
            size = size << 24 | data[position + 4] << 16 | data[position + 5] << 8 | data[position + 6]
            if size > limit:
                self.at_method = 0
                raise frames.frame_too_large(data[position], size, limit)
            end = position + size + 8
            if end > length:
                if size >= _LARGE and data[position] == 3 and bodies.begin(self, data, position, size):
                    position = length
                break
            if data[end - 1] != 0xCE:
                self.at_method = 0
                raise frames.invalid_end_marker(data[position], data[position + 7 : end - 1], data[end - 1])
            self.position = end
            kind = data[position]
            number = data[position + 1] << 8 | data[position + 2]
            if number != hot:
                channel = self.channels.get(number)
                hot = number
                self.current = number
            if channel is None or channel.state != _OPEN or kind > 3 or kind == 0:
                other_frames.take(self, kind, number, data[position:end])
                hot, limit = -1, self.size_limit  # which may have been agreed on just now
                if not self.is_reading and self.handshake is not None:
                    length = end  # what follows waits for the log-in
            elif kind == 3:
                self.at_method = _PUBLISH
                if channel.expecting != _BODY:
                    raise self.out_of_order(channel, kind)
                if size == channel.body_size and channel.buffer is None:
                    channel.expecting = _METHOD
                    self.publish(channel, octets.cut(data, position + 7, end - 1))
                    if channel.express:
                        end = self.publish_more(channel, data, end)
                else:
                    self.collect(channel, data, position + 7, end - 1)
            elif kind == 2:
                self.at_method = _PUBLISH
                if channel.expecting != _HEADER:
                    raise self.out_of_order(channel, kind)
                self.begin_content(channel, octets.cut(data, position, end))
            elif channel.expecting != _METHOD:
                raise self.out_of_order(channel, kind)
            elif size >= 7 and data[position + 8] == 60 and data[position + 7] == 0 and data[position + 9] == 0:
                index = data[position + 10]
                if index == 40:
                    self.at_method = _PUBLISH
                    frame = octets.cut(data, position, end)
                    channel.is_repeated = frame == channel.publish_frame
                    if not channel.is_repeated and self.begin_publish(channel, frame):
                        break
                    channel.expecting = _HEADER
                elif index == 80 and size == 13:
                    self.at_method = _ACK
                    self.acknowledge(channel, octets.longlong_at(data, position + 11), data[position + 19] & 1 != 0)
                else:
                    self.method(channel, data[position + 7 : end - 1])
                    hot = -1
            else:
                self.method(channel, data[position + 7 : end - 1])
                hot = -1
            position = end
        self.position = position

    def out_of_order(self, channel: Channel, _kind: int) -> ProtocolViolation:
        """The violation of a frame that is not the one its channel expects."""
        if channel.expecting == METHOD:
            self.at_method = 0
            return frames.expected_method()
        return frames.expected_header() if channel.expecting == HEADER else frames.expected_body()

    # --- publishing -------------------------------------------------------------------------------------------------

    def publish_more(self, channel: Channel, data: bytes, position: int) -> int:
        """Publishes messages from `position` on for as long as they begin with the same octets as the last one did:
        the same method, the same header, one body frame of the same size. Where that ends."""
        length = len(data)
        express = channel.express
        while express:
            start = position + len(express)
            end = start + channel.body_size
            if end >= length or data[end] != 0xCE or not octets.starts_at(data, express, position):
                break
            position = end + 1
            self.position = position
            self.publish(channel, octets.cut(data, start, end))
            express = channel.express
        return position

    def begin_publish(self, channel: Channel, frame: bytes) -> bool:
        """A basic.publish that differs from the channel's last one. Whether it has to wait, unread.

        Raises RequestRefused, ProtocolViolation.
        """
        if not self.has_published and backpressure.holds_first(self):
            return True
        channel.publish_frame = b""
        channel.express = b""
        found = channel.routes.get(frame)
        if found is None:
            try:
                found = publishing.begin(self, frame[7:-1])
            except AccessPending:
                self.position -= len(frame)
                raise
            remember(channel.routes, frame, found, ROUTE_CACHE_ENTRIES_MAX)
        channel.route, channel.mandatory = found
        channel.publish_frame = frame
        return False

    def begin_content(self, channel: Channel, frame: bytes) -> None:
        """A content header: the properties and the size of the body to come."""
        if frame != channel.header_frame:
            channel.header_frame = b""
            channel.express = b""
            if channel.has_same_properties(frame):
                publishing.take_size(self, channel, octets.longlong_at(frame, 11))
            else:
                publishing.begin_content(self, channel, frame)
            channel.header_frame = frame
        elif channel.is_repeated and not channel.express and 0 < channel.body_size <= self.size_limit:
            channel.express = channel.publish_frame + frame + _pack_body_start(3, channel.number, channel.body_size)
        channel.expecting = _BODY
        if channel.body_size == 0:
            channel.expecting = _METHOD
            self.publish(channel, b"")

    def collect(self, channel: Channel, data: bytes, start: int, end: int) -> None:
        """One of several body frames. Empty ones are allowed, and any number of them takes no memory."""
        buffer = channel.buffer
        if buffer is None:
            buffer = channel.buffer = BodyBuffer(channel.body_size, self.body_budget)
        if end - start > buffer.size - buffer.filled:
            raise frames.expected_method()
        buffer.put(data, start, end)
        self.complete(channel, buffer)

    def complete(self, channel: Channel, buffer: BodyBuffer) -> None:
        """A body frame has arrived: publishes the message if it was the last one."""
        if buffer.filled == buffer.size:
            channel.buffer = None
            channel.expecting = _METHOD
            self.publish(channel, buffer.take())

    def publish(self, channel: Channel, body: bytes) -> None:
        """A message is complete: routes it, and notes the confirm that is owed for it."""
        route = channel.route
        assert route is not None
        assert channel.properties is not None
        channel.publishes += 1
        message = new_message(route.exchange_name, route.routing_key, channel.properties, body, self.now)
        if channel.is_plain:
            assert self.vhost is not None
            outcome = self.vhost.publish(route, message, self.now)
            if outcome or channel.confirms:
                self.published(channel, message, outcome, channel.mandatory)
        else:
            publishing.publish_special(self, channel, message)

    def published(self, channel: Channel, message: Message, outcome: int, mandatory: bool) -> None:
        """A message was routed: returns it if that was asked for, and notes the confirm that is owed."""
        if outcome == _UNROUTED and mandatory:
            publishing.send_return(self, channel, message)
        if channel.confirms:
            tag = channel.published + 1
            channel.published = tag
            if outcome == _REJECTED:
                channel.rejected.append(tag)
            else:
                channel.accepted = tag
                if message.properties.persistent and self.ledger.is_journalling:
                    channel.position = self.ledger.position
            if not channel.is_confirming:
                channel.is_confirming = True
                self.confirming.append(channel)

    # --- settling ---------------------------------------------------------------------------------------------------

    def acknowledge(self, channel: Channel, tag: int, multiple: bool) -> None:
        """basic.ack. Raises PreconditionFailed for a tag that is not waiting."""
        if channel.transaction is not None:
            channel.transaction.acknowledge(tag, multiple)
        elif multiple:
            settle_through(self, channel, self.last_of(channel, tag), _SETTLED)
        else:
            entry = channel.unacked.take(tag)
            if entry is None:
                raise PreconditionFailed(f"unknown delivery tag {tag}")
            consumer: Consumer = entry.consumer
            queue: Queue = consumer.queue
            queue.acknowledge(entry, self.now)

    # --- methods ----------------------------------------------------------------------------------------------------

    def method(self, channel: Channel, payload: bytes) -> None:
        """Any method of an open channel but publish and ack."""
        if len(payload) < 4:
            raise frames.unknown_frame(1, payload)
        self.at_method = int.from_bytes(payload[:4], "big")
        method = decode_method(payload)
        handler = HANDLERS.get(method.index)
        if handler is None:
            raise ProtocolViolation("command", "unimplemented method")
        try:
            handler(self, channel, without_line_breaks(method.args))
        except AccessPending:  # handlers ask for everything before they do anything
            self.position -= len(payload) + 8
            raise

    def connection_method(self, method: Method) -> None:
        """A method of channel 0."""
        if self.handshake is not None:
            self.handshake.take_method(method)
        elif method.index == CONNECTION_CLOSE:
            self.close_once_released()
        elif method.name == "connection.update-secret":
            self.send(encode_method("connection.update-secret-ok", 0))
        else:
            raise ProtocolViolation("channel", "unexpected method in connection state running")

    def close_once_released(self) -> None:
        """The client closes: what it sent before that on channels that are held, or end, is still to be done."""
        self.is_leaving = True
        if self.releasing or HELD in [channel.state for channel in self.channels.values()]:
            return
        self.is_leaving = False
        if self.is_held:  # after it, for that came first
            self.remainder += encode_method("connection.close", 0, reply_code=200, class_id=0, method_id=0)
        elif not self.is_closing and not self.close_sent:
            log.info("%s, user %r: closed by the client", self.name, self.user)
            ending.leave(self)

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Deadlines: the handshake's, the peer's answer to close, heartbeats, deliveries never acknowledged."""
        self.now = now
        if self.handshake is not None or self.close_sent:
            log.warning("%s: timed out %s", self.name, "closing" if self.close_sent else "before it was open")
            self.is_closing = True
            self.mark()
            return
        if self.is_held and not self.blocked_for:
            self.go_on(now)
        if self.heartbeat_ms:
            self.beat(now)
        if now >= self.next_sweep:
            self.next_sweep = now + timeouts.sweep(self, now)
        self.deadline = min(self.next_sweep, now + self.heartbeat_ms // 2 if self.heartbeat_ms else self.next_sweep)

    def beat(self, now: int) -> None:
        """Sends a heartbeat; ends the connection of a peer that was silent for two intervals (AMQP 0-9-1 §4.2.7)."""
        if not self.is_reading or self.is_throttled:
            self.received_at = now  # it cannot be heard while nobody listens
        if now - self.received_at > 2 * self.heartbeat_ms:
            log.warning("%s: missed heartbeats from client, timeout: %ds", self.name, self.heartbeat_ms // 1000)
            self.is_closing = True
            self.mark()
        else:
            self.send(frames.HEARTBEAT)

    def alarms_changed(self) -> None:
        """A resource has run low or has recovered."""
        backpressure.alarms_changed(self)
        self.mark()

    # --- ends -------------------------------------------------------------------------------------------------------

    def shut_down(self, now: int) -> None:
        """The broker stops."""
        self.end("broker forced connection closure with reason 'shutdown'", now)

    def end(self, reason: str, now: int) -> None:
        """The broker or an operator ends it: connection.close 320."""
        self.now = now
        if self.handshake is None and not self.close_sent and not self.is_closing:
            ending.close(self, CONNECTION_FORCED, reason)
        else:
            self.is_closing = True
            self.mark()

    def speaking(self) -> tuple[str, str, int]:
        """Overrides Session's."""
        return self.name, self.user, self.current

    def describe(self) -> dict[str, object]:
        """What an operator sees of it."""
        return description.describe(self)

    def connection_lost(self, now: int) -> None:
        """The socket is gone."""
        self.now = now
        if self.handshake is None and not self.is_closing and not self.close_sent:
            log.warning("%s, user %r: client closed the socket without connection.close", self.name, self.user)
        self.is_closing = True
        ending.release_everything(self)
        bodies.abandon(self)
