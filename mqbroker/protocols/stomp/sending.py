"""SEND: where a message goes, with which properties, and when its receipt is due.

What follows from a head is found out once (`Prepared`) and kept with it, for publishers repeat theirs. A head with a
receipt or a transaction is read each time.
"""

from typing import TYPE_CHECKING, NamedTuple

from mqbroker.core.message import Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import REJECTED
from mqbroker.core.recent import remember
from mqbroker.core.routing.route import Route
from mqbroker.errors import AccessRefused, PreconditionFailed, ProtocolViolation
from mqbroker.protocols.stomp import queues
from mqbroker.protocols.stomp.addresses import EXCHANGE, QUEUE, TEMPORARY, TOPIC, Address, parse_address
from mqbroker.protocols.stomp.codec.escapes import header_line
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.limits import STOMP_QUEUES_DECLARED_MAX
from mqbroker.protocols.stomp.properties import GROUP_HEADER, NOT_PASSED_ON, StompProperties
from mqbroker.protocols.stomp.queues import ARGUMENTS
from mqbroker.protocols.stomp.transacting import transaction_of

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_NOT_PASSED_ON = NOT_PASSED_ON | frozenset(ARGUMENTS)
_TEMPORARY_PREFIX = f"/{TEMPORARY}/"


class Prepared(NamedTuple):
    """What a head amounts to."""

    route: Route
    properties: Properties


def send(connection: "StompState", head: Head, body: bytes) -> None:
    """SEND. Raises ProtocolViolation, RequestRefused."""
    if not connection.has_published and _holds_first(connection, head, body):
        return
    destination = head.get("destination")
    if destination is None:
        raise ProtocolViolation("Missing destination", "\"SEND\" must include a 'destination' header\n")
    if "message-id" in head.headers:
        raise ProtocolViolation("Invalid header", "'message-id' is not allowed on 'SEND'.\n")
    transaction = transaction_of(connection, head)
    address = parse_address(destination)
    if address.kind == TEMPORARY:
        raise ProtocolViolation("Invalid destination", f"'{destination}' is not a valid destination for 'SEND'\n")
    prepared = Prepared(_route(connection, head, address), _properties(connection, head))
    route, properties = prepared
    if GROUP_HEADER in head.headers:
        queues.group(route)
    message = new_message(route.exchange_name, route.routing_key, properties, body, connection.now)
    if transaction is not None:
        targets = connection.place.targets(route.exchange_name, [route.routing_key], message)
        transaction.publish(message, targets)
        connection.owe()
        return
    if connection.place.publish(route, message, connection.now) == REJECTED:
        tell_of_rejection(connection)
    else:
        connection.owe(_position(connection, message))
    head.prepared = prepared if "receipt" not in head.headers else None


def _position(connection: "StompState", message: Message) -> int:
    """The journal batch that its receipt waits for; 0 for none."""
    is_kept = message.properties.persistent and connection.ledger.is_journalling
    return connection.ledger.position if is_kept else 0


def tell_of_rejection(connection: "StompState") -> None:
    """A queue that is full has refused the message at hand: a client that asked for a receipt has to learn it."""
    if connection.head is not None and "receipt" in connection.head.headers:
        connection.refuse("Message rejected", "A queue is full and has refused the message.\n")


# --- where to -------------------------------------------------------------------------------------------------------


def _route(connection: "StompState", head: Head, address: Address) -> Route:
    """The route of messages to an address, whose queue is declared if that is how it is meant. Raises
    RequestRefused."""
    vhost, access, user = connection.place, connection.services.broker.access, connection.user
    if address.kind in (TOPIC, EXCHANGE):
        exchange_name = connection.settings.topic_exchange if address.kind == TOPIC else address.name
        key = address.name if address.kind == TOPIC else address.key
        access.check_write(user, vhost.name, "exchange", exchange_name)
        if exchange_name:
            exchange = vhost.exchange(exchange_name)
            if exchange.internal:
                text = f"cannot publish to internal exchange '{exchange_name}' in vhost '{vhost.name}'"
                raise AccessRefused(text)
            if exchange.kind == "topic":
                access.check_topic_write(user, vhost.name, exchange_name, key)
        return vhost.route(exchange_name, key)
    if address.kind == QUEUE and address.name not in connection.declared:
        queues.ensure(connection, address.name, head)
        remember(connection.declared, address.name, None, STOMP_QUEUES_DECLARED_MAX)
    access.check_write(user, vhost.name, "exchange", "")
    return vhost.route("", address.name)


# --- with what ------------------------------------------------------------------------------------------------------


def _properties(connection: "StompState", head: Head) -> StompProperties:
    """The headers that consumers see. Raises RequestRefused, ProtocolViolation."""
    lines = []
    for name, value in head.headers.items():
        if name in _NOT_PASSED_ON:
            continue
        if name == "reply-to" and value.startswith(_TEMPORARY_PREFIX):
            value = f"/reply-queue/{queues.reply_queue(connection, value)}"
        elif name == "user-id":
            _check_user(connection, value)
        lines.append(header_line(name, value))
    return StompProperties(b"".join(lines))


def _check_user(connection: "StompState", claimed: str) -> None:
    """A user-id must be the user's own, unless the user is an impersonator. Raises PreconditionFailed."""
    if claimed != connection.user and not connection.services.broker.access.user(connection.user).is_impersonator:
        raise PreconditionFailed(f"user_id property set to '{claimed}' but authenticated user was '{connection.user}'")


# --- while a resource is low ----------------------------------------------------------------------------------------


def _holds_first(connection: "StompState", head: Head, body: bytes) -> bool:
    """The first SEND of a connection is at hand: it is a publisher from now on. Whether that has to wait."""
    connection.has_published = True
    alarms_changed(connection)
    if connection.blocked_for:
        connection.is_held = True
        connection.scanner.put_back(head, body)
    return connection.is_held


def alarms_changed(connection: "StompState") -> None:
    """A resource has run low or has recovered: a publisher is not read from meanwhile."""
    reason = connection.services.alarms.reason if connection.has_published else ""
    if reason == connection.blocked_for:
        return
    connection.blocked_for = reason
    connection.update_reading()
    if not reason and connection.is_held:
        connection.deadline = connection.now  # the next tick, which knows what time it is, goes on with it
