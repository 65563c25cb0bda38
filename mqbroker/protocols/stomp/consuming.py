"""A consumer for a SUBSCRIBE: the queue that an address means, and what the consumer takes of it."""

from typing import TYPE_CHECKING, NamedTuple

from mqbroker.core.browsing import Browsing
from mqbroker.core.consumer import Window
from mqbroker.core.destinations.names import pattern_of
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.picking import resume_groups, select
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.selectors.selector import Selector
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.stomp import queues
from mqbroker.protocols.stomp.addresses import EXCHANGE, QUEUE, TEMPORARY, TOPIC, Address
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_integer
from mqbroker.protocols.stomp.jms_addresses import REMOTE_TOPIC, TEMPORARY_TOPIC, options_of
from mqbroker.protocols.stomp.limits import (
    STOMP_JMS_DURABLE_PREFETCH,
    STOMP_JMS_QUEUE_PREFETCH,
    STOMP_JMS_TOPIC_PREFETCH,
)
from mqbroker.protocols.stomp.queues import flag
from mqbroker.protocols.stomp.subscription import CLIENT, INDIVIDUAL, Subscription
from mqbroker.protocols.stomp.transforming import TransformedSubscription, shown_as

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

TOPICS = (TOPIC, EXCHANGE, TEMPORARY_TOPIC)
_PREFETCH_MAX = 65_535
_JMS_TOPICS = ("/topic/", f"/{TEMPORARY_TOPIC}/", f"/{REMOTE_TOPIC}/")
_PRIORITY_MAX = 1 << 31


class Wish(NamedTuple):
    """What a SUBSCRIBE asks for."""

    connection: "StompState"
    head: Head
    destination: str
    id: str | None
    mode: str
    selector: Selector | None


def make(wish: Wish, address: Address, *more: Address, window: Window | None = None) -> Subscription:
    """A subscription to one address, or to several topics that have one queue, which does not take anything yet. What
    is unacknowledged counts in the window, if there is one. Raises RequestRefused."""
    connection, destination = wish.connection, wish.destination
    limits = _limits(wish)  # before a queue is made, which a refusal would leave behind
    queue = _queue(connection, wish.head, [address, *more], destination)
    form = shown_as(wish.head) if connection.is_jms else ""
    kind = TransformedSubscription if form else Subscription
    subscription = kind(queue, connection, window or connection.window, wish.id, destination)
    if isinstance(subscription, TransformedSubscription):
        subscription.form = form
    subscription.no_ack = wish.mode not in (CLIENT, INDIVIDUAL)
    subscription.is_cumulative = wish.mode == CLIENT
    subscription.is_fixed = address.kind in (TEMPORARY, TEMPORARY_TOPIC)
    subscription.prefetch, subscription.priority, subscription.wants_all = limits
    if window is not None:
        window.limit, subscription.prefetch = limits[0], 0
    return subscription


def add_selector(wish: Wish, subscription: Subscription) -> None:
    """The subscription is about to be added to its queue: it gets what it selects, and not what is local."""
    queue = subscription.queue
    if not isinstance(queue, SelectedQueue):
        if wish.selector is not None:
            select(queue, subscription, wish.selector)
    elif flag(wish.head, "activemq.noLocal", False) or options_of(wish.destination).get("noLocal") == "true":
        queue.unwanted_from = wish.connection


def _limits(wish: Wish) -> tuple[int, int, bool]:
    """How many deliveries a consumer takes, before whom, and whether nobody else is to be served. Raises
    ProtocolViolation."""
    head = wish.head
    if not wish.connection.is_jms:
        prefetch = _number(head.get("prefetch-count"), "prefetch-count", 0, _PREFETCH_MAX)
        return prefetch, _number(head.get("x-priority"), "x-priority", -_PRIORITY_MAX, _PRIORITY_MAX), False
    options = options_of(wish.destination)
    prefetch_text = head.get("activemq.prefetchSize") or options.get("prefetchSize")
    priority_text = head.get("activemq.priority") or options.get("priority")
    exclusive = head.get("activemq.exclusive") or options.get("exclusive")
    if prefetch_text is None:
        prefetch_text = str(_jms_prefetch(wish))
    prefetch = _number(prefetch_text, "activemq.prefetchSize", 0, _PREFETCH_MAX)
    priority = _number(priority_text, "activemq.priority", -_PRIORITY_MAX, _PRIORITY_MAX)
    return prefetch, priority, exclusive == "true"


def _jms_prefetch(wish: Wish) -> int:
    """How many deliveries a consumer of ActiveMQ's takes that does not say it."""
    if not wish.destination.startswith(_JMS_TOPICS):
        return STOMP_JMS_QUEUE_PREFETCH
    is_durable = queues.DURABLE_NAME in wish.head.headers
    return STOMP_JMS_DURABLE_PREFETCH if is_durable else STOMP_JMS_TOPIC_PREFETCH


def enter(connection: "StompState", subscription: Subscription) -> None:
    """The subscription is the connection's. In ActiveMQ one with the same id goes on, and UNSUBSCRIBE does not find it
    by its id any more."""
    known = connection.subscriptions.get(subscription.tag)
    if known is not None:
        connection.shadowed.append(known)
    connection.subscriptions[subscription.tag] = subscription


def begin_all(connection: "StompState", subscriptions: list[Subscription]) -> None:
    """They take what waits, after the receipt."""
    for each in subscriptions:
        each.queue.add_consumer(each, connection.now)

    def go_on() -> None:
        for each in subscriptions:
            if not each.queue.is_deleted and each in each.queue.consumers:
                each.queue.offer(each, connection.now)

    is_recorded = connection.ledger.is_journalling and any(each.queue.number for each in subscriptions)
    connection.owe(connection.ledger.position if is_recorded else 0, go_on)


def browse(wish: Wish, subscription: Subscription, parts: list[Subscription]) -> None:
    """A browser: is shown what waits in the queues of the parts, and then that this was all."""
    connection = wish.connection
    enter(connection, subscription)
    for part in parts:
        part.no_ack = True
    looks = [(part.queue, part.show) for part in parts]
    subscription.browsing = browsing = Browsing(looks, connection.gate, subscription.show_end, wish.selector)
    connection.owe(0, lambda: browsing.begin(connection.now))


def _queue(connection: "StompState", head: Head, addresses: list[Address], destination: str) -> Queue:
    """The queue to consume from. Raises RequestRefused."""
    vhost, address = connection.place, addresses[0]
    if address.kind in TOPICS:
        exchange = vhost.exchange(queues.exchange_and_key(connection, address)[0])
        keys = tuple(_key(connection, exchange, each) for each in addresses)
        return queues.for_subscription(connection, head, destination, exchange, keys)
    if address.kind == QUEUE:
        queue = queues.ensure(connection, address.name, head)
        resume_groups(queue)
    elif address.kind == TEMPORARY:
        queue = queues.temporary(connection, address.name)
    else:
        queue = vhost.queue(address.name, connection)
    queues.check_taking(connection, queue.name)
    return queue


def _key(connection: "StompState", exchange: Exchange, address: Address) -> str:
    """The key to bind with, which the connection may read. Raises RequestRefused."""
    vhost, access, user = connection.place, connection.services.broker.access, connection.user
    _, key = queues.exchange_and_key(connection, address)
    if connection.is_jms:
        key = pattern_of(key)
    access.check_read(user, vhost.name, "exchange", exchange.name)
    if exchange.kind == "topic":
        access.check_topic_read(user, vhost.name, exchange.name, key)
    return key


def _number(text: str | None, name: str, least: int, most: int) -> int:
    if text is None:
        return 0
    if not is_integer(text):
        raise ProtocolViolation("Processing error", f"'{text}' is no value of '{name}'\n")
    return max(least, min(int(text), most))
