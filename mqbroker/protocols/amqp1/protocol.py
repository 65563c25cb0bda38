"""AMQP 1.0 as the server knows it."""

from typing import TYPE_CHECKING

from mqbroker.config.sections import Config
from mqbroker.core.properties import Formats
from mqbroker.protocols.amqp1.config import Amqp1Config
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.protocols.services import Services


class Amqp1Protocol(Protocol):
    """It has no port of its own: on those of AMQP 0-9-1 the protocol header decides, and so it does in WebSockets."""

    name = "amqp1"
    section = Amqp1Config
    guest_of = "amqp"
    subprotocols = ("AMQPWSB10",)  # the draft's name, by which Azure's libraries ask; the standard's is `amqp`
    beginnings = (
        b"AMQP\x00\x01",
        b"AMQP\x03\x01",
        b"AMQP\x02\x01",
    )  # bare, with SASL, with TLS inside, which we refuse

    def formats(self) -> Formats:
        """Overrides Protocol's."""
        from mqbroker.protocols.amqp1.properties import FORMATS

        return FORMATS

    def start(self, services: "Services", config: Config) -> Speaker:
        """Overrides Protocol's."""
        from mqbroker.protocols.amqp1.speaker import Amqp1Speaker

        return Amqp1Speaker(services, config.of(Amqp1Config))
