"""From the first octet to open: protocol headers, SASL, who may use which vhost.

    HEADER --SASL header--> INIT --sasl-init--> CHECKING --outcome 0--> HEADER_AGAIN --AMQP header--> OPEN --open--> ...
       |                      |                    ^                                                   ^
       |                      +--SCRAM--> RESPONSE-+                                                   |
       +--AMQP header, where clients without a name are let in-----------------------------------------+

A client need not wait for answers: what it has sent is read once it is clear who it is. Until then it gets 64 KiB and
some seconds.
"""

import logging
from typing import TYPE_CHECKING, Any

import mqbroker
from mqbroker.core.vhost import VHost
from mqbroker.errors import AccessRefused, NotAllowed, NotFound, ProtocolViolation
from mqbroker.limits import LOGIN_CHECK_TIMEOUT_MS, PREAUTH_BYTES_MAX
from mqbroker.protocols.amqp1 import conditions, ending
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.performatives import (
    Close,
    Open,
    SaslChallenge,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    SaslResponse,
)
from mqbroker.protocols.amqp1.codec.types import Symbol
from mqbroker.protocols.amqp1.conditions import CONNECTION, Fault
from mqbroker.protocols.amqp1.containers import SOLE, closes_others, wants_sole
from mqbroker.protocols.amqp1.limits import FRAME_BYTES_MIN
from mqbroker.protocols.scram import ScramExchange

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.state import Amqp1State

log = logging.getLogger("mqbroker.amqp1")

HEADER, INIT, RESPONSE, CHECKING = "header", "sasl-init", "sasl-response", "authentication"
HEADER_AGAIN, OPEN = "header after SASL", "open"

OFFERED = ["LINK_PAIR_V1_0", "ANONYMOUS-RELAY", "SHARED-SUBS", "DELAYED_DELIVERY", SOLE]
_OK, _AUTH, _SYS_PERM = 0, 1, 3
_VHOST_PREFIX = "vhost:"
_CLUSTER_NAME = "mqbroker"
_FAILED = Symbol("amqp:connection-establishment-failed")


class Handshake:
    """The state of a connection that is not open yet."""

    __slots__ = ("connection", "octets", "refusal", "scram", "stage")

    def __init__(self, connection: "Amqp1State", now: int) -> None:
        self.connection = connection
        self.stage = HEADER
        self.octets = 0
        self.scram: ScramExchange | None = None
        self.refusal = ""
        """Why the open of who has logged in will be refused; until then they are a stranger."""
        connection.deadline = now + connection.services.preauth_timeout_ms

    def step(self, data: bytes) -> bool:
        """Takes the next header or frame; False when it is not complete, or has to wait. Raises ProtocolViolation."""
        if self.stage == CHECKING:
            return False
        if self.stage in (HEADER, HEADER_AGAIN):
            return self._take_header(data)
        return self._take_frame(data)

    def chunk_taken(self, size: int) -> None:
        """So much has arrived: hangs up on a peer that sends and sends, and does not say who it is. What comes while
        that is being found out is kept, and no more is read."""
        connection = self.connection
        self.octets += size
        if self.stage == CHECKING:
            connection.set_reading(not connection.remainder)
        elif not connection.is_authenticated and self.octets > PREAUTH_BYTES_MAX:
            log.warning("%s: more than %d octets before authentication", connection.name, PREAUTH_BYTES_MAX)
            self.hang_up()

    # --- headers ----------------------------------------------------------------------------------------------------

    def _take_header(self, data: bytes) -> bool:
        connection = self.connection
        start = connection.position
        header = data[start : start + frames.HEADER_BYTES]
        if len(header) < frames.HEADER_BYTES:
            return False
        connection.position = start + frames.HEADER_BYTES
        if self.stage == HEADER and header == frames.SASL_HEADER:
            mechanisms = list(connection.services.settings.mechanisms)
            connection.send(frames.SASL_HEADER + frames.sasl(SaslMechanisms(mechanisms)))
            self.stage = INIT
        elif header == frames.AMQP_HEADER and (self.stage == HEADER_AGAIN or self._is_anonymous_allowed()):
            connection.send(frames.AMQP_HEADER)
            self.stage = OPEN
        else:
            log.warning("%s: wrong protocol header %r", connection.name, header)
            connection.send(frames.SASL_HEADER)  # 2.2: what would be taken
            self.hang_up()
            return False
        return True

    def _is_anonymous_allowed(self) -> bool:
        """A client that skips SASL is whoever says ANONYMOUS, where somebody is."""
        user = self.connection.services.settings.anonymous_user
        if not user:
            return False
        reason = self._why_refused(user, user in self.connection.services.broker.access.users)
        if reason:
            self._note_refusal(user, reason)
            return False
        self._logged_in(user)
        return True

    # --- SASL -------------------------------------------------------------------------------------------------------

    def _take_frame(self, data: bytes) -> bool:
        connection = self.connection
        start, length = connection.position, len(data)
        if length - start < 8:
            return False
        size = int.from_bytes(data[start : start + 4], "big")
        frames.check_size(size, connection.size_limit if connection.is_authenticated else PREAUTH_BYTES_MAX)
        end = start + size
        if end > length:
            return False
        connection.position = end
        at = frames.body_at(data, start, end)
        wanted = frames.AMQP_TYPE if self.stage == OPEN else frames.SASL_TYPE
        if data[start + 5] != wanted:
            raise frames.framing(f"a frame of type {data[start + 5]} came where {self.stage} was expected")
        if at == end:
            return True
        found, at = frames.read_performative(data, at, end)
        if at != end:
            raise ProtocolViolation("decode", f"octets follow {self.stage}")
        self._take(found)
        return True

    def _take(self, found: Any) -> None:
        if self.stage == INIT and isinstance(found, SaslInit):
            self._begin(found.mechanism, found.initial_response or b"")
        elif self.stage == RESPONSE and isinstance(found, SaslResponse):
            self._prove(found.response)
        elif self.stage == OPEN and isinstance(found, Open):
            self.take_open(found)
        else:
            raise ProtocolViolation("illegal", f"{type(found).__name__.lower()} came where {self.stage} was expected")

    def _begin(self, mechanism: str, response: bytes) -> None:
        connection = self.connection
        settings = connection.services.settings
        if mechanism not in settings.mechanisms:
            log.warning("%s: unknown authentication mechanism %r", connection.name, mechanism)
            self._refuse(_SYS_PERM)
        elif mechanism == "PLAIN":
            self._check_plain(response)
        elif mechanism == "EXTERNAL":
            user = connection.peer.certificate_names.get(settings.external_name, "")
            self.login_checked(user, bool(user) and user in connection.services.broker.access.users)
        elif mechanism == "ANONYMOUS":
            user = settings.anonymous_user
            self.login_checked(user, bool(user) and user in connection.services.broker.access.users)
        else:
            broker = connection.services.broker
            self.scram = ScramExchange(broker.access, broker.unique_name)
            self._challenge(self.scram.first(response))

    def _challenge(self, challenge: bytes | None) -> None:
        if challenge is None:
            self._refuse(_AUTH)
            return
        self.stage = RESPONSE
        self.connection.send(frames.sasl(SaslChallenge(challenge)))

    def _prove(self, response: bytes) -> None:
        assert self.scram is not None
        user = self.scram.final(response)
        self.login_checked(user, bool(user))

    def _check_plain(self, response: bytes) -> None:
        parts = response.split(b"\0")
        if len(parts) != 3:
            log.warning("%s: PLAIN response is malformed", self.connection.name)
            self._refuse(_AUTH)
            return
        user = parts[1].decode(errors="surrogateescape")  # a name that is not UTF-8 is nobody's
        connection = self.connection
        self.stage = CHECKING
        connection.set_reading(False)
        # Who waits for our threads is not slow itself: the time for the log-in does not run meanwhile.
        connection.deadline = connection.now + LOGIN_CHECK_TIMEOUT_MS
        connection.services.authenticator.check(
            user,
            parts[2],
            lambda is_right: self.login_checked(user, is_right),
            connection.peer.host,
            lambda: not connection.is_closing,
        )

    def login_checked(self, user: str, is_right: bool) -> None:
        """The answer of the authenticator, at once or some time later."""
        connection = self.connection
        if connection.is_closing:
            return
        was_waiting = self.stage == CHECKING
        connection.set_reading(True)
        reason = self._why_refused(user, is_right)
        if reason:
            self._note_refusal(user, reason)
        if reason and not is_right:
            self._refuse(_AUTH)
            return
        if reason:
            self.refusal = f"user '{user}' can only connect via localhost"
        else:
            self._logged_in(user)
        self.stage = HEADER_AGAIN
        last = self.scram.last if self.scram is not None else None
        connection.send(frames.sasl(SaslOutcome(_OK, last)))
        if was_waiting and connection.remainder:
            connection.go_on(connection.now)

    def _logged_in(self, user: str) -> None:
        connection = self.connection
        connection.user = user
        connection.is_authenticated = True
        connection.deadline = connection.now + connection.services.preauth_timeout_ms

    def _why_refused(self, user: str, is_right: bool) -> str:
        return self.connection.services.admission.why_refused(user, self.connection.peer, is_right)

    def _note_refusal(self, user: str, reason: str) -> None:
        connection = self.connection
        log.warning("%s: log-in of user %r refused: %s", connection.name, user, reason)
        connection.services.broker.events.tell(
            "user.refused", user=user, protocol=connection.protocol, peer=connection.name, reason=reason
        )

    def _refuse(self, code: int) -> None:
        self.connection.send(frames.sasl(SaslOutcome(code)))
        self.hang_up()

    def hang_up(self) -> None:
        """Closes the socket once the output is written."""
        self.connection.is_closing = True
        self.connection.mark()

    # --- open -------------------------------------------------------------------------------------------------------

    def take_open(self, message: Open) -> None:
        """The client's open: what it can do, and which vhost it means."""
        connection = self.connection
        services = connection.services
        connection.container_id = message.container_id
        connection.open_properties = message.properties
        fault = Fault(CONNECTION, conditions.UNAUTHORIZED, self.refusal) if self.refusal else self._fault_in(message)
        vhost: VHost | None = None
        if fault is None:
            name = _vhost_name(message.hostname) or services.default_vhost
            vhost, fault = self._admit(name)
        if vhost is not None:
            fault = self._make_room(message, vhost.name)
        if vhost is None or fault is not None:
            assert fault is not None
            self._close(fault)
            return
        connection.vhost = vhost
        connection.frame_max = min(message.max_frame_size, services.settings.frame_max)
        connection.channel_max = min(message.channel_max, services.settings.sessions_max - 1)
        connection.idle_ms = message.idle_time_out or 0
        connection.handshake = None
        connection.send_performative(0, self._answer(connection.channel_max, {}))
        connection.deadline = connection.now + 1
        services.containers.enter(vhost.name, message.container_id, connection, wants_sole(message))
        services.registry.opened(connection, connection.user, vhost.name)
        log.info("%s: user %r opened vhost %r", connection.name, connection.user, vhost.name)

    def _fault_in(self, message: Open) -> Fault | None:
        """What of an open cannot be agreed to."""
        if message.max_frame_size < FRAME_BYTES_MIN:
            text = f"max_frame_size ({message.max_frame_size}) < minimum maximum frame size ({FRAME_BYTES_MIN})"
            return Fault(CONNECTION, conditions.FRAME_SIZE_TOO_SMALL, text)
        idle, least = message.idle_time_out or 0, self.connection.services.settings.idle_timeout_min_ms
        if 0 < idle < least:
            text = f"idle-time-out ({idle} ms) < minimum idle-time-out ({least} ms)"
            return Fault(CONNECTION, conditions.NOT_ALLOWED, text)
        return None

    def _admit(self, name: str) -> tuple[VHost | None, Fault | None]:
        connection = self.connection
        broker = connection.services.broker
        failed = "AMQP 1.0 connection failed"
        vhost = broker.vhosts.get(name)
        if vhost is None:
            text = f"{failed}: virtual host '{name}' does not exist"
            return None, Fault(CONNECTION, conditions.UNAUTHORIZED, text)
        try:
            broker.access.check_vhost(connection.user, name)
        except (NotAllowed, NotFound) as error:
            return None, Fault(CONNECTION, conditions.UNAUTHORIZED, f"{failed}: {error}")
        try:
            connection.services.admission.check_vhost(connection.user, name)
        except (AccessRefused, NotAllowed) as error:
            return None, Fault(CONNECTION, conditions.RESOURCE_LIMIT, f"connection refused: {error}")
        return vhost, None

    def _make_room(self, message: Open, vhost: str) -> Fault | None:
        """Other connections of a container that is to have one only: they are closed, or the new one is refused."""
        connection = self.connection
        others = connection.services.containers.others(vhost, message.container_id, wants_sole(message))
        is_ours = all(other.user == connection.user for other in others)
        if others and not (is_ours and closes_others(message)):
            text = f"the container id '{message.container_id}' is in use by another connection"
            return Fault(CONNECTION, conditions.INVALID_FIELD, text, {"invalid-field": Symbol("container-id")})
        for other in others:
            other.now = connection.now
            text = "a connection of the same container has taken its place"
            info: dict[str, object] = {"sole-connection-enforcement": True}
            ending.close(other, Fault(CONNECTION, conditions.RESOURCE_LOCKED, text, info))
        return None

    def _answer(self, channel_max: int, more: dict[Any, Any]) -> Open:
        settings = self.connection.services.settings
        properties = {
            Symbol("product"): settings.product,
            Symbol("version"): settings.version,
            Symbol("platform"): f"mqbroker {mqbroker.__version__}",
            Symbol("copyright"): "Apache-2.0",
            Symbol("information"): "https://www.apache.org/licenses/LICENSE-2.0",
            Symbol("cluster_name"): _CLUSTER_NAME,
            Symbol("node"): _CLUSTER_NAME,
        }
        return Open(
            container_id=_CLUSTER_NAME,
            max_frame_size=settings.frame_max,
            channel_max=channel_max,
            idle_time_out=settings.idle_timeout_ms or None,
            offered_capabilities=OFFERED,
            properties={**properties, **more},
        )

    def _close(self, fault: Fault) -> None:
        """A connection that cannot be: it is opened and closed, so that the client is told why."""
        connection = self.connection
        log.warning("%s, user %r: %s: %s", connection.name, connection.user, fault.condition, fault.text)
        connection.send_performative(0, self._answer(0, {_FAILED: True}))
        connection.send_performative(0, Close(fault.error()))
        connection.handshake = None
        ending.await_peer(connection)


def _vhost_name(hostname: str | None) -> str:
    """The vhost that a hostname names; empty for any other."""
    if hostname is not None and hostname.startswith(_VHOST_PREFIX):
        return hostname.removeprefix(_VHOST_PREFIX)
    return ""
