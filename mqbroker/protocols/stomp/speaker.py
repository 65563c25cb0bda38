"""STOMP in one broker."""

from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer
from mqbroker.protocols.stomp.config import StompConfig
from mqbroker.protocols.stomp.connection import StompConnection


class StompSpeaker(Speaker):
    """Makes connections. Nothing in the journal is STOMP's alone."""

    def __init__(self, services: Services, settings: StompConfig) -> None:
        self._services = services
        self._settings = settings

    def new_session(self, peer: Peer) -> StompConnection:
        """Overrides Speaker's."""
        return StompConnection(self._services, self._settings, peer, self._services.clock.now())
