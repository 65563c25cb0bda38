"""Which function answers which packet of a client that is connected."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.mqtt import acknowledging, connecting, ending, subscribing
from mqbroker.protocols.mqtt.codec import constants as c

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.codec.packets import PingReq
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState


def _second_connect(_connection: "MqttConnectionState", _packet: Any) -> None:
    raise ProtocolViolation("protocol", "CONNECT was sent twice")  # [MQTT-3.1.0-2]


def _ping(connection: "MqttConnectionState", _packet: "PingReq") -> None:
    connection.counters.others_sent += 1
    connection.send(c.PINGRESP_PACKET)  # [MQTT-3.12.4-1]


HANDLERS: dict[int, Callable[["MqttConnectionState", Any], None]] = {
    c.CONNECT: _second_connect,
    c.PUBACK: acknowledging.take_puback,
    c.PUBREC: acknowledging.take_pubrec,
    c.PUBREL: acknowledging.take_pubrel,
    c.PUBCOMP: acknowledging.take_pubcomp,
    c.SUBSCRIBE: subscribing.subscribe,
    c.UNSUBSCRIBE: subscribing.unsubscribe,
    c.PINGREQ: _ping,
    c.DISCONNECT: ending.take_disconnect,
    c.AUTH: connecting.reauthenticate,
}
