"""One topic: its attributes, tags and subscriptions, and the exchange of the vhost that it is.

Whatever is published to the exchange goes to the subscriptions too: the exchange has a relay bound, which is the topic.
A message of SNS brings its form along, that of another protocol gets one here.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.aws.policy.policy import Policy
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.filters.index import FilterIndex
from mqbroker.aws.sns.notification import SENDER, Notification
from mqbroker.aws.sns.properties import make_sns_properties
from mqbroker.aws.sns.protection import Protection
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sns.topic_attributes import check_policy, effective
from mqbroker.core.message import Message, new_message
from mqbroker.core.queues.base import ROUTED, UNROUTED
from mqbroker.core.queues.polled.fifo import FifoQueue
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.routing.relay import Relay
from mqbroker.core.routing.route import Route
from mqbroker.core.vhost import VHost

if TYPE_CHECKING:
    from mqbroker.aws.sns.foreign import Translate

log = logging.getLogger(__name__)


class Topic:
    """A topic as its clients see it."""

    __slots__ = (
        "_current", "_index", "_route", "_translate", "arn", "attributes", "base_url", "deleted_count", "ended",
        "exchange", "filtered_count", "is_fifo", "log", "policy", "protection", "protection_text", "published_bytes",
        "published_count", "relay", "subscriptions", "tags", "vhost",
    )  # fmt: skip

    def __init__(
        self, arn: TopicArn, vhost: VHost, exchange: Exchange, is_fifo: bool, base_url: str, translate: "Translate"
    ) -> None:
        """`translate` makes a notification of another protocol's message."""
        self.arn = arn
        self.vhost = vhost
        self.exchange = exchange
        self.is_fifo = is_fifo
        self.base_url = base_url
        """What links in messages to queues begin with."""
        self.attributes: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.subscriptions: dict[str, Subscription] = {}
        """By their ids."""
        self.ended: dict[str, Subscription] = {}
        """Those that were ended by a link in a message, by their ids."""
        self.policy: Policy | None = None
        """None as long as it has the one that every topic has."""
        self.protection: Protection | None = None
        self.protection_text = ""
        """The data protection policy."""
        self.log: FifoQueue | None = None
        """Of a FIFO topic: what numbers its messages, and knows which were published before."""
        self.deleted_count = self.published_count = self.published_bytes = self.filtered_count = 0
        self.relay = Relay(vhost, vhost.ledger, f"sns:{arn.name}", self.take)
        self._translate = translate
        self._route = Route(exchange.name, "")
        self._current: Notification | None = None
        self._index: FilterIndex | None = None

    def configure(self, attributes: Mapping[str, str]) -> None:
        """Takes over attributes that have been checked."""
        self.attributes = dict(attributes)
        policy = attributes.get("Policy")
        self.policy = check_policy(policy) if policy else None

    def protect(self, text: str) -> None:
        """Gives it another data protection policy, or none. Raises AwsError."""
        self.protection = Protection.parse(text) if text else None
        self.protection_text = text

    @property
    def signature_version(self) -> str:
        """1 or 2."""
        return self.attributes.get("SignatureVersion", "1")

    def shown(self) -> dict[str, str]:
        """Every attribute with its value, as GetTopicAttributes has them."""
        confirmed = sum(1 for each in self.subscriptions.values() if each.is_confirmed)
        return {
            "TopicArn": str(self.arn),
            "Owner": self.arn.account,
            "SubscriptionsConfirmed": str(confirmed),
            "SubscriptionsPending": str(len(self.subscriptions) - confirmed),
            "SubscriptionsDeleted": str(self.deleted_count),
            **effective(self.attributes, self.arn, self.is_fifo),
        }

    # --- subscriptions ------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """A subscription has come, gone or changed."""
        self._index = None

    def _receivers(self) -> FilterIndex:
        if self._index is None:
            ready = [each for each in self.subscriptions.values() if each.is_confirmed and each.target is not None]
            self._index = FilterIndex(ready)
        return self._index

    # --- publishing ---------------------------------------------------------------------------------------------------

    def notification(self, message_id: bytes, text: str, now: int, **more: object) -> Notification:
        """A message that the broker itself has to say, with more in its notice."""
        notice = {"topic": str(self.arn), "at": now, "version": self.signature_version, **more}
        properties = make_sns_properties(message_id, SENDER, notice)
        message = new_message(self.exchange.name, "", properties, text.encode(), now)
        return Notification(message, properties, None)

    def publish(self, notification: Notification, now: int) -> None:
        """Publishes a message of SNS: to the subscriptions, and to whatever else the exchange leads to."""
        self._current = notification
        try:
            self.vhost.publish(self._route, notification.message, now)
        finally:
            self._current = None

    def take(self, message: Message, now: int) -> int:
        """The relay: a message has come by the exchange."""
        notification = self._current
        if notification is None or notification.message is not message:
            notification = self._translate(self, message, now)
            if notification is None:
                return UNROUTED
        self.published_count += 1
        self.published_bytes += message.size
        return ROUTED if self.deliver(notification, now) else UNROUTED

    def deliver(self, notification: Notification, now: int) -> bool:
        """Hands a notification to every subscription that wants it; whether there was one."""
        receivers = self._receivers()
        found = receivers.wanted(notification)
        self.filtered_count += receivers.count - len(found)
        protection = self.protection if self.protection is not None and self.protection.has_outbound else None
        for subscription in found:
            target = subscription.target
            if target is not None and protection is None:
                target.deliver(notification, now)
            elif target is not None:
                self._deliver_protected(notification, subscription, target, now)
        return bool(found)

    def _deliver_protected(
        self, notification: Notification, subscription: Subscription, target: Target, now: int
    ) -> None:
        """The same for a message of which some subscriptions must not see everything."""
        assert self.protection is not None
        text = notification.message.content().decode(errors="replace")
        shown, found = self.protection.outbound(text, subscription.principal)
        if found:
            log.info("%s: %s found in what goes to %s", self.arn, ", ".join(found), subscription.arn)
        if shown is not None:
            target.deliver(notification if shown == text else notification.with_body(shown), now)
