"""STOMP in one broker."""

from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer
from mqbroker.protocols.stomp.budget import Budget
from mqbroker.protocols.stomp.config import StompConfig
from mqbroker.protocols.stomp.connection import StompConnection
from mqbroker.protocols.stomp.limits import STOMP_FRAMES_MEMORY_SHARE


class StompSpeaker(Speaker):
    """Makes connections. Nothing in the journal is STOMP's alone."""

    def __init__(self, services: Services, settings: StompConfig) -> None:
        most = max(settings.message_size_max, services.memory_bytes_max // STOMP_FRAMES_MEMORY_SHARE)
        self._budget = Budget(most)
        self._services = services
        self._settings = settings

    def new_session(self, peer: Peer) -> StompConnection:
        """Overrides Speaker's."""
        return StompConnection(self._services, self._settings, self._budget, peer, self._services.clock.now())
