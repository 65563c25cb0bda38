"""What an AMQP 1.0 connection says of itself to an operator."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State


def describe(connection: "Amqp1State") -> dict[str, object]:
    """Facts by neutral names, as `Session.describe` has them."""
    return {
        **connection.peer.describe(),
        "protocol": connection.protocol,
        "state": _state(connection),
        "user": connection.user,
        "vhost": connection.vhost.name if connection.vhost is not None else "",
        "container_id": connection.container_id,
        "client_properties": {str(key): value for key, value in connection.open_properties.items()},
        "channel_max": connection.channel_max,
        "frame_max": connection.frame_max,
        "idle_timeout_ms": connection.idle_ms,
        "octets_in": connection.octets_in,
        "octets_out": connection.octets_out,
        "channels": [_describe_session(session) for session in connection.sessions.values()],
    }


def _state(connection: "Amqp1State") -> str:
    if connection.handshake is not None:
        return connection.handshake.stage
    return "closing" if connection.close_sent or connection.is_closing else "running"


def _describe_session(session: "LinkSession") -> dict[str, object]:
    return {
        "number": session.channel,
        "publishers": len(session.incoming),
        "consumers": len(session.outgoing),
        "deliveries": session.next_tag - 1,
        "unacknowledged": session.unacked.live,
    }
