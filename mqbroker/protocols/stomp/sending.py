"""SEND: where a message goes, with which properties, and when its receipt is due.

What follows from a head is found out once (`Prepared`) and kept with it, for publishers repeat theirs. A head with a
receipt or a transaction is read each time.
"""

from typing import TYPE_CHECKING, NamedTuple

from mqbroker.core.message import Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import REJECTED, ROUTED
from mqbroker.core.recent import remember
from mqbroker.core.routing.route import Route
from mqbroker.core.scheduling.schedule import NAMES as SCHEDULED
from mqbroker.core.scheduling.schedule import Schedule, schedule_in
from mqbroker.core.transaction import Transaction
from mqbroker.errors import AccessRefused, PreconditionFailed, ProtocolViolation
from mqbroker.protocols.stomp import queues
from mqbroker.protocols.stomp.addresses import EXCHANGE, QUEUE, TEMPORARY, TOPIC, Address, parse_address
from mqbroker.protocols.stomp.codec.escapes import header_line
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_number
from mqbroker.protocols.stomp.jms_addresses import REMOTE_TOPIC, TEMPORARY_TOPIC, parse_jms_address, places_of
from mqbroker.protocols.stomp.limits import STOMP_QUEUES_DECLARED_MAX
from mqbroker.protocols.stomp.properties import GROUP_HEADER, NOT_PASSED_ON, USER_HEADER, StompProperties
from mqbroker.protocols.stomp.queues import ARGUMENTS
from mqbroker.protocols.stomp.transacting import transaction_of
from mqbroker.protocols.stomp.transforming import ERROR as TRANSFORMATION_ERROR
from mqbroker.protocols.stomp.transforming import HEADER as TRANSFORMATION
from mqbroker.protocols.stomp.transforming import problem_of

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_NOT_PASSED_ON = NOT_PASSED_ON | frozenset(ARGUMENTS)
_JMS_KINDS = ("text", "bytes")
_TEMPORARY_PREFIX = f"/{TEMPORARY}/"


class Prepared(NamedTuple):
    """What a head amounts to."""

    routes: tuple[Route, ...]
    """One for each destination."""
    properties: Properties


def send(connection: "StompState", head: Head, body: bytes) -> None:
    """SEND. Raises ProtocolViolation, RequestRefused."""
    if not connection.has_published and _holds_first(connection, head, body):
        return
    transaction = transaction_of(connection, head)
    is_transformed = connection.is_jms and TRANSFORMATION in head.headers and "content-length" not in head.headers
    problem = problem_of(head, body) if is_transformed else ""
    prepared = _prepare(connection, head, (TRANSFORMATION_ERROR, problem) if problem else None)
    if GROUP_HEADER in head.headers:
        queues.group(prepared.routes)
    schedule = None
    if connection.is_jms and any(name in head.headers for name in SCHEDULED):
        schedule = schedule_in(head.headers)
    if schedule is not None:
        _schedule(connection, transaction, prepared, schedule, body)
    elif transaction is not None:
        _publish_in(connection, transaction, prepared, body)
    else:
        publish(connection, prepared, body)
        is_repeated = "receipt" not in head.headers and "expires" not in head.headers
        head.prepared = prepared if is_repeated and not is_transformed else None


def _prepare(connection: "StompState", head: Head, more: tuple[str, str] | None) -> Prepared:
    """What follows from a head; `more` is one header more for those who receive the message."""
    destination = head.get("destination")
    if destination is None:
        raise ProtocolViolation("Missing destination", "\"SEND\" must include a 'destination' header\n")
    if "message-id" in head.headers and not connection.is_jms:
        raise ProtocolViolation("Invalid header", "'message-id' is not allowed on 'SEND'.\n")
    if connection.is_jms:
        kind = head.get("amq-msg-type") or "text"
        if kind.lower() not in _JMS_KINDS:
            raise ProtocolViolation(f"Unsupported message type '{kind}'", "")
        addresses = places_of(parse_jms_address(destination), connection.services.naming)
    else:
        addresses = [parse_address(destination)]
    if addresses[0].kind == TEMPORARY and not connection.is_jms:
        raise ProtocolViolation("Invalid destination", f"'{destination}' is not a valid destination for 'SEND'\n")
    routes = tuple(route_of(connection, head, address) for address in addresses)
    return Prepared(routes, _properties(connection, head, more))


def _message(connection: "StompState", route: Route, properties: Properties, body: bytes) -> Message:
    return new_message(route.exchange_name, route.routing_key, properties, body, connection.now)


def publish(connection: "StompState", prepared: Prepared, body: bytes) -> None:
    """Publishes a message to each of its destinations, and notes the receipt that is owed for it."""
    vhost = connection.vhost
    assert vhost is not None
    outcome = ROUTED
    for route in prepared.routes:
        message = _message(connection, route, prepared.properties, body)
        outcome = max(outcome, vhost.publish(route, message, connection.now))
    head = connection.head
    if head is None or "receipt" not in head.headers:
        return
    if outcome == REJECTED:  # a client that asked for a receipt has to learn it
        connection.refuse("Message rejected", "A queue is full and has refused the message.\n")
    else:
        connection.owe(_position(connection, prepared.properties))


def publish_run(connection: "StompState", prepared: Prepared, body_bytes_max: int) -> None:
    """Publishes the frame at hand, and those after it that have the same head: none of them wants a receipt."""
    scanner, vhost, now = connection.scanner, connection.place, connection.now
    properties, route = prepared.properties, prepared.routes[0]
    exchange, key, publish_one = route.exchange_name, route.routing_key, vhost.publish
    publish_one(route, new_message(exchange, key, properties, scanner.body, now), now)
    for body in scanner.next_bodies(body_bytes_max):
        publish_one(route, new_message(exchange, key, properties, body, now), now)


def _publish_in(connection: "StompState", transaction: Transaction, prepared: Prepared, body: bytes) -> None:
    for route in prepared.routes:
        message = _message(connection, route, prepared.properties, body)
        targets = connection.place.targets(route.exchange_name, [route.routing_key], message)
        transaction.publish(message, targets)
    connection.owe()


def _schedule(
    connection: "StompState", transaction: Transaction | None, prepared: Prepared, schedule: Schedule, body: bytes
) -> None:
    """A message that is to be delivered later."""
    for route in prepared.routes:
        message = _message(connection, route, prepared.properties, body)
        if transaction is not None:
            transaction.schedule(message, schedule)
        else:
            connection.place.schedule_message(message, schedule, connection.now)
    connection.owe(0 if transaction is not None else _position(connection, prepared.properties))


def _position(connection: "StompState", properties: Properties) -> int:
    """The journal batch that a receipt waits for; 0 for none."""
    return connection.ledger.position if properties.persistent and connection.ledger.is_journalling else 0


# --- where to -------------------------------------------------------------------------------------------------------


def route_of(connection: "StompState", head: Head, address: Address) -> Route:
    """The route of messages to an address, whose queue is declared if that is how it is meant. Raises
    RequestRefused."""
    vhost, access, user = connection.place, connection.services.broker.access, connection.user
    if address.kind in (TOPIC, EXCHANGE, TEMPORARY_TOPIC, REMOTE_TOPIC):
        exchange_name, key = queues.exchange_and_key(connection, address)
        access.check_write(user, vhost.name, "exchange", exchange_name)
        if exchange_name:
            exchange = vhost.exchange(exchange_name)
            if exchange.internal:
                text = f"cannot publish to internal exchange '{exchange_name}' in vhost '{vhost.name}'"
                raise AccessRefused(text)
            if exchange.kind == "topic":
                access.check_topic_write(user, vhost.name, exchange_name, key)
        return vhost.route(exchange_name, key)
    name = address.name
    if address.kind == TEMPORARY:
        name = queues.temporary(connection, name).name
    elif address.kind == QUEUE and name not in connection.declared:
        queues.ensure(connection, name, head)
        remember(connection.declared, name, None, STOMP_QUEUES_DECLARED_MAX)
    access.check_write(user, vhost.name, "exchange", "")
    return vhost.route("", name)


# --- with what ------------------------------------------------------------------------------------------------------


def _properties(connection: "StompState", head: Head, more: tuple[str, str] | None) -> StompProperties:
    """The headers that consumers see. Raises RequestRefused, ProtocolViolation."""
    lines = [] if more is None else [header_line(*more)]
    for name, value in head.headers.items():
        if name in _NOT_PASSED_ON or (name == USER_HEADER and connection.is_jms):
            continue
        if name == "reply-to" and value.startswith(_TEMPORARY_PREFIX):
            value = queues.reply_address(connection, value)
        elif name == "user-id":
            _check_user(connection, value)
        elif name == "expires" and connection.is_jms:
            name, value = "expiration", _time_left(connection, value)
            if not value:
                continue
        lines.append(header_line(name, value))
    if connection.settings.populate_user_id and "user-id" not in head.headers:
        lines.append(header_line("user-id", connection.user))
    return StompProperties(b"".join(lines))


def _time_left(connection: "StompState", expires: str) -> str:
    """The milliseconds until a time; empty for never."""
    is_time = is_number(expires) and int(expires) > 0
    return str(max(0, int(expires) - connection.now)) if is_time else ""


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
    if not reason and connection.is_held and not connection.is_asking:
        connection.deadline = connection.now  # the next tick, which knows what time it is, goes on with it
