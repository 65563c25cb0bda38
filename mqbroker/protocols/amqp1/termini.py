"""Sources and targets: the queue or exchange that a terminus stands for, which may have to be made.

dynamic                             a queue of this connection with a name of ours, gone with the link
v1 /queue/Q, Q; queue://Q           the queue, made if it is not there
v1 /topic/K, /exchange/X/K          a queue of this link's, bound there and gone with it
all others                          what is there already
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.core.values import UInt64
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1 import addresses
from mqbroker.protocols.amqp1.addresses import Address
from mqbroker.protocols.amqp1.codec.messaging import DELETE_ON_CLOSE, LIFETIME_POLICY, LINK_DETACH, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach
from mqbroker.protocols.amqp1.codec.types import Described, Symbol

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State

_REPLY_NAME = "amq.rabbitmq.reply-to"
_VOLATILE = "rabbitmq:volatile-queue"
_MOVE = "move"


@dataclass(slots=True)
class FoundTarget:
    """Where a publisher's messages go."""

    terminus: Target
    address: Address | None
    """None for the anonymous relay."""
    ended: Callable[[], None] | None = None
    """What is to be done when the link is gone."""


@dataclass(slots=True)
class FoundSource:
    """The queue that a consumer's messages come from."""

    terminus: Source
    queue: Queue
    owns_queue: bool = False
    is_exclusive: bool = False


# --- targets ----------------------------------------------------------------------------------------------------------


def target_of(connection: "Amqp1State", session: "LinkSession", link: str, target: Target) -> FoundTarget:
    """What a target stands for. Raises RequestRefused, ProtocolViolation."""
    if target.dynamic:
        queue = _temporary_queue(connection, session, link)
        address = addresses.queue_address(queue.name)
        made = replace(target, address=address, expiry_policy=LINK_DETACH, dynamic_node_properties=_lifetime())
        return FoundTarget(made, addresses.parse(address, []), lambda: session.vhost.remove(queue))
    if target.address is None:
        return FoundTarget(target, None)
    found = addresses.parse(target.address, target.capabilities)
    if found.declares:
        _declared(connection, session, found.queue, target.durable > 0)
    return FoundTarget(target, found)


def _lifetime() -> dict[object, object]:
    return {Symbol(LIFETIME_POLICY): Described(UInt64(DELETE_ON_CLOSE), [])}


def _temporary_queue(connection: "Amqp1State", session: "LinkSession", link: str) -> Queue:
    vhost = session.vhost
    name = f"amq.dyn-{connection.container_id}-{link}-{vhost.broker.unique_name()}"[:200]
    return vhost.declare(QueueSpec(name=name, owner=connection), connection.now)


def _declared(connection: "Amqp1State", session: "LinkSession", name: str, is_durable: bool) -> Queue:
    """A queue that is there, of whatever kind, or is made. Raises RequestRefused."""
    vhost, access = session.vhost, connection.services.broker.access
    if name in vhost.queues:
        return vhost.queue(name, connection)
    access.check_configure(connection.user, vhost.name, "queue", name)
    return declare_queue(vhost, name, is_durable, False, False, {}, connection.now, connection)


# --- sources ----------------------------------------------------------------------------------------------------------


def source_of(connection: "Amqp1State", session: "LinkSession", message: Attach, source: Source) -> FoundSource:
    """What a source stands for. Raises RequestRefused, ProtocolViolation."""
    source = replace(source, filter={}, distribution_mode=_MOVE)
    if source.dynamic:
        return _dynamic(connection, session, message, source)
    if source.address is None:
        raise ProtocolViolation("field", "Attach refused: source_required")
    found = addresses.parse(source.address, source.capabilities)
    vhost, access = session.vhost, connection.services.broker.access
    if not found.queue:
        return _subscription(connection, session, message, source, found)
    access.check_read(connection.user, vhost.name, "queue", found.queue)
    if found.declares:
        _declared(connection, session, found.queue, source.durable > 0)
    return FoundSource(source, vhost.queue(found.queue, connection))


def _dynamic(connection: "Amqp1State", session: "LinkSession", message: Attach, source: Source) -> FoundSource:
    vhost = session.vhost
    if _VOLATILE in source.capabilities:
        name = f"{_REPLY_NAME}.{vhost.broker.unique_name()}"
        queue = vhost.declare(QueueSpec(name=name, is_hidden=True), connection.now)
    else:
        queue = _temporary_queue(connection, session, message.name)
    made = replace(
        source,
        address=addresses.queue_address(queue.name),
        durable=0,
        expiry_policy=LINK_DETACH,
        timeout=0,
        dynamic_node_properties={**_lifetime(), Symbol("supported-dist-modes"): Symbol(_MOVE)},
    )
    return FoundSource(made, queue, owns_queue=True)


def _subscription(
    connection: "Amqp1State", session: "LinkSession", message: Attach, source: Source, found: Address
) -> FoundSource:
    """A queue of the link's, bound to an exchange. Raises RequestRefused, ProtocolViolation."""
    if found.style == addresses.V2:
        raise addresses.bad(f'{{bad_address,"{source.address}"}}')
    vhost, access, user = session.vhost, connection.services.broker.access, connection.user
    key = found.key or ""
    access.check_read(user, vhost.name, "exchange", found.exchange)
    exchange = vhost.exchange(found.exchange)
    if exchange.kind == "topic":
        access.check_topic_read(user, vhost.name, exchange.name, key)
    queue = _temporary_queue(connection, session, message.name)
    vhost.bind(exchange, queue, key, {})
    return FoundSource(source, queue, owns_queue=True)
