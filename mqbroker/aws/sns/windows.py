"""Microsoft's push services, WNS and MPNS before it: what a device is sent, and what the answers mean.

The token of an endpoint is the URL of a channel, which whoever makes endpoints may choose. So only hosts of Microsoft's
domains are called, over HTTPS for WNS, to which an access token goes along ("Push notification service request and
response headers" of WNS; "Push notification service response codes" of Windows Phone 8, for MPNS).
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.sns.access_tokens import AccessTokens, client_grant
from mqbroker.aws.sns.certificates import is_certificate
from mqbroker.aws.sns.platforms import Application
from mqbroker.delivery.errors import RecipientGone, refusal
from mqbroker.delivery.http import Response
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.lane import Workshop
from mqbroker.delivery.tls import Identity

_WNS = "AWS.SNS.MOBILE.WNS."
_MPNS = "AWS.SNS.MOBILE.MPNS."
_WNS_HEADERS = {
    "CachePolicy": "x-wns-cache-policy", "Group": "x-wns-group", "Match": "x-wns-match",
    "SuppressPopup": "x-wns-suppresspopup", "Tag": "x-wns-tag", "TTL": "x-wns-ttl",
}  # fmt: skip
_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?<(?:\w+:)?(\w+)")
_INNER = re.compile(r"<(?:\w+:)?(Toast|Tile)\b")
_WNS_KINDS = ("badge", "tile", "toast")
_CLASSES = {"token": 1, "tile": 1, "toast": 2, "raw": 3}
_LATER = {"realtime": 0, "priority": 10, "regular": 20}  # at once, within 450 s, within 900 s
_PASSING = (401, 406, 412, 429)  # an old token, too many, a device that is off


class Channels:
    """Which channels are called."""

    def __init__(self, config: SnsConfig, client: Http2Client) -> None:
        self._domains = config.windows_push_domains
        self._client = client

    async def post(
        self, url: str, schemes: tuple[str, ...], text: str, headers: Mapping[str, str], identity: Identity | None
    ) -> Response:
        """Sends a text to a channel. Raises DeliveryFailed, RecipientGone for what is none."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        is_known = any(host == each or host.endswith(f".{each}") for each in self._domains)
        if not is_known or parts.scheme not in schemes:
            raise RecipientGone("the token is not the URL of a channel of Microsoft's", 400)
        return await self._client.post(url, text.encode(), headers, identity)


def _judge(service: str, response: Response) -> int:
    status = response.status
    if status == 200:
        return status
    reason = f"{service} answers {status}"
    if status in (404, 410):
        raise RecipientGone(reason, status)
    raise refusal(reason, status, _PASSING)


class Wns:
    """Sends to Windows."""

    def __init__(self, config: SnsConfig, client: Http2Client, shop: Workshop) -> None:
        self._channels = Channels(config, client)
        self._tokens = AccessTokens("WNS", config.wns_token_url, client, shop)

    async def send(
        self, application: Application, _platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """PushService's."""
        credential, form = client_grant(application, "notify.windows.com")
        text, kind = wns_message(text, options.get(f"{_WNS}Type", ""))
        headers = {
            "authorization": f"Bearer {await self._tokens.get(credential, lambda _: form)}",
            "content-type": "application/octet-stream" if kind == "wns/raw" else "text/xml",
            "x-wns-type": kind,
            **{name: options[_WNS + each] for each, name in _WNS_HEADERS.items() if _WNS + each in options},
        }
        response = await self._channels.post(token, ("https",), text, headers, None)
        if response.status == 401:
            self._tokens.forget(credential)
        return _judge("WNS", response)


def wns_message(text: str, kind: str) -> tuple[str, str]:
    """What a device is sent, the XML that somebody has made for it or a toast; and the kind of it."""
    root = _ROOT.match(text)
    if root is None and kind in ("", "wns/toast"):
        binding = f'<binding template="ToastText01"><text id="1">{escape(text)}</text></binding>'
        return f"<toast><visual>{binding}</visual></toast>", "wns/toast"
    if kind:
        return text, kind
    return text, f"wns/{root[1]}" if root is not None and root[1] in _WNS_KINDS else "wns/raw"


class Mpns:
    """Sends to Windows Phone."""

    def __init__(self, config: SnsConfig, client: Http2Client) -> None:
        self._channels = Channels(config, client)

    async def send(
        self, application: Application, _platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """PushService's. An application without a certificate is not known to the service, which allows it less."""
        given = application.attributes
        principal = given.get("PlatformPrincipal", "")
        identity = Identity(principal, given.get("PlatformCredential", "")) if is_certificate(principal) else None
        text, kind = mpns_message(text, options.get(f"{_MPNS}Type", ""))
        later = _LATER.get(options.get(f"{_MPNS}NotificationClass", ""), 0)
        headers = {"content-type": "text/xml", "x-notificationclass": str(_CLASSES.get(kind, 3) + later)}
        if kind != "raw":
            headers["x-windowsphone-target"] = "token" if kind == "tile" else kind
        return _judge("MPNS", await self._channels.post(token, ("http", "https"), text, headers, identity))


def mpns_message(text: str, kind: str) -> tuple[str, str]:
    """The same for Windows Phone."""
    if _ROOT.match(text) is None and kind in ("", "toast"):
        toast = f"<wp:Toast><wp:Text1>{escape(text)}</wp:Text1></wp:Toast>"
        head = '<?xml version="1.0" encoding="utf-8"?>'
        return f'{head}<wp:Notification xmlns:wp="WPNotification">{toast}</wp:Notification>', "toast"
    inner = _INNER.search(text)
    return text, kind or (inner[1].lower() if inner is not None else "raw")
