"""A route: where messages with one exchange and one routing key go, looked up once and kept.

A publisher keeps the route of the last key that it used. The route remembers the generation of the topology it was
found in; the vhost looks it up again when that has moved on. Exchanges that look into the message (headers, a hash of a
property, a delay) leave `is_fixed` False, and are asked for every message.

A publisher may rest for days. So a route has no queues of its own: its list is emptied when one of them is deleted.
"""

from typing import TYPE_CHECKING

from mqbroker.core.stats import Flow

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue


_NOWHERE = Flow()


class Route:
    """The queues for one exchange and routing key."""

    __slots__ = ("exchange_name", "flow", "generation", "is_fixed", "queues", "routing_key")

    def __init__(self, exchange_name: str, routing_key: str) -> None:
        self.exchange_name = exchange_name
        self.routing_key = routing_key
        self.queues: list[Queue] = []
        """Those of the vhost's (`Router.queues_of_route`), to be left as they are."""
        self.flow: Flow = _NOWHERE
        """What the exchange counts; it is looked up with the queues."""
        self.is_fixed = True
        self.generation = 0
