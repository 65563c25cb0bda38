"""What operators see of MQTT beside queues and connections: sessions, also of absent clients, and what is retained.

A session that is ended by hand is over as if its time had come: its client is disconnected, and its will is published.
"""

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from mqbroker.core.message import Entry
from mqbroker.protocols.mqtt.limits import MQTT_SHOWN_PAYLOAD_BYTES_MAX
from mqbroker.protocols.mqtt.topics import TOPIC_EXCHANGE
from mqbroker.protocols.views import Facts, View

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.mqtt.sessions import Sessions
    from mqbroker.protocols.mqtt.state import MqttSession

Retained = tuple["VHost", Entry]


def views_of(sessions: "Sessions") -> tuple[View, ...]:
    """Every view of MQTT."""
    mapping = sessions.mapping

    def end(session: "MqttSession", _given: Facts, now: int) -> Facts:
        if session.connection is not None:
            session.connection.end("the session was ended by an administrator", now)
        sessions.end(session, now)
        return {}

    def retained() -> list[Retained]:
        return [
            (vhost, entry)
            for vhost in sessions.broker.vhosts.values()
            if vhost.retained is not None
            for entry in vhost.retained.entries()
        ]

    return (
        View(
            "mqtt/sessions",
            sessions.all,
            lambda session: (session.vhost.name, session.client_id),
            _session,
            _session_detail,
            {"delete": end},
        ),
        View(
            "mqtt/retained",
            retained,
            lambda thing: (thing[0].name, mapping.from_key(thing[1].message.routing_key)),
            _retained,
            _retained_detail,
            {"delete": _clear},
            lambda thing: (TOPIC_EXCHANGE, thing[1].message.routing_key),
            "/",
        ),
    )


def _session(session: "MqttSession", now: int) -> Facts:
    connection, stored = session.connection, session.stored
    facts = {} if connection is None else connection.describe()
    return {
        "client_id": session.client_id,
        "user": session.user,
        "connected": connection is not None,
        "connection": facts.get("name", ""),
        "protocol": facts.get("protocol", ""),
        "subscriptions": len(session.subscriptions.by_text),
        "queued": 0 if stored is None else stored.waiting_count(),
        "in_flight": len(session.outgoing),
        "expiry_s": None if session.never_expires else session.expiry_s,
        "ends_in_s": max(0, session.ends_at - now) // 1000 if session.ends_at else None,
        "has_will": session.will is not None,
    }


def _session_detail(session: "MqttSession", _now: int) -> Facts:
    return {
        "queues": [queue.name for queue in session.queues()],
        "subscription_list": [
            {
                "filter": each.text,
                "qos": each.qos,
                "no_local": each.no_local,
                "retain_as_published": each.retain_as_published,
                "identifier": each.identifier,
                "denied": each.is_denied,
            }
            for each in session.subscriptions.by_text.values()
        ],
    }


def _retained(thing: Retained, now: int) -> Facts:
    entry = thing[1]
    message = entry.message
    return {
        "bytes": message.size,
        "retained_at": message.received_at,
        "expires_in_s": max(0, entry.expires_at - now) // 1000 if entry.expires_at else None,
    }


def _retained_detail(thing: Retained, _now: int) -> Facts:
    message = thing[1].message
    properties: dict[str, Any] = {}
    for name in ("content_type", "correlation_id", "reply_to"):
        text = message.properties.text(name)
        if text is not None:
            properties[name] = text
    headers = message.properties.headers()
    if headers:
        properties["headers"] = dict(headers)
    return {
        "payload": b64encode(message.content()[:MQTT_SHOWN_PAYLOAD_BYTES_MAX]).decode(),
        "payload_bytes": message.size,
        "payload_encoding": "base64",
        "properties": properties,
    }


def _clear(thing: Retained, _given: Facts, _now: int) -> Facts:
    vhost, entry = thing
    if vhost.retained is not None:
        vhost.retained.delete(entry.message.routing_key)
    return {}
