"""Subscriptions of e-mail: as text, or as the envelope (email-json)."""

from mqbroker.aws.sns.lane_target import CONFIRMATION, UNSUBSCRIPTION, LaneTarget, Means
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.core.vhost import VHost
from mqbroker.delivery.smtp import Mailer

_NAME = "AWS Notifications"
_SUBJECTS = {
    CONFIRMATION: "AWS Notification - Subscription Confirmation",
    UNSUBSCRIPTION: "AWS Notification - Unsubscribe Confirmation",
}
_SUBJECT = "AWS Notification Message"


class EmailTarget(LaneTarget):
    """An address."""

    __slots__ = ("_mailer", "display_name")

    def __init__(
        self, subscription: Subscription, vhost: VHost, means: Means, mailer: Mailer, display_name: str
    ) -> None:
        LaneTarget.__init__(self, subscription, vhost, means)
        self._mailer = mailer
        self.display_name = display_name

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        subscription = self.subscription
        if subscription.protocol.name == "email-json":
            text = self.envelope(properties, content).decode()
        else:
            text = self._text(properties, content)
        subject = _SUBJECTS.get(properties.notice.get("kind", ""), properties.notice.get("subject") or _SUBJECT)
        return await self._mailer.send(subscription.endpoint, self.display_name or _NAME, subject, text)

    def _text(self, properties: SnsProperties, content: bytes) -> str:
        subscription, kind = self.subscription, properties.notice.get("kind")
        members = self.members(properties, content)
        if kind == CONFIRMATION:
            link = page_url(subscription, "confirmation.html", Token=str(members["Token"]))
            return (
                f"You have chosen to subscribe to the topic: \n{subscription.topic}\n\n"
                "To confirm this subscription, click or visit the link below (If this was in error no action is "
                f"necessary): \n{link}\n"
            )
        if kind == UNSUBSCRIPTION:
            link = page_url(subscription, "confirmation.html", Token=str(members["Token"]))
            return (
                f"Your subscription to the topic below has been deleted: \n{subscription.topic}\n\n"
                f"If this was in error, click or visit the link below to resubscribe: \n{link}\n"
            )
        link = page_url(subscription, "unsubscribe.html", SubscriptionArn=str(subscription.arn))
        return (
            f"{members['Message']}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or "
            f"visit the link below to unsubscribe:\n{link}\n"
        )


def page_url(subscription: Subscription, page: str, **parameters: str) -> str:
    """The link to a page for somebody with a browser."""
    query = "&".join(f"{name}={value}" for name, value in {"TopicArn": str(subscription.topic), **parameters}.items())
    return f"{subscription.base_url}/_mqbroker/sns/{page}?{query}"
