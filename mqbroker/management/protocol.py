"""The management API as the server knows it: a protocol with listeners, whose sessions speak HTTP."""

from typing import TYPE_CHECKING

from mqbroker.config.listener import Scheme
from mqbroker.config.sections import Config
from mqbroker.management.config import ManagementConfig
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.protocols.services import Services

METRICS_SCHEME = "prometheus"


class ManagementProtocol(Protocol):
    """RabbitMQ's ports."""

    name = "management"
    section = ManagementConfig
    schemes = (
        Scheme("management", 15672),
        Scheme("managements", 15671, is_tls=True),
        Scheme(METRICS_SCHEME, 15692),
    )
    kinds = ("management",)

    def start(self, services: "Services", config: Config) -> Speaker:
        """Overrides Protocol's."""
        from mqbroker.management.speaker import ManagementSpeaker

        return ManagementSpeaker(services, config)
