"""Direct reply-to: answers that go to the requester's channel without a queue of its own having been declared.

A client consumes from the name below without acknowledgement, and puts the same name into `reply_to`. The broker
replaces it with a name of its own for that channel; what is published to it through the default exchange comes out at
that consumer. To the core it is a transient queue with one consumer, gone with its channel, and found by messages only:
who is to answer must not be able to take other answers.
"""

from typing import TYPE_CHECKING

from mqbroker.core.properties import Properties
from mqbroker.errors import NotFound, PreconditionFailed
from mqbroker.protocols.amqp.properties import BasicProperties

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.consumer import AmqpConsumer
    from mqbroker.protocols.amqp.state import ConnectionState

NAME = "amq.rabbitmq.reply-to"
MARK = NAME.encode()


def is_reply_name(name: str) -> bool:
    """Whether a queue name is the pseudo-queue or a channel's own reply name."""
    return name == NAME or name.startswith(f"{NAME}.")


def check_consume(channel: "Channel", no_ack: bool) -> None:
    """Raises PreconditionFailed for a second reply consumer on a channel, or one that wants to acknowledge."""
    if not no_ack:
        raise PreconditionFailed("reply consumer cannot acknowledge")
    if channel.reply_consumer is not None:
        raise PreconditionFailed("reply consumer already set")


def with_reply_name(channel: "Channel", properties: Properties) -> Properties:
    """Puts the channel's own name into a `reply_to` that asks for it. Raises PreconditionFailed without a consumer."""
    if properties.text("reply_to") != NAME:
        return properties
    if channel.reply_consumer is None:
        raise PreconditionFailed("fast reply consumer does not exist")
    assert isinstance(properties, BasicProperties)
    return properties.with_fields(reply_to=channel.reply_consumer.queue.name)


def check_declared(connection: "ConnectionState", name: str) -> None:
    """A passive declaration: the pseudo-queue is always there, a channel's own name as long as its consumer is.

    Raises NotFound.
    """
    vhost = connection.vhost
    assert vhost is not None
    if name != NAME and name not in vhost.reply_queues:
        raise NotFound(f"no queue '{name}' in vhost '{vhost.name}'")


def end(vhost: "VHost", consumer: "AmqpConsumer") -> None:
    """The reply consumer is gone, and its name with it."""
    consumer.queue.consumers.clear()
    vhost.remove(consumer.queue)
