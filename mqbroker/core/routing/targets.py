"""Where one message goes, looked up once: its queues, and the exchanges that hold it back for a while.

A transaction keeps it from the publish to the commit, so what it names may have gone when it is used.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mqbroker.core.recent import remember
from mqbroker.core.stats import Flow
from mqbroker.limits import ROUTE_CACHE_ENTRIES_MAX

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.routing.exchange import Exchange


@dataclass(slots=True)
class Targets:
    """Each queue and each x-delayed-message exchange once."""

    queues: "list[Queue]"
    held_by: "list[Exchange]"
    flow: Flow = field(default_factory=Flow)
    """What the exchange counts that it was published to."""


class RememberedTargets:
    """Recent answers of `VHost.targets`, as long as the topology stays what it was."""

    __slots__ = ("_found", "_generation")

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], Targets] = {}
        self._generation = 0

    def get(self, question: tuple[object, ...], generation: int) -> Targets | None:
        """The answer to the same question in the same generation of the topology, if it is remembered."""
        if generation != self._generation:
            self._found.clear()
            self._generation = generation
        return self._found.get(question)

    def forget(self) -> None:
        """A queue is gone: it must not be kept alive."""
        self._found.clear()

    def put(self, question: tuple[object, ...], targets: Targets) -> Targets:
        """Remembers an answer, and returns it, for the generation that `get` was last asked about."""
        return remember(self._found, question, targets, ROUTE_CACHE_ENTRIES_MAX)
