"""What an AMQP connection says of itself to an operator."""

from typing import TYPE_CHECKING

from mqbroker.protocols.amqp.channel import CLOSING, Channel

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState


def describe(connection: "ConnectionState") -> dict[str, object]:
    """Facts by neutral names, as `Session.describe` has them."""
    return {
        **connection.peer.describe(),
        "protocol": "AMQP 0-9-1",
        "state": _state(connection),
        "user": connection.user,
        "vhost": connection.vhost.name if connection.vhost is not None else "",
        "client_properties": connection.client_properties,
        "channel_max": connection.channel_max,
        "frame_max": connection.frame_max,
        "heartbeat_s": connection.heartbeat_ms // 1000,
        "octets_in": connection.octets_in,
        "octets_out": connection.octets_out,
        "is_blocked": bool(connection.blocked_for),
        "channels": [_describe_channel(channel) for channel in connection.channels.values()],
    }


def _state(connection: "ConnectionState") -> str:
    if connection.handshake is not None:
        return connection.handshake.stage
    return "closing" if connection.close_sent or connection.is_closing else "running"


def _describe_channel(channel: Channel) -> dict[str, object]:
    return {
        "number": channel.number,
        "consumers": len(channel.consumers),
        "publishes": channel.publishes,
        "deliveries": channel.next_tag - 1,
        "has_ended": channel.state == CLOSING,
        "to_confirm": channel.published,
        "confirms": channel.confirmed,
        "returns": channel.returns,
        "unacknowledged": channel.window.in_flight,
        "is_transactional": channel.transaction is not None,
        "is_confirming": channel.confirms,
        "prefetch": channel.prefetch,
        "global_prefetch": channel.window.limit,
    }
