"""Which connections each container has open: one that asks to be its container's only one is that, or is refused.

That is the extension "Enforcing Connection Uniqueness" of AMQP 1.0. Clients of JMS ask for it, so that two of them with
the same client id do not take each other's subscriptions. It knows connections by their container id and vhost alone.
"""

from typing import Any

from mqbroker.protocols.amqp1.codec.performatives import Open
from mqbroker.protocols.amqp1.codec.types import Symbol

SOLE = "sole-connection-for-container"
_POLICY = Symbol("sole-connection-enforcement-policy")
_CLOSE_EXISTING = 1

Key = tuple[str, str]


def wants_sole(message: Open) -> bool:
    """Whether a client asks to be the only connection of its container."""
    return SOLE in message.desired_capabilities


def closes_others(message: Open) -> bool:
    """Whether it wants those before it to be closed, and not to be refused itself."""
    return message.properties.get(_POLICY) == _CLOSE_EXISTING


class Containers:
    """Those of one broker."""

    __slots__ = ("_open", "_sole")

    def __init__(self) -> None:
        self._open: dict[Key, dict[Any, None]] = {}
        self._sole: set[Key] = set()

    def others(self, vhost: str, container: str, is_sole: bool) -> list[Any]:
        """Who is in the way of one more connection, which wants to be the only one or not."""
        key = (vhost, container)
        return list(self._open.get(key, ())) if is_sole or key in self._sole else []

    def enter(self, vhost: str, container: str, connection: object, is_sole: bool) -> None:
        """A connection is open."""
        key = (vhost, container)
        self._open.setdefault(key, {})[connection] = None
        if is_sole:
            self._sole.add(key)

    def leave(self, vhost: str, container: str, connection: object) -> None:
        """It is gone."""
        key = (vhost, container)
        connections = self._open[key]
        del connections[connection]
        if not connections:
            del self._open[key]
            self._sole.discard(key)
