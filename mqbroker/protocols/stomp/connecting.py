"""CONNECT, or STOMP, which is the same: who it is, which version, which vhost, which heart-beats.

A refusal leaves the connection open, as in RabbitMQ; the time that a peer without a name has goes on all the same. What
a client sends ahead of CONNECTED waits.
"""

import logging
from typing import TYPE_CHECKING

import mqbroker
from mqbroker.core.destinations.retroactive import keep_recent
from mqbroker.errors import NotAllowed, ProtocolViolation, TooManyConnections
from mqbroker.limits import LOGIN_CHECK_TIMEOUT_MS
from mqbroker.protocols.stomp.codec.escapes import V1_0, V1_1, V1_2
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_integer
from mqbroker.protocols.stomp.limits import STOMP_EXACT_HEARTBEAT_MS_MIN, STOMP_HEARTBEAT_MS_MAX, STOMP_HEARTBEAT_MS_MIN
from mqbroker.protocols.stomp.state import AWAIT_CONNECT, CHECKING, CLOSED, RUNNING
from mqbroker.protocols.stomp.wire import StompWire

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

log = logging.getLogger("mqbroker.stomp")

_VERSIONS = (V1_2, V1_1, V1_0)  # the highest first
_COMMANDS = ("CONNECT", "STOMP")
_LOG_IN_FIRST = "You must log in using CONNECT first"
_IMPLICIT = ""
"""The command of who has not said CONNECT: there is no answer to it either (RabbitMQ's implicit_connect)."""
_FIRST_OCTETS = (b"CONNECT\n", b"CONNECT\r", b"STOMP")


def take_first(connection: "StompState", head: Head) -> None:
    """A frame before the log-in. Raises ProtocolViolation."""
    if head.command not in _COMMANDS:
        if not connection.settings.implicit_connect:
            raise ProtocolViolation("Illegal command", _LOG_IN_FIRST)
        connection.scanner.put_back(head, connection.scanner.body)
        head = Head(_IMPLICIT, {}, -1)
    version = _agree(head.get("accept-version"))
    incoming, outgoing = heartbeats(head.get("heart-beat"), connection.is_jms)
    connection.stage = CHECKING
    connection.update_reading()
    _check_login(connection, head, version, incoming, outgoing)


def note_stranger(connection: "StompState") -> None:
    """A peer that has not logged in is refused: says in the log what it seems to speak, if that is not STOMP."""
    text = connection.services.recognition.wrong_protocol(connection.beginning, connection.peer, connection.protocol)
    if text and not connection.beginning.startswith(_FIRST_OCTETS):
        log.warning("%s: %s", connection.name, text)


def take_again(_connection: "StompState", _head: Head, _body: bytes) -> None:
    """A second CONNECT. Raises ProtocolViolation."""
    raise ProtocolViolation("Illegal command", _LOG_IN_FIRST)  # as RabbitMQ says


def _agree(accepted: str | None) -> str:
    """The highest version that both speak [STOMP 1.2, Protocol Negotiation]; without the header it is 1.0."""
    offered = [V1_0] if accepted is None else [each.strip() for each in accepted.split(",")]
    for version in _VERSIONS:
        if version in offered:
            return version
    raise ProtocolViolation("Version mismatch", "Supported versions are 1.0,1.1,1.2\n")


def heartbeats(header: str | None, is_exact: bool) -> tuple[int, int]:
    """(how often it is to be heard, how often we are), in milliseconds, which are whole seconds unless they are exact;
    0 is never. Raises ProtocolViolation."""
    if header is None:
        return 0, 0
    parts = [part.strip() for part in header.split(",")]
    if len(parts) != 2 or not all(map(is_integer, parts)):
        raise ProtocolViolation("Processing error", f"Invalid heart-beat header:{header}\n")
    theirs, ours = (_interval(int(part), is_exact) for part in parts)
    return theirs, ours


def _interval(interval_ms: int, is_exact: bool) -> int:
    if interval_ms <= 0 or interval_ms > STOMP_HEARTBEAT_MS_MAX:
        return 0
    if is_exact:
        return max(STOMP_EXACT_HEARTBEAT_MS_MIN, interval_ms)
    return max(STOMP_HEARTBEAT_MS_MIN, interval_ms // 1000 * 1000)


# --- the log-in -----------------------------------------------------------------------------------------------------


def _check_login(connection: "StompState", head: Head, version: str, incoming: int, outgoing: int) -> None:
    settings, services = connection.settings, connection.services
    basic = connection.peer.basic if settings.http_auth else None
    user, passcode = (head.get("login") or "", head.get("passcode") or "") if basic is None else basic

    def checked(is_right: bool) -> None:
        _logged_in(connection, head, user, is_right, version, (incoming, outgoing))

    if user:
        # Who waits for our threads is not slow itself: the time for the log-in does not run meanwhile.
        connection.deadline = connection.now + LOGIN_CHECK_TIMEOUT_MS
        password = passcode.encode("utf-8", "surrogateescape")
        is_wanted = connection.is_wanted
        services.authenticator.check(user, password, checked, connection.peer.host, is_wanted)
        return
    user = connection.peer.certificate_names.get(settings.certificate_name, "") if settings.certificate_name else ""
    user = user or settings.anonymous_user
    checked(bool(user) and user in services.broker.access.users)


def _logged_in(
    connection: "StompState", head: Head, user: str, is_right: bool, version: str, beats: tuple[int, int]
) -> None:
    """The log-in was checked, at once or some time later."""
    if connection.stage != CHECKING:
        return
    connection.head = head
    connection.stage = AWAIT_CONNECT
    connection.deadline = connection.now + connection.services.preauth_timeout_ms
    connection.update_reading()
    try:
        _check_admission(connection, user, is_right)
        _open(connection, head, user, version, beats)
    except ProtocolViolation as error:
        connection.refuse(error.reason, error.text, is_final=head.command == _IMPLICIT)
    connection.head = None
    connection.go_on()


def _check_admission(connection: "StompState", user: str, is_right: bool) -> None:
    services = connection.services
    reason = services.admission.why_refused(user, connection.peer, is_right)
    if reason:
        log.warning("%s: log-in of user %r refused: %s", connection.name, user, reason)
        services.broker.events.tell(
            "user.refused", user=user, protocol=connection.protocol, peer=connection.name, reason=reason
        )
        text = "non-loopback access denied" if is_right else f"Access refused for user '{user}'\n"
        raise ProtocolViolation("Bad CONNECT", text)


def _vhost_name(connection: "StompState", head: Head) -> str:
    wanted = head.get("host")
    default = connection.services.default_vhost
    if wanted is None:
        return default
    ignores = connection.is_jms or connection.settings.unknown_host_is_default
    return default if ignores and wanted not in connection.services.broker.vhosts else wanted


def _open(connection: "StompState", head: Head, user: str, version: str, beats: tuple[int, int]) -> None:
    """The peer has a name: its vhost, the limits, and CONNECTED. Raises ProtocolViolation."""
    services = connection.services
    name = _vhost_name(connection, head)
    vhost = services.broker.vhosts.get(name)
    if vhost is None:
        raise ProtocolViolation("Bad CONNECT", f"Virtual host '{name}' access denied")
    try:
        services.admission.check_vhost(user, name)
    except NotAllowed as error:
        log.warning("%s: %s", connection.name, error)
        text = f"Virtual host '{name}' access denied"
        if isinstance(error, TooManyConnections):
            text = f"Connection refused: {error.of} connection limit reached"
        raise ProtocolViolation("Bad CONNECT", text) from None
    if connection.is_jms:
        _check_client_id(connection, head.get("client-id"))
    connection.vhost = vhost
    connection.user = user
    connection.is_authenticated = True
    connection.stage = RUNNING
    connection.session_id = f"session-{services.broker.unique_name()}"
    if connection.is_jms:
        connection.client_id = head.get("client-id") or connection.session_id
        if connection.settings.retroactive_messages:
            exchange, count = connection.settings.topic_exchange, connection.settings.retroactive_messages
            keep_recent(vhost, exchange, count, connection.now)
    connection.set_version(version)
    connection.heartbeat_in_ms, connection.heartbeat_out_ms = beats
    services.registry.opened(connection, user, name)
    set_deadline(connection)
    if head.command != _IMPLICIT:
        connection.send(_connected(connection, head, *beats))
    log.info("%s: user %r opened vhost %r in version %s", connection.name, user, name, version)


def _check_client_id(connection: "StompState", client_id: str | None) -> None:
    """One connection has a client id. Raises ProtocolViolation."""
    for other in connection.services.registry.all() if client_id else ():
        if isinstance(other, StompWire) and other.client_id == client_id:
            text = f"Broker: localhost - Client: {client_id} already connected from tcp://{other.label().split(' ')[0]}"
            raise ProtocolViolation(text, "")


def _connected(connection: "StompState", head: Head, incoming_ms: int, outgoing_ms: int) -> bytes:
    """CONNECTED, whose headers are not escaped [STOMP 1.2, Value Encoding]."""
    lines = [
        f"server:mqbroker/{mqbroker.__version__}",
        f"session:{connection.client_id or connection.session_id}",
        f"heart-beat:{outgoing_ms},{incoming_ms}",
        f"version:{connection.version}",
    ]
    if connection.is_jms:
        asked = head.get("request-id") or head.get("receipt")
        if asked and asked.isprintable():
            lines += [f"response-id:{asked}", f"receipt-id:{asked}"]
    return ("CONNECTED\n" + "".join(f"{line}\n" for line in lines) + "\n\0\n").encode("utf-8", "surrogateescape")


def set_deadline(connection: "StompState") -> None:
    """When it is next to be looked at whether somebody was silent for too long. Twice in each heart-beat."""
    beats = [each // 2 for each in (connection.heartbeat_in_ms, connection.heartbeat_out_ms) if each]
    if connection.stage not in (CLOSED, AWAIT_CONNECT, CHECKING):
        connection.deadline = connection.now + min(beats) if beats else 0
