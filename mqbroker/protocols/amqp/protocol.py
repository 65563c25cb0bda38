"""AMQP 0-9-1 as the server knows it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.config.listener import Scheme
from mqbroker.config.sections import Config
from mqbroker.core.properties import Formats, Properties
from mqbroker.protocols.amqp.config import AmqpConfig
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.protocols.services import Services


class AmqpProtocol(Protocol):
    """Its own ports, and WebSockets: browsers' AMQP clients name no subprotocol."""

    name = "amqp"
    section = AmqpConfig
    schemes = (Scheme("amqp", 5672), Scheme("amqps", 5671, is_tls=True))
    subprotocols = ("amqp",)
    is_websocket_default = True

    def formats(self) -> Formats:
        """Overrides Protocol's."""
        from mqbroker.protocols.amqp.properties import FORMATS

        return FORMATS

    def recognise(self, data: bytes) -> str:
        """Overrides Protocol's."""
        return "AMQP" if data.startswith(b"AMQP") else ""

    def compose(self, fields: Mapping[str, object]) -> Properties | None:
        """Overrides Protocol's."""
        from mqbroker.protocols.amqp.properties import build

        return build(**fields)

    def start(self, services: "Services", config: Config) -> Speaker:
        """Overrides Protocol's."""
        from mqbroker.protocols.amqp.speaker import AmqpSpeaker

        return AmqpSpeaker(services, config.of(AmqpConfig))
