"""The acknowledgements of QoS 1 and 2 (§3.4 to §3.7, §4.3). What they settle is the session's business, and so is
which of them is due for a packet identifier."""

from typing import TYPE_CHECKING

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.packets import Ack
from mqbroker.protocols.mqtt.codec.reasons import FAILURE, Reason

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.connection_state import MqttConnectionState


def take_puback(connection: "MqttConnectionState", packet: Ack) -> None:
    """PUBACK. One with a failure is as final as one without; the message is dead-lettered if its queue says so."""
    assert connection.session is not None
    connection.session.acknowledge(packet.packet_id, packet.reason < FAILURE, connection.now)


def take_pubrec(connection: "MqttConnectionState", packet: Ack) -> None:
    """PUBREC: answered with PUBREL [MQTT-4.3.3-4], unless it refuses the message (§4.3.3)."""
    session = connection.session
    assert session is not None
    if packet.reason >= FAILURE:
        session.refuse(packet.packet_id, connection.now)
    elif session.release(packet.packet_id):
        connection.send_release(packet.packet_id)
    else:
        connection.send_ack(c.PUBREL, packet.packet_id, Reason.PACKET_IDENTIFIER_NOT_FOUND)


def take_pubrel(connection: "MqttConnectionState", packet: Ack) -> None:
    """PUBREL: the identifier is free again [MQTT-4.3.3-11]."""
    assert connection.session is not None
    is_known = connection.session.release_incoming(packet.packet_id)
    connection.send_ack(c.PUBCOMP, packet.packet_id, 0 if is_known else Reason.PACKET_IDENTIFIER_NOT_FOUND)


def take_pubcomp(connection: "MqttConnectionState", packet: Ack) -> None:
    """PUBCOMP: the delivery is complete."""
    assert connection.session is not None
    connection.session.complete(packet.packet_id, connection.now)
