"""Sources and targets: the queue or exchange that a terminus stands for, which may have to be made.

dynamic                             a queue of this connection that the broker names, gone with the link
v1 /queue/Q, Q; queue://Q           the queue, made if it is not there
v1 /topic/K, /exchange/X/K          a queue of this link's, bound there and gone with it
all others                          what is there already
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mqbroker.core.destinations.names import pattern_of
from mqbroker.core.destinations.naming import is_pattern
from mqbroker.core.destinations.subscriptions import follow_virtual_topic
from mqbroker.core.destinations.wildcards import Wildcards
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.picking import check_selectable, resume_groups
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.queues.spec import CLASSIC, QueueSpec
from mqbroker.core.rabbitmq.checks import check_consumable
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.core.values import UInt64, octets
from mqbroker.errors import AccessPending, AccessRefused, NotFound, ProtocolViolation
from mqbroker.protocols.amqp1 import addresses, filters, subscriptions
from mqbroker.protocols.amqp1.addresses import Address
from mqbroker.protocols.amqp1.codec.messaging import DELETE_ON_CLOSE, LIFETIME_POLICY, LINK_DETACH, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from mqbroker.protocols.amqp1.filters import Filters
from mqbroker.protocols.amqp1.limits import COMPOSITE_QUEUES_MAX

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State

_REPLY_NAME = "amq.rabbitmq.reply-to"
_VOLATILE = "rabbitmq:volatile-queue"
_TEMPORARY_TOPIC = "temporary-topic"
_MOVE, _COPY = "move", "copy"
_WISHED_NAME_BYTES_MAX = 150  # the name that the broker gives has more in it


@dataclass(slots=True)
class FoundTarget:
    """Where a publisher's messages go."""

    terminus: Target
    address: Address | None
    """None for the anonymous relay."""
    also: Sequence[Address] = ()
    """Where they go besides."""
    ended: Callable[[], None] | None = None
    """What is to be done when the link is gone."""


@dataclass(slots=True)
class SeveralQueues:
    """The queues of one source."""

    queues: list[Queue]
    wild: list[str]
    """Names with wildcards, which mean queues that are made later, too."""
    topics: Queue | None
    """A queue of the link's own, for the topics among the source's names."""


@dataclass(slots=True)
class FoundSource:
    """The queue that a consumer's messages come from."""

    terminus: Source
    queue: Queue
    filters: Filters = field(default_factory=Filters)
    owns_queue: bool = False
    is_exclusive: bool = False
    has_name: bool = False
    """Whether the queue is a subscription with a name, which ends with a link that is closed."""
    is_browsed: bool = False
    wants_all: bool = False
    priority: int = 0
    is_subscription: bool = False
    also: Sequence[Queue] = ()
    """More queues to be browsed."""
    several: "SeveralQueues | None" = None
    """What is consumed from instead of the queue."""


# --- targets ----------------------------------------------------------------------------------------------------------


def target_of(connection: "Amqp1State", session: "LinkSession", link: str, target: Target) -> FoundTarget:
    """What a target stands for. Raises RequestRefused, ProtocolViolation."""
    if target.dynamic and _TEMPORARY_TOPIC in target.capabilities:
        address = f"topic://amq.dyn-{connection.container_id}-{session.vhost.broker.unique_name()}"
        made = replace(target, address=address, expiry_policy=LINK_DETACH, dynamic_node_properties=_lifetime())
        return FoundTarget(made, addresses.parse(address, []))
    if target.dynamic:
        queue = _temporary_queue(connection, session, link)
        address = addresses.queue_address(queue.name)
        made = replace(target, address=address, expiry_policy=LINK_DETACH, dynamic_node_properties=_lifetime())
        return FoundTarget(made, addresses.parse(address, []), ended=lambda: session.vhost.remove(queue))
    if target.address is None:
        return FoundTarget(target, None)
    wanted = addresses.parse(target.address, target.capabilities)
    found = addresses.places_of(wanted, connection.services.naming)
    for each in found:
        if each.declares:
            declared(connection, session, each, target.durable > 0)
    return FoundTarget(target, found[0], found[1:])


def _lifetime() -> dict[object, object]:
    return {Symbol(LIFETIME_POLICY): Described(UInt64(DELETE_ON_CLOSE), [])}


def _temporary_queue(connection: "Amqp1State", session: "LinkSession", link: str, kind: str = CLASSIC) -> Queue:
    vhost = session.vhost
    wanted = octets(f"{connection.container_id}-{link}")[:_WISHED_NAME_BYTES_MAX].decode(errors="ignore")
    name = f"amq.dyn-{wanted}-{vhost.broker.unique_name()}"
    return vhost.declare(QueueSpec(name, kind, owner=connection), connection.now)


def declared(connection: "Amqp1State", session: "LinkSession", address: Address, is_durable: bool) -> Queue:
    """A queue that is there, of whatever kind, or is made; ActiveMQ's are always durable. Raises RequestRefused."""
    vhost, access, name = session.vhost, connection.services.broker.access, address.queue
    is_durable = is_durable or address.style == addresses.JMS
    if name in vhost.queues or name.startswith("$"):  # $cbs, $management: nodes of other brokers are no queues
        return vhost.queue(name, connection)
    access.check_configure(connection.user, vhost.name, "queue", name)
    addresses.check_name(name)
    naming = connection.services.naming
    kind = naming.kind_of(name)
    queue = declare_queue(vhost, name, is_durable, False, False, {}, connection.now, connection, kind=kind)
    follow_virtual_topic(vhost, queue, naming, addresses.TOPIC_EXCHANGE, connection.user)
    return queue


# --- sources ----------------------------------------------------------------------------------------------------------


def source_of(connection: "Amqp1State", session: "LinkSession", message: Attach, source: Source) -> FoundSource:
    """What a source stands for. Raises RequestRefused, ProtocolViolation."""
    found_filters = filters.read(source.filter)
    is_browsed = source.distribution_mode == _COPY
    source = replace(source, filter=found_filters.in_effect, distribution_mode=_MOVE)
    if source.dynamic:
        return _dynamic(connection, session, message, source)
    if source.address is None:
        raise ProtocolViolation("field", "Attach refused: source_required")
    found = addresses.parse(source.address, source.capabilities)
    parts = addresses.parts_of(found)
    if all(not each.queue for each in parts):
        return _subscription(connection, session, message, source, parts, found_filters)
    if len(parts) > 1 or _is_wild(connection, found):
        if is_browsed:
            return _browsed(connection, session, source, parts, found_filters)
        return _several(connection, session, message, source, parts, found_filters)
    vhost, access = session.vhost, connection.services.broker.access
    access.check_read(connection.user, vhost.name, "queue", found.queue)
    if found.declares:
        declared(connection, session, found, source.durable > 0)
    queue = vhost.queue(found.queue, connection)
    if found.style == addresses.JMS:
        resume_groups(queue)
    if is_browsed:
        source.distribution_mode = _COPY
    source.filter = found_filters.for_queues()
    return FoundSource(
        source, queue, found_filters, is_browsed=is_browsed, wants_all=found.is_exclusive, priority=found.priority
    )


def _is_wild(connection: "Amqp1State", address: Address) -> bool:
    """Whether an address of ActiveMQ's means any number of queues. One of a virtual topic with wildcards is one."""
    is_wild = address.style == addresses.JMS and is_pattern(address.queue)
    return is_wild and not connection.services.naming.virtual_topic_of(address.queue)


def _browsed(
    connection: "Amqp1State", session: "LinkSession", source: Source, parts: list[Address], found_filters: Filters
) -> FoundSource:
    """Several queues that there are, to be browsed. Raises RequestRefused, ProtocolViolation."""
    if not all(each.queue for each in parts):
        raise ProtocolViolation("not_implemented", "topics cannot be browsed")
    queues, wild = _queues_in(connection, session, parts)
    present = Wildcards(session.vhost, connection, wild).present()
    queues += [queue for queue in present if may_read(connection, queue)]
    if not queues:
        raise NotFound(f"no queue '{source.address}' in vhost '{session.vhost.name}'")
    first, *also = dict.fromkeys(queues)
    shown = replace(source, distribution_mode=_COPY, filter=found_filters.for_queues())
    return FoundSource(shown, first, found_filters, is_browsed=True, also=also)


def _several(
    connection: "Amqp1State",
    session: "LinkSession",
    message: Attach,
    source: Source,
    parts: list[Address],
    found_filters: Filters,
) -> FoundSource:
    """Several queues to consume from, and a queue for the topics among them. Raises RequestRefused,
    ProtocolViolation."""
    topics = [each for each in parts if not each.queue]
    if topics and subscriptions.has_name(source):
        raise ProtocolViolation("not_implemented", "a subscription with a name is to topics alone")
    if len(parts) > COMPOSITE_QUEUES_MAX:
        raise ProtocolViolation("field", f"a source of more than {COMPOSITE_QUEUES_MAX} queues")
    vhost = session.vhost
    queues, wild = _queues_in(connection, session, parts)
    for queue in queues:
        check_consumable(queue, vhost.name, exclusive=False)
        if found_filters.selector is not None:
            check_selectable(queue)
    own = None
    if topics:
        taking = Filters(no_local=found_filters.no_local)
        own = _subscription(connection, session, message, source, topics, taking).queue
    timeouts = [queue.spec.consumer_timeout for queue in queues if queue.spec.consumer_timeout]
    name = f"amq.dyn-{vhost.broker.unique_name()}"
    spec = QueueSpec(name, is_hidden=True, consumer_timeout=min(timeouts, default=None))
    unused = vhost.declare(spec, connection.now)
    shown = source if topics else replace(source, filter=found_filters.for_queues())
    whole = addresses.parse(source.address or "", source.capabilities)
    return FoundSource(
        shown,
        unused,
        found_filters,
        owns_queue=True,
        wants_all=whole.is_exclusive,
        priority=whole.priority,
        several=SeveralQueues(queues, wild, own),
    )


def _queues_in(connection: "Amqp1State", session: "LinkSession", parts: list[Address]) -> tuple[list[Queue], list[str]]:
    """The queues among these by their names, and the names with wildcards. Raises RequestRefused."""
    vhost, access = session.vhost, connection.services.broker.access
    wild = [each.queue for each in parts if _is_wild(connection, each)]
    named = [each for each in parts if each.queue and each.queue not in wild]
    for each in named:
        access.check_read(connection.user, vhost.name, "queue", each.queue)
    return [declared(connection, session, each, is_durable=True) for each in named], wild


def may_read(connection: "Amqp1State", queue: Queue) -> bool:
    """Whether a client may consume from a queue. Raises AccessPending."""
    assert connection.vhost is not None
    try:
        connection.services.broker.access.check_read(connection.user, connection.vhost.name, "queue", queue.name)
    except AccessPending:
        raise
    except AccessRefused:
        return False
    return True


def _dynamic(connection: "Amqp1State", session: "LinkSession", message: Attach, source: Source) -> FoundSource:
    vhost = session.vhost
    if _VOLATILE in source.capabilities:
        name = f"{_REPLY_NAME}.{vhost.broker.unique_name()}"
        queue = vhost.declare(QueueSpec(name=name, is_hidden=True), connection.now)
    else:
        queue = _temporary_queue(connection, session, message.name)
    address = addresses.queue_address(queue.name)
    if _TEMPORARY_TOPIC in source.capabilities:
        vhost.bind(vhost.exchange(addresses.TOPIC_EXCHANGE), queue, queue.name, {})
        address = f"topic://{queue.name}"
    made = replace(
        source,
        address=address,
        durable=0,
        expiry_policy=LINK_DETACH,
        timeout=0,
        dynamic_node_properties={**_lifetime(), Symbol("supported-dist-modes"): Symbol(_MOVE)},
    )
    return FoundSource(made, queue, owns_queue=True)


def _subscription(
    connection: "Amqp1State",
    session: "LinkSession",
    message: Attach,
    source: Source,
    parts: list[Address],
    found_filters: Filters,
) -> FoundSource:
    """A queue that is bound to an exchange: the link's own, or one with a name. Raises RequestRefused."""
    found = parts[0]
    if found.style == addresses.V2:
        raise addresses.bad(f'{{bad_address,"{source.address}"}}')
    vhost, access, user = session.vhost, connection.services.broker.access, connection.user
    keys = [pattern_of(each.key or "") if each.style == addresses.JMS else each.key or "" for each in parts]
    if found_filters.key is not None:
        keys = [found_filters.key]
    access.check_read(user, vhost.name, "exchange", found.exchange)
    exchange = vhost.exchange(found.exchange)
    if exchange.kind == "topic":
        for key in keys:
            access.check_topic_read(user, vhost.name, exchange.name, key)
    if subscriptions.has_name(source):
        named = subscriptions.subscribe(session, message.name, source, exchange, keys, found_filters)
        selecting = Filters(no_local=found_filters.no_local) if named.queue.declared.selector else found_filters
        return FoundSource(source, named.queue, selecting, has_name=named.is_durable, is_subscription=True)
    kind = SelectedQueue.role if found_filters.no_local else CLASSIC
    queue = _temporary_queue(connection, session, message.name, kind)
    for key in keys:
        vhost.bind(exchange, queue, key, found_filters.arguments)
    return FoundSource(source, queue, found_filters, owns_queue=True, is_subscription=True)
