"""Exchanges: what was declared, what is bound, and where a message goes from there.

An exchange owns its bindings and asks the index of its type where a message goes. It knows neither what queues do nor
the vhost: an alternate is found by a function that is passed in. What it does not do is wait: it only says how long a
message is held.
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.message import Message
from mqbroker.core.routing.binding_index import Binding, BindingIndex, Destination
from mqbroker.core.stats import Flow
from mqbroker.core.values import text_of

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue


class Exchange:
    """One exchange of a vhost, of a type that core/rabbitmq/exchange_types.py makes."""

    is_delayed = False
    """Whether it may hold a message before it is routed. Overridden."""

    __slots__ = (
        "_bindings", "_index", "alternate", "arguments", "auto_delete", "durable", "flow", "internal",
        "is_deleted", "is_keyed", "kind", "leaving", "name", "number",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        kind: str,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Mapping[str, object],
        index: BindingIndex,
    ) -> None:
        self.name = name
        self.kind = kind
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.arguments = arguments
        self.is_keyed = index.is_keyed and not self.is_delayed
        """True when where a message goes depends on its routing key alone, and not on its headers."""
        self.is_deleted = False
        self.number = 0
        """Tells it from namesakes that were deleted; 0 if it is not durable, from an old journal, or always there."""
        self.leaving = 0
        """How many destinations are gone whose bindings are still here (bindings.py): they do not count."""
        self.alternate: str | None = None
        """The name of the exchange that gets what this one has no destination for."""
        self.flow = Flow()
        self._index = index
        self._bindings: dict[Destination, dict[Hashable, Binding]] = {}

    def packed(self) -> bytes:
        """Its definition."""
        return definitions.pack(
            {
                "type": self.kind,
                "auto_delete": self.auto_delete,
                "internal": self.internal,
                "arguments": self.arguments,
                "number": self.number,
            }
        )

    def apply_policy(self, definition: Mapping[str, object]) -> None:
        """Takes over the effective policy: an alternate exchange, unless an argument names one."""
        wanted = self.arguments.get("alternate-exchange", definition.get("alternate-exchange"))
        self.alternate = text_of(wanted) if isinstance(wanted, str | bytes) else None

    # --- bindings ---------------------------------------------------------------------------------------------------

    @property
    def is_unused(self) -> bool:
        """Whether nothing is bound: what `if-unused` and auto-delete ask."""
        return all(each.is_deleted for each in self._bindings) if self.leaving else not self._bindings

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, object]) -> bool:
        """Adds a binding; False when it was there. Raises PreconditionFailed when the type does not take it."""
        self._index.check(key, arguments)
        binding = Binding(destination, key, arguments)
        identity = binding.identity()
        bound = self._bindings.setdefault(destination, {})
        if identity in bound:
            return False
        bound[identity] = binding
        self._index.add(binding)
        return True

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, object]) -> bool:
        """Removes a binding; False when it was not there."""
        bound = self._bindings.get(destination, {})
        binding = bound.pop(Binding(destination, key, arguments).identity(), None)
        if binding is None:
            return False
        if not bound:
            del self._bindings[destination]
        self._index.remove(binding)
        return True

    def has(self, destination: Destination, key: str, arguments: Mapping[str, object]) -> bool:
        """Whether there is such a binding."""
        return Binding(destination, key, arguments).identity() in self._bindings.get(destination, {})

    def unbind_some(self, destination: Destination, most: int) -> list[Binding]:
        """Removes so many bindings of a destination at most, and returns them. Where one destination is chosen for each
        message, all: nothing else would be chosen for one that is gone."""
        bound = self._bindings.get(destination)
        removed: list[Binding] = []
        while bound and (len(removed) < most or self._index.picks_one):
            binding = bound.popitem()[1]
            self._index.remove(binding)
            removed.append(binding)
        if not bound:
            self._bindings.pop(destination, None)
        return removed

    def is_bound_to(self, destination: Destination) -> bool:
        """Whether it has any binding of that destination."""
        return destination in self._bindings

    def bound(self) -> list[Destination]:
        """Everything that is bound to it."""
        return list(self._bindings)

    def bindings(self) -> Iterator[Binding]:
        """Every binding, those of one destination together."""
        for bound in self._bindings.values():
            yield from bound.values()

    def bindings_of(self, destination: Destination) -> list[Binding]:
        """The bindings of one destination."""
        return list(self._bindings.get(destination, {}).values())

    # --- routing ----------------------------------------------------------------------------------------------------

    def destinations(self, key: str, message: Message | None) -> Collection[Destination]:
        """Where a message goes from here: queues and exchanges, each once. Neither alternates nor delays count.

        A keyed exchange needs no message.
        """
        found = self._index.route(key, message)
        return [each for each in found if not each.is_deleted] if self.leaving else found

    def delay_of(self, _headers: Mapping[str, object]) -> int:
        """How many milliseconds a message with these headers is held here before it is routed; 0 for none."""
        return 0

    def headers_after_delay(self, headers: Mapping[str, object]) -> Mapping[str, object]:
        """The headers with which a message goes on that was held."""
        return headers


# --- routing --------------------------------------------------------------------------------------------------------


def resolve(
    exchange: Exchange,
    key: str,
    message: Message | None,
    lookup: Callable[[str], Exchange | None],
    held_by: list[Exchange] | None = None,
) -> tuple[list["Queue"], bool]:
    """The queues a message goes to, each once, and whether every message with the same key goes there too.

    Follows exchange-to-exchange bindings and alternates, each exchange once, so that cycles end. As in RabbitMQ, an
    exchange on the way with nothing bound for the message passes it to its own alternate. `lookup` finds an exchange by
    name; an alternate that does not exist is passed over.

    Without a message the answer is for any message with that key; it is empty when there is no such answer. With a list
    in `held_by`, exchanges that are to hold the message are added to it and not followed.
    """
    queues: dict[Queue, None] = {}
    seen = {exchange}
    pending = [exchange]
    is_fixed = True
    for current in pending:
        is_fixed = is_fixed and current.is_keyed
        if not current.is_keyed:
            if message is None:
                return [], False
            if held_by is not None and current.delay_of(message.properties.headers()):
                held_by.append(current)
                continue
        for destination in _next_hops(current, key, message, lookup):
            if not isinstance(destination, Exchange):
                queues[destination] = None
            elif destination not in seen:
                seen.add(destination)
                pending.append(destination)
    return list(queues), is_fixed


def _next_hops(
    exchange: Exchange, key: str, message: Message | None, lookup: Callable[[str], Exchange | None]
) -> Collection[Destination]:
    found = exchange.destinations(key, message)
    if found or exchange.alternate is None:
        return found
    alternate = lookup(exchange.alternate)
    return () if alternate is None else (alternate,)
