"""AMQP 1.0 in one broker."""

from mqbroker.protocols.amqp1.config import Amqp1Config
from mqbroker.protocols.amqp1.connection import Amqp1Connection
from mqbroker.protocols.amqp1.services import Amqp1Services
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer


class Amqp1Speaker(Speaker):
    """Makes connections."""

    def __init__(self, shared: Services, settings: Amqp1Config) -> None:
        self._services = Amqp1Services(shared, settings)
        self._clock = shared.clock

    def new_session(self, peer: Peer) -> Amqp1Connection:
        """Overrides Speaker's."""
        return Amqp1Connection(self._services.outbox, self._services, peer, self._clock.now())
