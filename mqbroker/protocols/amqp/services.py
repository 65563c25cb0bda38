"""What a connection needs of the broker around it, as values: settings, and who to ask."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mqbroker import limits
from mqbroker.core.events import Events
from mqbroker.protocols.amqp.body_budget import BodyBudget
from mqbroker.protocols.amqp.properties import RecentProperties

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker
    from mqbroker.protocols.session import Session


@dataclass(frozen=True, slots=True)
class AmqpSettings:
    """What is negotiated and enforced on every AMQP connection. Sizes in bytes."""

    frame_max: int = limits.AMQP_FRAME_SIZE_BYTES_MAX
    channel_max: int = limits.AMQP_CHANNELS_MAX
    heartbeat_s: int = limits.AMQP_HEARTBEAT_S
    message_size_max: int = limits.MESSAGE_BYTES_MAX
    bodies_bytes_max: int = limits.AMQP_BODIES_BYTES_MAX
    """Of all connections together: bodies that are not complete."""
    consumer_timeout_ms: int = 0
    mechanisms: tuple[str, ...] = ("PLAIN", "AMQPLAIN")
    external_name: str = "cn"
    loopback_users: tuple[str, ...] = ("guest",)
    preauth_timeout_ms: int = limits.PREAUTH_TIMEOUT_S * 1000
    node_name: str = "mqbroker"


class Authenticator(Protocol):
    """Checks passwords; may take its time, so the answer comes by a call."""

    def check(
        self, user: str, password: bytes, answer: Callable[[bool], None], address: str, is_wanted: Callable[[], bool]
    ) -> None:
        """Calls `answer` once, now or later, on the loop's thread; not at all when it is no longer wanted by then.

        `address` is who asks: those who guess wait longer, and delay nobody else.
        """


class Alarms(Protocol):
    """Which resources are low."""

    @property
    def reason(self) -> str:
        """RabbitMQ's words, such as `low on disk`; empty when all is well."""


class Registry:
    """The open connections: for limits, shutdown and alarms."""

    def __init__(self) -> None:
        self.events = Events()
        self.sessions: set[Session] = set()
        self._by_user: dict[str, int] = {}
        self._by_vhost: dict[str, int] = {}
        self._names: dict[Session, tuple[str, str]] = {}

    def opened(self, session: "Session", user: str, vhost: str) -> None:
        """A connection is open for a user in a vhost."""
        self.sessions.add(session)
        self._names[session] = user, vhost
        self._by_user[user] = self.user_count(user) + 1
        self._by_vhost[vhost] = self.vhost_count(vhost) + 1
        self._tell("session.opened", session, user, vhost)

    def closed(self, session: "Session") -> None:
        """It has gone; one that was never open is passed over."""
        names = self._names.pop(session, None)
        if names is not None:
            self.sessions.discard(session)
            self._by_user[names[0]] -= 1
            self._by_vhost[names[1]] -= 1
            self._tell("session.closed", session, *names)

    def _tell(self, event: str, session: "Session", user: str, vhost: str) -> None:
        self.events.tell(event, session=session.label(), protocol=session.protocol, user=user, vhost=vhost)

    def user_count(self, user: str) -> int:
        """Open connections of a user."""
        return self._by_user.get(user, 0)

    def vhost_count(self, vhost: str) -> int:
        """Open connections in a vhost."""
        return self._by_vhost.get(vhost, 0)

    def channel_count(self, user: str) -> int:
        """Open channels of a user, on all connections."""
        return sum(session.channel_count() for session, (owner, _) in self._names.items() if owner == user)


@dataclass(slots=True)
class AmqpServices:
    """Everything that the connections of one broker share."""

    broker: "Broker"
    authenticator: Authenticator
    alarms: Alarms
    settings: AmqpSettings = field(default_factory=AmqpSettings)
    registry: Registry = field(default_factory=Registry)
    recent_properties: RecentProperties = field(default_factory=RecentProperties)
    body_budget: BodyBudget = field(init=False)

    def __post_init__(self) -> None:
        self.registry.events = self.broker.events
        self.body_budget = BodyBudget(self.settings.bodies_bytes_max)

    def check_channels(self, user: str) -> None:
        """Raises NotAllowed when one more channel is too many for the user. Counts only where there is a limit."""
        limits = self.broker.access.user(user).limits
        if limits.max_channels >= 0:
            limits.check_channels(user, self.registry.channel_count(user))
