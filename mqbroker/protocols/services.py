"""What the sessions of every protocol need of the broker around them: whom to ask, and what they share.

There is one `Services` for the whole broker. A protocol keeps what only its own sessions share beside it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mqbroker import limits
from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.destinations.naming import Naming
from mqbroker.protocols.admission import Admission
from mqbroker.protocols.auditing import Audit, NoAudit
from mqbroker.protocols.backends import NO_DETAILS
from mqbroker.protocols.recognition import Recognition
from mqbroker.protocols.registry import Registry
from mqbroker.protocols.session import Outbox


class Authenticator(Protocol):
    """Checks passwords; may take its time, so the answer comes by a call."""

    def check(
        self, user: str, password: bytes, answer: Callable[[bool], None], address: str, is_wanted: Callable[[], bool],
        details: Mapping[str, str] = NO_DETAILS,
    ) -> None:  # fmt: skip
        """Calls `answer` once, now or later, on the loop's thread; not at all when it is no longer wanted by then.

        `address` is who asks: those who guess wait longer, and delay nobody else. `details` are what else other sources
        of users are told, by RabbitMQ's names.
        """


class Alarms(Protocol):
    """Which resources are low."""

    @property
    def reason(self) -> str:
        """RabbitMQ's words, such as `low on disk`; empty when all is well."""


@dataclass(slots=True)
class Services:
    """Everything that the sessions of one broker share."""

    broker: Broker
    authenticator: Authenticator
    alarms: Alarms
    outbox: Outbox
    clock: Clock
    loopback_users: tuple[str, ...] = ("guest",)
    """Users that may log in only from this machine."""
    preauth_timeout_ms: int = limits.PREAUTH_TIMEOUT_S * 1000
    default_vhost: str = "/"
    memory_bytes: Callable[[], int] = lambda: 0
    """How much the process uses."""
    memory_bytes_max: int = 0
    """With more in use, publishers are held back; 0 where that is not watched."""
    naming: Naming = field(default_factory=Naming)
    """What names of destinations mean by setting."""
    recognition: Recognition = field(default_factory=Recognition)
    registry: Registry = field(default_factory=Registry)
    counted: Counter[str] = field(default_factory=Counter)
    """What no queue or exchange counts: what channels that have ended had `published` where they confirm, `confirmed`
    and `returned`; and of all, what was `got_no_ack`, and how often a queue that was polled was `got_empty`."""
    audit: Audit = field(default_factory=NoAudit)
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        self.registry.events = self.broker.events
        self.admission = Admission(self.broker, self.registry, self.loopback_users)
