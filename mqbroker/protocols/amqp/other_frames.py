"""Frames off the short path: those of channel 0, of channels that do not exist or wait, and of no known type."""

from typing import TYPE_CHECKING

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp import frames, holding
from mqbroker.protocols.amqp.channel import HELD
from mqbroker.protocols.amqp.channel_methods import SECOND_OPEN
from mqbroker.protocols.amqp.constants import (
    CHANNEL_CLOSE,
    CHANNEL_CLOSE_OK,
    CHANNEL_OPEN,
    CONNECTION_CLOSE,
    CONNECTION_CLOSE_OK,
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
)
from mqbroker.protocols.amqp.methods import decode_method, encode_method

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState

_KINDS = (FRAME_METHOD, FRAME_HEADER, FRAME_BODY)


def take(connection: "ConnectionState", kind: int, number: int, frame: bytes) -> None:
    """Handles one such frame. Raises what it is refused for."""
    connection.at_method = 0
    payload = frame[7:-1]
    if connection.is_closing:
        return  # what follows the end in the same chunk
    if kind == FRAME_HEARTBEAT and not payload:
        if number:
            raise frames.unexpected_frame(kind, payload)
        return
    if kind not in _KINDS or (kind == FRAME_METHOD and len(payload) < 4):
        raise frames.unknown_frame(kind, payload)
    index = int.from_bytes(payload[:4], "big") if kind == FRAME_METHOD else 0
    connection.at_method = index
    if connection.close_sent:
        _take_while_closing(connection, number, index)
    elif number == 0:
        if kind != FRAME_METHOD:
            raise frames.unexpected_frame(kind, payload)
        connection.connection_method(decode_method(payload))
    else:
        _take_of_channel(connection, kind, number, frame, index)


def _take_while_closing(connection: "ConnectionState", number: int, index: int) -> None:
    """We have sent connection.close or close-ok: only the same of the peer counts (AMQP 0-9-1 §2.2.4)."""
    if number == 0 and index == CONNECTION_CLOSE and not connection.releasing:
        connection.send(encode_method("connection.close-ok", 0))
    elif number == 0 and index == CONNECTION_CLOSE_OK:
        connection.is_closing = True
        connection.mark()


def _take_of_channel(connection: "ConnectionState", kind: int, number: int, frame: bytes, index: int) -> None:
    """A frame of a channel that does not exist, or that cannot take it now."""
    channel = connection.channels.get(number)
    if channel is None:
        if connection.handshake is not None:
            raise frames.unexpected_frame(kind, frame[7:-1])
        if index != CHANNEL_OPEN:
            raise ProtocolViolation("channel", "expected 'channel.open'")
        connection.open_channel(number)
    elif channel.state == HELD:
        holding.keep(connection, channel, frame)
    elif index == CHANNEL_CLOSE_OK:
        del connection.channels[number]
    elif index == CHANNEL_CLOSE:
        # Both sides close at once: each answers the other.
        connection.send(encode_method("channel.close-ok", number))
    elif index == CHANNEL_OPEN:  # it is not free before its close-ok
        raise ProtocolViolation("channel", SECOND_OPEN)
