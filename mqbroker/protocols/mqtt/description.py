"""What an MQTT connection says of itself to an operator."""

from typing import TYPE_CHECKING

from mqbroker.protocols.mqtt.codec import constants as c

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState

_VERSIONS = {c.V3_1: "MQTT 3.1", c.V3_1_1: "MQTT 3.1.1", c.V5: "MQTT 5.0"}


def describe(connection: "MqttConnectionState") -> dict[str, object]:
    """Facts by neutral names, as `Session.describe` has them."""
    session = connection.session
    return {
        **connection.peer.describe(),
        "protocol": _VERSIONS[connection.version],
        "state": connection.state,
        "user": connection.user,
        "vhost": connection.vhost.name if connection.vhost is not None else "",
        "client_id": connection.client_id,
        "keep_alive_ms": connection.keep_alive_ms,
        "octets_in": connection.octets_in,
        "octets_out": connection.octets_out,
        "is_blocked": connection.is_blocked,
        "subscriptions": len(session.subscriptions.by_text) if session is not None else 0,
        "session_expiry_s": session.expiry_s if session is not None else 0,
    }
