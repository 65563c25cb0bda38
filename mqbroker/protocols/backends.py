"""What knows users beside the broker itself: a service over HTTP today, a directory or an issuer of tokens later.

A backend says whether somebody is who they say to be, and what they may do. It may take its time, and is asked on the
loop; what it says is kept for a while by whoever asks (runtime/backend_chain.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mqbroker.core.access.access import Permissions, TopicPermissions
from mqbroker.errors import MqbrokerError

NO_DETAILS: Mapping[str, str] = {}


class BackendSilent(MqbrokerError):
    """A backend does not answer, or with something that is no answer: nobody gets in by it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Somebody is who they say to be."""

    tags: tuple[str, ...] = ()
    permissions: Mapping[str, Permissions] = field(default_factory=dict)
    """By vhost."""
    topics: Mapping[tuple[str, str], TopicPermissions] = field(default_factory=dict)
    """By vhost and exchange."""


class Backend(Protocol):
    """One source of users."""

    async def authenticate(
        self, user: str, password: bytes, address: str, details: Mapping[str, str]
    ) -> Verdict | None:
        """What is said of a user with this password, and what else is known of the log-in; None for a refusal. Raises
        BackendSilent."""

    async def allows(self, fields: Mapping[str, str]) -> bool:
        """Whether a user of its own may do something with a resource: RabbitMQ's words for who, what and where. Raises
        BackendSilent."""

    def close(self) -> None:
        """Nobody asks any more."""
