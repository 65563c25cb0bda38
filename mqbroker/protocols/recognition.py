"""What a peer seems to speak that does not speak what a listener is for: for the log, so that one line tells the
operator of a port or an option that was mixed up. Nothing is decided by it."""

from collections.abc import Callable, Sequence

from mqbroker.protocols.session import Peer

Recognise = Callable[[bytes], str]
"""The name of a protocol when these are first octets of its clients, else empty."""

_OTHERS = (
    (b"\x16\x03", "TLS"),
    (b"AMQP\x00\x01\x00\x00", "AMQP 1.0"),
    (b"AMQP\x03\x01\x00\x00", "AMQP 1.0"),
    (b"AMQP\x02", "AMQP 1.0 in TLS"),
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
"""What is not spoken here, or by several protocols."""


class Recognition:
    """Knows what the clients of the broker's protocols begin with, and of some others that come by mistake."""

    def __init__(self, spoken: Sequence[Recognise] = ()) -> None:
        self._spoken = spoken

    def looks_like(self, data: bytes) -> str:
        """The protocol whose first octets these are; empty when none is known that begins so."""
        for beginning, name in _OTHERS:
            if data.startswith(beginning):
                return name
        return next((name for name in (recognise(data) for recognise in self._spoken) if name), "")

    def wrong_protocol(self, data: bytes, peer: Peer, spoken: str) -> str:
        """The text for the log; empty when there is nothing to be said beyond that it is not what is spoken."""
        found = self.looks_like(data)
        return f"this looks like {found}, and {peer.listener or 'this listener'} is for {spoken}" if found else ""
