"""Subscriptions to exchanges: the queue of a link's own, or one that its name stands for.

    terminus                            queue                        lasts
    plain                               amq.dyn-...                  as long as the link
    durable, or expiry never            subscription CLIENT:NAME     until the link is closed, not only detached
    shared, durable                     the same, for many links     until it is unsubscribed
    shared                              the same, not durable        as long as somebody uses it

CLIENT is the container id, and empty for a subscription that is global. NAME is the link's, up to a `|`, after which
clients that share one (Qpid JMS) put what tells their links apart. With another topic or selector it is another
subscription: what has waited for the old one is gone, as JMS wants it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.queues.spec import CLASSIC, QueueSpec
from mqbroker.core.routing.exchange import Exchange
from mqbroker.errors import NotFound, ResourceLocked
from mqbroker.protocols.amqp1.addresses import check_name
from mqbroker.protocols.amqp1.codec.messaging import NEVER, Source
from mqbroker.protocols.amqp1.filters import Filters
from mqbroker.protocols.amqp1.outgoing import OutgoingLink

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession

_SHARED = "shared"
_GLOBAL = "global"


@dataclass(slots=True)
class Subscription:
    """A subscription that has a name."""

    queue: Queue
    is_shared: bool
    is_durable: bool


def has_name(source: Source) -> bool:
    """Whether the link's name stands for a subscription."""
    return _SHARED in source.capabilities or source.durable > 0 or source.expiry_policy == NEVER


def queue_name(container: str, link: str, is_global: bool = False) -> str:
    """The name of a subscription's queue."""
    return f"subscription {'' if is_global else container}:{link.partition('|')[0]}"


def subscribe(
    session: "LinkSession", link: str, source: Source, exchange: Exchange, keys: list[str], filters: Filters
) -> Subscription:
    """The subscription that a link stands for, made if it is not there, with these binding keys. Raises
    RequestRefused."""
    connection, vhost = session.connection, session.vhost
    is_shared = _SHARED in source.capabilities
    is_durable = source.durable > 0 or source.expiry_policy == NEVER
    name = queue_name(connection.container_id, link, _GLOBAL in source.capabilities)
    check_name(name)
    connection.services.broker.access.check_configure(connection.user, vhost.name, "queue", name)
    found = vhost.queues.get(name)
    if found is not None:
        if found.consumers and not is_shared:
            raise ResourceLocked(f"the subscription '{link}' of '{connection.container_id}' is in use")
        if _is_same(found, exchange, keys, filters):
            return Subscription(found, is_shared, is_durable)
        if found.consumers:
            raise ResourceLocked(f"the subscription '{link}' is shared by others with another topic or selector")
        vhost.remove(found)
    spec = QueueSpec(
        name,
        SelectedQueue.role if filters.text or filters.no_local else CLASSIC,
        durable=is_durable,
        auto_delete=is_shared and not is_durable,
        selector=filters.text,
    )
    queue = vhost.declare(spec, connection.now)
    for key in keys:
        vhost.bind(exchange, queue, key, filters.arguments)
    return Subscription(queue, is_shared, is_durable)


def _is_same(queue: Queue, exchange: Exchange, keys: list[str], filters: Filters) -> bool:
    is_alike = queue.declared.selector == filters.text and (isinstance(queue, SelectedQueue) or not filters.no_local)
    return is_alike and all(exchange.has(queue, key, filters.arguments) for key in keys)


def find(session: "LinkSession", link: str) -> Queue:
    """The queue of a subscription that its client wants to look up. Raises NotFound."""
    queues = session.vhost.queues
    for is_global in (False, True):
        found = queues.get(queue_name(session.connection.container_id, link, is_global))
        if found is not None:
            return found
    raise NotFound(f"Unknown subscription link: {link}")


def source_of(session: "LinkSession", queue: Queue) -> Source:
    """What the client is told of a subscription that it has looked up."""
    key = next((binding.key for _, binding in session.vhost.bindings() if binding.destination is queue), "")
    return Source(f"topic://{key}", 2 if queue.durable else 0, NEVER, capabilities=["topic"])


class NoLocalLink(OutgoingLink):
    """A link to a subscription that does not get what its own connection publishes."""

    __slots__ = ()

    def attached(self, now: int) -> None:
        """Overrides OutgoingLink's."""
        assert isinstance(self.queue, SelectedQueue)
        self.queue.unwanted_from = self.session.connection
        OutgoingLink.attached(self, now)


class LookupLink(OutgoingLink):
    """A link without a source, by which a client finds a subscription of its own, to end it."""

    __slots__ = ()

    def attached(self, _now: int) -> None:
        """Overrides OutgoingLink's: it takes nothing."""

    def detached(self, _now: int) -> None:
        """Overrides OutgoingLink's."""

    def update(self) -> None:
        """Overrides OutgoingLink's: credit changes nothing."""
