"""Listener URLs: `scheme://host:port`, the port optional. Says what is to be opened; opens nothing."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a listener URL's scheme stands for."""

    default_port: int
    is_tls: bool
    is_websocket: bool = False


SCHEMES = {
    "amqp": Scheme(5672, is_tls=False),
    "amqps": Scheme(5671, is_tls=True),
    "mqtt": Scheme(1883, is_tls=False),
    "mqtts": Scheme(8883, is_tls=True),
    "ws": Scheme(15675, is_tls=False, is_websocket=True),
    "wss": Scheme(15676, is_tls=True, is_websocket=True),
    "aws": Scheme(9324, is_tls=False),
    "awss": Scheme(9325, is_tls=True),
}
_ALIASES = {"sqs": "aws", "sqss": "awss"}  # as Celery's URLs have it


@dataclass(frozen=True, slots=True)
class Listener:
    """One address to listen on. `host` is a name or an address without brackets; port 0 takes any free one.

    An optional listener is left out where the machine does not have its address, such as ::1 without IPv6.
    """

    url: str
    scheme: str
    host: str
    port: int
    is_tls: bool
    is_optional: bool = False

    @classmethod
    def parse(cls, url: str) -> "Listener":
        """Raises ValueError with the reason, which continues a sentence that names the option."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"has a listener that is not a URL: {url!r} ({error})") from None
        name = _ALIASES.get(parts.scheme, parts.scheme)
        scheme = SCHEMES.get(name)
        if scheme is None:
            raise ValueError(f"has a listener {url!r} whose scheme is not one of {', '.join(SCHEMES)}")
        _check_has_only_host_and_port(url, parts)
        port = scheme.default_port if port is None else port
        return cls(url, name, parts.hostname or "", port, scheme.is_tls)

    @property
    def is_websocket(self) -> bool:
        """True when the protocol is chosen by each connection, in the opening handshake of its WebSocket."""
        return SCHEMES[self.scheme].is_websocket

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can connect. A name other than localhost may stand for any address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _check_has_only_host_and_port(url: str, parts: SplitResult) -> None:
    if not parts.hostname:
        raise ValueError(f"has a listener {url!r} without a host; 0.0.0.0 stands for every IPv4 address")
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"has a listener {url!r} with more than a scheme, a host and a port")
