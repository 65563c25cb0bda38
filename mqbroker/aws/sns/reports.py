"""What became of each delivery: counted, logged where the topic asks for it, and kept for who looks at the page.

What cannot be delivered goes to the dead-letter queue of its subscription, if there is one, in the same turn.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from hashlib import md5
from typing import Any, NamedTuple

import orjson

from mqbroker.aws.limits import SNS_PEEK_MAX
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.envelope import timestamp_text
from mqbroker.aws.sns.feedback import FeedbackOf, is_sampled
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.core.message import Message
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

    def __init__(
        self, queues: SqsQueues, attributes_of: Callable[[TopicArn], Mapping[str, str]], feedback_of: FeedbackOf
    ) -> None:
        """`attributes_of` says what attributes a topic has."""
        self._queues = queues
        self._attributes_of = attributes_of
        self._feedback_of = feedback_of
        self._failures = RateLog(log)
        # As plain tuples: one is made for each delivery, and hardly any is looked at.
        self._recent: deque[tuple[Any, ...]] = deque(maxlen=SNS_PEEK_MAX)
        self._asked_of: Notification | None = None
        self._asked: Mapping[str, str] = {}
        """The attributes of its topic: a notification has one for all of its deliveries."""

    def recent(self) -> Iterator[Outcome]:
        """The outcomes of the latest deliveries, the oldest first."""
        return (Outcome(*each) for each in self._recent)

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

    def note_direct(
        self, account: str, address: str, message: Message, message_id: str, status: int, reason: str, now: int,
        attempts: int,
    ) -> None:  # fmt: skip
        """What became of a message that went to one number or device."""
        if reason:
            self._failures.warning(now, f"{message_id} is not delivered to {address}, it is lost: {reason}")
        protocol = "application" if address.startswith("arn:") else "sms"
        outcome = Outcome(None, protocol, address, message_id, now, not reason, status, reason, attempts)
        self._recent.append(outcome)
        if self._feedback_of(account, address).wants(not reason, message_id):
            _log_status(outcome, message)

    # --- delivery status logs -------------------------------------------------------------------------------------

    def _note(
        self, subscription: Subscription, notification: Notification, is_success: bool, status: int, reason: str,
        began: int, now: int, attempts: int,
    ) -> None:  # fmt: skip
        message_id = notification.message_id
        protocol = subscription.protocol.name
        outcome = (subscription, protocol, subscription.endpoint, message_id, now, is_success, status, reason, attempts)
        self._recent.append(outcome)
        if notification is not self._asked_of:
            self._asked_of = notification
            self._asked = self._attributes_of(subscription.topic)
        role = _ROLES[is_success].get(protocol)
        if (role is None or self._asked.get(role)) and self._is_asked_for(subscription, is_success, message_id):
            _log_status(Outcome(*outcome), notification.shown(subscription.variant), began)

    def _is_asked_for(self, subscription: Subscription, is_success: bool, message_id: str) -> bool:
        """Whether somebody wants to know, if the topic has a role for that, or its protocol has none."""
        protocol = subscription.protocol.name
        if protocol not in _FEEDBACK:
            is_text = protocol == "sms"
            return is_text and self._feedback_of(subscription.topic.account, "").wants(is_success, message_id)
        rate = self._asked.get(f"{_FEEDBACK[protocol]}SuccessFeedbackSampleRate", "0")
        return not is_success or is_sampled(message_id, rate)


def _log_status(outcome: Outcome, message: Message, began: int = 0) -> None:
    """Logs a record as AWS has them; `began` is when the delivery began, if not with the message."""
    subscription, sent_at = outcome.subscription, message.received_at
    notification = {
        "messageMD5Sum": md5(message.content(), usedforsecurity=False).hexdigest(),
        "messageId": outcome.message_id,
    }
    delivery: dict[str, object] = {
        "deliveryId": outcome.message_id if subscription is None else subscription.arn.id,
        "destination": outcome.endpoint,
        "dwellTimeMs": max(0, outcome.at - (began or sent_at)),
        "attempts": outcome.attempts,
        "statusCode": outcome.status,
    }
    if subscription is not None:
        notification["topicArn"] = str(subscription.topic)
    if outcome.reason:
        delivery["providerResponse"] = outcome.reason
    record = {
        "notification": {**notification, "timestamp": timestamp_text(sent_at)},
        "delivery": delivery,
        "status": "SUCCESS" if outcome.is_success else "FAILURE",
    }
    status_log.info("%s", orjson.dumps(record).decode())
