"""How each type of exchange finds the destinations of a message: one index of bindings for each type.

An index owns how bindings are looked up, nothing else: names, durability and alternates are the exchange's. It is given
every distinct binding once and returns each destination once. `is_keyed` says that the answer depends on the routing
key alone, so that the caller may remember it.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from mqbroker.core.counts import count_down, count_down_in, count_up, count_up_in
from mqbroker.core.message import Message
from mqbroker.core.routing.consistent_hash import WeightedHash
from mqbroker.core.routing.headers import Asked, HeadersTable
from mqbroker.core.routing.topics import TopicTrie
from mqbroker.core.values import identity, octets

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.routing.exchange import Exchange

# What can be bound. An index looks at nothing of it but its name.
Destination: TypeAlias = Union["Queue", "Exchange"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of an exchange. Two with the same `identity` are the same binding."""

    destination: Destination
    key: str
    arguments: Mapping[str, object]

    def identity(self) -> Hashable:
        """What tells bindings apart: destination, key and arguments with their wire types (RabbitMQ 3.10.8)."""
        return self.destination, self.key, identity(self.arguments)


class BindingIndex:
    """What an exchange asks of its type."""

    __slots__ = ()

    is_keyed = True
    picks_one = False
    """Whether a message goes to one destination of all that are bound."""

    def check(self, key: str, arguments: Mapping[str, object]) -> None:
        """Raises PreconditionFailed for a binding that the type does not take."""

    def add(self, binding: Binding) -> None:
        """Indexes a binding that is not there yet."""
        raise NotImplementedError

    def remove(self, binding: Binding) -> None:
        """Forgets a binding that is there."""
        raise NotImplementedError

    def route(self, key: str, message: Message | None) -> Collection[Destination]:
        """The destinations of a message, each once."""
        raise NotImplementedError


class DirectIndex(BindingIndex):
    """Bindings whose key is the routing key."""

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[str, dict[Destination, int]] = {}

    def add(self, binding: Binding) -> None:
        count_up_in(self._by_key, binding.key, binding.destination)

    def remove(self, binding: Binding) -> None:
        count_down_in(self._by_key, binding.key, binding.destination)

    def route(self, key: str, _message: Message | None) -> Collection[Destination]:
        return self._by_key.get(key, ())


class FanoutIndex(BindingIndex):
    """Every binding."""

    __slots__ = ("_bound",)

    def __init__(self) -> None:
        self._bound: dict[Destination, int] = {}

    def add(self, binding: Binding) -> None:
        count_up(self._bound, binding.destination)

    def remove(self, binding: Binding) -> None:
        count_down(self._bound, binding.destination)

    def route(self, _key: str, _message: Message | None) -> Collection[Destination]:
        return self._bound


class TopicIndex(BindingIndex):
    """Bindings whose key, read as a pattern, matches the routing key."""

    __slots__ = ("_trie",)

    def __init__(self) -> None:
        self._trie: TopicTrie[Destination] = TopicTrie()

    def add(self, binding: Binding) -> None:
        self._trie.add(binding.key, binding.destination)

    def remove(self, binding: Binding) -> None:
        self._trie.remove(binding.key, binding.destination)

    def route(self, key: str, _message: Message | None) -> Collection[Destination]:
        return self._trie.match(key)


class HeadersIndex(BindingIndex):
    """Bindings whose arguments match the headers."""

    __slots__ = ("_asked_by", "_check", "_table")

    is_keyed = False

    def __init__(
        self, asked_by: Callable[[Mapping[str, object]], Asked], check: Callable[[Mapping[str, object]], None]
    ) -> None:
        """`asked_by` says what arguments ask for; `check` raises PreconditionFailed for those that make no sense."""
        self._asked_by = asked_by
        self._check = check
        self._table: HeadersTable[Destination] = HeadersTable()

    def check(self, _key: str, arguments: Mapping[str, object]) -> None:
        self._check(arguments)

    def add(self, binding: Binding) -> None:
        self._table.add(self._asked_by(binding.arguments), binding.destination)

    def remove(self, binding: Binding) -> None:
        self._table.remove(self._asked_by(binding.arguments), binding.destination)

    def route(self, _key: str, message: Message | None) -> Collection[Destination]:
        assert message is not None
        return self._table.match(message.properties.headers())


class ConsistentHashIndex(BindingIndex):
    """One binding, chosen by a hash of the routing key, of a header or of a property; binding keys are weights."""

    __slots__ = ("_hash", "_header", "_property", "_text_of", "_weigh", "is_keyed")

    picks_one = True

    def __init__(
        self, header: str | None, name: str | None, weigh: Callable[[str], int], text_of: Callable[[object], str]
    ) -> None:
        """Hashes the header or the property `name`, or else the key. `weigh` reads the weight in the key of a binding,
        and raises PreconditionFailed; `text_of` says what is hashed of a header that is no string."""
        self._header = header
        self._property = name
        self._weigh = weigh
        self._text_of = text_of
        self.is_keyed = self._header is None and self._property is None
        self._hash: WeightedHash[Destination] = WeightedHash()

    def check(self, key: str, _arguments: Mapping[str, object]) -> None:
        self._weigh(key)

    def add(self, binding: Binding) -> None:
        label = f"{binding.destination.name}\0{binding.key}\0{identity(binding.arguments)}"
        self._hash.add(binding.identity(), label, self._weigh(binding.key), binding.destination)

    def remove(self, binding: Binding) -> None:
        self._hash.remove(binding.identity())

    def route(self, key: str, message: Message | None) -> Collection[Destination]:
        found = self._hash.find(self._hashed(key, message))
        return () if found is None else (found,)

    def _hashed(self, key: str, message: Message | None) -> bytes:
        """The octets to hash. A message without the header or property hashes as an empty one, like any other such."""
        if self.is_keyed:
            return octets(key)
        assert message is not None
        if self._header is not None:
            value = message.properties.headers().get(self._header, "")
            return octets(value if isinstance(value, str | bytes) else self._text_of(value))
        return octets(message.properties.text(str(self._property)) or "")
