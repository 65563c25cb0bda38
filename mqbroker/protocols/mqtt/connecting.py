"""From CONNECT to CONNACK (§3.1.4): who it is, whether they may, which session they go on with; and AUTH (§4.12).

    CONNECT --> client id --> password, certificate, nobody or SCRAM --> vhost, limits --> session --> CONNACK

Until then the peer gets one packet, as large as a CONNECT can be, and some seconds. It need not wait for the answer
before it goes on (§3.1.4): what has been read with the CONNECT waits, and more is not read until it is clear who it is.
"""

import logging
from typing import TYPE_CHECKING, Any

from mqbroker.errors import AccessPending, ProtocolViolation, RequestRefused
from mqbroker.limits import LOGIN_CHECK_TIMEOUT_MS
from mqbroker.protocols.mqtt import ending, pacing, stages
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.packets import Auth, ConnAck, Connect, Will
from mqbroker.protocols.mqtt.codec.reasons import Reason, protocol_error
from mqbroker.protocols.mqtt.limits import MQTT_CLIENT_ID_BYTES_MAX, MQTT_PACKET_BYTES_CEILING
from mqbroker.protocols.mqtt.topics import check_topic_name
from mqbroker.protocols.mqtt.wills import will_of
from mqbroker.protocols.scram import METHOD, ScramExchange

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState

log = logging.getLogger("mqbroker.mqtt")

_FIRST_OCTET = c.CONNECT << 4


def check_beginning(connection: "MqttConnectionState", data: bytes) -> None:
    """The first octets that a peer sends. Raises ProtocolViolation for what cannot become a CONNECT [MQTT-3.1.0-1]."""
    if data[0] != _FIRST_OCTET:
        text = connection.registry.services.recognition.wrong_protocol(data, connection.peer, "MQTT")
        raise protocol_error(text or f"the first packet is not CONNECT, it begins with {data[:8].hex(' ')}")


def take_packet(connection: "MqttConnectionState", first: int, body: bytes) -> None:
    """A packet before the connection is open. Raises ProtocolViolation."""
    kind = first >> 4
    if connection.state == stages.CHECKING and kind == c.AUTH and connection.auth is not None:
        _take_auth(connection, decode(first, body, connection.version))
        return
    if kind == c.DISCONNECT and connection.state == stages.CHECKING:
        ending.hang_up(connection)  # the client gives up its authentication [MQTT-3.1.2-30]
        return
    if connection.state != stages.AWAIT_CONNECT or kind != c.CONNECT:
        raise protocol_error("the first packet is not CONNECT")  # [MQTT-3.1.0-1]
    _note_version(connection, body)
    _take_connect(connection, decode(first, body, c.V5))


def _note_version(connection: "MqttConnectionState", body: bytes) -> None:
    """The level, as far as it can be told of a packet that may be broken: the answer depends on it.

    To a level that does not exist the answer is that of version 3, which is what Mosquitto's bridges wait for before
    they try another one.
    """
    for level, name in c.PROTOCOL_NAMES.items():
        if body[2 : 2 + len(name) + 1] == name + bytes((level,)):
            connection.version = level


def _take_connect(connection: "MqttConnectionState", connect: Connect) -> None:
    connection.connect = connect
    connection.counters.connects_received += 1
    connection.version = connect.version
    connection.is_bridge = connect.is_bridge
    connection.packet_size_max = connect.properties.get("maximum_packet_size", MQTT_PACKET_BYTES_CEILING)
    connection.problem_information = connect.properties.get("request_problem_information", True)
    connection.state = stages.CHECKING
    _check_client_id(connection, connect)
    if connect.will is not None:
        _check_will(connection, connect.will)
    _check_address(connection)
    if "authentication_method" in connect.properties:
        _begin_auth(connection, connect)
    else:
        _check_login(connection, connect)


def _check_will(connection: "MqttConnectionState", will: Will) -> None:
    """The same as of a PUBLISH; what it may not say is refused before it is due (§3.2.2.3)."""
    settings = connection.registry.settings
    check_topic_name(will.topic)
    if "response_topic" in will.properties:
        check_topic_name(will.properties["response_topic"])
    if will.qos > settings.maximum_qos:
        raise ProtocolViolation("qos", f"QoS {will.qos} of the will is not supported")  # [MQTT-3.2.2-12]
    if will.retain and not settings.retain_available:
        raise ProtocolViolation("retain", "a retained will is not supported")  # [MQTT-3.2.2-13]
    if 0 < settings.message_size_max < len(will.payload):
        raise ProtocolViolation("size", "the will is larger than this server takes")


def _check_client_id(connection: "MqttConnectionState", connect: Connect) -> None:
    client_id = connect.client_id
    if len(client_id.encode()) > MQTT_CLIENT_ID_BYTES_MAX:
        raise ProtocolViolation("client_id", "the client identifier is longer than this server takes")
    if not client_id and (connect.version == c.V3_1 or (connect.version == c.V3_1_1 and not connect.clean_start)):
        # 3.1.1 [MQTT-3.1.3-8]; since 5.0 every client may leave the choice to the server
        raise ProtocolViolation("client_id", "the client identifier is empty")
    wanted = connection.registry.settings.certificate_client_id
    if wanted and connection.peer.certificate_names.get(wanted) != client_id:
        raise ProtocolViolation("client_id", "the client identifier is not the one of the certificate")
    connection.client_id = client_id or f"auto-{connection.registry.broker.unique_name()}"  # [MQTT-3.1.3-6]


def _check_address(connection: "MqttConnectionState") -> None:
    maximum = connection.registry.settings.connections_per_address_max
    if maximum and connection.registry.by_address[connection.peer.host] >= maximum:
        raise ProtocolViolation("quota", f"there are {maximum} connections from this address already")


# --- who it is ------------------------------------------------------------------------------------------------------


def _check_login(connection: "MqttConnectionState", connect: Connect) -> None:
    """Password, certificate or nobody; the answer may come later."""
    settings, users = connection.registry.settings, connection.registry.broker.access.users
    name = connect.user_name
    if not name:  # some clients, such as gmqtt, send an empty one when they have none
        name = connection.peer.certificate_names.get(settings.certificate_name, "") if settings.certificate_name else ""
        if name:
            _logged_in(connection, *_vhost_and_user(connection, name), name in users)
        else:
            _log_in_anonymously(connection)
        return
    vhost, user = _vhost_and_user(connection, name)
    if settings.anonymous_fallback and (user not in users or not connect.password):
        _log_in_anonymously(connection)
        return
    # Who waits for our threads is not slow itself: the time for the log-in does not run meanwhile.
    connection.deadline = connection.now + LOGIN_CHECK_TIMEOUT_MS
    connection.registry.services.authenticator.check(
        user,
        connect.password or b"",
        lambda is_right: _logged_in(connection, vhost, user, is_right),
        connection.peer.host,
        lambda: connection.state == stages.CHECKING,
        {"vhost": vhost, "client_id": connection.client_id},
    )


def _log_in_anonymously(connection: "MqttConnectionState") -> None:
    registry = connection.registry
    is_allowed = connection.peer.is_loopback or not registry.anonymous_from_loopback_only
    user = registry.anonymous_user
    _logged_in(connection, registry.services.default_vhost, user, bool(user) and is_allowed)


def _vhost_and_user(connection: "MqttConnectionState", name: str) -> tuple[str, str]:
    """`vhost:user` names both, as in RabbitMQ, unless there is a user of the whole name."""
    vhost, colon, user = name.rpartition(":")
    if not colon or name in connection.registry.broker.access.users:
        return connection.registry.services.default_vhost, name
    return vhost, user


def _logged_in(connection: "MqttConnectionState", vhost: str, user: str, is_right: bool) -> None:
    """The login was checked, at once or some time later."""
    if connection.state != stages.CHECKING:
        return
    try:
        reason = _why_refused(connection, user, is_right)
        if reason:
            connection.registry.broker.events.tell(
                "user.refused", user=user, protocol=connection.protocol, peer=connection.name, reason=reason
            )
            ending.fail(connection, ProtocolViolation("login", f"login of user {user!r} refused"), reason)
            return
        _open(connection, vhost, user)
    except AccessPending as pending:  # nothing has come of it yet

        def known(now: int) -> None:
            connection.now = max(now, connection.now)
            _logged_in(connection, vhost, user, is_right)

        pending.when_known(known)
    except ProtocolViolation as error:
        ending.fail(connection, error)
    except RequestRefused as error:
        ending.refuse(connection, Reason.NOT_AUTHORIZED, str(error))


def _why_refused(connection: "MqttConnectionState", user: str, is_right: bool) -> str:
    """The reason why a client does not get in, for the log alone; empty when it does."""
    if not is_right and not connection.connect.user_name and connection.auth is None:
        return "it came without a user name; mqtt.anonymous_user names the user that such clients are"
    return connection.registry.services.admission.why_refused(user, connection.peer, is_right)


def _open(connection: "MqttConnectionState", vhost_name: str, user: str) -> None:
    """The peer has a name: permissions and limits, then the session. Raises RequestRefused, ProtocolViolation."""
    registry = connection.registry
    vhost = registry.broker.vhosts.get(vhost_name)
    if vhost is None:
        raise ProtocolViolation("login", f"there is no vhost {vhost_name!r}")
    registry.services.admission.check_vhost(user, vhost_name)
    connect: Connect = connection.connect
    if connect.will is not None:
        registry.rights.check_publish(user, vhost_name, connect.will.topic, connection.client_id)
    session = registry.find(vhost_name, connection.client_id)
    if session is not None:
        registry.check_claim(session, user, connect.clean_start, connection.now)
    connection.vhost = vhost
    connection.user = user
    connection.is_authenticated = True
    registry.services.registry.opened(connection, user, vhost_name)
    registry.by_address[connection.peer.host] += 1
    connection.is_registered = True
    _begin_session(connection, connect)


# --- the session ----------------------------------------------------------------------------------------------------


def _begin_session(connection: "MqttConnectionState", connect: Connect) -> None:
    registry, vhost = connection.registry, connection.vhost
    assert vhost is not None
    registry.retained(vhost)
    expiry_s = _expiry_of(connect, registry.settings.session_expiry_s_max)
    connack = _connack(connection, connect, expiry_s)
    if not connection.encoded(connack):
        raise ProtocolViolation("size", "the client takes no packet as large as CONNACK has to be")
    if registry.find(vhost.name, connection.client_id) is not None:
        _displace(connection, connect)
    session, is_present = registry.open(vhost, connection.client_id, connect.clean_start, expiry_s, connection.now)
    session.user = connection.user
    if not is_present:
        registry.tell("subscriber.created", session)
    session.access_generation = -1
    if connect.will is not None:
        key = registry.mapping.to_key(connect.will.topic)
        session.will = will_of(connect.will, key, connection.client_id, registry.flags)
    session.window.limit = min(connect.properties.get("receive_maximum", 0xFFFF), registry.settings.inflight_max)
    _configure(connection, connect)
    connection.state = stages.OPEN
    connection.session = session
    connection.incoming = session.incoming
    connection.connect = None
    connack.session_present = is_present and connect.version > c.V3_1
    connection.send_packet(connack)
    pacing.alarms_changed(connection)
    log.info("%s: client %r, user %r, MQTT level %d", connection.name, session.client_id, session.user, connect.version)
    session.attach(connection, connection.now)
    session.keep()
    if connection.acks:
        connection.flush_acks()
    _resume_input(connection)


def _displace(connection: "MqttConnectionState", connect: Connect) -> None:
    """The client id is in use, or its session waits: takes it over, and settles what becomes of its will.

    The will of the connection that ends is published, unless the new one goes on with the session within its delay
    (§3.1.3.2.2).
    """
    registry, vhost = connection.registry, connection.vhost
    assert vhost is not None
    session = registry.find(vhost.name, connection.client_id)
    assert session is not None
    if session.connection is not None:
        session.connection.take_over()
    if not connect.clean_start:
        session.will = None


def _expiry_of(connect: Connect, maximum: int) -> int:
    """How long the session outlives the connection. Below version 5 the clean flag decides it (3.1.1 §3.1.2.4)."""
    if connect.version < c.V5:
        return 0 if connect.clean_start else maximum
    wanted: int = connect.properties.get("session_expiry_interval", 0)
    return min(wanted, maximum)


def _configure(connection: "MqttConnectionState", connect: Connect) -> None:
    """What was negotiated."""
    settings = connection.registry.settings
    connection.size_limit = settings.packet_size_max
    connection.alias_max_out = min(connect.properties.get("topic_alias_maximum", 0), settings.topic_alias_max)
    connection.keep_alive_ms = _keep_alive_s(connection, connect) * 1500
    pacing.set_deadline(connection)


def _keep_alive_s(connection: "MqttConnectionState", connect: Connect) -> int:
    maximum = connection.registry.settings.keep_alive_s_max
    if connect.version < c.V5 or not maximum:
        return connect.keep_alive_s
    return min(connect.keep_alive_s or maximum, maximum)


def _connack(connection: "MqttConnectionState", connect: Connect, expiry_s: int) -> ConnAck:
    packet = ConnAck(0)
    if connect.version < c.V5:
        return packet
    settings = connection.registry.settings
    properties: dict[str, Any] = {
        "receive_maximum": settings.receive_max,
        "maximum_packet_size": settings.packet_size_max,
        "topic_alias_maximum": settings.topic_alias_max,
    }
    if settings.maximum_qos < 2:
        properties["maximum_qos"] = bool(settings.maximum_qos)
    if not settings.retain_available:
        properties["retain_available"] = False
    if expiry_s != connect.properties.get("session_expiry_interval", 0):
        properties["session_expiry_interval"] = expiry_s
    if not connect.client_id:
        properties["assigned_client_identifier"] = connection.client_id
    keep_alive_s = _keep_alive_s(connection, connect)
    if keep_alive_s != connect.keep_alive_s:
        properties["server_keep_alive"] = keep_alive_s  # [MQTT-3.1.2-21]
    if connect.properties.get("request_response_information") and settings.response_prefix:
        properties["response_information"] = f"{settings.response_prefix}{connection.client_id}"
    if connection.auth is not None:
        properties["authentication_method"] = METHOD
        properties["authentication_data"] = connection.auth.last
    packet.properties = properties
    return packet


def _resume_input(connection: "MqttConnectionState") -> None:
    """What came after the CONNECT while it was being checked."""
    if not connection.is_scanning and connection.parts:
        connection.process(connection.take_parts())


# --- AUTH -----------------------------------------------------------------------------------------------------------


def _begin_auth(connection: "MqttConnectionState", connect: Connect) -> None:
    method = connect.properties["authentication_method"]
    if method != METHOD:
        raise ProtocolViolation("method", f"authentication method {method!r} is not supported")
    connection.auth = ScramExchange(connection.registry.broker.access, connection.registry.broker.unique_name)
    _challenge(connection, connect.properties.get("authentication_data", b""))


def _challenge(connection: "MqttConnectionState", data: bytes) -> None:
    """Takes the client's first message and answers with the server's."""
    answer = connection.auth.first(data)
    if answer is None:
        raise ProtocolViolation("login", "the authentication data is not what SCRAM begins with")
    properties = {"authentication_method": METHOD, "authentication_data": answer}
    connection.send_packet(Auth(Reason.CONTINUE_AUTHENTICATION, properties))


def _take_auth(connection: "MqttConnectionState", packet: Auth) -> None:
    """AUTH during the log-in."""
    user = _final(connection, packet)
    vhost, name = _vhost_and_user(connection, user) if user else ("", "")
    _logged_in(connection, vhost, name, bool(user))


def _final(connection: "MqttConnectionState", packet: Auth) -> str:
    """The user who has proved to be it, or an empty name."""
    if packet.properties["authentication_method"] != METHOD:  # [MQTT-4.12.0-5]
        raise protocol_error("the authentication method has changed")
    user: str = connection.auth.final(packet.properties.get("authentication_data", b""))
    return user


def reauthenticate(connection: "MqttConnectionState", packet: Auth) -> None:
    """AUTH of a client that is connected (§4.12.1). Raises ProtocolViolation."""
    if connection.auth is None or packet.properties["authentication_method"] != METHOD:
        raise protocol_error("AUTH with a method other than that of CONNECT")  # [MQTT-4.12.1-1]
    if packet.reason == Reason.REAUTHENTICATE:
        _challenge(connection, packet.properties.get("authentication_data", b""))
        return
    user = _final(connection, packet)
    if not user or _vhost_and_user(connection, user)[1] != connection.user:
        raise ProtocolViolation("access", "re-authentication failed")  # [MQTT-4.12.1-2]
    properties = {"authentication_method": METHOD, "authentication_data": connection.auth.last}
    connection.send_packet(Auth(Reason.SUCCESS, properties))
