"""What became of each delivery: counted, logged where the topic asks for it, and kept for who looks at the page.

What cannot be delivered goes to the dead-letter queue of its subscription, if there is one, in the same turn.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from hashlib import md5
from typing import NamedTuple

import orjson

from mqbroker.aws.limits import SNS_PEEK_MAX
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.envelope import timestamp_text
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.protocols.rate_log import RateLog

log = logging.getLogger(__name__)
status_log = logging.getLogger("mqbroker.aws.sns.status")

_FEEDBACK = {"http": "HTTP", "https": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose",
             "application": "Application"}  # fmt: skip
_ROLES = {
    is_success: {
        protocol: f"{prefix}{'Success' if is_success else 'Failure'}FeedbackRoleArn"
        for protocol, prefix in _FEEDBACK.items()
    }
    for is_success in (True, False)
}
"""The attributes of topics that ask for delivery status records, by outcome and protocol."""


class Outcome(NamedTuple):
    """One delivery that has ended. subscription: None for what went to one number or device."""

    subscription: Subscription | None
    protocol: str
    endpoint: str
    message_id: str
    at: int
    is_success: bool
    status: int
    reason: str
    attempts: int


class Reports:
    """What became of the deliveries of one broker."""

    def __init__(self, queues: SqsQueues, attributes_of: Callable[[TopicArn], Mapping[str, str]]) -> None:
        """`attributes_of` says what attributes a topic has."""
        self._queues = queues
        self._attributes_of = attributes_of
        self._failures = RateLog(log)
        self.recent: deque[Outcome] = deque(maxlen=SNS_PEEK_MAX)

    def delivered(
        self, subscription: Subscription, notification: Notification, status: int, began: int, now: int,
        attempts: int = 1,
    ) -> None:  # fmt: skip
        """A message has arrived."""
        subscription.delivered_count += 1
        self._note(subscription, notification, True, status, "", began, now, attempts)

    def failed(
        self, subscription: Subscription, notification: Notification, status: int, reason: str, now: int,
        attempts: int = 1,
    ) -> None:  # fmt: skip
        """A message will not arrive."""
        subscription.failed_count += 1
        self._note(subscription, notification, False, status, reason, now, now, attempts)
        is_kept = self._redrive(subscription, notification, now)
        kept = "it is in the dead-letter queue" if is_kept else "it is lost"
        self._failures.warning(
            now, f"{notification.message_id} is not delivered to {subscription.arn}, {kept}: {reason}"
        )

    def _redrive(self, subscription: Subscription, notification: Notification, now: int) -> bool:
        arn = subscription.dead_letter_arn
        queue = None if arn is None else self._queues.get(arn)
        if queue is None:
            return False
        variant = subscription.variant
        message = notification.raw(variant, queue.is_fifo) if subscription.is_raw else None
        if message is None:
            message = notification.dead_letter(variant, subscription.protocol.name, subscription.endpoint)
        queue.core.send(message, now)
        subscription.redriven_count += 1
        return True

    def note_direct(self, address: str, message_id: str, status: int, reason: str, now: int, attempts: int) -> None:
        """What became of a message that went to one number or device."""
        if reason:
            self._failures.warning(now, f"{message_id} is not delivered to {address}, it is lost: {reason}")
        protocol = "application" if address.startswith("arn:") else "sms"
        self.recent.append(Outcome(None, protocol, address, message_id, now, not reason, status, reason, attempts))

    # --- delivery status logs -------------------------------------------------------------------------------------

    def _note(
        self, subscription: Subscription, notification: Notification, is_success: bool, status: int, reason: str,
        began: int, now: int, attempts: int,
    ) -> None:  # fmt: skip
        message_id = notification.message_id
        protocol = subscription.protocol.name
        self.recent.append(
            Outcome(
                subscription, protocol, subscription.endpoint, message_id, now, is_success, status, reason, attempts
            )
        )
        role = _ROLES[is_success].get(protocol)
        attributes = self._attributes_of(subscription.topic)
        if role is None or not attributes.get(role):
            return
        rate = attributes.get(f"{_FEEDBACK[protocol]}SuccessFeedbackSampleRate", "0")
        if is_success and not _is_sampled(message_id, int(rate)):
            return
        line = _status(subscription, notification, is_success, status, reason, began, now, attempts)
        status_log.info("%s", orjson.dumps(line).decode())


def _is_sampled(message_id: str, rate: int) -> bool:
    """Whether a message is one of those per cent: the same ones for every subscription."""
    return int(message_id[:8], 16) % 100 < rate


def _status(
    subscription: Subscription, notification: Notification, is_success: bool, status: int, reason: str, began: int,
    now: int, attempts: int,
) -> dict[str, object]:  # fmt: skip
    body = notification.shown(subscription.variant).content()
    delivery: dict[str, object] = {
        "deliveryId": str(subscription.arn.id),
        "destination": subscription.endpoint,
        "dwellTimeMs": max(0, now - began),
        "attempts": attempts,
        "statusCode": status,
    }
    if reason:
        delivery["providerResponse"] = reason
    return {
        "notification": {
            "messageMD5Sum": md5(body, usedforsecurity=False).hexdigest(),
            "messageId": notification.message_id,
            "topicArn": str(subscription.topic),
            "timestamp": timestamp_text(notification.message.received_at),
        },
        "delivery": delivery,
        "status": "SUCCESS" if is_success else "FAILURE",
    }
