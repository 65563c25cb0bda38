"""What goes to gateways of the operator's: text messages by HTTP or SMPP, functions, push messages if there is one."""

from collections.abc import Callable, Mapping

import orjson

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.sns.delivery_policy import MANAGED
from mqbroker.aws.sns.envelope import shown_attributes
from mqbroker.aws.sns.http_target import require_success
from mqbroker.aws.sns.lane_target import LaneTarget, Means
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.protocols import e164
from mqbroker.aws.sns.sms import SmsAccounts
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.core.vhost import VHost
from mqbroker.delivery.errors import DeliveryFailed, RecipientGone
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.smpp_client import SmppClient
from mqbroker.delivery.templates import filled

_GONE = (400, 403, 404, 410)  # what push services answer for a token that is none (any more)


class Gateways:
    """Sends to the gateways that the configuration names."""

    def __init__(self, config: SnsConfig, client: HttpClient, heard: Callable[[str, str], None]) -> None:
        """`client` goes to any address: the operator has named it. `heard` is called with the number and the text of
        what users of telephones write back."""
        self._config = config
        self._client = client
        is_smpp = config.sms_url.startswith("smpp")
        self._smpp = SmppClient(config.sms_url, config.timeout_s, config.ca_file, heard) if is_smpp else None

    async def send_sms(self, phone: str, message: str, sender: str, message_id: str) -> int:
        """Sends a text message. Raises DeliveryFailed."""
        if self._smpp is not None:
            return await self._smpp.send(phone, message, sender)
        values = {"phone": phone, "message": message, "sender": sender, "message_id": message_id}
        return await self._send("sms", self._config.sms_url, self._config.sms_body, values)

    async def send_push(self, platform: str, token: str, message: str, message_id: str) -> int:
        """Sends a push message. Raises DeliveryFailed, RecipientGone when the gateway does not know the device."""
        values = {"platform": platform, "token": token, "message": message, "message_id": message_id}
        try:
            return await self._send("push", self._config.push_url, self._config.push_body, values)
        except DeliveryFailed as error:
            if error.status in _GONE:
                raise RecipientGone(error.reason, error.status) from None
            raise

    async def _send(self, kind: str, url: str, body: str, values: Mapping[str, str]) -> int:
        if not url:
            raise DeliveryFailed(f"no gateway is configured (aws.sns.{kind}_url)", is_permanent=True)
        content_type = self._config.gateway_type
        data = filled(body, values, content_type).encode()
        return require_success(await self._client.post(filled(url, values), data, {"Content-Type": content_type}))

    def close(self) -> None:
        """Ends the connection for text messages, if there is one."""
        if self._smpp is not None:
            self._smpp.close()

    async def invoke(self, function: str, event: bytes) -> int:
        """Invokes a function, without waiting for what it does. Raises DeliveryFailed."""
        url = self._config.lambda_url
        if not url:
            raise DeliveryFailed("functions are not configured (aws.sns.lambda_url)", is_permanent=True)
        headers = {"Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"}
        response = await self._client.post(f"{url}/2015-03-31/functions/{function}/invocations", event, headers)
        return require_success(response)


class SmsTarget(LaneTarget):
    """A telephone number."""

    __slots__ = ("_accounts", "_gateways")

    def __init__(
        self, subscription: Subscription, vhost: VHost, means: Means, gateways: Gateways, accounts: SmsAccounts
    ) -> None:
        LaneTarget.__init__(self, subscription, vhost, means)
        self._gateways = gateways
        self._accounts = accounts

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        account, phone = self._accounts.of(self.subscription.topic.account), self.subscription.endpoint
        account.require_reachable(phone)
        sender = account.sender_of(properties.attributes)
        return await self._gateways.send_sms(e164(phone), content.decode(), sender, properties.message_id)


class LambdaTarget(LaneTarget):
    """A function."""

    plan = MANAGED

    __slots__ = ("_gateways",)

    def __init__(self, subscription: Subscription, vhost: VHost, means: Means, gateways: Gateways) -> None:
        LaneTarget.__init__(self, subscription, vhost, means)
        self._gateways = gateways

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        return await self._gateways.invoke(self.subscription.endpoint, self._event(properties, content))

    def _event(self, properties: SnsProperties, content: bytes) -> bytes:
        """The event of a notification, in which some names differ from those of the envelope."""
        members = dict(self.members(properties, content))
        record = {
            "Type": members["Type"],
            "MessageId": members["MessageId"],
            "TopicArn": members["TopicArn"],
            "Subject": members.get("Subject"),
            "Message": members["Message"],
            "Timestamp": members["Timestamp"],
            "SignatureVersion": members.get("SignatureVersion"),
            "Signature": members.get("Signature"),
            "SigningCertUrl": members.get("SigningCertURL"),
            "UnsubscribeUrl": members["UnsubscribeURL"],
            "MessageAttributes": shown_attributes(properties.attributes),
        }
        return orjson.dumps({
            "Records": [{
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": str(self.subscription.arn),
                "Sns": record,
            }]
        })  # fmt: skip
