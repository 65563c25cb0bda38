"""Networks and origins as options have them: from text to what is compared with, or the reason why not."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = "loopback"
"""Stands among origins for all that are served by this machine."""


def parse_network(text: str) -> Network:
    """Raises ValueError with the reason, which continues a sentence that names the option."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"has {text!r}, which is not a network such as 10.0.0.0/8") from None


def parse_origin(text: str) -> str:
    """Raises ValueError with the reason, which continues a sentence that names the option."""
    try:
        parts = urlsplit(text)
        is_origin = bool(parts.scheme and parts.hostname and text == f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        is_origin = False
    if (not is_origin or "@" in text) and text != LOOPBACK:
        raise ValueError(f"has {text!r}, which is not an origin such as https://shop.example:8443")
    return text.lower()  # RFC 6454 §6.1: browsers send the scheme and the host in lower case


@dataclass(frozen=True, slots=True)
class Address:
    """A host, by name or number, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises ValueError with the reason, which continues a sentence that names the option."""
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or port is None or parts.path or parts.username:
            raise ValueError(f"has {text!r}, which is not an address such as 10.0.0.1:5670")
        return cls(host, port)

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can connect."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
