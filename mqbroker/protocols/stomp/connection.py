"""A STOMP connection: frames in, frames out, no I/O.

    AWAIT_CONNECT --CONNECT or STOMP--> CHECKING --right--> RUNNING --DISCONNECT, violation--> closed
          ^                                |
          +------------- wrong ------------+

A refusal is answered with an ERROR, after which the connection stays open unless refusals.py says otherwise.
"""

import logging
from typing import TYPE_CHECKING

from mqbroker.errors import AccessPending, ProtocolViolation, RequestRefused
from mqbroker.limits import PREAUTH_BYTES_MAX
from mqbroker.protocols.session import Peer
from mqbroker.protocols.stomp import acknowledging, connecting, ending, sending
from mqbroker.protocols.stomp.budget import Budget
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.config import StompConfig
from mqbroker.protocols.stomp.dispatch import HANDLERS, jms_handler
from mqbroker.protocols.stomp.refusals import words_of
from mqbroker.protocols.stomp.sending import Prepared
from mqbroker.protocols.stomp.state import AWAIT_CONNECT, CHECKING, CLOSED, LEAVING, RUNNING, StompState
from mqbroker.protocols.takers import taker_facts

if TYPE_CHECKING:
    from mqbroker.protocols.services import Services

log = logging.getLogger("mqbroker.stomp")

_HEARTBEAT = b"\n"
_BEGINNING_BYTES = 16


class StompConnection(StompState):
    """One client."""

    __slots__ = ()

    def __init__(self, services: "Services", settings: StompConfig, budget: Budget, peer: Peer, now: int) -> None:
        StompState.__init__(self, services, settings, budget, peer, now)

    # --- input ------------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived. Whatever the peer did wrong is answered with an ERROR."""
        self.now = self.received_at = now
        if self.stage != CLOSED:
            self.beginning = self.beginning or data[:_BEGINNING_BYTES]
            self.scanner.feed(data)
            self.go_on()
            if not self.account():
                self.head = None
                self.refuse("Invalid frame", "There is no room for more frames that are not complete\n")

    def go_on(self) -> None:
        """Handles the frames that are there, unless they have to wait."""
        generation = self.services.broker.access.generation
        if generation != self.access_generation:
            self.access_generation = generation
            self.scanner.forget_heads()
        vhost = self.vhost
        if vhost is not None:
            vhost.speaker = self
        while self.stage in (AWAIT_CONNECT, RUNNING) and not self.is_held and self.settling is None:
            try:
                if not self.take_frames():
                    break
            except AccessPending as pending:
                self.wait_for(pending)
            except ProtocolViolation as error:
                if self.stage == AWAIT_CONNECT:
                    connecting.note_stranger(self)
                self.refuse(error.reason, error.text)
            except RequestRefused as error:
                self.refuse(*words_of(error), is_final=True)
            self.head = None
        if vhost is not None:
            vhost.speaker = None
        self.flush_receipts()

    def wait_for(self, pending: AccessPending) -> None:
        """Whether the frame at hand is allowed is not known yet: it is taken again then, and nothing before it."""
        assert self.head is not None
        self.scanner.put_back(self.head, self.scanner.body)
        self.is_held = self.is_asking = True
        self.update_reading()

        def known(now: int) -> None:
            self.is_asking = False
            if self.stage == RUNNING:
                self.update_reading()
                self.is_held = bool(self.blocked_for)
                self.now = self.received_at = now
                self.go_on()

        pending.when_known(known)

    def take_frames(self) -> bool:
        """Handles frames; False when there are no more. Raises what one is refused for."""
        scanner = self.scanner
        most = self.settings.message_size_max if self.stage == RUNNING else PREAUTH_BYTES_MAX
        while self.stage == RUNNING and not self.is_held and self.settling is None:
            if self.run is not None:
                acknowledging.take_run(self)
            self.head = head = scanner.next(most)
            if head is None:
                return False
            prepared = head.prepared
            if isinstance(prepared, Prepared):
                if len(prepared.routes) == 1 and scanner.repeats(head):
                    sending.publish_run(self, prepared, most)
                else:
                    sending.publish(self, prepared, scanner.body)
            else:
                self.take(head, scanner.body)
        if self.stage == AWAIT_CONNECT:
            self.head = head = scanner.next(most)
            if head is None:
                return False
            connecting.take_first(self, head)
        return self.stage == RUNNING

    def take(self, head: Head, body: bytes) -> None:
        """Any other frame. Raises ProtocolViolation, RequestRefused."""
        handler = HANDLERS.get(head.command)
        if handler is None and self.is_jms:
            handler = jms_handler(head.command)
        if handler is None:
            raise ProtocolViolation("Bad command", f'Could not interpret command "{head.command}"\n')
        handler(self, head, body)

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Deadlines: of the log-in, and of heart-beats in both directions."""
        self.now = now
        if self.stage == CLOSED:
            return
        if self.stage in (AWAIT_CONNECT, CHECKING):
            connecting.note_stranger(self)
            log.warning("%s: timed out before it was connected", self.name)
            self.hang_up()
            return
        if self.is_held and not self.blocked_for and not self.is_asking:
            self.is_held = False
            self.go_on()
        if self.heartbeat_out_ms:
            self.send(_HEARTBEAT)
        if self.is_silent(now):
            log.warning("%s, user %r: nothing was heard for two heart-beats", self.name, self.user)
            self.hang_up()
        connecting.set_deadline(self)

    def is_silent(self, now: int) -> bool:
        """Whether nothing was heard for two heart-beats, though somebody has listened."""
        if not self.is_reading or self.is_throttled:
            self.received_at = now
        return 0 < 2 * self.heartbeat_in_ms < now - self.received_at

    def unthrottle(self, now: int) -> None:
        """It could not be heard while nobody listened."""
        self.is_throttled = False
        self.received_at = now

    def alarms_changed(self) -> None:
        """A resource has run low or has recovered."""
        sending.alarms_changed(self)

    # --- ends -------------------------------------------------------------------------------------------------------

    def shut_down(self, now: int) -> None:
        """The broker stops."""
        self.end("the broker stops", now)

    def end(self, reason: str, now: int) -> None:
        """The broker or an operator ends it."""
        self.now = now
        self.head = None
        if self.stage == RUNNING:
            self.refuse("Connection closed", f"{reason}\n")
        else:
            self.hang_up()

    def input_ended(self, now: int) -> bool:
        """The client sends no more; the receipts of what it has sent leave all the same."""
        self.now = now
        if self.stage == RUNNING and self.owed:
            self.stage = LEAVING
            self.scanner.drop()
            self.owed.append((self.owed[-1][0], b"", self.hang_up))
        return self.stage == LEAVING

    def describe(self) -> dict[str, object]:
        """What an operator sees of it."""
        return {
            **self.peer.describe(),
            "protocol": f"STOMP {self.version}",
            "state": self.stage,
            "user": self.user,
            "vhost": self.vhost.name if self.vhost is not None else "",
            "heartbeat_s": self.heartbeat_out_ms // 1000,
            "octets_in": self.octets_in,
            "octets_out": self.octets_out,
            "is_blocked": bool(self.blocked_for),
            "subscriptions": [each.destination for each in self.current()],
        }

    def taker(self) -> dict[str, object]:
        """Overrides StompWire's."""
        return taker_facts(self.name, self.peer, self.user)

    def speaking(self) -> tuple[str, str, int]:
        """Overrides Session's."""
        return self.name, self.user, 1

    def connection_lost(self, now: int) -> None:
        """The socket is gone."""
        self.now = now
        if self.stage == RUNNING:
            log.warning("%s, user %r: closed the socket without DISCONNECT", self.name, self.user)
        self.stage = CLOSED
        self.is_closing = True
        self.release()

    def release(self) -> None:
        """Overrides StompState's."""
        ending.release(self)
