"""The $SYS topics: figures of the broker, published every few seconds to those who subscribe to them, never kept.

The names are Mosquitto's, so that what was made to watch it finds what it looks for.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Message, new_message
from mqbroker.protocols.mqtt.properties import RETAIN, make_properties
from mqbroker.protocols.mqtt.state import TOPIC_EXCHANGE
from mqbroker.protocols.mqtt.topics import SYSTEM_PREFIX

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.sessions import Sessions
    from mqbroker.protocols.mqtt.state import MqttSession


def figures(hub: "Sessions", now: int) -> dict[str, str]:
    """The topics behind $SYS/broker/ and their values."""
    sessions = hub.all()
    connected = sum(session.connection is not None for session in sessions)
    retained = sum(vhost.retained.count for vhost in hub.broker.vhosts.values() if vhost.retained is not None)
    return {
        "version": f"mqbroker {hub.version}",
        "uptime": f"{max(0, now - hub.started_at) // 1000} seconds",
        "clients/connected": str(connected),
        "clients/disconnected": str(len(sessions) - connected),
        "clients/total": str(len(sessions)),
        "subscriptions/count": str(sum(len(session.subscriptions.by_text) for session in sessions)),
        "retained messages/count": str(retained),
        "publish/messages/dropped": str(hub.dropped + hub.losses.count),
    }


def messages(hub: "Sessions", now: int) -> list[Message]:
    """The figures as messages."""
    properties = make_properties(hub.flags | RETAIN, "", b"")
    to_key = hub.settings.mapping.to_key
    return [
        new_message(TOPIC_EXCHANGE, to_key(f"{SYSTEM_PREFIX}broker/{topic}"), properties, value.encode(), now)
        for topic, value in figures(hub, now).items()
    ]


def publish(hub: "Sessions", now: int) -> None:
    """Sends the figures to the connected clients that subscribe to any of them."""
    listeners = [session for session in hub.all() if session.connection is not None and _listens(session)]
    if not listeners:
        return
    for message in messages(hub, now):
        for session in listeners:
            hub.publish_system(session, message)


def _listens(session: "MqttSession") -> bool:
    return any(text.startswith(SYSTEM_PREFIX) for text in session.subscriptions.by_text)
