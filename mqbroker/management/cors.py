"""Cross-origin requests: which pages of others may read the answers (fetch specification, "HTTP-CORS protocol")."""

from collections.abc import Mapping

from mqbroker.management.refusals import unauthorised
from mqbroker.net.origins import Origins

_HARMLESS = ("GET", "HEAD", "OPTIONS")
_MAX_AGE_S = 1728000  # RabbitMQ's


class Cors:
    """For one list of origins; with an empty one nobody's pages are let in."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = Origins(origins) if origins else None

    def _is_allowed(self, origin: str | None) -> bool:
        return self._origins is not None and origin not in (None, "null") and self._origins.allow(str(origin))

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """What an answer says to a page of another origin; nothing to those that are not let in."""
        origin = headers.get("Origin")
        if not self._is_allowed(origin):
            return {}
        return {"access-control-allow-origin": str(origin), "access-control-allow-credentials": "true"}

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raises Refusal for a change that a page of another origin asks for: a browser sends the password that it
        knows along with it, whoever has made the page."""
        origin = headers.get("Origin")
        if origin is None or method in _HARMLESS or self._is_allowed(origin):
            return
        if origin.partition("://")[2] != headers.get("Host"):
            raise unauthorised("Origin not allowed")

    def preflight(self, headers: Mapping[str, str], allowed: str) -> dict[str, str]:
        """What an answer to OPTIONS says beside that."""
        if not self._is_allowed(headers.get("Origin")):
            return {}
        return {
            "access-control-allow-methods": allowed,
            "access-control-allow-headers": headers.get("Access-Control-Request-Headers", ""),
            "access-control-max-age": str(_MAX_AGE_S),
        }
