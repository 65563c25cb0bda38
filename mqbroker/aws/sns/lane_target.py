"""Subscriptions whose messages leave the broker: they wait in a queue of their own for the lane to the endpoint.

The queue is in the vhost of the topic, called `amq.sns/<id of the subscription>`, so that an operator sees what waits.
A message that cannot be delivered goes to the dead-letter queue in the commit in which it leaves this one.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from mqbroker.aws.sns.delivery_policy import CUSTOMER
from mqbroker.aws.sns.envelope import EnvelopeWriter, json_text
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.core.message import Entry
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.vhost import VHost
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.lane import Lane, Workshop
from mqbroker.delivery.limits import LANE_MOST

_RETENTION_MS = 30 * 86_400_000  # longer than any plan
CONFIRMATION = "SubscriptionConfirmation"
UNSUBSCRIPTION = "UnsubscribeConfirmation"


class Means(NamedTuple):
    """What all these targets work with."""

    writer: EnvelopeWriter
    reports: Reports
    shop: Workshop


class LaneTarget(Target):
    """An endpoint outside. Subclassed for each protocol."""

    plan = CUSTOMER
    """When an attempt that failed is repeated. Overridden for the endpoints of AWS's own."""
    most = LANE_MOST
    """How many messages are sent at once. Overridden where many are sent together."""
    least = 1
    """The same while there is no answer."""

    __slots__ = ("_lane", "_queue", "_reports", "_vhost", "_writer", "subscription")

    def __init__(self, subscription: Subscription, vhost: VHost, means: Means) -> None:
        self.subscription = subscription
        self._vhost = vhost
        self._writer = means.writer
        self._reports = means.reports
        self._queue = lane_queue(vhost, f"amq.sns/{subscription.arn.id}", means.shop.clock.now())
        self._lane = Lane(self._queue, self, self.plan, means.shop, self.most, self.least)

    def begin(self, now: int) -> None:
        """Overrides Target's."""
        self._lane.begin(now)

    @property
    def is_full(self) -> bool:
        """Overrides Target's."""
        return self._lane.is_full

    def deliver(self, notification: Notification, now: int) -> None:
        """Overrides Target's."""
        if self._lane.is_full:
            reason = "Too many messages wait for the endpoint."
            self._reports.failed(self.subscription, notification, 429, reason, now, 0)
            return
        self._queue.send(notification.shown(self.subscription.variant), now)

    def waiting_count(self) -> int:
        """Overrides Target's."""
        return self._queue.lines.total()

    def end(self) -> None:
        """Overrides Target's."""
        self._lane.end()
        self._vhost.delete_queue(self._queue.name)

    def say_last(self, notification: Notification) -> None:
        """Sends a message after the end, once."""
        self._lane.shop.start(self._say(notification))

    async def _say(self, notification: Notification) -> None:
        with suppress(DeliveryFailed):
            await self.transmit(notification.properties, notification.message.content(), 1)

    # --- Endpoint -----------------------------------------------------------------------------------------------------

    async def send(self, entry: Entry) -> int:
        """Endpoint's."""
        properties = entry.message.properties
        if not isinstance(properties, SnsProperties):
            raise DeliveryFailed("another client has put this message here", is_permanent=True)
        return await self.transmit(properties, entry.message.content(), entry.attempts)

    async def transmit(self, properties: SnsProperties, content: bytes, attempt: int) -> int:
        """Sends one message for the so many-th time; what the other side says. Raises DeliveryFailed. Overridden."""
        raise NotImplementedError

    def delivered(self, entry: Entry, status: int, now: int) -> None:
        """Endpoint's."""
        found = _notification(entry)
        if found is not None:
            sent_at = entry.message.received_at
            self._reports.delivered(self.subscription, found, status, sent_at, now, entry.attempts)

    def given_up(self, entry: Entry, error: DeliveryFailed, now: int) -> None:
        """Endpoint's."""
        found = _notification(entry)
        if found is not None:
            self._reports.failed(self.subscription, found, error.status, error.reason, now, entry.attempts)

    # --- messages -----------------------------------------------------------------------------------------------------

    def members(self, properties: SnsProperties, content: bytes) -> Mapping[str, object]:
        """The members of the envelope of a notification, or of a message about the subscription itself."""
        subscription, text = self.subscription, content.decode(errors="replace")
        return self._writer.members(properties, text, subscription.base_url, str(subscription.arn))

    def envelope(self, properties: SnsProperties, content: bytes) -> bytes:
        """The same as text."""
        return json_text(self.members(properties, content)).encode()


def lane_queue(vhost: VHost, name: str, now: int) -> PolledQueue:
    """The queue of a lane, made if it is not there."""
    found = vhost.polled_queue(name)
    if found is None:
        made = vhost.declare(polled_spec(name, PollSettings(retention_ms=_RETENTION_MS)), now)
        assert isinstance(made, PolledQueue)
        found = made
    return found


def _notification(entry: Entry) -> Notification | None:
    """The notification that an entry is; None for a message about the subscription itself."""
    properties = entry.message.properties
    if not isinstance(properties, SnsProperties) or "kind" in properties.notice:
        return None
    return Notification(entry.message, properties, None)
