"""MQTT in one broker."""

from collections.abc import Mapping

from mqbroker.protocols.mqtt.config import MqttConfig
from mqbroker.protocols.mqtt.connection import MqttConnection
from mqbroker.protocols.mqtt.sessions import Sessions
from mqbroker.protocols.mqtt.views import views_of
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer
from mqbroker.protocols.views import View


class MqttSpeaker(Speaker):
    """Makes connections, and keeps the sessions that outlive them."""

    def __init__(self, shared: Services, settings: MqttConfig, local_user: str) -> None:
        """`local_user` as in `Sessions`."""
        self._shared = shared
        self._sessions = Sessions(shared, settings, local_user)

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Overrides Speaker's."""
        self._sessions.restore(found, now)

    def new_session(self, peer: Peer) -> MqttConnection:
        """Overrides Speaker's."""
        return MqttConnection(self._shared.outbox, self._sessions, peer, self._shared.clock.now())

    def views(self) -> tuple[View, ...]:
        """Overrides Speaker's."""
        return views_of(self._sessions)

    def stop(self) -> None:
        """Overrides Speaker's."""
        self._sessions.close()
