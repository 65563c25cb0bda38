"""How an MQTT connection ends: DISCONNECT of either side, a violation, a takeover, a lost socket.

Whatever the reason, the session is let go of exactly once (`release`). The will is published unless the client has
said good-bye with reason 0 (§3.1.2.5).
"""

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from mqbroker.errors import ProtocolViolation
from mqbroker.limits import CLOSE_TIMEOUT_S
from mqbroker.protocols.mqtt import stages
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.packets import ConnAck, Disconnect
from mqbroker.protocols.mqtt.codec.reasons import NOT_AUTHORIZED_V3, Reason, protocol_error, reason_of, return_code

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState

log = logging.getLogger("mqbroker.mqtt")


def fail(connection: "MqttConnectionState", error: ProtocolViolation, why: str = "") -> None:
    """Answers a violation: CONNACK before the connection is open, DISCONNECT after, and the connection is closed.

    `why` is for the log alone: what the peer must not learn.
    """
    if connection.state == stages.OPEN:
        disconnect(connection, reason_of(error), error.text)
    elif error.reason == "login" and connection.registry.settings.login_refused_code == NOT_AUTHORIZED_V3:
        refuse(connection, Reason.NOT_AUTHORIZED, error.text, why)
    else:
        refuse(connection, reason_of(error), error.text, why)


def refuse(connection: "MqttConnectionState", reason: Reason, text: str, why: str = "") -> None:
    """CONNACK with a failure, if the client got so far as to expect one (§3.1.4, 3.1.1 §3.1.4); `why` as in `fail`."""
    log.warning("%s: refused, %s (%s)", connection.name, f"{text}: {why}" if why else text, reason.name)
    is_v5 = connection.version == c.V5
    last_words = b""
    if connection.connect is not None or reason == Reason.UNSUPPORTED_PROTOCOL_VERSION:
        # [MQTT-3.1.2-2]: version 5's CONNACK only for clients of version 5, which this may not be.
        packet = ConnAck(reason, False, {"reason_string": text}) if is_v5 else ConnAck(return_code(reason))
        if is_v5 or reason not in (Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR):
            last_words = connection.encoded(packet)
    hang_up(connection, last_words)


def disconnect(connection: "MqttConnectionState", reason: Reason, text: str, reference: str = "") -> None:
    """DISCONNECT with a reason, which only version 5 knows, then the end."""
    log.warning("%s, client %r: closing, %s (%s)", connection.name, connection.client_id, text, reason.name)
    last_words = b""
    if connection.version == c.V5:
        properties: dict[str, Any] = {"reason_string": text}
        if reference:
            properties["server_reference"] = reference
        last_words = connection.encoded(Disconnect(reason, properties))
    hang_up(connection, last_words)


def hang_up(connection: "MqttConnectionState", last_words: bytes = b"") -> None:
    """Closes the socket once what was received is acknowledged and all output is written. Safe to call twice.

    The journal may take its time for the acknowledgements; a client that publishes and leaves waits for them.
    """
    if connection.state == stages.CLOSED:
        return
    if connection.acks:
        connection.flush_acks()
    release(connection)
    connection.last_words = last_words
    if connection.owed:
        connection.set_reading(True)  # what still comes is dropped, and the end of the stream is noticed
        connection.deadline = connection.now + CLOSE_TIMEOUT_S * 1000
        connection.mark()
    else:
        finish(connection)


def finish(connection: "MqttConnectionState") -> None:
    """Says the last words and closes."""
    if connection.last_words:
        connection.counters.others_sent += 1
        connection.send(connection.last_words)
        connection.last_words = b""
    connection.is_closing = True
    connection.mark()


def take_disconnect(connection: "MqttConnectionState", packet: Disconnect) -> None:
    """DISCONNECT of the client (§3.14)."""
    session = connection.session
    assert session is not None
    expiry_s = packet.properties.get("session_expiry_interval")
    if expiry_s is not None:
        if expiry_s and not session.expiry_s:
            # §3.14.2.2.2: a session that was to end with its connection cannot be made to stay.
            raise protocol_error("the session expiry was 0 and cannot be changed")
        session.expiry_s = min(expiry_s, connection.registry.settings.session_expiry_s_max)
    if packet.reason != Reason.DISCONNECT_WITH_WILL:
        session.will = None  # [MQTT-3.14.4-3]
    log.info("%s, client %r: disconnected", connection.name, connection.client_id)
    hang_up(connection)


def note_loss(connection: "MqttConnectionState") -> None:
    """A line for a client that goes without DISCONNECT."""
    if connection.state == stages.OPEN:
        log.warning("%s, client %r: closed the socket without DISCONNECT", connection.name, connection.client_id)


def end(connection: "MqttConnectionState", text: str) -> None:
    """An operator ends it: DISCONNECT with 0x98, which is also said of what an operator has deleted."""
    if connection.state == stages.OPEN:
        disconnect(connection, Reason.ADMINISTRATIVE_ACTION, text)
    else:
        hang_up(connection)


def shut_down(connection: "MqttConnectionState") -> None:
    """The broker stops: DISCONNECT with 0x8B, or with the address of another server (§4.13)."""
    if connection.state != stages.OPEN:
        hang_up(connection)
        return
    reference = connection.registry.settings.server_reference
    reason = Reason.USE_ANOTHER_SERVER if reference else Reason.SERVER_SHUTTING_DOWN
    disconnect(connection, reason, "the broker stops", reference)


def release(connection: "MqttConnectionState") -> None:
    """Lets go of everything. Safe to call twice."""
    if connection.state == stages.CLOSED:
        return
    connection.state = stages.CLOSED
    connection.gate.is_open = False
    connection.parts.clear()
    connection.held.clear()
    if connection.delayed is not None:
        connection.delayed.drop()
        connection.delayed = None
    for pressure in list(connection.held_by):
        pressure.held.discard(connection)
    connection.held_by.clear()
    connection.acks.clear()
    registry = connection.registry
    if connection.is_registered:
        connection.is_registered = False
        registry.services.registry.closed(connection)
        _count_out(registry.by_address, connection.peer.host)
    session, connection.session = connection.session, None
    if session is not None and session.connection is connection:
        session.detach(connection.now)
        registry.left(session, connection.now)


def _count_out(by_address: Counter[str], host: str) -> None:
    by_address[host] -= 1
    if not by_address[host]:
        del by_address[host]
