"""RabbitMQ's rabbitmq_auth_backend_http: a service that answers `allow`, `allow tag tag` or `deny` with status 200.

    user_path    username, password            who is it; the tags after allow are theirs. For MQTT client_id and
                                               vhost too
    vhost_path   username, vhost, ip, tags     for each vhost in which the user of `like` has permissions
    resource_path, topic_path                  what they may do there, when they do it

Without the last two that is what the user of `like` may do there, with `{username}` in topic permissions being their
own name; with resource_path vhost_path is asked for every vhost.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlencode

from mqbroker.config.sections import HttpBackendConfig
from mqbroker.core.access.access import Permissions, User
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.guard import EVERYWHERE, AddressGuard
from mqbroker.delivery.http import HttpClient
from mqbroker.protocols.backends import BackendSilent, Verdict

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_OK = 200
_ASKED_LATER = Permissions("", "", "")


class HttpBackend:
    """Implements `Backend` (protocols/backends.py)."""

    def __init__(self, config: HttpBackendConfig, users: Mapping[str, User], vhosts: Collection[str]) -> None:
        """`users` and `vhosts` are the broker's."""
        self._vhosts = vhosts
        self._config = config
        self._users = users
        ca_file = "" if config.ca is None else str(config.ca)
        self._client = HttpClient(AddressGuard(EVERYWHERE), config.timeout_ms / 1000, ca_file)

    async def authenticate(
        self, user: str, password: bytes, address: str, details: Mapping[str, str]
    ) -> Verdict | None:
        """Implements Backend's."""
        secret = password.decode("utf-8", "surrogateescape")
        tags = await self._ask(self._config.user_path, {"username": user, "password": secret, **details})
        if tags is None:
            return None
        model = self._users.get(self._config.like, User(""))
        allowed = {}
        places = dict(model.permissions)
        if self._config.resource_path:
            places = {vhost: places.get(vhost, _ASKED_LATER) for vhost in list(self._vhosts)}
        for vhost, permissions in places.items():
            if await self._may_enter(user, vhost, address, tags):
                allowed[vhost] = permissions
        return Verdict(tags, allowed, dict(model.topic_permissions))

    async def allows(self, fields: Mapping[str, str]) -> bool:
        """Implements Backend's."""
        url = self._config.topic_path if fields["resource"] == "topic" else self._config.resource_path
        return await self._ask(url, fields) is not None

    async def _may_enter(self, user: str, vhost: str, address: str, tags: tuple[str, ...]) -> bool:
        if not self._config.vhost_path:
            return True
        asked = {"username": user, "vhost": vhost, "ip": address, "tags": " ".join(tags)}
        return await self._ask(self._config.vhost_path, asked) is not None

    async def _ask(self, url: str, fields: Mapping[str, str]) -> tuple[str, ...] | None:
        """The words after allow; None for deny. Raises BackendSilent."""
        form = urlencode(fields, errors="surrogateescape")
        try:
            if self._config.method == "post":
                response = await self._client.post(url, form.encode(), _FORM)
            else:
                response = await self._client.send("GET", f"{url}{'&' if '?' in url else '?'}{form}")
        except DeliveryFailed as error:
            raise BackendSilent(str(error)) from None
        words = response.body.decode("utf-8", "replace").strip().split()
        first = words[0].lower() if words else ""
        if response.status != _OK or first not in ("allow", "deny"):
            raise BackendSilent(f"the answer to {url} has the status {response.status} and is neither allow nor deny")
        return tuple(words[1:]) if first == "allow" else None

    def close(self) -> None:
        """Implements Backend's."""
        self._client.close()
