"""SUBSCRIBE and UNSUBSCRIBE.

The receipt of SUBSCRIBE goes before its first MESSAGE: deliveries begin once it is sent, which is when the journal has
a durable queue that was declared for it.
"""

from typing import TYPE_CHECKING

from mqbroker.core.browsing import Browsing
from mqbroker.core.destinations.names import pattern_of
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.picking import select
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.rabbitmq.checks import check_consumable, is_exclusive
from mqbroker.core.selectors.selector import Selector, parse
from mqbroker.errors import InvalidSelector, NotAllowed, ProtocolViolation
from mqbroker.protocols.stomp import queues
from mqbroker.protocols.stomp.addresses import EXCHANGE, QUEUE, TEMPORARY, TOPIC, Address, parse_address
from mqbroker.protocols.stomp.codec.escapes import V1_0
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_integer
from mqbroker.protocols.stomp.jms_addresses import TEMPORARY_TOPIC, options_of, parse_jms_address
from mqbroker.protocols.stomp.limits import STOMP_SUBSCRIPTIONS_MAX
from mqbroker.protocols.stomp.queues import DURABLE_NAME, flag
from mqbroker.protocols.stomp.subscription import AUTO, CLIENT, INDIVIDUAL, Subscription

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_MODES = (AUTO, CLIENT, INDIVIDUAL)
_TOPICS = (TOPIC, EXCHANGE, TEMPORARY_TOPIC)
_PREFETCH_MAX = 65_535
_PRIORITY_MAX = 1 << 31


def subscribe(connection: "StompState", head: Head, _body: bytes) -> None:
    """SUBSCRIBE. Raises ProtocolViolation, RequestRefused."""
    destination = head.get("destination")
    if destination is None:
        text = "\"SUBSCRIBE\" must include a 'destination' header\n"
        raise ProtocolViolation("Missing destination", text)
    address = _address(connection, destination)
    mode = head.get("ack") or AUTO
    if mode not in _MODES and not connection.is_jms:
        raise ProtocolViolation("Processing error", f"'{mode}' is no value of 'ack'\n")
    id_ = head.get("id")
    _check_id(connection, head, id_, destination)
    selector = _selector(head)
    queue = _queue(connection, head, address, destination)
    subscription = Subscription(queue, connection, connection.window, id_, destination)
    subscription.no_ack = mode not in (CLIENT, INDIVIDUAL)
    subscription.is_cumulative = mode == CLIENT
    subscription.is_fixed = address.kind in (TEMPORARY, TEMPORARY_TOPIC)
    _configure(connection, subscription, head, destination)
    if address.kind not in _TOPICS and flag(head, "browser", False):
        _browse(connection, subscription, selector)
        return
    if not isinstance(queue, SelectedQueue):
        if selector is not None:
            select(queue, subscription, selector)
    elif flag(head, "activemq.noLocal", False) or options_of(destination).get("noLocal") == "true":
        queue.unwanted_from = connection
    _begin(connection, subscription, queue)


def _address(connection: "StompState", destination: str) -> Address:
    if connection.is_jms:
        addresses = parse_jms_address(destination)
        if len(addresses) > 1:
            raise ProtocolViolation("Invalid destination", "a composite destination is for SEND only\n")
        return addresses[0]
    address = parse_address(destination)
    if address.kind == TEMPORARY:
        raise ProtocolViolation("Invalid destination", f"'{destination}' is not a valid destination for 'SUBSCRIBE'\n")
    return address


def _configure(connection: "StompState", subscription: Subscription, head: Head, destination: str) -> None:
    """How many deliveries it takes, and before whom."""
    subscription.prefetch = _number(head.get("prefetch-count"), "prefetch-count", 0, _PREFETCH_MAX)
    subscription.priority = _number(head.get("x-priority"), "x-priority", -_PRIORITY_MAX, _PRIORITY_MAX)
    if connection.is_jms:
        options = options_of(destination)
        prefetch = head.get("activemq.prefetchSize") or options.get("prefetchSize")
        priority = head.get("activemq.priority") or options.get("priority")
        exclusive = head.get("activemq.exclusive") or options.get("exclusive")
        subscription.wants_all = exclusive == "true"
        subscription.prefetch = _number(prefetch, "activemq.prefetchSize", 0, _PREFETCH_MAX)
        subscription.priority = _number(priority, "activemq.priority", -_PRIORITY_MAX, _PRIORITY_MAX)


def _selector(head: Head) -> Selector | None:
    """What it selects. Headers of STOMP are texts, so those that read as numbers compare as such."""
    text = head.get("selector")
    try:
        return None if text is None else parse(text, converts=True)
    except InvalidSelector as error:
        raise ProtocolViolation("Invalid selector", f"{error}\n") from None


def _browse(connection: "StompState", subscription: Subscription, selector: Selector | None) -> None:
    """A browser: is shown what waits, and then that this was all."""
    subscription.no_ack = True
    connection.subscriptions[subscription.tag] = subscription
    browsing = Browsing(subscription.queue, connection.gate, subscription.show, selector)
    subscription.browsing = browsing
    connection.owe(0, lambda: browsing.begin(connection.now))


def _check_id(connection: "StompState", head: Head, id_: str | None, destination: str) -> None:
    is_queue = not destination.startswith((f"/{TOPIC}/", f"/{EXCHANGE}/"))
    if connection.is_jms and is_queue and DURABLE_NAME in head.headers:
        text = "Invalid Subscription: cannot durably subscribe to a Queue destination!"
        raise ProtocolViolation(text, "")
    needs_id = connection.is_jms and connection.version != V1_0
    if id_ is None and (needs_id or (queues.is_durable(connection, head) and not is_queue)):
        raise ProtocolViolation("Missing Header", "Header 'id' is required for durable subscriptions\n")
    if id_ is not None and id_.startswith(f"/{TEMPORARY}/"):
        raise ProtocolViolation("Invalid id", "SUBSCRIBE 'id' may not start with /temp-queue/\n")
    tag = f"Q_{destination}" if id_ is None else f"T_{id_}"
    if tag in connection.subscriptions:
        text = f"A subscription identified by '{tag}' already exists.\n"
        raise ProtocolViolation("Duplicated subscription identifier", text)
    if len(connection.subscriptions) >= STOMP_SUBSCRIPTIONS_MAX:
        raise NotAllowed(f"subscription limit of {STOMP_SUBSCRIPTIONS_MAX} on the connection is reached")


def _begin(connection: "StompState", subscription: Subscription, queue: Queue) -> None:
    connection.subscriptions[subscription.tag] = subscription
    now = connection.now
    queue.add_consumer(subscription, now)

    def go_on() -> None:
        if not queue.is_deleted and subscription in queue.consumers:
            queue.offer(subscription, connection.now)

    position = connection.ledger.position if queue.number and connection.ledger.is_journalling else 0
    connection.owe(position, go_on)


def _queue(connection: "StompState", head: Head, address: Address, destination: str) -> Queue:
    """The queue to consume from. Raises RequestRefused."""
    vhost, access, user = connection.place, connection.services.broker.access, connection.user
    if address.kind in _TOPICS:
        exchange_name, key = queues.exchange_and_key(connection, address)
        if connection.is_jms:
            key = pattern_of(key)
        exchange = vhost.exchange(exchange_name)
        access.check_read(user, vhost.name, "exchange", exchange_name)
        if exchange.kind == "topic":
            access.check_topic_read(user, vhost.name, exchange_name, key)
        queue = queues.for_subscription(connection, head, destination, exchange, key)
    elif address.kind == QUEUE:
        queue = queues.ensure(connection, address.name, head)
        queues.resume_groups(queue)
    elif address.kind == TEMPORARY:
        queue = queues.temporary(connection, address.name)
    else:
        queue = vhost.queue(address.name, connection)
    access.check_read(user, vhost.name, "queue", queue.name)
    check_consumable(queue, vhost.name, is_exclusive(queue, False))
    return queue


def _number(text: str | None, name: str, least: int, most: int) -> int:
    if text is None:
        return 0
    if not is_integer(text):
        raise ProtocolViolation("Processing error", f"'{text}' is no value of '{name}'\n")
    return max(least, min(int(text), most))


def unsubscribe(connection: "StompState", head: Head, _body: bytes) -> None:
    """UNSUBSCRIBE: what it holds may still be acknowledged. Raises ProtocolViolation, RequestRefused."""
    if connection.is_jms and DURABLE_NAME in head.headers:
        _end_durable(connection, head)
        return
    subscription = _subscribed(connection, head)
    del connection.subscriptions[subscription.tag]
    end(connection, subscription)
    is_of_topic = subscription.destination.startswith((f"/{TOPIC}/", f"/{EXCHANGE}/"))
    if is_of_topic and queues.is_durable(connection, head):
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
    _delete(connection, name)
    connection.owe_recorded()


def _delete(connection: "StompState", name: str) -> None:
    vhost = connection.place
    if name in vhost.queues:
        connection.services.broker.access.check_configure(connection.user, vhost.name, "queue", name)
        vhost.delete_queue(name, connection)


def end(connection: "StompState", subscription: Subscription) -> None:
    """Takes a subscription off its queue."""
    if subscription.browsing is not None:
        subscription.browsing.end()
        return
    if subscription.in_flight:
        connection.former = [each for each in connection.former if each.in_flight]
        connection.former.append(subscription)
    if not subscription.queue.is_deleted:
        subscription.queue.remove_consumer(subscription, connection.now)


def _subscribed(connection: "StompState", head: Head) -> Subscription:
    id_, destination = head.get("id"), head.get("destination")
    if id_ is None and destination is None:
        text = "UNSUBSCRIBE must include a 'destination' or 'id' header\n"
        raise ProtocolViolation("Missing destination or id", text)
    if id_ is not None and id_.startswith(f"/{TEMPORARY}/"):
        raise ProtocolViolation("Invalid id", "UNSUBSCRIBE 'id' may not start with /temp-queue/\n")
    found = connection.subscriptions.get(f"Q_{destination}" if id_ is None else f"T_{id_}")
    if found is None:
        what = f"destination='{destination}'" if id_ is None else f"id='{id_}'"
        text = f'UNSUBSCRIBE must refer to an existing subscription.\nSubscription to "{what}" not found.\n'
        raise ProtocolViolation("No subscription found", text)
    return found
