"""The bindings of a vhost seen from their destinations: where each is bound, and which bindings the journal keeps.

An exchange knows its own bindings and finds destinations by them. What is kept here is the way back, for when a
destination goes, and the definitions. A binding is durable when both its ends are. It does not know when anything goes:
that is the vhost's business.
"""

from collections.abc import Iterator, Mapping

from mqbroker.core import definitions
from mqbroker.core.binding_index import Binding
from mqbroker.core.exchange import Exchange
from mqbroker.core.ledger import Ledger
from mqbroker.core.queue import Queue

Destination = Queue | Exchange


class Bindings:
    """The bindings of one vhost."""

    __slots__ = ("_ledger", "_sources", "_vhost")

    def __init__(self, vhost: str, ledger: Ledger) -> None:
        self._vhost = vhost
        self._ledger = ledger
        self._sources: dict[object, dict[Exchange, None]] = {}
        """Which exchanges each destination is bound to."""

    def add(self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]) -> bool:
        """Binds; False when it was bound so already. Raises PreconditionFailed when the exchange does not take it."""
        if not self.restore(source, destination, key, arguments):
            return False
        self.define(source, destination, key, arguments)
        return True

    def define(self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]) -> None:
        """Tells the journal of a binding, if it is to know."""
        if self.is_durable(source, destination):
            value = definitions.pack({"arguments": arguments})
            self._ledger.define(self._key(source, destination, key, arguments), value)

    def restore(self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]) -> bool:
        """The same for a binding that the journal knows."""
        if not source.bind(destination, key, arguments):
            return False
        self._sources.setdefault(destination, {})[source] = None
        return True

    def remove(self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]) -> bool:
        """Unbinds; False when it was not bound so."""
        if not source.unbind(destination, key, arguments):
            return False
        if not source.bindings_of(destination):
            self._forget_source(destination, source)
        self._undefine(source, destination, key, arguments)
        return True

    def remove_source(self, source: Exchange) -> None:
        """An exchange is gone: so is all that was bound to it."""
        for binding in list(source.bindings()):
            self._forget_source(binding.destination, source)
            self._undefine(source, binding.destination, binding.key, binding.arguments)

    def remove_destination(self, destination: Destination) -> Iterator[Exchange]:
        """A queue or an exchange is gone: unbinds it everywhere. Each exchange that it was bound to, once unbound."""
        for source in self._sources.pop(destination, ()):
            for binding in source.unbind_all(destination):
                self._undefine(source, destination, binding.key, binding.arguments)
            yield source

    def to(self, destination: Destination) -> list[tuple[Exchange, Binding]]:
        """The bindings of a destination with their sources."""
        sources = self._sources.get(destination, ())
        return [(source, binding) for source in sources for binding in source.bindings_of(destination)]

    def is_durable(self, source: Exchange, destination: object) -> bool:
        """Whether the journal keeps the bindings between the two."""
        assert isinstance(destination, Destination)
        return source.durable and (destination.number > 0 if isinstance(destination, Queue) else destination.durable)

    def _forget_source(self, destination: object, source: Exchange) -> None:
        sources = self._sources.get(destination, {})
        sources.pop(source, None)
        if not sources:
            self._sources.pop(destination, None)

    def _undefine(self, source: Exchange, destination: object, key: str, arguments: Mapping[str, object]) -> None:
        if self.is_durable(source, destination):
            self._ledger.define(self._key(source, destination, key, arguments), None)

    def _key(self, source: Exchange, destination: object, key: str, arguments: Mapping[str, object]) -> str:
        assert isinstance(destination, Destination)
        kind = "q" if isinstance(destination, Queue) else "e"
        tail = definitions.canonical(arguments) if arguments else ""
        return definitions.key("binding", self._vhost, source.name, kind, destination.name, key, tail)
