"""Cross-origin requests: which pages of others may read the answers (fetch specification, "HTTP-CORS protocol")."""

from collections.abc import Mapping

from mqbroker.net.origins import Origins

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

    def preflight(self, headers: Mapping[str, str], allowed: str) -> dict[str, str]:
        """What an answer to OPTIONS says beside that."""
        if not self._is_allowed(headers.get("Origin")):
            return {}
        return {
            "access-control-allow-methods": allowed,
            "access-control-allow-headers": headers.get("Access-Control-Request-Headers", ""),
            "access-control-max-age": str(_MAX_AGE_S),
        }
