"""Access tokens that push services want, as OAuth has them: got for an application's credential, kept until they end.

RFC 6749 §4.4 and §5.1. Deliveries that need one at the same time share one request for it.
"""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.platforms import Application
from mqbroker.core.recent import remember
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.lane import Workshop

_LASTS_S = 3600  # where the answer does not say it
_EARLY_MS = 60_000  # before an access token ends, another one is asked for
_TOKENS_MAX = 1000
_REFUSED = (400, 401, 403)

Form = Mapping[str, str]


def client_grant(application: Application, scope: str) -> tuple[str, Form]:
    """The credential of an application that is a client with a secret, and what it asks for a token with (RFC 6749
    §4.4.2)."""
    client_id, secret = application.pair()
    form = {"grant_type": "client_credentials", "scope": scope, "client_id": client_id, "client_secret": secret}
    return f"{client_id} {secret}", form


class AccessTokens:
    """Those of one service, by credential."""

    def __init__(self, service: str, url: str, client: Http2Client, shop: Workshop) -> None:
        """`url` is where the service gives them out."""
        self._service = service
        self._url = url
        self._client = client
        self._shop = shop
        self._tokens: dict[str, tuple[str, int]] = {}
        """The tokens, and when they end."""
        self._asked: dict[str, asyncio.Task[str]] = {}
        """Requests that are under way."""

    async def get(self, credential: str, form: Callable[[int], Form]) -> str:
        """The token of a credential; `form` says at a time what it is asked for with. Raises DeliveryFailed."""
        token, ends_at = self._tokens.get(credential, ("", 0))
        if self._shop.clock.wall() < ends_at:
            return token
        asked = self._asked.get(credential)
        if asked is None:
            asked = self._asked[credential] = self._shop.start(self._new(credential, form))
            asked.add_done_callback(lambda _: self._asked.pop(credential))
        return await asyncio.shield(asked)  # who gives up does not end what the others wait for

    def forget(self, credential: str) -> None:
        """The service does not take the token any more."""
        self._tokens.pop(credential, None)

    async def _new(self, credential: str, form: Callable[[int], Form]) -> str:
        now = self._shop.clock.wall()
        data = urlencode(await asyncio.to_thread(form, now)).encode()  # a form may have to be signed
        response = await self._client.post(self._url, data, {"content-type": "application/x-www-form-urlencoded"})
        document, status = json_object(response.body) or {}, response.status
        if status != 200 or not isinstance(document.get("access_token"), str):
            reason = f"no access token for {self._service}: {status} {document.get('error', '')}"
            raise DeliveryFailed(reason, is_permanent=status in _REFUSED, status=status)
        token, lasts = str(document["access_token"]), str(document.get("expires_in"))
        lasts_s = int(lasts[:9]) if lasts.isascii() and lasts.isdigit() else _LASTS_S
        remember(self._tokens, credential, (token, now + lasts_s * 1000 - _EARLY_MS), _TOKENS_MAX)
        return token
