"""The methods of class queue. Permissions are checked before existence, as RabbitMQ does."""

from typing import TYPE_CHECKING, Any

from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.declaring import declare_queue, generated_name
from mqbroker.errors import NotFound
from mqbroker.protocols.amqp import direct_reply, holding
from mqbroker.protocols.amqp.channel import HELD, OPEN
from mqbroker.protocols.amqp.exchange_methods import (
    hold_unless_nowait,
    rebind,
    refuse_default_exchange,
    reply_unless_nowait,
    vhost_of,
)

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState


def name_of(channel: "Channel", name: str) -> str:
    """The queue that a method means: an empty name is the last queue declared on the channel. Raises NotFound."""
    if name:
        return name
    if not channel.last_queue:
        raise NotFound("no previously declared queue")
    return channel.last_queue


def declare(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """queue.declare. Raises RequestRefused."""
    name = args["queue"]
    if args["passive"] or direct_reply.is_reply_name(name):
        declare_passively(connection, channel, args, name)
        return
    vhost = vhost_of(connection)
    if not name:  # if it was asked about before, the answer is about that name
        name = channel.awaited_name = channel.awaited_name or generated_name(vhost)
    connection.services.broker.access.check_configure(connection.user, vhost.name, "queue", name)
    _check_dead_letter(connection, args["arguments"], name)
    channel.awaited_name = ""
    queue = declare_queue(
        vhost,
        name,
        args["durable"],
        args["exclusive"],
        args["auto_delete"],
        args["arguments"],
        connection.now,
        connection,
        is_generated=not args["queue"],
    )
    channel.last_queue = queue.name
    if queue.number:
        hold_unless_nowait(connection, channel, args)  # also if it was there: who made it may still be waiting
    _reply(channel, args, queue)


def _check_dead_letter(connection: "ConnectionState", arguments: dict[str, object], name: str) -> None:
    """Who names a dead-letter exchange has to be allowed to read this queue and write to that exchange."""
    exchange = arguments.get("x-dead-letter-exchange")
    if isinstance(exchange, str):
        access, vhost = connection.services.broker.access, vhost_of(connection)
        access.check_read(connection.user, vhost.name, "queue", name)
        access.check_write(connection.user, vhost.name, "exchange", exchange)


def _reply(channel: "Channel", args: dict[str, Any], queue: Queue) -> None:
    reply_unless_nowait(
        channel,
        args,
        "queue.declare-ok",
        queue=queue.name,
        message_count=queue.waiting_count(),
        consumer_count=len(queue.consumers),
    )


def declare_passively(connection: "ConnectionState", channel: "Channel", args: dict[str, Any], name: str) -> None:
    """queue.declare with `passive`: is it there, and how much is in it. Raises AccessRefused, NotFound, ResourceLocked.

    Any permission on the queue will do, as in RabbitMQ since 4.2.7; 3.x asked for none.
    """
    if direct_reply.is_reply_name(name):
        direct_reply.check_declared(connection, name)
        reply_unless_nowait(channel, args, "queue.declare-ok", queue=name, message_count=0, consumer_count=1)
        return
    vhost = vhost_of(connection)
    connection.services.broker.access.check_any(connection.user, vhost.name, "queue", name)
    queue = vhost.queue(name, connection)
    queue.used_at = connection.now
    channel.last_queue = name
    _reply(channel, args, queue)


def bind(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """queue.bind. Raises RequestRefused."""
    vhost, name = vhost_of(connection), _check_ends(connection, channel, args)
    source = vhost.exchange(args["exchange"])
    rebind(connection, channel, source, vhost.queue(name, connection), args, is_bind=True)
    reply_unless_nowait(channel, args, "queue.bind-ok")


def unbind(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """queue.unbind; a queue or binding that is not there is unbound already, whoever owns the queue.

    Raises RequestRefused.
    """
    vhost, name = vhost_of(connection), _check_ends(connection, channel, args)
    source, queue = vhost.exchanges.get(args["exchange"]), vhost.queues.get(name)
    if source is not None and queue is not None:
        if source.has(queue, args["routing_key"], args["arguments"]):
            vhost.queue(name, connection)  # raises ResourceLocked if it is another's
        rebind(connection, channel, source, queue, args, is_bind=False)
    channel.reply("queue.unbind-ok")


def _check_ends(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> str:
    """Who binds or unbinds has to be allowed to write to the queue and to read the exchange; the queue's name."""
    vhost, access, user = vhost_of(connection), connection.services.broker.access, connection.user
    name = name_of(channel, args["queue"])
    if not args["queue"] and not args["routing_key"]:
        args["routing_key"] = name  # AMQP 0-9-1, queue.bind: with neither name, the key is the queue's name
    access.check_write(user, vhost.name, "queue", name)
    refuse_default_exchange(args["exchange"])
    access.check_read(user, vhost.name, "exchange", args["exchange"])
    return name


def purge(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """queue.purge. Raises RequestRefused."""
    vhost, name = vhost_of(connection), name_of(channel, args["queue"])
    connection.services.broker.access.check_read(connection.user, vhost.name, "queue", name)
    queue = vhost.queue(name, connection)
    if args["nowait"]:
        queue.purge(connection.now, lambda _now: None)
        return
    channel.state = HELD
    count = queue.purge(connection.now, lambda _now: holding.release_once_safe(connection, channel))
    reply_unless_nowait(channel, args, "queue.purge-ok", message_count=count)


def delete(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """queue.delete; a queue that is not there is deleted already. Raises RequestRefused.

    Consumers on this very channel are told after the answer, as in RabbitMQ: to py-amqp what comes first is an error.
    """
    vhost, name = vhost_of(connection), name_of(channel, args["queue"])
    connection.services.broker.access.check_configure(connection.user, vhost.name, "queue", name)
    channel.state = HELD
    try:
        count = vhost.delete_queue(name, connection, args["if_unused"], args["if_empty"])
    finally:
        channel.state = OPEN
    cancels = channel.held_replies
    channel.held_replies = []
    hold_unless_nowait(connection, channel, args)
    reply_unless_nowait(channel, args, "queue.delete-ok", message_count=count)
    for cancel in cancels:
        channel.send(cancel)
