"""A protocol for operators, as a management API will be one: it sees sessions, and ends them."""

from typing import TYPE_CHECKING

from mqbroker.config.listener import Scheme
from mqbroker.config.sections import Config
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.protocols.services import Services


class OperatorsProtocol(Protocol):
    """Its own port, and no section of the configuration."""

    name = "operators"
    schemes = (Scheme("operators", 7413),)

    def start(self, services: "Services", config: Config) -> Speaker:
        from tests.plug.operators.session import OperatorsSpeaker

        return OperatorsSpeaker(services)
