"""What an MQTT connection needs of the broker around it, as values: settings, and who to ask."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mqbroker import limits
from mqbroker.protocols.amqp.services import Alarms, Authenticator, Registry
from mqbroker.protocols.mqtt.topics import EXACT, Mapping

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker

DROP_OLDEST = "drop-oldest"
DROP_NEWEST = "drop-newest"
ROUND_ROBIN = "round-robin"
STICKY = "sticky"


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """What is negotiated and enforced on every MQTT connection. Sizes in bytes; 0 is no limit unless stated."""

    packet_size_max: int = limits.MQTT_PACKET_BYTES_MAX
    message_size_max: int = 0
    """The largest payload."""
    maximum_qos: int = 2
    retain_available: bool = True
    receive_max: int = limits.MQTT_RECEIVE_MAX
    inflight_max: int = limits.MQTT_INFLIGHT_MAX
    topic_alias_max: int = limits.MQTT_TOPIC_ALIASES_MAX
    """For either direction; 0 allows none."""
    keep_alive_s_max: int = 0
    """The longest keep alive a client may choose."""
    session_expiry_s_max: int = limits.MQTT_SESSION_EXPIRY_S
    queued_messages_max: int = limits.MQTT_QUEUED_MESSAGES_MAX
    queued_bytes_max: int = 0
    overflow: str = DROP_OLDEST
    queue_qos0: bool = False
    retained_messages_max: int = limits.MQTT_RETAINED_MESSAGES_MAX
    retained_bytes_max: int = limits.MQTT_RETAINED_BYTES_MAX
    subscriptions_max: int = limits.MQTT_SUBSCRIPTIONS_MAX
    share_strategy: str = ROUND_ROBIN
    receive_rate_max: int = 0
    """Publishes a second from one connection."""
    connections_per_address_max: int = 0
    login_refused_code: int = 4
    """The return code of CONNACK for a wrong or missing log-in below version 5: 4 or 5."""
    anonymous_user: str = ""
    """Who a client without a user name is; empty refuses them."""
    anonymous_fallback: bool = False
    """Whether clients are that too whose user name is unknown, or that give no password."""
    anonymous_from_loopback_only: bool = False
    certificate_name: str = ""
    """Which name of a client certificate is the user name of a client that gives none."""
    certificate_client_id: str = ""
    """Which name of a client certificate the client id has to equal."""
    response_prefix: str = ""
    """The Response Information for clients that ask; empty for none."""
    server_reference: str = ""
    """Where clients may go when this broker stops."""
    system_interval_s: int = 10
    """How often $SYS topics are published; 0 for never."""
    mapping: Mapping = EXACT
    default_vhost: str = "/"
    loopback_users: tuple[str, ...] = ("guest",)
    preauth_timeout_ms: int = limits.PREAUTH_TIMEOUT_S * 1000


@dataclass(slots=True)
class MqttServices:
    """Everything that the connections of one broker share, beside the sessions."""

    broker: "Broker"
    authenticator: Authenticator
    alarms: Alarms
    settings: MqttSettings = field(default_factory=MqttSettings)
    registry: Registry = field(default_factory=Registry)
    memory_bytes: Callable[[], int] = lambda: 0
    """How much the process uses."""
    by_address: Counter[str] = field(default_factory=Counter)
    """Open MQTT connections of each client address."""

    def __post_init__(self) -> None:
        self.registry.events = self.broker.events
