"""The methods of class channel on an open channel, and access.request of clients that still speak 0-8."""

from typing import TYPE_CHECKING, Any

from mqbroker.errors import NotImplementedByPeer, ProtocolViolation
from mqbroker.protocols.amqp import ending
from mqbroker.protocols.amqp.methods import encode_method

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState

SECOND_OPEN = "second 'channel.open' seen"


def open_again(_connection: "ConnectionState", _channel: "Channel", _args: dict[str, Any]) -> None:
    """channel.open on a channel that is open. Raises ProtocolViolation."""
    raise ProtocolViolation("channel", SECOND_OPEN)


def close(connection: "ConnectionState", channel: "Channel", _args: dict[str, Any]) -> None:
    """channel.close: gives everything back, after the confirms that are due."""
    connection.send_confirms([channel])

    def released() -> None:
        if connection.channels.get(channel.number) is channel:
            del connection.channels[channel.number]
            connection.send(encode_method("channel.close-ok", channel.number))

    ending.release_channel(connection, channel, released)


def flow(_connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """channel.flow: RabbitMQ knows only `active=true`. Raises NotImplementedByPeer."""
    if not args["active"]:
        raise NotImplementedByPeer("active=false")
    channel.reply("channel.flow-ok", active=True)


def access_request(_connection: "ConnectionState", channel: "Channel", _args: dict[str, Any]) -> None:
    """access.request: tickets mean nothing any more; everyone gets number 1."""
    channel.reply("access.request-ok", ticket=1)


def ignore(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """An answer that needs no answer."""
