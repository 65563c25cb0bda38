"""Apple's push service: what a device is sent, and what the answers mean.

POST /3/device/<token of the device>, with a token that the application's key has signed, or over a connection that
shows its certificate (Apple, "Sending notification requests to APNs", "Establishing a token-based connection to APNs",
"Establishing a certificate-based connection to APNs", "Handling notification responses from APNs").
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import orjson

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.certificates import app_of, is_certificate
from mqbroker.aws.sns.platforms import Application
from mqbroker.clock import Clock
from mqbroker.core.recent import remember
from mqbroker.delivery.errors import DeliveryFailed, RecipientGone
from mqbroker.delivery.http import Response
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.jwt import signed
from mqbroker.delivery.tls import Identity

_TOKEN_MS = 40 * 60_000  # Apple wants a new one no sooner than after 20 minutes, and no later than after 60
_TOKENS_MAX = 1000
_GONE = frozenset(("BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"))
_OLD_TOKEN = "ExpiredProviderToken"  # noqa: S105
_ATTRIBUTE = "AWS.SNS.MOBILE.APNS."
_HEADERS = {"PRIORITY": "apns-priority", "COLLAPSE_ID": "apns-collapse-id"}
_SHOWN = ("alert", "badge", "sound")
_NAMES = ("PlatformPrincipal", "PlatformCredential", "ApplePlatformTeamID", "ApplePlatformBundleID")


class Apns:
    """Sends to devices of Apple's."""

    def __init__(self, config: SnsConfig, client: Http2Client, clock: Clock) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._tokens: dict[tuple[str, ...], tuple[str, int]] = {}
        """The tokens by what they are made of, and when they were made."""
        self._signing = asyncio.Lock()

    async def send(
        self, application: Application, platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """Sends a text, or the JSON that it is, to the device with that token. `options` are message attributes.
        Raises DeliveryFailed, RecipientGone for a device that is none of the application."""
        now, identity = self._clock.wall(), _identity(application)
        payload, is_shown = payload_of(text)
        headers = headers_of(application, platform, is_shown, options, now)
        if identity is None:
            headers["authorization"] = f"bearer {await self._token(application, now)}"
        base = self._config.apns_sandbox_url if platform.endswith("_SANDBOX") else self._config.apns_url
        response = await self._client.post(f"{base}/3/device/{quote(token, safe='')}", payload, headers, identity)
        if response.status != 200:
            self._refused(application, response)
        return response.status

    async def _token(self, application: Application, now: int) -> str:
        place = _sender(application)
        async with self._signing:  # Apple refuses senders that come with many new ones
            token, made_at = self._tokens.get(place, ("", 0))
            if now - made_at > _TOKEN_MS:
                principal, key, team = place
                claims = {"iss": team, "iat": now // 1000}
                token = await asyncio.to_thread(signed, claims, key, principal)
                remember(self._tokens, place, (token, now), _TOKENS_MAX)
        return token

    def _refused(self, application: Application, response: Response) -> None:
        reason, status = _reason(response), response.status
        if reason in _GONE:
            raise RecipientGone(f"APNs answers {status}: {reason}", status)
        if reason == _OLD_TOKEN:
            self._tokens.pop(_sender(application), None)
        is_passing = status >= 500 or status == 429 or reason == _OLD_TOKEN
        raise DeliveryFailed(f"APNs answers {status}: {reason}", is_permanent=not is_passing, status=status)


def _identity(application: Application) -> Identity | None:
    """What a connection shows of the application; None for one that signs tokens. Raises DeliveryFailed."""
    if is_certificate(application.attributes.get("PlatformPrincipal", "")):
        return Identity(*application.pair())
    application.require(*_NAMES)
    return None


def _sender(application: Application) -> tuple[str, ...]:
    """The id of the key, the key, and the team."""
    return tuple(application.attributes[name] for name in _NAMES[:3])


def payload_of(text: str) -> tuple[bytes, bool]:
    """What a device is sent, the JSON that somebody has made for it or an alert; and whether its user is shown it."""
    document = json_object(text)
    if document is None:
        return orjson.dumps({"aps": {"alert": text}}), True
    aps = document.get("aps")
    return text.encode(), isinstance(aps, dict) and not aps.keys().isdisjoint(_SHOWN)


def headers_of(
    application: Application, platform: str, is_shown: bool, options: Mapping[str, str], now: int
) -> dict[str, str]:
    """The headers that say what kind of message it is, and for how long and how much it matters."""
    is_voip = "_VOIP" in platform
    topic = options.get(f"{_ATTRIBUTE}TOPIC") or _topic(application, ".voip" if is_voip else "")
    usual = "voip" if is_voip else "alert" if is_shown else "background"
    headers = {"apns-topic": topic} if topic else {}
    headers["apns-push-type"] = options.get(f"{_ATTRIBUTE}PUSH_TYPE", usual)
    if headers["apns-push-type"] == "background":
        headers["apns-priority"] = "5"  # Apple refuses another one
    headers |= {name: options[_ATTRIBUTE + each] for each, name in _HEADERS.items() if _ATTRIBUTE + each in options}
    ttl = options.get(f"AWS.SNS.MOBILE.{platform}.TTL", "")
    if ttl.isascii() and ttl.isdigit():
        headers["apns-expiration"] = str(now // 1000 + int(ttl[:9])) if int(ttl[:9]) else "0"
    return headers


def _topic(application: Application, ending: str) -> str:
    """The app; empty for a certificate without one, for which Apple takes its own."""
    given = application.attributes
    app = given.get("ApplePlatformBundleID") or app_of(given["PlatformPrincipal"])
    return app if not app or app.endswith(ending) else app + ending


def _reason(response: Response) -> str:
    return str((json_object(response.body) or {}).get("reason", ""))
