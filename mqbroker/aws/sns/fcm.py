"""Google's push service (FCM, HTTP v1 API): what a device is sent, and what the answers mean.

POST /v1/projects/<project>/messages:send, with an access token that the key of a service account has been exchanged for
(RFC 7523). The credential of the application is the JSON file of that account, as on AWS.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.access_tokens import AccessTokens, Form
from mqbroker.aws.sns.platforms import Application, PushFailed
from mqbroker.delivery.errors import DeliveryFailed, RecipientGone, refusal
from mqbroker.delivery.http import Response
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.jwt import signed
from mqbroker.delivery.lane import Workshop

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN_S = 3600
_GONE = frozenset(("SENDER_ID_MISMATCH", "UNREGISTERED"))
_ACCOUNT = ("project_id", "client_email", "private_key", "private_key_id")


class Fcm:
    """Sends to devices that have an app with Firebase."""

    def __init__(self, config: SnsConfig, client: Http2Client, shop: Workshop) -> None:
        self._config = config
        self._client = client
        self._tokens = AccessTokens("FCM", config.fcm_token_url, client, shop)

    async def send(
        self, application: Application, platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """Sends a text, or the JSON that it is, to the device with that token. `options` are message attributes.
        Raises DeliveryFailed, RecipientGone for a device that is none of the application."""
        credential = application.attributes.get("PlatformCredential", "")
        account = _account(credential)
        access = await self._tokens.get(credential, lambda now: self._form(account, now))
        headers = {"authorization": f"Bearer {access}", "content-type": "application/json"}
        url = f"{self._config.fcm_url}/v1/projects/{quote(account['project_id'], safe='')}/messages:send"
        body = orjson.dumps(request_of(text, token, options.get(f"AWS.SNS.MOBILE.{platform}.TTL", "")))
        response = await self._client.post(url, body, headers)
        if response.status != 200:
            self._refused(credential, response)
        return response.status

    def _form(self, account: Mapping[str, str], now: int) -> Form:
        """What an access token is asked for with: claims that the account has signed (RFC 7523)."""
        at = now // 1000
        claims = {
            "iss": account["client_email"], "scope": _SCOPE, "aud": self._config.fcm_token_url, "iat": at,
            "exp": at + _TOKEN_S,
        }  # fmt: skip
        return {"grant_type": _GRANT, "assertion": signed(claims, account["private_key"], account["private_key_id"])}

    def _refused(self, credential: str, response: Response) -> None:
        status, document = response.status, json_object(response.body) or {}
        error = document.get("error")
        error = error if isinstance(error, dict) else {}
        reason = f"FCM answers {status}: {error.get('message', '')}"
        if _is_gone(error):
            raise RecipientGone(reason, status)
        if status == 400:
            raise PushFailed("InvalidNotification", reason)
        if status == 401:
            self._tokens.forget(credential)
        raise refusal(reason, status, (401, 429))


def request_of(text: str, token: str, ttl: str) -> dict[str, Any]:
    """The request for a text: what somebody has made for this API (`fcmV1Message`) or for the former one, or data."""
    document = json_object(text)
    if document is None:
        document = {"data": {"default": text}}
    whole = document.get("fcmV1Message")
    request = dict(whole) if isinstance(whole, dict) else {"message": _translated(document)}
    message = request.get("message")
    request["message"] = {**(message if isinstance(message, dict) else {}), "token": token}
    if ttl.isascii() and ttl.isdigit():
        android = request["message"].get("android")
        request["message"]["android"] = {**(android if isinstance(android, dict) else {}), "ttl": f"{ttl[:9]}s"}
    return request


def _translated(document: Mapping[str, Any]) -> dict[str, Any]:
    """A message of the former API (SNS Developer Guide, "Using Amazon SNS with Firebase Cloud Messaging v1")."""
    message = {name: document[name] for name in ("notification", "fcm_options", "apns", "webpush") if name in document}
    data = document.get("data")
    if isinstance(data, dict):
        message["data"] = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in data.items()
        }
    android = dict(document["android"]) if isinstance(document.get("android"), dict) else {}
    if "collapse_key" in document:
        android["collapse_key"] = str(document["collapse_key"])
    if "priority" in document:
        android["priority"] = str(document["priority"]).upper()
    if "time_to_live" in document:
        android["ttl"] = f"{document['time_to_live']}s"
    return {**message, "android": android} if android else message


def _account(credential: str) -> dict[str, str]:
    document = json_object(credential) or {}
    found = {name: document.get(name) for name in _ACCOUNT}
    if not all(isinstance(value, str) for value in found.values()):
        text = "PlatformCredential of the platform application is not the JSON file of a service account"
        raise DeliveryFailed(text, is_permanent=True)
    return {name: str(value) for name, value in found.items()}


def _is_gone(error: Mapping[str, Any]) -> bool:
    """Whether it is the device that FCM does not know: it says so, or finds fault with the token."""
    details = _objects(error.get("details"))
    violations = [each for detail in details for each in _objects(detail.get("fieldViolations"))]
    return any(str(detail.get("errorCode")) in _GONE for detail in details) or any(
        each.get("field") == "message.token" for each in violations
    )


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects in what should be a list of them."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
