"""The types of exchanges by the names that clients declare them with, and the exchanges that are always there."""

from collections.abc import Callable, Mapping

from mqbroker.core.rabbitmq.delays import DELAYED_KIND, DelayedExchange, delayed_kind
from mqbroker.core.rabbitmq.erlang_text import term_text
from mqbroker.core.rabbitmq.hash_arguments import hashed_by, parse_weight
from mqbroker.core.rabbitmq.header_arguments import asked_by, check_headers_arguments
from mqbroker.core.routing.binding_index import (
    BindingIndex,
    ConsistentHashIndex,
    DirectIndex,
    FanoutIndex,
    HeadersIndex,
    TopicIndex,
)
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.values import type_name
from mqbroker.errors import PreconditionFailed

PREDECLARED = (
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.topic", "topic", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    ("amq.rabbitmq.trace", "topic", True),
)
"""Name, type, and whether clients may not publish to it."""

_INDEXES: dict[str, Callable[[Mapping[str, object]], BindingIndex]] = {
    "direct": lambda _arguments: DirectIndex(),
    "fanout": lambda _arguments: FanoutIndex(),
    "topic": lambda _arguments: TopicIndex(),
    "headers": lambda _arguments: HeadersIndex(asked_by, check_headers_arguments),
    "x-consistent-hash": lambda arguments: ConsistentHashIndex(*hashed_by(arguments), parse_weight, term_text),
}


def predeclared() -> dict[str, Exchange]:
    """The exchanges that every vhost has, by name."""
    return {name: make_exchange(name, kind, True, False, internal, {}) for name, kind, internal in PREDECLARED}


def make_exchange(
    name: str,
    kind: str,
    durable: bool,
    auto_delete: bool,
    internal: bool,
    arguments: Mapping[str, object],
    vhost: str = "/",
) -> Exchange:
    """A new exchange. Raises PreconditionFailed for an unknown type or an argument that the type cannot work with."""
    _check_alternate(name, vhost, arguments)
    is_delayed = kind == DELAYED_KIND
    index = make_index(delayed_kind(arguments) if is_delayed else kind, arguments)
    made_of = DelayedExchange if is_delayed else Exchange
    exchange = made_of(name, kind, durable, auto_delete, internal, arguments, index)
    exchange.apply_policy({})
    return exchange


def make_index(kind: str, arguments: Mapping[str, object]) -> BindingIndex:
    """The index of an exchange type, still empty. Raises PreconditionFailed for an unknown type."""
    index = _INDEXES.get(kind)
    if index is None:
        raise PreconditionFailed(f"unknown exchange type '{kind}'")
    return index(arguments)


def _check_alternate(name: str, vhost: str, arguments: Mapping[str, object]) -> None:
    if "alternate-exchange" not in arguments:
        return
    kind = type_name(arguments["alternate-exchange"])
    if kind != "longstr":
        raise PreconditionFailed(
            f"invalid type '{kind}' for arg 'alternate-exchange' in exchange '{name}' in vhost '{vhost}'"
        )


def type_names() -> tuple[str, ...]:
    """The types that clients may declare exchanges of."""
    return (*_INDEXES, DELAYED_KIND)
