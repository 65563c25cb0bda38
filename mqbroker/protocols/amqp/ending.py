"""How channels and connections end: by a refusal, a violation, a close of either side, or a lost socket.

Whatever the reason, everything that was held is given back exactly once: deliveries go back to their queues, consumers
leave, exclusive queues are deleted.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.errors import ProtocolViolation, RequestRefused
from mqbroker.limits import PORTION
from mqbroker.protocols.amqp.channel import CLOSING, METHOD, Channel
from mqbroker.protocols.amqp.limits import AMQP_CLOSE_TIMEOUT_S, AMQP_LEAVE_TIMEOUT_S
from mqbroker.protocols.amqp.methods import encode_method, name_of
from mqbroker.protocols.amqp.releasing import Releasing
from mqbroker.protocols.amqp.replies import close_text, reply_of

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState

log = logging.getLogger("mqbroker.amqp")


def refuse(connection: "ConnectionState", error: RequestRefused) -> None:
    """Answers a refusal: closes the channel that it concerns, or the connection if it is that grave."""
    reply = reply_of(error)
    channel = connection.channels.get(connection.current)
    if reply.is_hard or channel is None:
        close(connection, reply.code, str(error), connection.at_method)
        return
    text = close_text(reply.code, str(error))
    what = {"operation": name_of(connection.at_method)}
    log.warning("%s, channel %d, user %r: %s", connection.name, channel.number, connection.user, text, extra=what)
    close_channel(connection, channel, reply.code, str(error), connection.at_method)


def close_channel(connection: "ConnectionState", channel: Channel, code: int, text: str, index: int) -> None:
    """Sends channel.close, after the confirms that are due, and gives back what the channel held."""
    connection.send_confirms([channel])
    connection.send(
        encode_method(
            "channel.close",
            channel.number,
            reply_code=code,
            reply_text=close_text(code, text),
            class_id=index >> 16,
            method_id=index & 0xFFFF,
        )
    )
    release_channel(connection, channel)


def fail(connection: "ConnectionState", error: ProtocolViolation) -> None:
    """Answers a violation of the protocol: it ends the connection."""
    if connection.close_sent:
        connection.is_closing = True
        connection.mark()
        return
    close(connection, reply_of(error).code, error.text, connection.at_method)


def close(connection: "ConnectionState", code: int, text: str, index: int = 0) -> None:
    """Sends connection.close and waits for the answer; a peer without a name just loses its socket."""
    what = {"operation": name_of(index)}
    log.warning("%s, user %r: closing: %s", connection.name, connection.user, close_text(code, text), extra=what)
    if connection.handshake is not None and not connection.handshake.may_send_close:
        connection.is_closing = True
        connection.mark()
        return
    send_close(connection, code, text, index)
    release_everything(connection)


def send_close(connection: "ConnectionState", code: int, text: str, index: int = 0) -> None:
    """Sends connection.close, and leaves the socket open for the answer: a client that is about to write while the end
    of the stream arrives tells its user of a broken pipe, and not what is wrong."""
    connection.send(
        encode_method(
            "connection.close",
            0,
            reply_code=code,
            reply_text=close_text(code, text),
            class_id=index >> 16,
            method_id=index & 0xFFFF,
        )
    )
    await_peer(connection, AMQP_CLOSE_TIMEOUT_S)


def await_peer(connection: "ConnectionState", timeout_s: int) -> None:
    """Nothing more is done: the peer has some time to answer, or to close its socket once it has our answer.

    As in RabbitMQ it is the client that closes first: one that closes from several threads sends connection.close more
    than once, and takes an end of the stream before its answer for a failure.
    """
    connection.close_sent = True
    connection.is_held = False
    connection.update_reading()  # the answer has to be heard, also from a publisher that is held back
    connection.deadline = connection.now + timeout_s * 1000


def leave(connection: "ConnectionState") -> None:
    """The client closes, and all that it has sent before is done: it is answered when everything is released."""
    await_peer(connection, AMQP_LEAVE_TIMEOUT_S)
    connection.deadline = 0  # its time has not begun

    def left() -> None:
        if not connection.is_closing:
            connection.send(encode_method("connection.close-ok", 0))
            await_peer(connection, AMQP_LEAVE_TIMEOUT_S)

    release_everything(connection, left)


def release_everything(connection: "ConnectionState", done: Callable[[], None] | None = None) -> None:
    """Gives back every unacknowledged delivery and every exclusive queue, then calls `done`. Safe to call twice."""
    connection.gate.is_open = False
    channels = [channel for channel in connection.channels.values() if channel.state != CLOSING]
    connection.channels.clear()
    for channel in channels:
        _stop(connection, channel)
    vhost = connection.vhost
    if vhost is not None:
        connection.vhost = None
        connection.services.registry.closed(connection)
        _release(connection, Releasing(connection, vhost, channels, owns_all=True, done=done))
    elif done is not None:
        done()


def release_channel(connection: "ConnectionState", channel: Channel, done: Callable[[], None] | None = None) -> None:
    """Ends the consumers of a channel and requeues what it held, then calls `done`."""
    _stop(connection, channel)
    assert connection.vhost is not None
    _release(connection, Releasing(connection, connection.vhost, [channel], owns_all=False, done=done))


def _stop(connection: "ConnectionState", channel: Channel) -> None:
    """The channel takes nothing any more, neither from its client nor for it."""
    channel.state = CLOSING
    connection.tell_of_channel("channel.closed", channel.number)
    connection.services.counted.update(
        published=channel.published, confirmed=channel.confirmed, returned=channel.returns
    )  # fmt: skip
    channel.expecting = METHOD
    channel.window.is_open = False
    channel.owed.clear()
    channel.route = None
    _drop_body(connection, channel)
    channel.held_replies.clear()
    channel.held_confirm = b""
    if channel.held is not None:
        channel.held.drop()
        connection.update_reading()


def _drop_body(connection: "ConnectionState", channel: Channel) -> None:
    """So does the body that the channel was sent, unless the network still has to put a frame of it there."""
    buffer, arrival = channel.buffer, connection.arrival
    if buffer is not None and (arrival is None or arrival.buffer is not buffer):
        buffer.drop()
    channel.buffer = None


def _release(connection: "ConnectionState", releasing: Releasing) -> None:
    if releasing.run(connection.now, PORTION):
        connection.services.broker.scheduler.add(releasing)
