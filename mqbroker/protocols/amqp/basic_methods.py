"""The methods of class basic, without publish and the short path of ack."""

from typing import TYPE_CHECKING, Any

from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.checks import check_consumable, check_pollable, is_exclusive
from mqbroker.core.recent import remember
from mqbroker.core.settling import DISCARD, FAIL, RETURN, settle
from mqbroker.core.values import Timestamp, type_name
from mqbroker.errors import NotAllowed, NotImplementedByPeer, PreconditionFailed
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.amqp import direct_reply, publishing, timeouts
from mqbroker.protocols.amqp.consumer import AmqpConsumer, Holder, properties_to_send
from mqbroker.protocols.amqp.exchange_methods import reply_unless_nowait, vhost_of
from mqbroker.protocols.amqp.getting import get_soon
from mqbroker.protocols.amqp.limits import AMQP_CONSUMERS_PER_CHANNEL_MAX, AMQP_POLLED_QUEUES_KEPT
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.queue_methods import name_of
from mqbroker.protocols.amqp.releasing import end_consumer
from mqbroker.protocols.amqp.settling import settle_through

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState


def qos(_connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.qos: for each new consumer, or with `global` for all of the channel together (RabbitMQ's reading).

    A setting for each consumer lifts the limit of the channel, as in RabbitMQ: who waits for that goes on at once.
    """
    if args["prefetch_size"]:
        raise NotImplementedByPeer(f"prefetch_size!=0 ({args['prefetch_size']})")
    channel.reply("basic.qos-ok")  # before what a wider window lets through
    if args["global_"]:
        channel.window.limit = args["prefetch_count"]
    else:
        channel.window.limit = 0
        channel.prefetch = args["prefetch_count"]
    channel.window.go_on()


# --- consuming ------------------------------------------------------------------------------------------------------


def consume(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.consume. Raises RequestRefused."""
    tag = args["consumer_tag"] or f"amq.ctag-{connection.services.broker.unique_name()}"
    if tag in channel.consumers:
        raise NotAllowed(f"attempt to reuse consumer tag '{tag}'")
    if len(channel.consumers) >= AMQP_CONSUMERS_PER_CHANNEL_MAX:
        raise NotAllowed(f"consumer limit of {AMQP_CONSUMERS_PER_CHANNEL_MAX} on the channel is reached")
    queue = _queue_to_consume(connection, channel, args)
    consumer = AmqpConsumer(queue, connection, channel, tag, connection.frame_max)
    consumer.no_ack = args["no_ack"]
    consumer.is_exclusive = is_exclusive(queue, args["exclusive"])
    consumer.prefetch = channel.prefetch
    # A reply consumer has no arguments, as in RabbitMQ: its queue is there by now and must not be left behind.
    arguments = {} if direct_reply.is_reply_name(queue.name) else args["arguments"]
    consumer.priority = _integer(connection, arguments, "x-priority", queue)
    consumer.timeout_ms = _timeout(connection, queue, arguments)
    timeouts.watch(connection, channel, consumer.timeout_ms)
    channel.consumers[tag] = consumer
    if direct_reply.is_reply_name(queue.name):
        channel.reply_consumer = consumer
    queue.add_consumer(consumer, connection.now)
    reply_unless_nowait(channel, args, "basic.consume-ok", consumer_tag=tag)
    queue.offer(consumer, connection.now)


def _queue_to_consume(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> Queue:
    vhost, name = vhost_of(connection), name_of(channel, args["queue"])
    if name == direct_reply.NAME:
        direct_reply.check_consume(channel, args["no_ack"])
        name = f"{direct_reply.NAME}.{connection.services.broker.unique_name()}"
        return vhost.declare(QueueSpec(name, is_hidden=True), connection.now)
    connection.services.broker.access.check_read(connection.user, vhost.name, "queue", name)
    queue = vhost.queue(name, connection)
    check_consumable(queue, vhost.name, args["exclusive"])
    return queue


def _integer(connection: "ConnectionState", arguments: dict[str, object], name: str, queue: Queue) -> int:
    value = arguments.get(name, 0)
    if isinstance(value, bool | Timestamp) or not isinstance(value, int):
        place = f"queue '{queue.name}' in vhost '{vhost_of(connection).name}'"
        raise PreconditionFailed(f"invalid arg '{name}' for {place}: \"expected integer, got {type_name(value)}\"")
    return min(value, COUNT_MAX)


def _timeout(connection: "ConnectionState", queue: Queue, arguments: dict[str, object]) -> int:
    """The consumer timeout in milliseconds: the consumer's, the queue's, or the broker's own; 0 for none."""
    wanted = _integer(connection, arguments, "x-consumer-timeout", queue)
    return max(wanted, 0) or queue.spec.consumer_timeout or connection.services.settings.consumer_timeout_ms


def cancel(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.cancel: what the consumer holds stays unacknowledged; an unknown tag is cancelled already."""
    consumer = channel.consumers.get(args["consumer_tag"])
    reply_unless_nowait(channel, args, "basic.cancel-ok", consumer_tag=args["consumer_tag"])  # before a successor's
    if consumer is not None:
        end_consumer(vhost_of(connection), channel, consumer, connection.now)


def get(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.get. Raises RequestRefused."""
    vhost, name = vhost_of(connection), name_of(channel, args["queue"])
    connection.services.broker.access.check_read(connection.user, vhost.name, "queue", name)
    queue = vhost.queue(name, connection)
    check_pollable(queue, vhost.name)
    holder = _holder(connection, channel, queue)
    entry = queue.get(holder, connection.now)
    if entry is None and queue.waiting_count():
        get_soon(connection, channel, queue, encode_method("basic.get", channel.number, **args))
        return
    if entry is None:
        connection.services.counted["got_empty"] += 1
        channel.reply("basic.get-empty")
        return
    tag = channel.next_tag
    channel.next_tag = tag + 1
    _send_got(connection, channel, entry, queue, tag)
    if args["no_ack"]:
        connection.services.counted["got_no_ack"] += 1
        queue.acknowledge(entry, connection.now)
    else:
        entry.tag = tag
        channel.unacked.add(tag, entry)


def _holder(connection: "ConnectionState", channel: "Channel", queue: Queue) -> Holder:
    holder = channel.holders.get(queue.name)
    if holder is None or holder.queue is not queue:
        holder = Holder(queue, connection.gate, channel.polling)
        holder.timeout_ms = _timeout(connection, queue, {})
        timeouts.watch(connection, channel, holder.timeout_ms)
        # One that goes in spite of holding something is known by what it holds.
        remember(channel.holders, queue.name, holder, AMQP_POLLED_QUEUES_KEPT)
    return holder


def _send_got(connection: "ConnectionState", channel: "Channel", entry: Entry, queue: Queue, tag: int) -> None:
    message = entry.message
    method = encode_method(
        "basic.get-ok",
        channel.number,
        delivery_tag=tag,
        redelivered=entry.is_redelivered,
        exchange=message.exchange,
        routing_key=message.routing_key,
        message_count=queue.waiting_count(),
    )
    publishing.send_content(connection, channel, method, properties_to_send(entry, queue), message.content())


# --- settling -------------------------------------------------------------------------------------------------------


def ack(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.ack whose octets differ from those of the usual form."""
    connection.acknowledge(channel, args["delivery_tag"], args["multiple"])


def reject(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.reject. To quorum queues it says that the message could not be processed, which counts for the delivery
    limit; basic.nack and basic.recover only give it back (RabbitMQ 4.3)."""
    refuse(connection, channel, args["delivery_tag"], False, FAIL if args["requeue"] else DISCARD)


def nack(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.nack, RabbitMQ's extension."""
    refuse(connection, channel, args["delivery_tag"], args["multiple"], RETURN if args["requeue"] else DISCARD)


def refuse(connection: "ConnectionState", channel: "Channel", tag: int, multiple: bool, outcome: int) -> None:
    """Sends deliveries back to their queues, or dead-letters them. Raises PreconditionFailed for an unknown tag."""
    if channel.transaction is not None:
        channel.transaction.refuse(tag, multiple, outcome)
    elif multiple:
        settle_through(connection, channel, connection.last_of(channel, tag), outcome)
    else:
        settle(take(connection, channel, tag, False), outcome, connection.now)


def take(connection: "ConnectionState", channel: "Channel", tag: int, multiple: bool) -> list[Entry]:
    """Removes one or many deliveries from those that wait. Raises PreconditionFailed for an unknown tag."""
    if multiple:
        return channel.unacked.take_through(connection.last_of(channel, tag), COUNT_MAX)
    entry = channel.unacked.take(tag)
    if entry is None:
        raise PreconditionFailed(f"unknown delivery tag {tag}")
    return [entry]


def recover(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.recover: everything unacknowledged goes back, which the client hears before it comes once more."""
    _check_recover(args)
    channel.reply("basic.recover-ok")
    recover_async(connection, channel, args)


def recover_async(connection: "ConnectionState", channel: "Channel", args: dict[str, Any]) -> None:
    """basic.recover without an answer."""
    _check_recover(args)
    settle_through(connection, channel, connection.last_of(channel, 0), RETURN)


def _check_recover(args: dict[str, Any]) -> None:
    """RabbitMQ has only `requeue=true`. Raises NotImplementedByPeer."""
    if not args["requeue"]:
        raise NotImplementedByPeer("requeue=false")
