"""What the AMQP 1.0 connections of one broker share: the broker's services, and what is AMQP 1.0's alone."""

from mqbroker.protocols.amqp1.config import Amqp1Config
from mqbroker.protocols.amqp1.containers import Containers
from mqbroker.protocols.amqp1.limits import PARTIAL_BYTES_SHARE
from mqbroker.protocols.amqp1.properties import RecentProperties
from mqbroker.protocols.services import Services


class Amqp1Services:
    """One for all connections."""

    __slots__ = (
        "admission", "alarms", "authenticator", "broker", "containers", "default_vhost", "naming", "outbox",
        "partial_bytes", "partial_bytes_max", "preauth_timeout_ms", "recent_properties", "recognition", "registry",
        "settings",
    )  # fmt: skip

    def __init__(self, shared: Services, settings: Amqp1Config) -> None:
        self.broker = shared.broker
        self.authenticator = shared.authenticator
        self.alarms = shared.alarms
        self.outbox = shared.outbox
        self.preauth_timeout_ms = shared.preauth_timeout_ms
        self.default_vhost = shared.default_vhost
        self.recognition = shared.recognition
        self.registry = shared.registry
        self.admission = shared.admission
        self.naming = shared.naming
        self.settings = settings
        self.containers = Containers()
        self.recent_properties = RecentProperties()
        self.partial_bytes = 0
        """How much there is of messages that are not complete, of all connections together."""
        self.partial_bytes_max = max(2 * settings.message_size_max, shared.memory_bytes_max // PARTIAL_BYTES_SHARE)
