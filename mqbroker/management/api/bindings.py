"""Bindings: listed from either end, made, removed. Those of the default exchange are shown and cannot be changed.

A binding goes by a properties key: the routing key, `~` for an empty one, and with arguments a digest of them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from mqbroker.core import definitions
from mqbroker.core.queues.base import Queue
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.vhost import VHost
from mqbroker.management.answers import NO_CONTENT, Answer, Listing
from mqbroker.management.api.exchanges import found_exchange, refuse_default
from mqbroker.management.api.queues import found_queue
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.refusals import missing, not_found

_DIGEST_CHARS = 22


@dataclass(frozen=True, slots=True)
class Shown:
    """A binding. Its kind is that of the destination, `queue` or `exchange`."""

    vhost: str
    source: str
    destination: str
    kind: str
    key: str
    arguments: Mapping[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, ...]:
        """By which bindings are in order."""
        return self.vhost, self.source, self.kind, self.destination, self.key

    def describe(self) -> dict[str, Any]:
        """Its fields, and what it goes by."""
        return {**self.facts(), "properties_key": properties_key(self.key, self.arguments)}

    def facts(self) -> dict[str, Any]:
        """Its fields, as definitions have them."""
        return {
            "source": self.source,
            "vhost": self.vhost,
            "destination": self.destination,
            "destination_type": self.kind,
            "routing_key": self.key,
            "arguments": self.arguments,
        }


def properties_key(key: str, arguments: Mapping[str, object]) -> str:
    """The name of a binding between two things."""
    quoted = quote_plus(key.encode("utf-8", "surrogateescape"), safe="").replace("~", "%7E")
    if not arguments:
        return quoted or "~"
    digest = hashlib.sha256(definitions.canonical(arguments).encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{quoted}~{digest}"


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("bindings", MANAGEMENT, GET=bindings)
    routes.add("bindings/:vhost", MANAGEMENT, GET=bindings)
    routes.add("queues/:vhost/:queue/bindings", MANAGEMENT, GET=of_queue)
    routes.add("exchanges/:vhost/:exchange/bindings/source", MANAGEMENT, GET=of_source)
    routes.add("exchanges/:vhost/:exchange/bindings/destination", MANAGEMENT, GET=of_destination)
    for kind, ending in (("q", "queue"), ("e", "destination")):
        between = f"bindings/:vhost/e/:exchange/{kind}/:{ending}"
        routes.add(between, MANAGEMENT, GET=of_both, POST=bind)
        routes.add(f"{between}/:properties", MANAGEMENT, GET=binding, DELETE=unbind)


# --- looking --------------------------------------------------------------------------------------------------------


def _listing(found: Iterable[Shown]) -> Listing:
    return Listing(list(found), Shown.describe, lambda each: each.identity)


def of_vhost(vhost: VHost) -> Iterator[Shown]:
    """Those that somebody has made, and for each queue that of the default exchange."""
    for queue in vhost.queues.values():
        yield default_binding(vhost, queue)
    for source, each in vhost.bindings():
        yield shown(vhost, source, each.destination, each.key, each.arguments)


def default_binding(vhost: VHost, queue: Queue) -> Shown:
    """By its own name every queue is bound to the default exchange."""
    return Shown(vhost.name, "", queue.name, "queue", queue.name)


def shown(
    vhost: VHost, source: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
) -> Shown:
    """One that somebody has made."""
    kind = "exchange" if isinstance(destination, Exchange) else "queue"
    return Shown(vhost.name, source.name, destination.name, kind, key, arguments)


def bindings(call: Call) -> Listing:
    """GET bindings, and those of a vhost."""
    return _listing(each for vhost in call.vhosts() for each in of_vhost(vhost))


def of_queue(call: Call) -> Listing:
    """GET queues/V/Q/bindings."""
    vhost = call.vhost()
    queue = found_queue(call, vhost)
    made = (shown(vhost, source, queue, each.key, each.arguments) for source, each in vhost.bindings_to(queue))
    return _listing([default_binding(vhost, queue), *made])


def of_source(call: Call) -> Listing:
    """GET exchanges/V/X/bindings/source: what is bound to it."""
    vhost = call.vhost()
    exchange = found_exchange(call, vhost).exchange
    if exchange is None:
        return _listing(default_binding(vhost, queue) for queue in vhost.queues.values())
    return _listing(
        shown(vhost, exchange, each.destination, each.key, each.arguments)
        for each in exchange.bindings()
        if not each.destination.is_deleted
    )


def of_destination(call: Call) -> Listing:
    """GET exchanges/V/X/bindings/destination: what it is bound to."""
    vhost = call.vhost()
    exchange = found_exchange(call, vhost).exchange
    if exchange is None:
        return _listing([])
    return _listing(
        shown(vhost, source, exchange, each.key, each.arguments) for source, each in vhost.bindings_to(exchange)
    )


def _ends(call: Call, vhost: VHost) -> tuple[Exchange | None, Queue | Exchange]:
    """Raises Refusal."""
    source = found_exchange(call, vhost).exchange
    if "queue" in call.names:
        return source, found_queue(call, vhost)
    destination = vhost.exchanges.get(call.name("destination"))
    if destination is None:
        raise missing()
    return source, destination


def _between(call: Call, vhost: VHost) -> list[Shown]:
    source, destination = _ends(call, vhost)
    if source is not None:
        found = source.bindings_of(destination)
        return [shown(vhost, source, destination, each.key, each.arguments) for each in found]
    return [default_binding(vhost, destination)] if isinstance(destination, Queue) else []


def of_both(call: Call) -> Listing:
    """GET bindings/V/e/X/q/Q and e/X/e/Y."""
    return _listing(_between(call, call.vhost()))


def _named(call: Call, vhost: VHost) -> Shown:
    """The binding of the path: its name may have been encoded twice, as in `location`. Raises Refusal."""
    name = call.name("properties")
    wanted = {name, quote_plus(unquote_plus(name), safe="~"), quote_plus(name, safe="~")}
    for each in _between(call, vhost):
        if properties_key(each.key, each.arguments) in wanted or (not each.arguments and each.key == name):
            return each
    raise missing()


def binding(call: Call) -> Answer:
    """GET a binding."""
    return Answer(body=_named(call, call.vhost()).describe())


# --- changes --------------------------------------------------------------------------------------------------------


def _may_bind(call: Call, vhost: VHost, source: str, kind: str, destination: str, key: str) -> None:
    """Like queue.bind. Raises AccessRefused."""
    call.caller.check("write", vhost.name, kind, destination)
    refuse_default(source)
    call.caller.check("read", vhost.name, "exchange", source)
    exchange = vhost.exchanges.get(source)
    if exchange is not None and exchange.kind == "topic":
        call.caller.check_topic("read", vhost.name, source, key)


def bind(call: Call) -> Answer:
    """POST bindings/V/e/X/q/Q: 201 also when it is there already."""
    vhost, source_name = call.vhost_to_use(), call.name("exchange")
    kind = "queue" if "queue" in call.names else "exchange"
    name = call.name("queue" if kind == "queue" else "destination")
    key, arguments = call.string("routing_key"), call.table("arguments")
    _may_bind(call, vhost, source_name, kind, name, key)
    destination: Queue | Exchange = vhost.queue(name) if kind == "queue" else vhost.exchange(name)
    vhost.bind(vhost.exchange(source_name), destination, key, arguments)
    twice = quote(properties_key(key, arguments), safe="~")
    return Answer(201, None, {"location": f"{quote(name.encode('utf-8', 'surrogateescape'), safe='')}/{twice}"})


def unbind(call: Call) -> Answer:
    """DELETE a binding."""
    vhost = call.vhost_to_use()
    source, destination = _ends(call, vhost)
    found = _named(call, vhost)
    _may_bind(call, vhost, found.source, found.kind, found.destination, found.key)
    if source is None:
        raise not_found("no such binding")
    vhost.unbind(source, destination, found.key, found.arguments)
    return NO_CONTENT
