"""Publishing, apart from the short path in connection.py: what a new exchange, key or set of properties means.

basic.publish payload, after class and method id:
+--------+---------------+--------------------+----------------------+
| ticket |   exchange    |    routing key     | bit 0 mandatory      |     AMQP 0-9-1, basic.publish
| short  |   shortstr    |    shortstr        | bit 1 immediate      |
+--------+---------------+--------------------+----------------------+
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker import octets
from mqbroker.core.message import Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import UNROUTED
from mqbroker.core.rabbitmq.x_death import carbon_copies
from mqbroker.core.routing.route import Route
from mqbroker.core.routing.targets import Targets
from mqbroker.core.values import type_name
from mqbroker.errors import AccessRefused, NotImplementedByPeer, PreconditionFailed
from mqbroker.protocols.amqp import direct_reply, frames
from mqbroker.protocols.amqp.constants import NO_ROUTE
from mqbroker.protocols.amqp.methods import decode_method, encode_method
from mqbroker.protocols.amqp.names import without_line_breaks
from mqbroker.protocols.amqp.properties import BLIND_COPIES, USER_ID, BasicProperties, amqp_properties

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.channel import Channel
    from mqbroker.protocols.amqp.state import ConnectionState

_BASIC = b"\x00\x3c"


def begin(connection: "ConnectionState", payload: bytes) -> tuple[Route, bool]:
    """Where a basic.publish goes, and whether it is mandatory. Raises RequestRefused, ProtocolViolation."""
    args = without_line_breaks(decode_method(payload).args)
    if args["immediate"]:
        raise NotImplementedByPeer("immediate=true")
    exchange_name, routing_key = args["exchange"], args["routing_key"]
    vhost = connection.vhost
    assert vhost is not None
    access = connection.services.broker.access
    access.check_write(connection.user, vhost.name, "exchange", exchange_name)
    route = vhost.route(exchange_name, routing_key)
    if exchange_name:
        exchange = vhost.exchange(exchange_name)
        if exchange.internal:
            raise AccessRefused(f"cannot publish to internal exchange '{exchange_name}' in vhost '{vhost.name}'")
        if exchange.kind == "topic":
            access.check_topic_write(connection.user, vhost.name, exchange_name, routing_key)
    return route, args["mandatory"]


def begin_content(connection: "ConnectionState", channel: "Channel", frame: bytes) -> None:
    """Takes a content header that differs from the last one. Raises RequestRefused, ProtocolViolation."""
    if len(frame) < 8 + 14:
        connection.at_method = 0
        raise frames.unknown_frame(2, frame[7:-1])
    if frame[7:9] != _BASIC:
        raise frames.expected_header(frame[7] << 8 | frame[8])
    if frame[9:11] != b"\0\0":  # the weight, AMQP 0-9-1 §4.2.6.1
        raise frames.expected_header()
    take_size(connection, channel, octets.longlong_at(frame, 11))
    properties = connection.services.recent_properties.of(frame[19:-1])
    channel.properties = properties
    channel.is_plain = channel.transaction is None and not _is_special(properties)


def take_size(connection: "ConnectionState", channel: "Channel", size: int) -> None:
    """Takes the size of the body to come. Raises PreconditionFailed for one that is too large."""
    maximum = connection.services.settings.message_size_max
    if size > maximum:
        raise PreconditionFailed(f"message size {size} is larger than max size {maximum}")
    channel.body_size = size


def _is_special(properties: BasicProperties) -> bool:
    """Whether the broker has to act on more than routing: copies, direct reply-to, a user id to check."""
    raw = properties.raw
    return b"CC" in raw or direct_reply.MARK in raw or bool(properties.flags & USER_ID)


def publish_special(connection: "ConnectionState", channel: "Channel", message: Message) -> None:
    """Publishes a message off the short path. Raises RequestRefused."""
    properties = message.properties
    check_user_id(connection, properties)
    headers = properties.headers()
    keys = [message.routing_key, *_copies(headers, "CC"), *_copies(headers, BLIND_COPIES)]
    if BLIND_COPIES in headers:
        assert isinstance(properties, BasicProperties)
        properties = properties.with_blind_copies()
    properties = direct_reply.with_reply_name(channel, properties)
    if properties is not message.properties:
        message = new_message(message.exchange, message.routing_key, properties, message.content(), message.received_at)
    vhost = connection.vhost
    assert vhost is not None
    targets = vhost.targets(message.exchange, keys, message)
    if channel.transaction is not None:
        channel.transaction.publish(message, targets, channel.mandatory)
    else:
        deliver(connection, channel, message, targets, channel.mandatory)


def deliver(
    connection: "ConnectionState", channel: "Channel", message: Message, targets: Targets, mandatory: bool
) -> int:
    """Publishes a message that was routed, and does what its outcome asks for, which it returns."""
    vhost = connection.vhost
    assert vhost is not None
    outcome = vhost.publish_to_targets(targets, message, connection.now)
    connection.published(channel, message, outcome, mandatory and outcome == UNROUTED)
    return outcome


def check_user_id(connection: "ConnectionState", properties: Properties) -> None:
    """A user-id must be the user's own, unless the user is an impersonator. Raises PreconditionFailed."""
    claimed = properties.text("user_id")
    if claimed is None or claimed == connection.user:
        return
    if not connection.services.broker.access.user(connection.user).is_impersonator:
        raise PreconditionFailed(f"user_id property set to '{claimed}' but authenticated user was '{connection.user}'")


def _copies(headers: Mapping[str, object], name: str) -> list[str]:
    """The texts in a CC or BCC header. Raises PreconditionFailed when it is no array."""
    if name not in headers:
        return []
    if not isinstance(headers[name], list):
        kind = type_name(headers[name])
        raise PreconditionFailed(f'invalid message: {{unacceptable_type_in_header,"{name}",{kind}}}')
    return carbon_copies(headers, name)


def send_return(connection: "ConnectionState", channel: "Channel", message: Message) -> None:
    """basic.return 312: nobody was there for a mandatory message."""
    channel.returns += 1
    method = encode_method(
        "basic.return",
        channel.number,
        reply_code=NO_ROUTE,
        reply_text="NO_ROUTE",
        exchange=message.exchange,
        routing_key=message.routing_key,
    )
    send_content(connection, channel, method, amqp_properties(message.properties), message.content())


def send_content(
    connection: "ConnectionState", channel: "Channel", method: bytes, properties: Properties, body: bytes
) -> None:
    """A method with content, outside of deliveries: basic.return and basic.get-ok."""
    connection.send(method)
    connection.send(frames.content_header_frame(channel.number, properties.raw, len(body)))
    for piece in frames.body_frames(channel.number, body, connection.frame_max):
        connection.send(piece)
