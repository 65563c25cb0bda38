"""Which web pages may use the broker, by the origin that a browser tells of each (RFC 6454).

A browser lets any page send requests to any address, this machine's own among them, and open WebSockets. What it does
say is where the page comes from, and no page can change that. Programs that are no browsers say nothing.
"""

import re
from collections.abc import Collection

from mqbroker.config.addresses import LOOPBACK

_PORT = r"(:[0-9]{1,5})?"
_LOCAL_HOST = rf"(localhost|[a-z0-9.-]+\.localhost|127(\.[0-9]{{1,3}}){{3}}|\[::1\]){_PORT}"  # RFC 6761 §6.3
_LOCAL_ORIGIN = re.compile(rf"https?://{_LOCAL_HOST}")
_SAFE_HOST = re.compile(rf"{_LOCAL_HOST}|[0-9.]+{_PORT}|\[[0-9a-f:.]+\]{_PORT}|[a-z0-9_-]+{_PORT}", re.IGNORECASE)


class Origins:
    """Those of an option: origins, or `loopback` for all that are served by this machine."""

    __slots__ = ("_listed", "_takes_local")

    def __init__(self, listed: Collection[str]) -> None:
        self._listed = frozenset(listed)
        self._takes_local = LOOPBACK in listed

    def allow(self, origin: str) -> bool:
        """Whether pages of that origin may use the broker. Some pages have the origin `null`: never."""
        return origin in self._listed or (self._takes_local and _LOCAL_ORIGIN.fullmatch(origin) is not None)


def is_safe_host(host: str) -> bool:
    """Whether a Host header cannot be that of a stranger's page, whose name was made to stand for this machine.

    Such a page has an origin of its own here, for which browsers tell none with a GET. Addresses and single labels are
    in nobody's domain.
    """
    return _SAFE_HOST.fullmatch(host) is not None
