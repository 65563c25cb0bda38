"""Push messages to devices: by the operator's gateway, or to the services of the platforms themselves.

A device that its service does not know any more has its endpoint disabled.
"""

from collections.abc import Mapping
from typing import Protocol

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.sns.adm import Adm
from mqbroker.aws.sns.apns import Apns
from mqbroker.aws.sns.baidu import Baidu
from mqbroker.aws.sns.fcm import Fcm
from mqbroker.aws.sns.gateway_targets import Gateways
from mqbroker.aws.sns.lane_target import LaneTarget, Means
from mqbroker.aws.sns.platform_events import FAILED, UPDATED, EventSink, failure_of
from mqbroker.aws.sns.platforms import Application, PlatformEndpoint, Platforms, PushFailed
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.windows import Mpns, Wns
from mqbroker.aws.sqs.message_attributes import BINARY, unpack
from mqbroker.core.message import Entry
from mqbroker.core.vhost import VHost
from mqbroker.delivery.errors import DeliveryFailed, RecipientGone
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.lane import Workshop


class PushService(Protocol):
    """A service that reaches devices."""

    async def send(
        self, application: Application, platform: str, token: str, text: str, options: Mapping[str, str]
    ) -> int:
        """Sends a text, or what its service understands of it, to the device with that token. `options` are message
        attributes. Raises DeliveryFailed, RecipientGone for a device that is none of the application."""


class Pusher:
    """Sends push messages."""

    def __init__(
        self, config: SnsConfig, gateways: Gateways, platforms: Platforms, shop: Workshop, events: EventSink
    ) -> None:
        self._gateways = gateways if config.push_url else None
        self._platforms = platforms
        self._events = events
        self._clock = shop.clock
        self._client = Http2Client(config.timeout_s, config.ca_file)
        client, apns, fcm = self._client, Apns(config, self._client, shop.clock), Fcm(config, self._client, shop)
        self._services: Mapping[str, PushService] = {
            "ADM": Adm(config, client, shop),
            "APNS": apns,
            "BAIDU": Baidu(config, client, shop.clock),
            "FCM": fcm,
            "GCM": fcm,
            "MACOS": apns,
            "MPNS": Mpns(config, client),
            "WNS": Wns(config, client, shop),
        }
        """By the first word of the platforms."""

    async def push(self, account: str, arn: str, properties: SnsProperties, content: bytes) -> int:
        """Sends a message to an endpoint of an account. Raises DeliveryFailed."""
        found = self._platforms.of(account, arn)
        if found is None:
            raise PushFailed("EndpointNotFound", "The endpoint does not exist.", 404)
        application, endpoint = found
        if endpoint.attributes.get("Enabled") != "true":
            raise PushFailed("EndpointDisabled", "The endpoint is disabled.")
        if application.attributes.get("Enabled") != "true":
            raise PushFailed("PlatformApplicationDisabled", "The platform application is disabled.")
        try:
            return await self._send(application, endpoint, properties, content.decode())
        except RecipientGone:
            self._disable(application, endpoint)
            raise

    def given_up(
        self, account: str, arn: str, properties: SnsProperties, error: DeliveryFailed, attempts: int, now: int
    ) -> None:
        """A message will not arrive at an endpoint."""
        found, failure = self._platforms.application_of(account, arn), failure_of(properties, error, attempts)
        if found is not None and failure is not None:
            self._events.tell(found, FAILED, arn, now, **failure)

    async def close(self) -> None:
        """Closes the connections to the services."""
        await self._client.close()

    async def _send(
        self, application: Application, endpoint: PlatformEndpoint, properties: SnsProperties, text: str
    ) -> int:
        platform, token = endpoint.platform, endpoint.attributes["Token"]
        if self._gateways is not None:
            return await self._gateways.send_push(platform, token, text, properties.message_id)
        options = {name: value.decode() for name, _, tag, value in unpack(properties.attributes) if tag != BINARY}
        service = self._services[platform.partition("_")[0]]
        return await service.send(application, platform, token, text, options)

    def _disable(self, application: Application, endpoint: PlatformEndpoint) -> None:
        """Unless it has changed meanwhile: it may have got a new token."""
        if self._platforms.endpoints.get(endpoint.arn) is endpoint:
            self._platforms.set_endpoint(endpoint, {"Enabled": "false"})
            self._events.tell(application, UPDATED, endpoint.arn, self._clock.now())


class ApplicationTarget(LaneTarget):
    """Subscriptions of an endpoint of a platform application: a device."""

    __slots__ = ("_pusher",)

    def __init__(self, subscription: Subscription, vhost: VHost, means: Means, pusher: Pusher) -> None:
        LaneTarget.__init__(self, subscription, vhost, means)
        self._pusher = pusher

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        subscription = self.subscription
        return await self._pusher.push(subscription.topic.account, subscription.endpoint, properties, content)

    def given_up(self, entry: Entry, error: DeliveryFailed, now: int) -> None:
        """Overrides LaneTarget's."""
        LaneTarget.given_up(self, entry, error, now)
        subscription, properties = self.subscription, entry.message.properties
        if isinstance(properties, SnsProperties):
            account, endpoint = subscription.topic.account, subscription.endpoint
            self._pusher.given_up(account, endpoint, properties, error, entry.attempts, now)
