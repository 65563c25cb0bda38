"""Baidu's push service for Android: what a device is sent, and what the answers mean.

POST /rest/3.0/push/single_device, signed with the application's secret key, which is its credential; the API key is its
principal, and the token of an endpoint is the channel (Baidu Push, "REST API").
"""

from collections.abc import Mapping
from hashlib import md5
from urllib.parse import quote_plus, urlencode

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.platforms import Application
from mqbroker.clock import Clock
from mqbroker.delivery.errors import RecipientGone, refusal
from mqbroker.delivery.http2 import Http2Client

_ATTRIBUTE = "AWS.SNS.MOBILE.BAIDU."
_HEADERS = {"content-type": "application/x-www-form-urlencoded;charset=utf-8", "user-agent": "BCCS_SDK/3.0 (mqbroker)"}
_ANDROID = "3"
_MESSAGE = "0"  # for the app; 1 is a notification, for the user
_NOT_BOUND = 30608
_TTL_MOST_S = 604_800


class Baidu:
    """Sends to devices that have an app with Baidu Push."""

    def __init__(self, config: SnsConfig, client: Http2Client, clock: Clock) -> None:
        self._url = f"{config.baidu_url}/rest/3.0/push/single_device"
        self._client = client
        self._clock = clock

    async def send(
        self, application: Application, _platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """PushService's."""
        key, secret = application.pair()
        fields = {
            "apikey": key,
            "timestamp": str(self._clock.wall() // 1000),
            "device_type": _ANDROID,
            "channel_id": token,
            "msg_type": options.get(f"{_ATTRIBUTE}MessageType", _MESSAGE),
            "msg": text,
        }
        ttl = options.get(f"{_ATTRIBUTE}TTL", "")
        if ttl.isascii() and ttl.isdigit() and int(ttl[:9]):
            fields["msg_expires"] = str(min(int(ttl[:9]), _TTL_MOST_S))
        fields["sign"] = baidu_sign(self._url, fields, secret)
        response = await self._client.post(self._url, urlencode(fields).encode(), _HEADERS)
        document, status = json_object(response.body) or {}, response.status
        code = document.get("error_code", 0)
        if status == 200 and not code:
            return status
        reason = f"Baidu answers {status}: {code} {document.get('error_msg', '')}"
        if code == _NOT_BOUND:
            raise RecipientGone(reason, status)
        raise refusal(reason, status)


def baidu_sign(url: str, fields: Mapping[str, str], secret: str) -> str:
    """The signature of a request: method, URL, fields in the order of their names, and the secret key."""
    text = f"POST{url}{''.join(f'{name}={fields[name]}' for name in sorted(fields))}{secret}"
    return md5(quote_plus(text).encode(), usedforsecurity=False).hexdigest()
