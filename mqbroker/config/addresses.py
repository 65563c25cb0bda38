"""Networks and origins as options have them: from text to what is compared with, or the reason why not."""

import ipaddress
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
