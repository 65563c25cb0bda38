"""Amazon's push service for its tablets (Amazon Device Messaging): what a device is sent, and what the answers mean.

POST /messaging/registrations/<registration id>/messages, with an access token for the client id and secret that are
principal and credential of the application (ADM, "Send a Message", "Request an Access Token").
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.access_tokens import AccessTokens, client_grant
from mqbroker.aws.sns.platforms import Application
from mqbroker.delivery.errors import RecipientGone, refusal
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.lane import Workshop

_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json",
    "x-amzn-type-version": "com.amazon.device.messaging.ADMMessage@1.0",
    "x-amzn-accept-type": "com.amazon.device.messaging.ADMSendResult@1.0",
}
_GONE = frozenset(("InvalidRegistrationId", "Unregistered"))
_TTL = "AWS.SNS.MOBILE.ADM.TTL"


class Adm:
    """Sends to devices of Amazon's."""

    def __init__(self, config: SnsConfig, client: Http2Client, shop: Workshop) -> None:
        self._url = config.adm_url
        self._client = client
        self._tokens = AccessTokens("ADM", f"{config.adm_url}/auth/O2/token", client, shop)

    async def send(
        self, application: Application, _platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """PushService's."""
        credential, form = client_grant(application, "messaging:push")
        access = await self._tokens.get(credential, lambda _: form)
        url = f"{self._url}/messaging/registrations/{quote(token, safe='')}/messages"
        body = orjson.dumps(adm_request(text, options.get(_TTL, "")))
        response = await self._client.post(url, body, {"authorization": f"Bearer {access}", **_HEADERS})
        status = response.status
        if status == 200:
            return status
        reason = str((json_object(response.body) or {}).get("reason", ""))
        if reason in _GONE:
            raise RecipientGone(f"ADM answers {status}: {reason}", status)
        if status == 401:
            self._tokens.forget(credential)
        raise refusal(f"ADM answers {status}: {reason}", status, (401, 429))


def adm_request(text: str, ttl: str) -> dict[str, Any]:
    """The request for a text: what somebody has made for this API, or data."""
    document = json_object(text)
    if document is None or not document.keys() & {"data", "notification", "consolidationKey"}:
        document = {"data": {"default": text}}
    if ttl.isascii() and ttl.isdigit():
        document["expiresAfter"] = int(ttl[:9])
    return document
