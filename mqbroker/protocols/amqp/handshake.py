"""From the first octet to connection.open-ok: protocol header, SASL, tuning, vhost.

    AWAIT_HEADER --header--> AWAIT_START_OK --start-ok--> CHECKING --wrong--> REFUSED (close 403), or just the socket
                                                             |
                                 running <--open-- AWAIT_OPEN <--tune-ok-- AWAIT_TUNE_OK <--right--+

Until the peer has a name it gets little: 64 KiB of input up to start-ok, some seconds, and no words for most of what it
does wrong, because RabbitMQ closes the socket silently there and clients take that for what it is. A client need not
wait for our answers: what it has sent after start-ok is read once it is clear who it is.
"""

import logging
from typing import TYPE_CHECKING

import mqbroker
from mqbroker.errors import NotAllowed, ProtocolViolation
from mqbroker.limits import LOGIN_CHECK_TIMEOUT_MS, PREAUTH_BYTES_MAX
from mqbroker.protocols.amqp import constants, ending
from mqbroker.protocols.amqp.limits import AMQP_FRAME_SIZE_BYTES_MIN, AMQP_LEAVE_TIMEOUT_S
from mqbroker.protocols.amqp.methods import Method, encode_method
from mqbroker.protocols.amqp.sasl import Credentials, parse_response

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState

log = logging.getLogger("mqbroker.amqp")

AWAIT_HEADER = "header"
AWAIT_START_OK = "connection.start-ok"
CHECKING = "authentication"
REFUSED = "connection.close-ok"
AWAIT_TUNE_OK = "connection.tune-ok"
AWAIT_OPEN = "connection.open"

_HEADERS = (constants.PROTOCOL_HEADER, constants.PROTOCOL_HEADER_0_9)
_HEADER_BYTES = len(constants.PROTOCOL_HEADER)


class Handshake:
    """The state of a connection that is not open yet."""

    __slots__ = ("connection", "octets", "stage")

    def __init__(self, connection: "ConnectionState", now: int) -> None:
        self.connection = connection
        self.stage = AWAIT_HEADER
        self.octets = 0
        connection.deadline = now + connection.services.preauth_timeout_ms

    @property
    def may_send_close(self) -> bool:
        """Whether connection.close makes sense to the peer: once it has a name."""
        return self.stage in (AWAIT_TUNE_OK, AWAIT_OPEN)

    # --- protocol header --------------------------------------------------------------------------------------------

    def take_header(self, data: bytes) -> bool:
        """Takes input that may begin with the protocol header; False when there is nothing left to scan now."""
        connection = self.connection
        if self.stage == CHECKING:
            return False
        if self.stage != AWAIT_HEADER:
            return True
        header = data[:_HEADER_BYTES]
        if len(data) < _HEADER_BYTES and any(each.startswith(header) for each in _HEADERS):
            return False
        if header not in _HEADERS:
            text = connection.services.recognition.wrong_protocol(data, connection.peer, "AMQP 0-9-1")
            log.warning("%s: %s", connection.name, text or f"wrong protocol header {header!r}")
            connection.send(constants.PROTOCOL_HEADER)
            self.hang_up()
            return False
        connection.position = _HEADER_BYTES
        self.send_start()
        return True

    def chunk_taken(self) -> None:
        """Hangs up on a peer that sends and sends, and does not say who it is. What comes while that is being found
        out is kept, and no more is read; a peer that waits is read, for it may also go away."""
        if self.stage == CHECKING:
            self.connection.set_reading(not self.connection.remainder)
        elif self.octets > PREAUTH_BYTES_MAX and self.stage in (AWAIT_HEADER, AWAIT_START_OK):
            name = self.connection.name
            log.warning("%s: more than %d octets before authentication", name, PREAUTH_BYTES_MAX)
            self.hang_up()

    def send_start(self) -> None:
        """connection.start: who we are and what we can do. Clients test `product` and `capabilities`."""
        properties = {
            "capabilities": dict(constants.SERVER_CAPABILITIES),
            "cluster_name": constants.CLUSTER_NAME,
            "copyright": "Apache-2.0",
            "information": "https://www.apache.org/licenses/LICENSE-2.0",
            "platform": f"mqbroker {mqbroker.__version__}",
            "product": constants.DIALECT_PRODUCT,
            "version": constants.DIALECT_VERSION,
        }
        self.stage = AWAIT_START_OK
        self.connection.send(
            encode_method(
                "connection.start",
                0,
                version_major=0,
                version_minor=9,
                server_properties=properties,
                mechanisms=" ".join(self.connection.services.settings.mechanisms),
                locales=constants.LOCALES,
            )
        )

    # --- methods ----------------------------------------------------------------------------------------------------

    def take_method(self, method: Method) -> None:
        """The next method of channel 0. Raises ProtocolViolation for any but the one whose turn it is."""
        if method.name == "connection.close" and self.may_send_close:
            self.connection.send(encode_method("connection.close-ok", 0))
            ending.await_peer(self.connection, AMQP_LEAVE_TIMEOUT_S)
        elif method.name != self.stage:
            raise ProtocolViolation("command", f"{method.name} came where {self.stage} was expected")
        elif self.stage == AWAIT_START_OK:
            self.take_start_ok(method)
        elif self.stage == AWAIT_TUNE_OK:
            self.take_tune_ok(method)
        else:
            self.take_open(method)

    def take_start_ok(self, method: Method) -> None:
        """connection.start-ok: the client's properties, and its response to the mechanism that it chose."""
        connection = self.connection
        connection.size_limit = connection.frame_max
        connection.client_properties = method.args["client_properties"]
        capabilities = connection.client_properties.get("capabilities")
        connection.capabilities = capabilities if isinstance(capabilities, dict) else {}
        mechanism = method.args["mechanism"]
        if mechanism not in connection.services.settings.mechanisms:
            log.warning("%s: unknown authentication mechanism %r", connection.name, mechanism)
            self.hang_up()
            return
        try:
            credentials = parse_response(mechanism, method.args["response"])
        except ProtocolViolation as error:
            log.warning("%s: %s", connection.name, error.text)
            self.refuse_login(mechanism)
            return
        self.stage = CHECKING
        connection.set_reading(False)  # ends the scan
        self.check(credentials)

    def check(self, credentials: Credentials) -> None:
        """Has the credentials checked. A certificate was checked by TLS: its name is the user."""
        connection = self.connection
        settings = connection.services.settings
        user = credentials.username
        if credentials.password is None:
            user = connection.peer.certificate_names.get(settings.external_name, "")
            self.login_checked(user, "EXTERNAL", bool(user) and user in connection.services.broker.access.users)
            return
        # Who waits for our threads is not slow itself: the time for the log-in does not run meanwhile.
        connection.deadline = connection.now + LOGIN_CHECK_TIMEOUT_MS
        connection.services.authenticator.check(
            user,
            credentials.password,
            lambda right: self.login_checked(user, credentials.mechanism, right),
            connection.peer.host,
            lambda: not connection.is_closing,
        )

    def login_checked(self, user: str, mechanism: str, is_right: bool) -> None:
        """The answer of the authenticator, at once or some time later."""
        connection = self.connection
        if connection.is_closing:
            return
        connection.set_reading(True)
        settings = connection.services.settings
        reason = connection.services.admission.why_refused(user, connection.peer, is_right)
        if reason:
            log.warning("%s: log-in of user %r refused: %s", connection.name, user, reason)
            connection.services.broker.events.tell(
                "user.refused", user=user, protocol=connection.protocol, peer=connection.name, reason=reason
            )
            self.refuse_login(mechanism)
        else:
            connection.user = user
            connection.is_authenticated = True
            self.stage = AWAIT_TUNE_OK
            connection.send(
                encode_method(
                    "connection.tune",
                    0,
                    channel_max=settings.channel_max,
                    frame_max=settings.frame_max,
                    heartbeat=settings.heartbeat_s,
                )
            )
        if connection.remainder:
            connection.go_on(connection.now)

    def refuse_login(self, mechanism: str) -> None:
        """Tells a client that asked to be told (authentication_failure_close); just hangs up on any other."""
        if not self.connection.capabilities.get("authentication_failure_close"):
            self.hang_up()
            return
        self.stage = REFUSED
        text = f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
        ending.send_close(self.connection, constants.ACCESS_REFUSED, text)

    def take_tune_ok(self, method: Method) -> None:
        """connection.tune-ok. A client that asks for more than was offered is refused without a word, as in 3.10.8."""
        connection = self.connection
        settings = connection.services.settings
        connection.deadline = connection.now + connection.services.preauth_timeout_ms
        channel_max, frame_max = method.args["channel_max"], method.args["frame_max"]
        is_modest = 0 < channel_max <= settings.channel_max and frame_max <= settings.frame_max
        if not is_modest or frame_max < AMQP_FRAME_SIZE_BYTES_MIN:
            log.warning("%s: asks for channel_max %d, frame_max %d", connection.name, channel_max, frame_max)
            self.hang_up()
            return
        connection.channel_max = channel_max
        connection.frame_max = frame_max
        connection.size_limit = frame_max
        connection.heartbeat_ms = method.args["heartbeat"] * 1000
        self.stage = AWAIT_OPEN

    def take_open(self, method: Method) -> None:
        """connection.open: the vhost, who may use it, and whether there is room. Raises NotAllowed."""
        connection = self.connection
        services = connection.services
        name = method.args["virtual_host"]
        vhost = services.broker.vhosts.get(name)
        if vhost is None:
            raise NotAllowed(f"vhost {name} not found")
        services.admission.check_vhost(connection.user, name)
        connection.vhost = vhost
        connection.handshake = None
        connection.next_sweep = connection.now
        connection.deadline = connection.now + (connection.heartbeat_ms // 2 or 1)
        services.registry.opened(connection, connection.user, name)
        connection.send(encode_method("connection.open-ok", 0))
        log.info("%s: user %r opened vhost %r", connection.name, connection.user, name)

    def hang_up(self) -> None:
        """Closes the socket once the output is written."""
        self.connection.is_closing = True
        self.connection.mark()
