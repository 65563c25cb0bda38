"""Packets for a client that takes only small ones: what may be left out of them, and whether they fit then."""

from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.packets import Packet

_MAY_BE_LEFT_OUT = (
    "reason_string",
    "user_property",
    "server_reference",
    "response_information",
    "topic_alias_maximum",
    "maximum_packet_size",
    "receive_maximum",
)
"""Properties that a client does without, the least useful first. Their absence allows the client nothing that would do
it harm; those that tell it of another choice than its own (server keep alive, session expiry) have to be sent."""


def encode_fitting(packet: Packet, version: int, size_max: int) -> bytes:
    """The octets of a packet, with as many of its properties as fit; empty when it cannot be sent at all.

    [MQTT-3.1.2-24]
    """
    octets = encode(packet, version)
    for name in _MAY_BE_LEFT_OUT:
        if len(octets) <= size_max:
            return octets
        if packet.properties.pop(name, None) is not None:
            octets = encode(packet, version)
    return octets if len(octets) <= size_max else b""
