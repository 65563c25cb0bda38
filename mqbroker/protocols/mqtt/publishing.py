"""Publishing, apart from the short path in connection.py: new topics, properties, aliases, retained messages, QoS 2."""

from typing import TYPE_CHECKING

from mqbroker.core.message import new_message
from mqbroker.core.queues.base import UNROUTED
from mqbroker.core.recent import remember
from mqbroker.core.routing.route import Route
from mqbroker.errors import AccessPending, ProtocolViolation, RequestRefused
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.property_table import join_properties, read_properties
from mqbroker.protocols.mqtt.codec.reasons import Reason, malformed, protocol_error
from mqbroker.protocols.mqtt.codec.wire import Reader, decode_text
from mqbroker.protocols.mqtt.limits import MQTT_ROUTES_MAX
from mqbroker.protocols.mqtt.properties import RETAIN, MqttProperties, make_properties
from mqbroker.protocols.mqtt.topics import TOPIC_EXCHANGE, check_topic_name

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState

_NO_TOPIC = b"\x00\x00"
_PUBACK = b"\x40\x02"
_PUBREC = b"\x50\x02"


# --- properties and topics ------------------------------------------------------------------------------------------


def plain_properties(connection: "MqttConnectionState") -> list[MqttProperties]:
    """The properties of a PUBLISH that has none, for each QoS."""
    return [make_properties(connection.registry.flags | qos, connection.client_id, b"") for qos in range(3)]


def take_properties(
    connection: "MqttConnectionState", first: int, topic: bytes, data: bytes, at: int, end: int
) -> tuple[bytes, MqttProperties, int]:
    """The topic that is meant, the properties, and where the payload begins. Raises ProtocolViolation."""
    reader = Reader(data, at, end)
    values = read_properties(reader, c.PUBLISH)
    if "subscription_identifier" in values:
        raise protocol_error("a client's PUBLISH has a subscription identifier")  # [MQTT-3.3.4-6]
    if "response_topic" in values:
        check_topic_name(values["response_topic"])  # [MQTT-3.3.2-14]
    alias = values.pop("topic_alias", None)
    if alias is not None:
        topic = _resolve(connection, topic, alias)
    qos = first >> 1 & 3
    octets = join_properties(values, c.PUBLISH)
    last = connection.properties
    if last is None or last.qos != qos or last.octets != octets or last.flags & RETAIN:
        last = connection.properties = make_properties(connection.registry.flags | qos, connection.client_id, octets)
    return topic, last, reader.at


def _resolve(connection: "MqttConnectionState", topic: bytes, alias: int) -> bytes:
    """The topic that an alias stands for, or stands for from now on (§3.3.2.3.4)."""
    if not 0 < alias <= connection.registry.settings.topic_alias_max:  # [MQTT-3.3.2-8, -9]
        raise ProtocolViolation("alias", f"topic alias {alias} is out of range")
    if connection.aliases_in is None:
        connection.aliases_in = {}
    if topic == _NO_TOPIC:
        known = connection.aliases_in.get(alias)
        if known is None:
            raise protocol_error(f"topic alias {alias} stands for nothing")
        return known
    connection.aliases_in[alias] = topic
    return topic


def find_route(
    connection: "MqttConnectionState", topic: bytes, qos: int, packet_id: int, body_bytes: int
) -> Route | None:
    """The route for a topic that this connection has not used lately; None when it may not, which is answered. Raises
    AccessPending, and the PUBLISH has not been counted then."""
    assert connection.vhost is not None
    text = decode_text(topic[2:])
    check_topic_name(text)
    try:
        key = connection.registry.rights.check_publish(
            connection.user, connection.vhost.name, text, connection.client_id
        )
    except AccessPending:
        connection.publishes -= 1
        connection.counters.uncount_publish(qos, body_bytes)
        raise
    except RequestRefused:
        refuse(connection, qos, packet_id, Reason.NOT_AUTHORIZED)
        return None
    connection.registry.note_topic(text, connection.client_id)
    return remember(connection.routes, topic, connection.vhost.route(TOPIC_EXCHANGE, key), MQTT_ROUTES_MAX)


def refuse(connection: "MqttConnectionState", qos: int, packet_id: int, reason: Reason) -> None:
    """Answers a PUBLISH that is not published. Version 3 has no word for it: there it is acknowledged and dropped."""
    if qos == 1:
        connection.send_ack(c.PUBACK, packet_id, reason)
    elif qos == 2:
        connection.send_ack(c.PUBREC, packet_id, reason)


def wrong_qos(qos: int) -> ProtocolViolation:
    """The violation of a PUBLISH with a QoS that does not exist, or that this server does not take."""
    if qos == 3:
        return malformed("PUBLISH has QoS 3")  # [MQTT-3.3.1-4]
    return ProtocolViolation("qos", f"QoS {qos} is not supported")  # [MQTT-3.2.2-11]


def refuse_large(connection: "MqttConnectionState", topic: bytes, qos: int, packet_id: int) -> None:
    """A PUBLISH whose payload is larger than this server takes."""
    connection.registry.note_large(decode_text(topic[2:]), connection.client_id)
    refuse(connection, qos, packet_id, Reason.QUOTA_EXCEEDED)


# --- acknowledging --------------------------------------------------------------------------------------------------


def acknowledge(connection: "MqttConnectionState", packet_id: int, outcome: int) -> None:
    """PUBACK for a message that was routed. Raises receive_maximum when the client has too many open."""
    connection.unacked += 1
    connection.unacked_now += 1
    check_receive_maximum(connection)
    if outcome == UNROUTED and connection.version == c.V5:
        connection.send_ack(c.PUBACK, packet_id, Reason.NO_MATCHING_SUBSCRIBERS)
    else:
        connection.acks.append(_PUBACK + packet_id.to_bytes(2, "big"))


def check_receive_maximum(connection: "MqttConnectionState") -> None:
    """Below version 5 a client was never told of a limit; memory is bounded by TCP there."""
    if connection.version < c.V5:
        return
    assert connection.session is not None
    if connection.unacked + len(connection.session.incoming) > connection.registry.settings.receive_max:
        # [MQTT-3.3.4-9]: DISCONNECT with 0x93
        raise ProtocolViolation("receive_maximum", "more messages are open than the receive maximum allows")


# --- retained messages and QoS 2 ------------------------------------------------------------------------------------


def publish_in_full(
    connection: "MqttConnectionState", first: int, topic: bytes, packet_id: int, properties: MqttProperties, body: bytes
) -> None:
    """A PUBLISH that is retained, repeated or of QoS 2."""
    qos = first >> 1 & 3
    if first & c.DUP_FLAG and not qos and connection.version > c.V3_1:
        raise malformed("PUBLISH repeats at QoS 0")  # [MQTT-3.3.1-2]
    if first & c.RETAIN_FLAG and not connection.registry.settings.retain_available:
        raise ProtocolViolation("retain", "retained messages are not supported")  # [MQTT-3.2.2-14]
    session = connection.session
    assert session is not None
    if qos == 2 and packet_id in session.incoming:
        # The same message again: acknowledged, not published [MQTT-4.3.3-10].
        connection.acks.append(_PUBREC + packet_id.to_bytes(2, "big"))
        return
    route = connection.routes.get(topic) or find_route(connection, topic, qos, packet_id, len(body))
    if route is None:
        return
    outcome = _publish(connection, route, properties, bool(first & c.RETAIN_FLAG), body)
    if qos == 1:
        acknowledge(connection, packet_id, outcome)
    elif qos == 2:
        _receive(connection, packet_id, outcome)


def _publish(
    connection: "MqttConnectionState", route: Route, properties: MqttProperties, retain: bool, body: bytes
) -> int:
    vhost = connection.vhost
    assert vhost is not None
    if retain:
        flags = properties.flags | RETAIN
        properties = make_properties(flags, properties.origin, properties.octets)
    message = new_message(TOPIC_EXCHANGE, route.routing_key, properties, body, connection.now)
    if retain:
        return connection.registry.publish(vhost, message, True, connection.now)
    return vhost.publish(route, message, connection.now)


def _receive(connection: "MqttConnectionState", packet_id: int, outcome: int) -> None:
    """QoS 2: the identifier is noted in the same batch of the journal as the message, then PUBREC is due."""
    assert connection.session is not None
    connection.session.note_incoming(packet_id)
    check_receive_maximum(connection)
    if outcome == UNROUTED and connection.version == c.V5:
        connection.send_ack(c.PUBREC, packet_id, Reason.NO_MATCHING_SUBSCRIBERS)
    else:
        connection.acks.append(_PUBREC + packet_id.to_bytes(2, "big"))
