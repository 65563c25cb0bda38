"""What a peer seems to speak that does not speak what a listener is for: for the log, so that one line tells the
operator of a port or an option that was mixed up. Nothing is decided by it."""

from mqbroker.protocols.session import Peer

_BEGINNINGS = (
    (b"\x16\x03", "TLS"),
    (b"AMQP\x00\x01\x00\x00", "AMQP 1.0"),
    (b"AMQP\x03\x01\x00\x00", "AMQP 1.0"),
    (b"AMQP\x02", "AMQP 1.0 in TLS"),
    (b"AMQP", "AMQP"),
    (b"PRI * HTTP/2", "HTTP/2"),
    (b"PROXY ", "the PROXY protocol, from an address that is not in proxy_protocol.sources"),
    (b"\r\n\r\n\x00\r\nQUIT\n", "the PROXY protocol, from an address that is not in proxy_protocol.sources"),
    (b"SSH-", "SSH"),
    *((method, "HTTP") for method in (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ")),
    (b"CONNECT\n", "STOMP"),
    (b"CONNECT\r\n", "STOMP"),
    (b"STOMP\n", "STOMP"),
    (b"STOMP\r\n", "STOMP"),
    (b"CONNECT ", "HTTP"),
)
_MQTT_CONNECT = 0x10
_MQTT_NAMES = (b"\x00\x04MQTT", b"\x00\x06MQIsdp")
_MQTT_HEADER_BYTES_MAX = 5


def looks_like(data: bytes) -> str:
    """The protocol whose first octets these are; empty when none is known that begins so."""
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    if data[:1] == bytes((_MQTT_CONNECT,)):
        for at in range(2, _MQTT_HEADER_BYTES_MAX + 1):
            if data.startswith(_MQTT_NAMES, at):
                return "MQTT"
    return ""


def wrong_protocol(data: bytes, peer: Peer, spoken: str) -> str:
    """The text for the log; empty when there is nothing to be said beyond that it is not what is spoken."""
    found = looks_like(data)
    return f"this looks like {found}, and {peer.listener or 'this listener'} is for {spoken}" if found else ""
