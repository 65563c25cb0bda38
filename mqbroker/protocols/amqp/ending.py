"""How channels and connections end: by a refusal, a violation, a close of either side, or a lost socket.

Whatever the reason, everything that was held is given back exactly once: deliveries go back to their queues, consumers
leave, exclusive queues are deleted.
"""

import logging
from typing import TYPE_CHECKING

from mqbroker.errors import ProtocolViolation, RequestRefused
from mqbroker.limits import AMQP_CLOSE_TIMEOUT_S
from mqbroker.protocols.amqp import direct_reply, publishing
from mqbroker.protocols.amqp.channel import CLOSING, METHOD, Channel
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.replies import close_text, reply_of

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.connection import AmqpConnection
    from mqbroker.protocols.amqp.consumer import AmqpConsumer

log = logging.getLogger("mqbroker.amqp")

def refuse(connection: "AmqpConnection", error: RequestRefused) -> None:
    """Answers a refusal: closes the channel that it concerns, or the connection if it is that grave."""
    reply = reply_of(error)
    channel = connection.channels.get(connection.current)
    if reply.is_hard or channel is None:
        close(connection, reply.code, str(error), connection.at_method)
        return
    text = close_text(reply.code, str(error))
    log.warning("%s, channel %d, user %r: %s", connection.name, channel.number, connection.user, text)
    close_channel(connection, channel, reply.code, str(error), connection.at_method)


def close_channel(connection: "AmqpConnection", channel: Channel, code: int, text: str, index: int) -> None:
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
    channel.state = CLOSING
    channel.expecting = METHOD
    release_channel(connection, channel)


def fail(connection: "AmqpConnection", error: ProtocolViolation) -> None:
    """Answers a violation of the protocol: it ends the connection."""
    if connection.close_sent:
        connection.is_closing = True
        connection.mark()
        return
    close(connection, reply_of(error).code, error.text, connection.at_method)


def close(connection: "AmqpConnection", code: int, text: str, index: int = 0) -> None:
    """Sends connection.close and waits for the answer; a peer without a name just loses its socket."""
    log.warning("%s, user %r: closing: %s", connection.name, connection.user, close_text(code, text))
    if connection.handshake is not None and not connection.handshake.may_send_close:
        connection.is_closing = True
        connection.mark()
        return
    send_close(connection, code, text, index)
    release_everything(connection)


def send_close(connection: "AmqpConnection", code: int, text: str, index: int = 0) -> None:
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


def await_peer(connection: "AmqpConnection", timeout_s: int) -> None:
    """Nothing more is to be done: the peer has some time to answer, or to close its socket once it has our answer.

    As in RabbitMQ it is the client that closes first: one that closes from several threads sends connection.close more
    than once, and takes an end of the stream before its answer for a failure.
    """
    connection.close_sent = True
    connection.is_held = False
    connection.update_reading()  # the answer has to be heard, also from a publisher that is held back
    connection.deadline = connection.now + timeout_s * 1000


def release_everything(connection: "AmqpConnection") -> None:
    """Gives back every unacknowledged delivery and every exclusive queue. Safe to call twice."""
    connection.gate.is_open = False
    for channel in list(connection.channels.values()):
        if channel.state != CLOSING:
            channel.state = CLOSING
            release_channel(connection, channel)
    connection.channels.clear()
    if connection.vhost is not None:
        connection.vhost.delete_owned(connection)
        connection.services.registry.closed(connection)
        connection.vhost = None


def release_channel(connection: "AmqpConnection", channel: Channel) -> None:
    """Ends the consumers of a channel and requeues what it held."""
    now = connection.now
    channel.window.is_open = False
    if channel.transaction is not None:
        channel.transaction.rollback()
    # Back first, while this channel's consumers take nothing any more: a successor gets them in the old order.
    publishing.requeue(channel.unacked.take_all(), now, is_failure=True)
    for consumer in list(channel.consumers.values()):
        end_consumer(connection, channel, consumer)
    channel.owed.clear()
    channel.route = None
    connection.drop_body(channel)
    channel.held_replies.clear()
    channel.held_confirm = b""
    channel.transaction = None
    if channel.held is not None:
        channel.held.drop()
        connection.update_reading()
    if connection.is_leaving:
        connection.close_once_released()


def end_consumer(connection: "AmqpConnection", channel: Channel, consumer: "AmqpConsumer") -> None:
    """Takes a consumer out of its channel and its queue."""
    del channel.consumers[consumer.tag]
    if channel.reply_consumer is consumer:
        channel.reply_consumer = None
        direct_reply.end(connection, consumer)
    elif not consumer.queue.is_deleted:
        consumer.queue.remove_consumer(consumer, connection.now)
