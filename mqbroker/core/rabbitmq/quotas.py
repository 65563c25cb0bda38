"""Limits that operators set on vhosts and users, and the texts with which RabbitMQ 3.10.8 refuses what passes them.

Owns the values and the comparison. The caller counts: `count` is always how many there are before the one in question.
A negative number is no limit, as in RabbitMQ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mqbroker.core.rabbitmq.erlang_text import json_text, pairs_text
from mqbroker.errors import NotAllowed, PreconditionFailed, TooManyConnections


@dataclass(frozen=True, slots=True)
class VHostLimits:
    """How many connections, queues and exchanges a vhost may have."""

    max_connections: int = -1
    max_queues: int = -1
    max_exchanges: int = -1

    def check_connections(self, vhost: str, user: str, count: int) -> None:
        """Raises TooManyConnections when one more connection to the vhost is too many."""
        if 0 <= self.max_connections <= count:
            raise TooManyConnections(
                f"access to vhost '{vhost}' refused for user '{user}': "
                f"connection limit ({self.max_connections}) is reached",
                "vhost",
            )

    def check_queues(self, vhost: str, name: str, count: int) -> None:
        """Raises PreconditionFailed when one more queue in the vhost is too many."""
        if 0 <= self.max_queues <= count:
            raise PreconditionFailed(
                f"cannot declare queue '{name}': queue limit in vhost '{vhost}' ({self.max_queues}) is reached"
            )

    def check_exchanges(self, vhost: str, name: str, count: int) -> None:
        """Raises PreconditionFailed when one more exchange in the vhost is too many (the text is RabbitMQ 4.x's)."""
        if 0 <= self.max_exchanges <= count:
            raise PreconditionFailed(
                f"cannot declare exchange '{name}' in vhost '{vhost}': "
                f"exchange limit of {self.max_exchanges} is reached"
            )


@dataclass(frozen=True, slots=True)
class UserLimits:
    """How many connections and channels a user may have, over all vhosts."""

    max_connections: int = -1
    max_channels: int = -1

    def check_connections(self, user: str, count: int) -> None:
        """Raises TooManyConnections when one more connection of the user is too many."""
        if 0 <= self.max_connections <= count:
            raise TooManyConnections(
                f"connection refused for user '{user}': user connection limit ({self.max_connections}) is reached",
                "user",
            )

    def check_channels(self, user: str, count: int) -> None:
        """Raises NotAllowed when one more channel of the user is too many. It ends the connection in RabbitMQ."""
        if 0 <= self.max_channels <= count:
            raise NotAllowed(
                f"number of channels opened for user '{user}' has reached "
                f"the maximum allowed user limit of ({self.max_channels})"
            )


NO_VHOST_LIMITS = VHostLimits()
NO_USER_LIMITS = UserLimits()


def parse_vhost_limits(definition: Mapping[str, object]) -> VHostLimits:
    """Limits from `{"max-connections": 10, "max-queues": 5, "max-exchanges": 5}`. Raises PreconditionFailed."""
    numbers = _parse(definition, ("max-connections", "max-queues", "max-exchanges"), "limits")
    return VHostLimits(*numbers)


def parse_user_limits(definition: Mapping[str, object]) -> UserLimits:
    """Limits from `{"max-connections": 10, "max-channels": 5}`. Raises PreconditionFailed."""
    numbers = _parse(definition, ("max-connections", "max-channels"), "user-limits")
    return UserLimits(*numbers)


def _parse(definition: Mapping[str, object], names: tuple[str, ...], what: str) -> list[int]:
    unknown = {name: value for name, value in definition.items() if name not in names}
    if unknown:
        raise PreconditionFailed(f"Unrecognised terms {pairs_text(unknown)} in {what}")
    return [_number(name, definition.get(name, -1)) for name in names]


def _number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PreconditionFailed(f"{name} should be a number, actually was {json_text(value)}")
    return value
