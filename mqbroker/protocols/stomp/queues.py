"""The queues behind destinations: declared when they are first used, or made for a subscription or for replies."""

import base64
import hashlib
from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.picking import start_groups
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.declaring import declare_queue, generated_name
from mqbroker.core.routing.route import Route
from mqbroker.core.selectors.selector import CONVERTING_PREFIX
from mqbroker.errors import NotAllowed, PreconditionFailed
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.limits import STOMP_REPLY_QUEUES_MAX
from mqbroker.protocols.stomp.subscription import Subscription

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_TEXTS = ("x-queue-type", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-age", "x-overflow")
_NUMBERS = (
    "x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority",
    "x-stream-max-segment-size-bytes", "x-stream-filter-size-bytes",
)  # fmt: skip
ARGUMENTS = (*_TEXTS, *_NUMBERS)
"""The headers that are arguments of a queue that is declared."""


def arguments_in(head: Head) -> dict[str, object]:
    """The arguments of a queue in the headers of a frame. Raises PreconditionFailed."""
    found: dict[str, object] = {name: head.headers[name] for name in _TEXTS if name in head.headers}
    for name in _NUMBERS:
        text = head.get(name)
        if text is not None:
            if not (text.isascii() and text.isdigit() and len(text) < 19):
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


def group(route: Route) -> None:
    """A message of a group is about to take this route: groups mean something in its queues from now on."""
    for queue in route.queues:
        start_groups(queue)


def resume_groups(queue: Queue) -> None:
    """The same for what has waited since before a restart."""
    entry = queue.peek() if isinstance(queue, ClassicQueue) and queue.picking is None else None
    if entry is not None and entry.message.properties.text("group_id") is not None:
        start_groups(queue)


def for_subscription(connection: "StompState", head: Head, destination: str) -> Queue:
    """The queue of a subscription to a topic or an exchange. Raises RequestRefused."""
    durable = is_durable(head)
    name = subscription_name(connection, head, destination)
    connection.services.broker.access.check_configure(connection.user, connection.place.name, "queue", name)
    if "selector" in head.headers:
        return _selected(connection, head, name, durable)
    return declare_queue(
        connection.place,
        name,
        durable,
        flag(head, "exclusive", False),
        flag(head, "auto-delete", not durable),
        arguments_in(head),
        connection.now,
        connection,
    )


def _selected(connection: "StompState", head: Head, name: str, durable: bool) -> Queue:
    """A queue that only what is selected enters. With another selector it is another subscription, and a new one."""
    vhost = connection.place
    text = f"{CONVERTING_PREFIX}{head.headers['selector'].removeprefix(CONVERTING_PREFIX)}"
    spec = QueueSpec(
        name,
        SelectedQueue.role,
        durable=durable,
        auto_delete=flag(head, "auto-delete", not durable),
        selector=text,
    )
    found = vhost.queues.get(name)
    if found is not None:
        if isinstance(found, SelectedQueue) and found.declared.selector == text:
            return found
        vhost.delete_queue(name, connection, if_unused=True)
    return vhost.declare(spec, connection.now)


def is_durable(head: Head) -> bool:
    """Whether a subscription is to stay while its client is away."""
    return flag(head, "durable", False) or flag(head, "persistent", False)


def subscription_name(connection: "StompState", head: Head, destination: str) -> str:
    """The name of a subscription's queue: of a durable one it follows from its destination and its id."""
    wanted = head.get("x-queue-name")
    if wanted is not None:
        return wanted
    id_ = (head.get("id") or "") if is_durable(head) else connection.services.broker.unique_name()
    digest = hashlib.md5(f"{destination}\0{id_}".encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
    return f"stomp-subscription-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def reply_queue(connection: "StompState", destination: str) -> str:
    """The name of the queue behind a temporary one, which the connection consumes from then on. Raises NotAllowed."""
    known = connection.reply_queues.get(destination)
    if known is not None:
        return known.queue.name
    if len(connection.reply_queues) >= STOMP_REPLY_QUEUES_MAX:
        raise NotAllowed(f"temporary queue limit of {STOMP_REPLY_QUEUES_MAX} on the connection is reached")
    vhost = connection.place
    queue = declare_queue(
        vhost, generated_name(vhost), False, True, True, {}, connection.now, connection, is_generated=True
    )
    subscription = Subscription(queue, connection, connection.window, destination, destination)
    subscription.no_ack = True
    connection.reply_queues[destination] = subscription
    queue.add_consumer(subscription, connection.now)
    queue.offer(subscription, connection.now)
    return queue.name
