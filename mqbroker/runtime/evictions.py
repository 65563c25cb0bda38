"""Ends the sessions of whoever is deleted: nobody goes on as a user, or in a vhost, that no longer exists.

It is told by events, in whose midst nothing may change, so it does so in the next turn of the loop.
"""

from collections.abc import Callable

from mqbroker.clock import Clock
from mqbroker.core.events import Event
from mqbroker.protocols.registry import Registry


class Evictions:
    """A subscriber of events."""

    def __init__(self, registry: Registry, clock: Clock, later: Callable[[Callable[[], None]], object]) -> None:
        """`later` has something done in a turn of its own."""
        self._registry = registry
        self._clock = clock
        self._later = later

    def take(self, event: Event) -> None:
        """Something has happened."""
        if event.name == "user.deleted":
            self._later(lambda: self._registry.end_user(str(event.fields["user"]), self._clock.now()))
        elif event.name == "vhost.deleted":
            self._later(lambda: self._registry.end_vhost(str(event.fields["vhost"]), self._clock.now()))
