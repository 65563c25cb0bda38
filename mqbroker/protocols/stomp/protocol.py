"""STOMP 1.0, 1.1 and 1.2 as the server knows it."""

from typing import TYPE_CHECKING

from mqbroker.config.listener import Scheme
from mqbroker.config.sections import Config
from mqbroker.core.properties import Formats
from mqbroker.protocols.protocol import Protocol, Speaker
from mqbroker.protocols.stomp.config import StompConfig

if TYPE_CHECKING:
    from mqbroker.protocols.services import Services

_FIRST_LINES = (b"CONNECT\n", b"CONNECT\r\n", b"STOMP\n", b"STOMP\r\n")


class StompProtocol(Protocol):
    """Its own ports, which are those of ActiveMQ and RabbitMQ too, and WebSockets."""

    name = "stomp"
    section = StompConfig
    schemes = (Scheme("stomp", 61613), Scheme("stomps", 61614, is_tls=True, aliases=("stomp+ssl",)))
    websocket_own_path = "/stomp"
    websocket_beginnings = (b"CONNECT", b"STOMP", b"\n", b"\r\n")
    newest_wins = True
    subprotocols = ("v12.stomp", "v11.stomp", "v10.stomp", "stomp")

    def formats(self) -> Formats:
        """Overrides Protocol's."""
        from mqbroker.protocols.stomp.properties import FORMATS

        return FORMATS

    def recognise(self, data: bytes) -> str:
        """Overrides Protocol's."""
        return "STOMP" if data.startswith(_FIRST_LINES) else ""

    def start(self, services: "Services", config: Config) -> Speaker:
        """Overrides Protocol's."""
        from mqbroker.protocols.stomp.speaker import StompSpeaker

        return StompSpeaker(services, config.of(StompConfig))
