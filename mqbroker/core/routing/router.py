"""The part of a vhost that every message passes: from a route to the queues.

It is a class of its own because it is compiled; the vhost, which owns the names and the topology, is built on it.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Message
from mqbroker.core.queues.base import REJECTED, ROUTED, UNROUTED, Queue
from mqbroker.core.routing.route import Route
from mqbroker.limits import ROUTE_CACHE_ENTRIES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable


class Router:
    """Publishes messages to the queues of their route. Subclassed by the vhost."""

    __slots__ = ("_fanouts", "generation")

    def __init__(self) -> None:
        self.generation = 1
        """Moves on with every change of the topology; a `Route` of an older one is looked up again."""
        self._fanouts: list[list[Queue]] = []
        """The queues of routes that lead to more than one."""

    def queues_of_route(self, queues: list[Queue]) -> list[Queue]:
        """The same queues in a list that may be kept in a route: it does not keep them once one is deleted."""
        if len(queues) == 1:
            return queues[0].alone
        if queues:
            if len(self._fanouts) >= ROUTE_CACHE_ENTRIES_MAX:
                self.release_routes()
            self._fanouts.append(queues)
        return queues

    def release_routes(self) -> None:
        """A queue is gone: no route keeps it any more."""
        self.generation += 1
        for queues in self._fanouts:
            queues.clear()
        self._fanouts.clear()

    def refresh(self, route: Route) -> None:
        """Looks the route up in today's topology. Raises NotFound for a missing exchange. Overridden."""
        raise NotImplementedError

    def publish_by_content(self, exchange_name: str, keys: list[str], message: Message, now: int) -> int:
        """Routes one message by several keys, or by an exchange that looks into it. Overridden."""
        raise NotImplementedError

    def publish(self, route: Route, message: Message, now: int) -> int:
        """Routes one message: ROUTED, UNROUTED or REJECTED. Raises NotFound if the exchange is gone."""
        if route.generation != self.generation:
            self.refresh(route)
        if not route.is_fixed:
            return self.publish_by_content(route.exchange_name, [route.routing_key], message, now)
        queues = route.queues
        flow = route.flow
        flow.received += 1
        if len(queues) == 1:
            queue: Queue = queues[0]
            return queue.publish(message, now)
        flow.surplus += len(queues) - 1
        if not queues:
            flow.unrouted += 1
        return publish_to(queues, message, now)


def publish_to(queues: "Iterable[Queue]", message: Message, now: int) -> int:
    """Publishes to each queue. UNROUTED if there is none, REJECTED if any refused, else ROUTED."""
    outcome = UNROUTED
    for queue in queues:
        if queue.publish(message, now) == REJECTED:
            outcome = REJECTED
        elif outcome == UNROUTED:
            outcome = ROUTED
    return outcome
