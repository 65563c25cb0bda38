"""The bindings of a vhost seen from their destinations: where each is bound, and which bindings the journal keeps.

An exchange knows its own bindings and finds destinations by them. What is kept here is the way back, for when a
destination goes, and the definitions. A binding is durable when both its ends are. It does not know when anything goes:
that is the vhost's business.

Who is gone may have a million bindings. They are taken out in portions, and meanwhile there may be a namesake with such
a binding. So the definition of a binding says which ends it is between, by their numbers: after a crash those left over
are told from the new ones.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, repeat

from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.base import Queue
from mqbroker.core.routing.binding_index import Binding
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.scheduler import Task
from mqbroker.limits import COUNT_MAX

Destination = Queue | Exchange


class Bindings:
    """The bindings of one vhost."""

    __slots__ = ("_exchanges", "_leaving", "_ledger", "_queues", "_sources", "_vhost")

    def __init__(
        self, vhost: str, ledger: Ledger, exchanges: Mapping[str, Exchange], queues: Mapping[str, Queue]
    ) -> None:
        """`exchanges` and `queues` are those of the vhost by name."""
        self._vhost = vhost
        self._ledger = ledger
        self._exchanges = exchanges
        self._queues = queues
        self._leaving: dict[Leaving, None] = {}
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
            value = definitions.pack({"arguments": arguments, "ends": [source.number, destination.number]})
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
        if not source.is_bound_to(destination):
            self.forget_source(destination, source)
        self.undefine(source, destination, key, arguments)
        return True

    def leave(self, gone: Destination) -> "Leaving":
        """A queue or an exchange is gone: what unbinds it, and all that was bound to it. Nothing goes there any more as
        soon as routes are asked for anew."""
        sources = self._sources.pop(gone, {})
        for source in sources:
            source.leaving += 1
        pairs: Iterator[tuple[Exchange, Destination]] = zip(sources, repeat(gone))
        if isinstance(gone, Exchange):
            pairs = chain(pairs, zip(repeat(gone), gone.bound()))
        leaving = Leaving(self, gone, list(sources), pairs)
        self._leaving[leaving] = None
        return leaving

    def left(self, leaving: "Leaving") -> None:
        """That is done."""
        self._leaving.pop(leaving, None)

    def finish(self) -> None:
        """Whatever is being unbound is unbound now."""
        while self._leaving:
            next(iter(self._leaving)).run(0, COUNT_MAX)

    def to(self, destination: Destination) -> list[tuple[Exchange, Binding]]:
        """The bindings of a destination with their sources."""
        sources = self._sources.get(destination, ())
        return [(source, binding) for source in sources for binding in source.bindings_of(destination)]

    def is_durable(self, source: Exchange, destination: Destination) -> bool:
        """Whether the journal keeps the bindings between the two."""
        return source.durable and (destination.number > 0 if isinstance(destination, Queue) else destination.durable)

    def forget_source(self, destination: Destination, source: Exchange) -> None:
        """Nothing binds the two any more."""
        sources = self._sources.get(destination, {})
        sources.pop(source, None)
        if not sources:
            self._sources.pop(destination, None)

    def undefine(self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]) -> None:
        """Tells the journal that a binding is gone, if it knows; unless there is the same again between namesakes."""
        if self.is_durable(source, destination) and not self._is_there_again(source, destination, key, arguments):
            self._ledger.define(self._key(source, destination, key, arguments), None)

    def _is_there_again(
        self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]
    ) -> bool:
        places: Mapping[str, Destination] = self._queues if isinstance(destination, Queue) else self._exchanges
        new_source, new_destination = self._exchanges.get(source.name), places.get(destination.name)
        if new_source is None or new_destination is None:
            return False
        is_same = new_source is source and new_destination is destination
        return not is_same and new_source.has(new_destination, key, arguments)

    def _key(self, source: Exchange, destination: Destination, key: str, arguments: Mapping[str, object]) -> str:
        kind = "q" if isinstance(destination, Queue) else "e"
        tail = definitions.canonical(arguments) if arguments else ""
        return definitions.key("binding", self._vhost, source.name, kind, destination.name, key, tail)


class Leaving(Task):
    """A queue or an exchange that is gone, and is still bound."""

    __slots__ = ("_bindings", "_gone", "_pair", "_pairs", "sources")

    def __init__(
        self,
        bindings: Bindings,
        gone: Destination,
        sources: list[Exchange],
        pairs: Iterator[tuple[Exchange, Destination]],
    ) -> None:
        """`pairs` are the ends of its bindings, each pair once."""
        Task.__init__(self)
        self._bindings = bindings
        self._gone = gone
        self._pairs = pairs
        self._pair = next(pairs, None)
        self.sources = sources
        """What it was bound to."""

    def run(self, _now: int, portion: int) -> bool:
        """Task: takes out a portion of the bindings."""
        left = portion
        while self._pair is not None and left > 0:
            source, destination = self._pair
            removed = source.unbind_some(destination, left)
            for binding in removed:
                self._bindings.undefine(source, destination, binding.key, binding.arguments)
            left -= len(removed) + 1
            if not source.is_bound_to(destination):
                if destination is self._gone:
                    source.leaving -= 1
                else:
                    self._bindings.forget_source(destination, source)
                self._pair = next(self._pairs, None)
        if self._pair is not None:
            return True
        self._bindings.left(self)
        return False
