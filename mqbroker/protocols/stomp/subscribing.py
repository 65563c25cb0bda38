"""SUBSCRIBE and UNSUBSCRIBE.

The receipt of SUBSCRIBE goes before its first MESSAGE: deliveries begin once it is sent, which is when the journal has
a durable queue that was declared for it.
"""

from typing import TYPE_CHECKING

from mqbroker.core.selectors.selector import Selector, parse
from mqbroker.errors import InvalidSelector, NotAllowed, ProtocolViolation
from mqbroker.protocols.stomp import composite, consuming, queues
from mqbroker.protocols.stomp.addresses import EXCHANGE, TEMPORARY, TOPIC, Address, parse_address
from mqbroker.protocols.stomp.codec.escapes import V1_0, V1_1
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.jms_addresses import parse_jms_address
from mqbroker.protocols.stomp.limits import STOMP_SUBSCRIPTIONS_MAX
from mqbroker.protocols.stomp.queues import DURABLE_NAME, flag
from mqbroker.protocols.stomp.subscription import AUTO, CLIENT, INDIVIDUAL, Subscription

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_ID_MISSING = "Header 'id' is required for durable subscriptions"
_MODES = (AUTO, CLIENT, INDIVIDUAL)


def subscribe(connection: "StompState", head: Head, _body: bytes) -> None:
    """SUBSCRIBE. Raises ProtocolViolation, RequestRefused."""
    destination = head.get("destination")
    if destination is None:
        text = "\"SUBSCRIBE\" must include a 'destination' header\n"
        raise ProtocolViolation("Missing destination", text)
    addresses = _addresses(connection, destination)
    mode = head.get("ack") or AUTO
    if mode not in _MODES and not connection.is_jms:
        raise ProtocolViolation("Processing error", f"'{mode}' is no value of 'ack'\n")
    id_ = head.get("id")
    is_durable = connection.is_jms and DURABLE_NAME in head.headers
    _check_id(connection, head, id_, destination)
    if is_durable and not all(each.kind == TOPIC for each in addresses):
        raise ProtocolViolation("Invalid Subscription: cannot durably subscribe to a Queue destination!", "")
    wish = consuming.Wish(connection, head, destination, id_, mode, _selector(head))
    if connection.is_jms and not is_durable and composite.is_composite(addresses, connection.services.naming):
        (composite.browse if flag(head, "browser", False) else composite.subscribe)(wish, addresses)
        return
    subscription = consuming.make(wish, *addresses)
    if addresses[0].kind not in consuming.TOPICS and flag(head, "browser", False):
        consuming.browse(wish, subscription, [subscription])
        return
    consuming.add_selector(wish, subscription)
    _begin(connection, subscription)


def _addresses(connection: "StompState", destination: str) -> list[Address]:
    if connection.is_jms:
        return parse_jms_address(destination)
    address = parse_address(destination)
    if address.kind == TEMPORARY:
        raise ProtocolViolation("Invalid destination", f"'{destination}' is not a valid destination for 'SUBSCRIBE'\n")
    return [address]


def _selector(head: Head) -> Selector | None:
    """What it selects. Headers of STOMP are texts, so those that read as numbers compare as such."""
    text = head.get("selector")
    try:
        return None if text is None else parse(text, converts=True)
    except InvalidSelector as error:
        raise ProtocolViolation("Invalid selector", f"{error}\n") from None


def _check_id(connection: "StompState", head: Head, id_: str | None, destination: str) -> None:
    is_queue = not destination.startswith((f"/{TOPIC}/", f"/{EXCHANGE}/"))
    needs_id = connection.is_jms and connection.version != V1_0
    if id_ is None and (needs_id or (queues.is_durable(connection, head) and not is_queue)):
        raise ProtocolViolation("Missing Header", _ID_MISSING)
    if id_ is not None and id_.startswith(f"/{TEMPORARY}/"):
        raise ProtocolViolation("Invalid id", "SUBSCRIBE 'id' may not start with /temp-queue/\n")
    tag = f"Q_{destination}" if id_ is None else f"T_{id_}"
    if tag in connection.subscriptions and not connection.is_jms:
        text = f"A subscription identified by '{tag}' already exists."
        raise ProtocolViolation("Duplicated subscription identifier", text)
    if len(connection.current()) >= STOMP_SUBSCRIPTIONS_MAX:
        raise NotAllowed(f"subscription limit of {STOMP_SUBSCRIPTIONS_MAX} on the connection is reached")


def _begin(connection: "StompState", subscription: Subscription) -> None:
    consuming.enter(connection, subscription)
    consuming.begin_all(connection, [subscription])


def unsubscribe(connection: "StompState", head: Head, _body: bytes) -> None:
    """UNSUBSCRIBE: what it holds may still be acknowledged. Raises ProtocolViolation, RequestRefused."""
    if connection.is_jms and DURABLE_NAME in head.headers:
        _end_durable(connection, head)
        return
    if "id" not in head.headers and queues.is_durable(connection, head):
        raise ProtocolViolation("Missing Header", _ID_MISSING)
    subscription = _subscribed(connection, head)
    is_of_topic = subscription.destination.startswith((f"/{TOPIC}/", f"/{EXCHANGE}/"))
    is_deleted = is_of_topic and queues.is_durable(connection, head)
    if is_deleted:
        _check_deleting(connection, subscription.queue.name)
    connection.drop(subscription)
    end(connection, subscription)
    if is_deleted:
        _delete(connection, subscription.queue.name)
    connection.owe_recorded()


def _end_durable(connection: "StompState", head: Head) -> None:
    """ActiveMQ's way to end a durable subscription: once nobody consumes from it."""
    name = f"{connection.client_id}.{head.headers[DURABLE_NAME]}"
    queue = connection.place.queues.get(name)
    if queue is None:
        raise ProtocolViolation("No subscription matched.", "")
    if queue.consumers:
        raise ProtocolViolation("Durable consumer is in use", "")
    _check_deleting(connection, name)
    _delete(connection, name)
    connection.owe_recorded()


def _check_deleting(connection: "StompState", name: str) -> None:
    connection.services.broker.access.check_configure(connection.user, connection.place.name, "queue", name)


def _delete(connection: "StompState", name: str) -> None:
    vhost = connection.place
    if name in vhost.queues:
        vhost.delete_queue(name, connection)


def end(connection: "StompState", subscription: Subscription) -> None:
    """Takes a subscription off its queue."""
    if subscription.browsing is not None:
        subscription.browsing.end()
    subscription.ended()
    for part in subscription.parts:
        end(connection, part)
    if subscription.in_flight:
        connection.former = [each for each in connection.former if each.in_flight]
        connection.former.append(subscription)
    if not subscription.queue.is_deleted and subscription in subscription.queue.consumers:
        subscription.queue.remove_consumer(subscription, connection.now)


def _subscribed(connection: "StompState", head: Head) -> Subscription:
    id_, destination = head.get("id"), head.get("destination")
    if id_ is None and (destination is None or (connection.is_jms and connection.version == V1_1)):
        text = "UNSUBSCRIBE must include a 'destination' or 'id' header"
        raise ProtocolViolation("Missing destination or id", text)
    if id_ is not None and id_.startswith(f"/{TEMPORARY}/"):
        raise ProtocolViolation("Invalid id", "UNSUBSCRIBE 'id' may not start with /temp-queue/\n")
    found = connection.subscriptions.get(f"Q_{destination}" if id_ is None else f"T_{id_}")
    if found is None and connection.is_jms and id_ is None:  # ActiveMQ takes any that has subscribed to it
        found = next((each for each in connection.current() if each.destination == destination), None)
    if found is None:
        what = f"destination='{destination}'" if id_ is None else f"id='{id_}'"
        text = f'UNSUBSCRIBE must refer to an existing subscription.\nSubscription to "{what}" not found.\n'
        raise ProtocolViolation("No subscription found", text)
    return found
