"""An AMQP 1.0 connection: frames in, frames out, no I/O.

`scan` looks at each frame once, and hands transfers, dispositions and flows to what they are for; everything else is a
performative that the handlers below answer.

    handshake.py: headers, SASL, open -> running -> close sent or answered -> closed

What is wrong ends a link, a session or the connection (conditions.py has the table).
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mqbroker.errors import AccessPending, ProtocolViolation, RequestRefused
from mqbroker.protocols.amqp1 import attaching, conditions, description, ending, settling
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.performatives import (
    DISPOSITION,
    RECEIVER,
    TRANSFER,
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Transfer,
)
from mqbroker.protocols.amqp1.conditions import CONNECTION, Fault
from mqbroker.protocols.amqp1.handshake import Handshake
from mqbroker.protocols.amqp1.links import Delivery, IncomingLink, too_large
from mqbroker.protocols.amqp1.outgoing import OutgoingLink
from mqbroker.protocols.amqp1.session import LinkSession
from mqbroker.protocols.amqp1.state import Amqp1State
from mqbroker.protocols.amqp1.timeouts import Timeouts
from mqbroker.protocols.session import Outbox, Peer

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.services import Amqp1Services

log = logging.getLogger("mqbroker.amqp1")


class Amqp1Connection(Amqp1State):
    """One client."""

    __slots__ = ()

    def __init__(self, outbox: Outbox, services: "Amqp1Services", peer: Peer, now: int) -> None:
        Amqp1State.__init__(self, outbox, services, peer, now)
        self.handshake = Handshake(self, now)

    # --- input ------------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived. Whatever the peer did wrong is answered with the protocol's own error."""
        self.now = now
        self.received_at = now
        size = len(data)
        if self.remainder:
            data = self.remainder + data
            self.remainder = b""
        self.take(data)
        if isinstance(self.handshake, Handshake):
            self.handshake.chunk_taken(size)

    def go_on(self, now: int) -> None:
        """Takes what has waited for a log-in, or until it was known whether it is allowed."""
        self.now = now
        data, self.remainder = self.remainder, b""
        self.take(data)

    def take(self, data: bytes) -> None:
        """Handles the frames of a chunk, and keeps what is not complete or has to wait."""
        self.position = 0
        vhost = self.vhost
        if vhost is not None:
            vhost.speaker = self
        while not (self.is_closing or self.is_held) and (self.redo is not None or self.position < len(data)):
            try:
                if not self.take_some(data):
                    break
            except AccessPending as pending:
                self.wait_for(pending)
            except (RequestRefused, ProtocolViolation) as error:
                ending.fail(self, error)
        self.remainder = data[self.position :] if not self.is_closing else b""
        if vhost is not None:
            vhost.speaker = None
        if self.confirming:
            self.settle_confirms()
        if self.changed:
            self.grant_credit()

    def take_some(self, data: bytes) -> bool:
        """Does what is to be done next. Whether there may be more. Raises what something was refused or failed for."""
        if self.redo is not None:
            redo, self.redo = self.redo, None
            redo()
            return True
        if self.handshake is not None:
            return self.handshake.step(data)
        self.scan(data)
        return False

    def wait_for(self, pending: AccessPending) -> None:
        """Whether what is at hand is allowed is not known yet: from there on all is held, and nothing more is read."""
        self.is_held = True
        self.set_reading(False)

        def known(now: int) -> None:
            self.is_held = False
            if not self.is_closing:
                self.set_reading(True)
                self.received_at = now
                self.go_on(now)

        pending.when_known(known)

    def scan(self, data: bytes) -> None:
        """Handles every complete frame from `position` on. Raises what a frame was refused or failed for."""
        length = len(data)
        position = self.position
        while length - position >= 8:
            self.current_session = self.current_link = None
            size = int.from_bytes(data[position : position + 4], "big")
            if size > self.size_limit or size < 8:
                self.position = length
                frames.check_size(size, self.size_limit)
            end = position + size
            if end > length:
                break
            self.position = end
            at = frames.body_at(data, position, end)
            if data[position + 5] != frames.AMQP_TYPE:
                raise frames.framing(f"a frame of type {data[position + 5]} came after the opening")
            if at < end:
                channel = data[position + 6] << 8 | data[position + 7]
                if not self.is_usual(channel, data, position, at, end):
                    self.take_frame(channel, data, position, at, end)
                    if self.is_closing:
                        return
                end = self.position
            position = end

    def is_usual(self, channel: int, data: bytes, position: int, at: int, end: int) -> bool:
        """Whether the frame at `position` was a common one, which is done then, and maybe more after it: `position`
        of the connection says how far. Raises ProtocolViolation, RequestRefused."""
        session = self.sessions.get(channel)
        if end - at < 6 or data[at] or data[at + 1] != 0x53 or session is None or session.is_ending or self.close_sent:
            return False
        self.current_session = session
        code, quick = data[at + 2], self.quick
        if code == TRANSFER and at == position + 8 and quick.read_transfer(data, at, end):
            link = session.incoming.get(quick.handle)
            if link is None:
                return False
            self.current_link = link
            self.position = link.take_run(data, position, quick)
            if self.position > position:
                self.look_at(link)
                return True
        elif code == DISPOSITION:
            self.position = session.take_acceptances(data, position, quick)
            if self.position > position:
                return True
            self.position = end
            if not quick.read_acceptance(data, at, end):
                return False
            settling.accept(self, session, quick.first, quick.last)
            return True
        return False

    def take_frame(self, channel: int, data: bytes, position: int, at: int, end: int) -> None:
        """One frame; what has to be asked about is taken again, all of it or what is left to do (`redo`)."""
        self.position = end
        try:
            self.frame(channel, data, at, end)
        except AccessPending:
            if self.redo is None:
                self.position = position
            raise

    def take_message(self, link: IncomingLink, delivery: Delivery, payload: bytes) -> None:
        """A message is complete, and counted. Raises ProtocolViolation, RequestRefused."""
        self.current_session, self.current_link = link.session, link
        try:
            link.take(delivery, payload)
        except AccessPending:
            self.redo = lambda: self.take_if_there(link, delivery, payload)
            raise
        self.look_at(link)

    def take_if_there(self, link: IncomingLink, delivery: Delivery, payload: bytes) -> None:
        """The same, some time later. Raises ProtocolViolation, RequestRefused."""
        session = link.session
        if session.incoming.get(link.handle) is link and not session.is_ending and not self.close_sent:
            self.take_message(link, delivery, payload)

    def frame(self, number: int, data: bytes, at: int, end: int) -> None:
        """One frame that is not empty."""
        found, payload_at = frames.read_performative(data, at, end)
        if self.close_sent:
            if isinstance(found, Close):
                self.is_closing = True
                self.mark()
            return
        if isinstance(found, Transfer):
            session = self.session_of(number)
            if session is not None:
                self.transfer(session, found, data[payload_at:end])
            return
        if payload_at != end:
            raise ProtocolViolation("decode", f"octets follow {type(found).__name__.lower()}")
        handler = _HANDLERS.get(type(found))
        if handler is None:
            raise ProtocolViolation("illegal", f"{type(found).__name__.lower()} is not expected on an open connection")
        handler(self, number, found)

    def session_of(self, number: int) -> LinkSession | None:
        """The session of a channel; None for one that we have ended. Raises ProtocolViolation."""
        session = self.sessions.get(number)
        if session is None:
            raise ProtocolViolation("not_allowed", f"there is no session on channel {number}")
        if session.is_ending:
            return None
        self.current_session = session
        return session

    # --- transfers --------------------------------------------------------------------------------------------------

    def transfer(self, session: LinkSession, found: Transfer, payload: bytes) -> None:
        """A transfer frame: a message, or a part of one. Raises ProtocolViolation, RequestRefused."""
        session.count_transfer()
        link = session.incoming.get(found.handle)
        if link is None:
            if found.handle in session.dying:
                return
            raise ProtocolViolation("unattached", f"Unattached link handle: {found.handle}")
        self.current_link = link
        if found.resume:
            raise ProtocolViolation("not_implemented", "Link recovery not supported")
        if link.partial is None:
            delivery = link.accept(found.delivery_id, found.delivery_tag, found.settled, found.state)
            if not found.more and not found.aborted:
                if link.message_size_max and len(payload) > link.message_size_max:
                    raise too_large(len(payload), link.message_size_max)
                self.take_message(link, delivery, payload)
                return
            link.partial = delivery
        else:
            link.check_continuation(found)
        if found.aborted:
            link.drop_partial()  # 2.7.5: it was never sent
        else:
            whole = link.add_part(payload, not found.more)
            if whole is not None:
                self.take_message(link, *whole)
                return
        self.look_at(link)

    # --- performatives ----------------------------------------------------------------------------------------------

    def begin(self, number: int, message: Begin) -> None:
        """A session begins. Raises ProtocolViolation."""
        if number > self.channel_max:
            text = f"channel number ({number}) exceeds maximum channel number ({self.channel_max})"
            raise frames.framing(text)
        if number in self.sessions:
            raise ProtocolViolation("not_allowed", f"there is a session on channel {number} already")
        if message.remote_channel is not None:
            raise ProtocolViolation("not_allowed", "begin answers a session that was not begun here")
        assert self.vhost is not None
        self.services.admission.check_channels(self.user)
        session = LinkSession(self, number, self.vhost, message.next_outgoing_id, message.incoming_window)
        settings = self.services.settings
        session.handle_max = min(message.handle_max, settings.links_max - 1)
        session.open_window()
        self.sessions[number] = session
        self.tell_of_session("channel.opened", number)
        answer = Begin(number, 0, session.incoming_left, 0xFFFF_FFFF, session.handle_max)
        self.send_performative(number, answer)

    def attach(self, number: int, message: Attach) -> None:
        """A link is attached."""
        session = self.session_of(number)
        if session is not None:
            attaching.attach(self, session, message)

    def flow(self, number: int, message: Flow) -> None:
        """Windows and credit change. Raises ProtocolViolation."""
        session = self.session_of(number)
        if session is None:
            return
        session.take_window(message)
        handle = message.handle
        if handle is None:
            if message.echo:
                session.send_flow(Flow())
            return
        outgoing = session.outgoing.get(handle)
        incoming = session.incoming.get(handle)
        if outgoing is not None:
            outgoing.take_flow(message)
        elif incoming is not None:
            if message.echo:
                session.send_flow(incoming.flow())
        elif handle not in session.dying:
            raise ProtocolViolation("unattached", f"Unattached link handle: {handle}")

    def disposition(self, number: int, message: Disposition) -> None:
        """Deliveries are settled. What a publisher says of its own says nothing new: they were settled by us."""
        session = self.session_of(number)
        if session is not None and message.role == RECEIVER:
            settling.take(self, session, message)

    def detach(self, number: int, message: Detach) -> None:
        """A link ends."""
        session = self.session_of(number)
        if session is not None:
            ending.detached(self, session, message)

    def end_of_session(self, number: int, _message: End) -> None:
        """A session ends. Raises ProtocolViolation."""
        session = self.sessions.get(number)
        if session is None:
            raise ProtocolViolation("not_allowed", f"there is no session on channel {number}")
        ending.session_ended(self, session)

    def close(self, _number: int, _message: Close) -> None:
        """The client closes."""
        ending.closed(self)

    def queue_gone(self, link: OutgoingLink) -> None:
        """The queue of a link is deleted."""
        ending.queue_gone(self, link)

    def message_too_large(self, link: OutgoingLink, size: int) -> None:
        """The next message of a link is larger than its client takes."""
        fault = conditions.fault_of(too_large(size, link.size_max))
        self.services.broker.scheduler.add(ending.SessionEnd(self, link.session, fault))

    def watch(self, link: OutgoingLink, timeout_ms: int) -> None:
        """Deliveries of a link are to be settled so soon; 0 for whenever the client likes."""
        if not timeout_ms or link.no_ack:
            return
        if self.timeouts is None:
            self.timeouts = Timeouts()
        self.timeouts.watch(link, timeout_ms, self.now)
        self.deadline = min(self.deadline or self.timeouts.next_sweep, self.timeouts.next_sweep)

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Deadlines: the handshake's, the peer's answer to close, signs of life in both directions."""
        self.now = now
        if self.handshake is not None or self.close_sent:
            log.warning("%s: timed out %s", self.name, "closing" if self.close_sent else "before it was open")
            self.is_closing = True
            self.mark()
            return
        limit = 2 * self.services.settings.idle_timeout_ms
        if not self.is_reading or self.is_throttled:
            self.received_at = now  # it cannot be heard while nobody listens
        if limit and now - self.received_at >= limit:
            text = "no frame received from client within idle timeout threshold"
            ending.close(self, Fault(CONNECTION, conditions.RESOURCE_LIMIT, text))
            return
        deadlines = [self.received_at + limit] if limit else []
        if self.idle_ms:
            if not self.is_paused:
                self.send(frames.EMPTY)
            deadlines.append(now + self.idle_ms // 2)
        if self.timeouts is not None:
            if now >= self.timeouts.next_sweep:
                self.timeouts.sweep(self, now)
            deadlines.append(self.timeouts.next_sweep)
        self.deadline = max(now + 1, min(deadlines)) if deadlines else 0

    def alarms_changed(self) -> None:
        """A resource has run low or has recovered: publishers are told by the window of their session."""
        for session in self.sessions.values():
            if not session.is_ending and session.incoming:
                if self.services.alarms.reason:
                    left, session.incoming_left = session.incoming_left, 0
                    self.send(session.flow_of(Flow()))
                    session.incoming_left = left  # what is on its way is taken
                else:
                    session.send_flow(Flow())

    # --- ends -------------------------------------------------------------------------------------------------------

    def shut_down(self, now: int) -> None:
        """The broker stops."""
        self.end("broker forced connection closure with reason 'shutdown'", now)

    def end(self, reason: str, now: int) -> None:
        """The broker or an operator ends it."""
        self.now = now
        if self.handshake is None and not self.close_sent and not self.is_closing:
            fault = Fault(CONNECTION, conditions.CONNECTION_FORCED, f"Connection forced: {reason}")
            ending.close(self, fault)
        else:
            self.is_closing = True
            self.mark()

    def speaking(self) -> tuple[str, str, int]:
        """Overrides Session's."""
        return self.name, self.user, 0 if self.current_session is None else self.current_session.channel

    def describe(self) -> dict[str, object]:
        """What an operator sees of it."""
        return description.describe(self)

    def connection_lost(self, now: int) -> None:
        """The socket is gone."""
        self.now = now
        if self.handshake is None and not self.is_closing and not self.close_sent:
            log.warning("%s, user %r: client closed the socket without close", self.name, self.user)
        self.is_closing = True
        ending.release_everything(self, is_failure=True)
        self.services.partial_bytes -= self.partial_bytes
        self.partial_bytes = 0


Handler = Callable[[Amqp1Connection, int, Any], None]

_HANDLERS: dict[type, Handler] = {
    Begin: Amqp1Connection.begin,
    Attach: Amqp1Connection.attach,
    Flow: Amqp1Connection.flow,
    Disposition: Amqp1Connection.disposition,
    Detach: Amqp1Connection.detach,
    End: Amqp1Connection.end_of_session,
    Close: Amqp1Connection.close,
}
