"""Listener URLs: `scheme://host:port`, the port optional. Says what to open; opens nothing.

Which schemes there are is the business of the protocols.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a listener URL's scheme stands for. `aliases` are other names of it, as some clients write them."""

    name: str
    default_port: int
    is_tls: bool = False
    is_websocket: bool = False
    aliases: tuple[str, ...] = ()


WEBSOCKET_SCHEMES = (
    Scheme("ws", 15675, is_websocket=True),
    Scheme("wss", 15676, is_tls=True, is_websocket=True),
)
"""Those of WebSocket, which is no protocol of its own: each connection says which one it carries."""


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
    is_websocket: bool = False
    """True when the protocol is chosen by each connection, in the opening handshake of its WebSocket."""

    @classmethod
    def parse(cls, url: str, schemes: Sequence[Scheme]) -> "Listener":
        """Raises ValueError with the reason, which continues a sentence that names the option."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"has a listener that is not a URL: {url!r} ({error})") from None
        scheme = next((each for each in schemes if parts.scheme in (each.name, *each.aliases)), None)
        if scheme is None:
            names = ", ".join(each.name for each in schemes)
            raise ValueError(f"has a listener {url!r} whose scheme is not one of {names}")
        _check_has_only_host_and_port(url, parts)
        port = scheme.default_port if port is None else port
        return cls(url, scheme.name, parts.hostname or "", port, scheme.is_tls, is_websocket=scheme.is_websocket)

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
