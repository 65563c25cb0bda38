"""The queues that names with wildcards mean: those that there are, and those that are made later.

Queues that belong to another connection are none of them. It does not know who consumes from them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.destinations.naming import matches
from mqbroker.core.events import Event
from mqbroker.core.queues.base import Queue
from mqbroker.core.scheduler import Task

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost


class Wildcards:
    """What the names of one subscription mean."""

    __slots__ = ("_joined", "_owner", "_patterns", "_vhost", "names")

    def __init__(
        self,
        vhost: "VHost",
        owner: object,
        names: list[str],
        joined: Callable[[Queue, int], None] | None = None,
    ) -> None:
        """`joined` is called with each queue that is made after `begin`, and the time; `owner` is the connection."""
        self._vhost = vhost
        self._owner = owner
        self.names = names
        self._patterns = [name.split(".") for name in names]
        self._joined = joined

    def present(self) -> list[Queue]:
        """Those that there are."""
        return [queue for queue in self._vhost.queues.values() if self._means(queue)]

    def begin(self) -> None:
        """Waits for those that are made from now on, if there is any name."""
        if self._patterns:
            self._vhost.broker.events.subscribe(self._noticed)

    def end(self) -> None:
        """Waits no more."""
        self._joined = None
        self._vhost.broker.events.unsubscribe(self._noticed)

    def take_in(self, name: str, now: int) -> None:
        """A queue of that name was made a moment ago."""
        queue = self._vhost.queues.get(name)
        if self._joined is not None and queue is not None and self._means(queue):
            self._joined(queue, now)

    def _means(self, queue: Queue) -> bool:
        if queue.declared.owner not in (None, self._owner):
            return False
        words = queue.name.split(".")
        return any(matches(pattern, words) for pattern in self._patterns)

    def _noticed(self, event: Event) -> None:
        """Something has happened in the broker: is there one more queue?"""
        if event.name == "queue.created" and event.fields["vhost"] == self._vhost.name:
            self._vhost.broker.scheduler.add(_Joining(self, str(event.fields["queue"])))


class _Joining(Task):
    """A queue that was made is looked at when its maker has done."""

    __slots__ = ("_name", "_wildcards")

    def __init__(self, wildcards: Wildcards, name: str) -> None:
        Task.__init__(self)
        self._wildcards = wildcards
        self._name = name

    def run(self, now: int, _portion: int) -> bool:
        """Overrides Task's."""
        self._wildcards.take_in(self._name, now)
        return False
