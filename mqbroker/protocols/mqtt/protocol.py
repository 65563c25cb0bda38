"""MQTT 3.1, 3.1.1 and 5 as the server knows it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mqbroker.config.listener import Scheme
from mqbroker.config.sections import Config
from mqbroker.core.properties import Formats
from mqbroker.protocols.mqtt.config import MqttConfig
from mqbroker.protocols.mqtt.kinds import KINDS, SESSION
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.config.sources import KeyPath
    from mqbroker.protocols.services import Services

_CONNECT = 0x10
_NAMES = (b"\x00\x04MQTT", b"\x00\x06MQIsdp")
_HEADER_BYTES_MAX = 5
_DEVELOPER = "guest"


class MqttProtocol(Protocol):
    """Its own ports, and WebSockets on any path [MQTT-6.0.0-3], [MQTT-6.0.0-4]. A client on /mqtt that names no
    subprotocol has forgotten it."""

    name = "mqtt"
    section = MqttConfig
    schemes = (Scheme("mqtt", 1883), Scheme("mqtts", 8883, is_tls=True))
    subprotocols = ("mqtt", "mqttv3.1")
    websocket_path = "/mqtt"
    kinds = KINDS
    timed_kinds = frozenset((SESSION,))

    def contradictions(self, config: Config) -> Iterator[tuple["KeyPath", str]]:
        """Overrides Extension's."""
        mqtt = config.of(MqttConfig)
        if mqtt.anonymous_fallback and not (mqtt.anonymous_user or config.dev):
            yield ("mqtt", "anonymous_fallback"), "mqtt.anonymous_fallback needs mqtt.anonymous_user"

    def formats(self) -> Formats:
        """Overrides Protocol's."""
        from mqbroker.protocols.mqtt.properties import FORMATS

        return FORMATS

    def recognise(self, data: bytes) -> str:
        """Overrides Protocol's."""
        if data[:1] != bytes((_CONNECT,)):
            return ""
        return "MQTT" if any(data.startswith(_NAMES, at) for at in range(2, _HEADER_BYTES_MAX + 1)) else ""

    def start(self, services: "Services", config: Config) -> Speaker:
        """Overrides Protocol's."""
        from mqbroker.protocols.mqtt.speaker import MqttSpeaker

        return MqttSpeaker(services, config.of(MqttConfig), _DEVELOPER if config.dev else "")
