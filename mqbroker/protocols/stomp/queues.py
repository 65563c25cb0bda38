"""The queues behind destinations: declared when they are first used, or made for a subscription or for replies."""

import base64
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mqbroker.core.destinations.retroactive import catch_up
from mqbroker.core.destinations.subscriptions import TopicSubscription, follow_virtual_topic, open_subscription
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.picking import start_groups
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.arguments import PERSISTENT_LETTERS
from mqbroker.core.rabbitmq.checks import check_consumable, is_exclusive
from mqbroker.core.rabbitmq.declaring import declare_queue, generated_name
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.routing.route import Route
from mqbroker.core.selectors.selector import CONVERTING_PREFIX
from mqbroker.errors import NotAllowed, PreconditionFailed, ProtocolViolation
from mqbroker.protocols.stomp.addresses import EXCHANGE, TEMPORARY, Address
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_number
from mqbroker.protocols.stomp.jms_addresses import REMOTE, TEMPORARY_TOPIC, options_of
from mqbroker.protocols.stomp.limits import STOMP_REPLY_QUEUES_MAX
from mqbroker.protocols.stomp.subscription import Subscription

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_TEXTS = ("x-queue-type", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-age", "x-overflow")
_NUMBERS = (
    "x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority",
    "x-stream-max-segment-size-bytes", "x-stream-filter-size-bytes",
)  # fmt: skip
DURABLE_NAME = "activemq.subscriptionName"
ARGUMENTS = (*_TEXTS, *_NUMBERS)
"""The headers that are arguments of a queue that is declared."""


def arguments_in(head: Head) -> dict[str, object]:
    """The arguments of a queue in the headers of a frame. Raises PreconditionFailed."""
    found: dict[str, object] = {name: head.headers[name] for name in _TEXTS if name in head.headers}
    for name in _NUMBERS:
        text = head.get(name)
        if text is not None:
            if not is_number(text):
                raise PreconditionFailed(f"invalid arg '{name}': \"expected integer, got '{text}'\"")
            found[name] = int(text)
    return found


def flag(head: Head, name: str, default: bool) -> bool:
    """A header that is true or false."""
    value = head.get(name)
    return default if value is None else value == "true"


def ensure(connection: "StompState", name: str, head: Head) -> Queue:
    """The queue of that name, whatever it is; a durable one is declared if there is none. Raises RequestRefused."""
    vhost = connection.place
    found = vhost.queues.get(name)
    if found is not None:
        return vhost.queue(name, connection)
    connection.services.broker.access.check_configure(connection.user, vhost.name, "queue", name)
    if connection.is_jms:
        return _ensure_jms(connection, name)
    return declare_queue(
        vhost,
        name,
        flag(head, "durable", True),
        flag(head, "exclusive", False),
        flag(head, "auto-delete", False),
        arguments_in(head),
        connection.now,
        connection,
    )


def _ensure_jms(connection: "StompState", name: str) -> Queue:
    """A durable queue with a queue for its dead letters; one of a virtual topic gets what is published to that."""
    vhost, now, dead = connection.place, connection.now, connection.settings.dead_letter_queue
    arguments: dict[str, object] = {}
    if dead and name != dead:
        if dead not in vhost.queues:
            declare_queue(vhost, dead, True, False, False, {}, now)
        arguments = {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
            PERSISTENT_LETTERS: not connection.settings.dead_letters_transient,
        }
    naming = connection.services.naming
    queue = declare_queue(vhost, name, True, False, False, arguments, now, kind=naming.kind_of(name))
    follow_virtual_topic(vhost, queue, naming, connection.settings.topic_exchange, connection.user)
    return queue


def exchange_and_key(connection: "StompState", address: Address) -> tuple[str, str]:
    """Through which exchange an address of a topic or an exchange is reached, and with which key."""
    if address.kind == EXCHANGE:
        return address.name, address.key
    key = address.name
    if address.kind == TEMPORARY_TOPIC:
        key = f"{TEMPORARY_TOPIC}.{connection.session_id}.{key}"
    return connection.settings.topic_exchange, key


def placeholder(connection: "StompState") -> Queue:
    """A queue that nothing is published to, for a subscription that has others. It goes with the connection."""
    vhost = connection.place
    return vhost.declare(QueueSpec(generated_name(vhost), owner=connection), connection.now)


def temporary(connection: "StompState", name: str) -> Queue:
    """The queue that a connection calls by that name, and that goes with it. Raises NotAllowed."""
    known = connection.temporaries.get(name)
    if known is not None and not known.is_deleted:
        return known
    queue = connection.temporaries[name] = _own_queue(connection, len(connection.temporaries), auto_delete=False)
    return queue


def _own_queue(connection: "StompState", count: int, auto_delete: bool) -> Queue:
    if count >= STOMP_REPLY_QUEUES_MAX:
        raise NotAllowed(f"temporary queue limit of {STOMP_REPLY_QUEUES_MAX} on the connection is reached")
    vhost = connection.place
    return declare_queue(
        vhost, generated_name(vhost), False, True, auto_delete, {}, connection.now, connection, is_generated=True
    )


def reply_address(connection: "StompState", destination: str) -> str:
    """What others are told of a reply-to that names a temporary queue of the connection. Raises NotAllowed."""
    if connection.is_jms:
        return f"/{REMOTE}/{temporary(connection, destination.removeprefix(f'/{TEMPORARY}/')).name}"
    return f"/reply-queue/{reply_queue(connection, destination)}"


def group(routes: Iterable[Route]) -> None:
    """A message of a group is about to take these routes: groups mean something in their queues from now on."""
    for route in routes:
        for queue in route.queues:
            start_groups(queue)


def for_subscription(
    connection: "StompState", head: Head, destination: str, exchange: Exchange, keys: tuple[str, ...]
) -> Queue:
    """The queue of a subscription to topics or an exchange, which is bound. Raises RequestRefused."""
    vhost, access, user = connection.place, connection.services.broker.access, connection.user
    durable = is_durable(connection, head)
    name = subscription_name(connection, head, destination)
    auto_delete = flag(head, "auto-delete", not durable)
    access.check_configure(user, vhost.name, "queue", name)
    access.check_write(user, vhost.name, "queue", name)
    check_taking(connection, name)
    if "selector" in head.headers or connection.is_jms:
        found = vhost.queues.get(name)
        if durable and connection.is_jms and found is not None and found.consumers:
            named = f"client: {connection.client_id} and subscriptionName: {head.headers[DURABLE_NAME]}"
            raise ProtocolViolation(f"Durable consumer is in use for {named}", "")
        selector = selector_text(head)
        wanted = TopicSubscription(name, keys, selector, durable, auto_delete)
        connection.spare_name = ""
        queue = open_subscription(vhost, exchange, wanted, connection.now)
        is_retroactive = "true" in (head.get("activemq.retroactive"), options_of(destination).get("retroactive"))
        if connection.is_jms and queue is not found and is_retroactive:
            catch_up(vhost, exchange, queue, keys, connection.now)
        return queue
    is_exclusive = flag(head, "exclusive", False)
    arguments = arguments_in(head)
    connection.spare_name = ""
    queue = declare_queue(vhost, name, durable, is_exclusive, auto_delete, arguments, connection.now, connection)
    vhost.bind(exchange, queue, keys[0], {})
    return queue


def check_taking(connection: "StompState", name: str) -> None:
    """Raises RequestRefused if the connection may not consume from the queue of that name, whether there is one yet or
    not."""
    vhost = connection.place
    connection.services.broker.access.check_read(connection.user, vhost.name, "queue", name)
    queue = vhost.queues.get(name)
    if queue is not None:
        check_consumable(queue, vhost.name, is_exclusive(queue, False))


def selector_text(head: Head) -> str:
    """The selector of a SUBSCRIBE; headers of STOMP are texts, so those that read as numbers compare as such."""
    text = head.get("selector")
    return "" if text is None else f"{CONVERTING_PREFIX}{text.removeprefix(CONVERTING_PREFIX)}"


def is_durable(connection: "StompState", head: Head) -> bool:
    """Whether a subscription is to stay while its client is away."""
    if connection.is_jms:
        return DURABLE_NAME in head.headers
    return flag(head, "durable", False) or flag(head, "persistent", False)


def subscription_name(connection: "StompState", head: Head, destination: str) -> str:
    """The name of a subscription's queue: of a durable one it follows from its destination and its id."""
    wanted = head.get("x-queue-name")
    if wanted is not None:
        return wanted
    if connection.is_jms and DURABLE_NAME in head.headers:
        return f"{connection.client_id}.{head.headers[DURABLE_NAME]}"
    if is_durable(connection, head):
        id_ = head.get("id") or ""
    else:
        id_ = connection.spare_name = connection.spare_name or connection.services.broker.unique_name()
    digest = hashlib.md5(f"{destination}\0{id_}".encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
    return f"stomp-subscription-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def reply_queue(connection: "StompState", destination: str) -> str:
    """The name of the queue behind a temporary one, which the connection consumes from then on. Raises NotAllowed."""
    known = connection.reply_queues.get(destination)
    if known is not None:
        return known.queue.name
    queue = _own_queue(connection, len(connection.reply_queues), auto_delete=True)
    subscription = Subscription(queue, connection, connection.window, destination, destination)
    subscription.no_ack = True
    connection.reply_queues[destination] = subscription
    queue.add_consumer(subscription, connection.now)
    queue.offer(subscription, connection.now)
    return queue.name
