"""Asks endpoints whether they want what they are subscribed to, and tells them when that has ended.

A request to confirm waits in the subscription's queue like any message, and is tried again like one. A link that ends a
subscription may have been followed by accident, so the endpoint gets one that brings it back.
"""

from mqbroker.aws.sns.lane_target import CONFIRMATION, UNSUBSCRIPTION, LaneTarget
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.service import NewId
from mqbroker.aws.sns.signer import Signer
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.subscription_actions import token_of
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sns.topic import Topic


def _asked(topic: Topic) -> str:
    return (
        f"You have chosen to subscribe to the topic {topic.arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )


def _ended(subscription: Subscription) -> str:
    return (
        f"You have chosen to deactivate subscription {subscription.arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )


class Confirmer:
    """Makes and sends these messages."""

    def __init__(self, signer: Signer, new_id: NewId) -> None:
        self._signer = signer
        self._new_id = new_id

    def ask(self, topic: Topic, subscription: Subscription, now: int) -> None:
        """Confirmations'."""
        if subscription.target is not None:
            subscription.target.deliver(self._message(topic, subscription, CONFIRMATION, _asked(topic), now), now)

    def tell_of_end(self, topic: Topic, subscription: Subscription, target: Target, now: int) -> None:
        """Confirmations'."""
        if isinstance(target, LaneTarget):
            target.say_last(self._message(topic, subscription, UNSUBSCRIPTION, _ended(subscription), now))

    def _message(self, topic: Topic, subscription: Subscription, kind: str, text: str, now: int) -> Notification:
        token = token_of(self._signer, subscription)
        return topic.notification(self._new_id(), text, now, kind=kind, token=token)
