"""AMQP 0-9-1 in one broker."""

from mqbroker.protocols.amqp.config import AmqpConfig
from mqbroker.protocols.amqp.connection import AmqpConnection
from mqbroker.protocols.amqp.limits import AMQP_BODIES_MEMORY_SHARE
from mqbroker.protocols.amqp.services import AmqpServices
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer


class AmqpSpeaker(Speaker):
    """Makes connections. Nothing in the journal is AMQP's alone."""

    def __init__(self, shared: Services, settings: AmqpConfig) -> None:
        bodies_bytes_max = max(settings.message_size_max, shared.memory_bytes_max // AMQP_BODIES_MEMORY_SHARE)
        self._services = AmqpServices(shared, settings, bodies_bytes_max)
        self._clock = shared.clock

    def new_session(self, peer: Peer) -> AmqpConnection:
        """Overrides Speaker's."""
        return AmqpConnection(self._services.outbox, self._services, peer, self._clock.now())
