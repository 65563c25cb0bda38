"""SUBSCRIBE and UNSUBSCRIBE (§3.8, §3.10): bindings for filters, and which of them are sent what is retained."""

import logging
from typing import TYPE_CHECKING

from mqbroker.errors import AccessPending, ProtocolViolation, RequestRefused, ResourceLocked
from mqbroker.protocols.mqtt import sharing
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.packets import SubAck, Subscribe, TopicFilter, UnsubAck, Unsubscribe
from mqbroker.protocols.mqtt.codec.reasons import FAILURE, Reason, protocol_error, reason_of
from mqbroker.protocols.mqtt.subscriptions import Subscription
from mqbroker.protocols.mqtt.topics import SHARE_PREFIX, TOPIC_EXCHANGE, parse_filter

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState
    from mqbroker.protocols.mqtt.state import MqttSession

log = logging.getLogger("mqbroker.mqtt")

SEND_ALWAYS = 0
SEND_IF_NEW = 1  # retain handling, §3.8.3.1; 2 is never


def subscribe(connection: "MqttConnectionState", packet: Subscribe) -> None:
    """SUBSCRIBE: each filter as if it had come alone [MQTT-3.8.4-5]; SUBACK may follow what they bring."""
    if _is_in_use(connection, packet.packet_id):
        _acknowledge(connection, SubAck(packet.packet_id, [Reason.PACKET_IDENTIFIER_IN_USE] * len(packet.filters)))
        return
    if connection.registry.broker.access.judge is not None:
        _ask(connection, packet)
    identifier = packet.properties.get("subscription_identifier", [0])[0]
    reasons: list[int] = []
    texts: list[str] = []
    fresh: list[tuple[Subscription, TopicFilter, bool]] = []
    for each in packet.filters:
        wanted = _for_bridge(each) if connection.is_bridge else each
        wanted.qos = min(wanted.qos, connection.qos_max)  # [MQTT-3.2.2-10]
        reason, text = _subscribe(connection, wanted, identifier, fresh)
        reasons.append(reason if connection.version == c.V5 or reason < FAILURE else FAILURE)
        texts.append(text)
    properties = {}
    problem = next((text for text in texts if text), "")
    if problem and connection.version == c.V5 and connection.problem_information:
        properties = {"reason_string": problem}
    _acknowledge(connection, SubAck(packet.packet_id, reasons, properties))
    for subscription, wanted, is_new in fresh:
        if wanted.retain_handling == SEND_ALWAYS or (wanted.retain_handling == SEND_IF_NEW and is_new):
            _send_retained(connection, subscription)


def _ask(connection: "MqttConnectionState", packet: Subscribe) -> None:
    """Raises AccessPending unless it is known of every filter whether the client may have it."""
    assert connection.session is not None
    for wanted in packet.filters:
        try:
            group, topic = parse_filter(wanted.topic)
            subscription = Subscription(wanted, group, topic, connection.registry.mapping.to_key(topic), 0)
            connection.registry.rights.check_subscribe(connection.session, subscription)
        except AccessPending:
            raise
        except (ProtocolViolation, RequestRefused):
            pass  # which is answered with the others


def _send_retained(connection: "MqttConnectionState", subscription: Subscription) -> None:
    session = connection.session
    assert session is not None
    connection.registry.system.send_to(session, subscription, connection.now)
    session.send_retained(subscription, connection.now)


def _for_bridge(wanted: TopicFilter) -> TopicFilter:
    """What a bridge's subscription means, as in Mosquitto: nothing that it has brought itself comes back to it, and
    messages keep their retain flag, so that they are retained on its side too."""
    no_local = not wanted.topic.startswith(SHARE_PREFIX)  # [MQTT-3.8.3-4]
    return TopicFilter(wanted.topic, wanted.qos, no_local, True)


def _is_in_use(connection: "MqttConnectionState", packet_id: int) -> bool:
    """Whether a QoS 2 message has this identifier (§2.2.1). Below version 5 there is no word for it."""
    return connection.version == c.V5 and packet_id in connection.incoming


def _acknowledge(connection: "MqttConnectionState", packet: SubAck | UnsubAck) -> None:
    """Behind what the journal has to know of the session, if it is to survive."""
    assert connection.session is not None
    octets = connection.encoded(packet)
    if not octets:
        return
    connection.counters.others_sent += 1
    if connection.session.is_durable and connection.ledger.is_journalling:
        connection.owe(octets, 0)
    else:
        connection.send(octets)


def _subscribe(
    connection: "MqttConnectionState",
    wanted: TopicFilter,
    identifier: int,
    fresh: list[tuple[Subscription, TopicFilter, bool]],
) -> tuple[int, str]:
    """The reason code for one filter, and why if it is refused. What is retained for it is for the caller to send."""
    session = connection.session
    assert session is not None
    try:
        group, topic = parse_filter(wanted.topic)
        if group and wanted.no_local:
            raise protocol_error("a shared subscription cannot exclude its own messages")  # [MQTT-3.8.3-4]
        key = connection.registry.mapping.to_key(topic)
        subscription = Subscription(wanted, group, topic, key, identifier)
        connection.registry.rights.check_subscribe(session, subscription)
    except ProtocolViolation as error:
        if error.reason == "protocol" or connection.version < c.V5:
            raise  # below version 5 a filter that is none is a violation as any other [MQTT-4.8.0-1]
        return reason_of(error), error.text
    except RequestRefused as error:
        return Reason.NOT_AUTHORIZED, str(error)
    by_text = session.subscriptions.by_text
    if wanted.topic not in by_text and len(by_text) >= connection.registry.subscriptions_max:
        return Reason.QUOTA_EXCEEDED, "the session has too many subscriptions"
    try:
        is_new = add(session, subscription, connection.now)
    except ResourceLocked as error:
        log.warning("client %r cannot subscribe to %r: %s", session.client_id, wanted.topic, error)
        return Reason.IMPLEMENTATION_SPECIFIC_ERROR, str(error)
    except RequestRefused as error:
        return Reason.QUOTA_EXCEEDED, str(error)
    if not group:  # retained messages are not sent to shared subscriptions, §4.8.2
        fresh.append((subscription, wanted, is_new))
    return wanted.qos, ""


def add(session: "MqttSession", subscription: Subscription, now: int) -> bool:
    """Adds a subscription, or replaces the one with the same filter [MQTT-3.8.4-3]. True when it is new.

    Raises RequestRefused when the vhost may have no more queues, ResourceLocked when the name of one is taken.
    """
    old = session.subscriptions.by_text.get(subscription.text)
    if subscription.group:
        sharing.join(session, subscription, now)
    else:
        _bind(session, subscription, old, now)
    session.subscriptions.remove(subscription.text)
    session.subscriptions.add(subscription)
    return old is None


def _bind(session: "MqttSession", subscription: Subscription, old: Subscription | None, now: int) -> None:
    """The new binding comes before the old one goes, so that no message is lost in between [MQTT-3.8.4-4]."""
    vhost = session.vhost
    exchange = vhost.exchange(TOPIC_EXCHANGE)
    queue = session.queue_for(subscription, now)
    vhost.bind(exchange, queue, subscription.key, subscription.arguments())
    if old is not None and old.arguments() != subscription.arguments():
        vhost.unbind(exchange, session.queue_for(old, now), old.key, old.arguments())


def unsubscribe(connection: "MqttConnectionState", packet: Unsubscribe) -> None:
    """UNSUBSCRIBE: the filters are compared character by character [MQTT-3.10.4-1]."""
    if _is_in_use(connection, packet.packet_id):
        _acknowledge(connection, UnsubAck(packet.packet_id, [Reason.PACKET_IDENTIFIER_IN_USE] * len(packet.topics)))
        return
    reasons: list[int] = [_remove(connection, text) for text in packet.topics]
    _acknowledge(connection, UnsubAck(packet.packet_id, reasons))


def _remove(connection: "MqttConnectionState", text: str) -> Reason:
    session = connection.session
    assert session is not None
    try:
        parse_filter(text)
    except ProtocolViolation:
        if connection.version < c.V5:
            raise
        return Reason.TOPIC_FILTER_INVALID
    old = session.subscriptions.remove(text)
    if old is None:
        return Reason.NO_SUBSCRIPTION_EXISTED
    if session.backlog is not None:
        session.backlog.remove(text)
    if old.group:
        sharing.leave(session, old, connection.now)
    else:
        vhost = session.vhost
        queue = session.queue_for(old, connection.now)
        vhost.unbind(vhost.exchange(TOPIC_EXCHANGE), queue, old.key, old.arguments())
    return Reason.SUCCESS
