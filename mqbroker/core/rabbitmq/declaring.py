"""Declaring as RabbitMQ understands it: names that it keeps for itself, types, arguments, and declaring once more.

It translates the declaration of a queue into a spec (arguments.py), and that of an exchange into one of its type
(exchange_types.py), and gives them to the vhost.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.kinds import kind_of
from mqbroker.core.queues.spec import CLASSIC
from mqbroker.core.rabbitmq.arguments import check_equivalent, declared_spec, with_default_type
from mqbroker.core.rabbitmq.checks import check_reserved, check_server_named, locked
from mqbroker.core.rabbitmq.exchange_types import make_exchange
from mqbroker.core.routing.exchange import Exchange

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost


def generated_name(vhost: "VHost") -> str:
    """A name of the server's for a queue that was declared without one."""
    return f"amq.gen-{vhost.broker.unique_name()}"


def declare_queue(
    vhost: "VHost",
    name: str,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
    arguments: Mapping[str, object],
    now: int,
    connection: object | None = None,
    is_generated: bool = False,
    kind: str = CLASSIC,
) -> Queue:
    """Declares a queue, or checks that the one there is equivalent. An exclusive one belongs to `connection`. `kind` is
    one that clients cannot ask for.

    Raises PreconditionFailed, AccessRefused, ResourceLocked, NotAllowed.
    """
    if not is_generated:
        check_reserved("queue", name)
    durable = durable and not exclusive  # it does not outlive its connection, whatever the client says
    owner = connection if exclusive else None
    current = vhost.queues.get(name)
    if current is None or kind_of(current).obeys_policies:
        arguments = with_default_type(arguments, vhost.default_queue_type, durable, exclusive, auto_delete)
    if current is not None:
        if current.spec.owner is not owner:
            raise locked(name, vhost.name)
        received = {"durable": durable, "auto_delete": auto_delete, "arguments": arguments}
        check_equivalent({field: getattr(current.declared, field) for field in received}, received,
                         "queue", name, vhost.name)  # fmt: skip
        current.used_at = now
        return current
    if is_generated:
        check_server_named(arguments)
    spec = declared_spec(arguments, name, vhost.name, durable, exclusive, auto_delete)
    return vhost.declare(replace(spec, owner=owner, kind=spec.kind if kind == CLASSIC else kind), now)


def declare_exchange(
    vhost: "VHost",
    name: str,
    kind: str,
    durable: bool,
    auto_delete: bool,
    internal: bool,
    arguments: Mapping[str, object],
) -> Exchange:
    """Declares an exchange, or checks that the one there is equivalent.

    Raises PreconditionFailed, AccessRefused.
    """
    current = vhost.exchanges.get(name)
    if current is not None:
        received = {
            "type": kind,
            "durable": durable,
            "auto_delete": auto_delete,
            "internal": internal,
            "arguments": arguments,
        }
        have = {field: getattr(current, "kind" if field == "type" else field) for field in received}
        check_equivalent(have, received, "exchange", name, vhost.name)
        return current
    exchange = make_exchange(name, kind, durable, auto_delete, internal, arguments, vhost.name)
    check_reserved("exchange", name)
    vhost.add_exchange(exchange)
    return exchange
