"""Subscriptions whose endpoint is a queue of SQS: the message is there in the same commit as its publish."""

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.policy.policy import SERVICE_KEY, Decision, Policy
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.redrive import QueueArn

SERVICE = "sns.amazonaws.com"
_SEND = "sqs:SendMessage"
_DECISION_MS = 1000  # a condition of the policy may ask for the time


class SqsTarget(Target):
    """A queue of SQS, if its policy lets the topic send."""

    __slots__ = (
        "_arn", "_decided", "_is_allowed", "_is_own", "_is_strict", "_queue", "_queues", "_reports", "_subscription",
        "_until",
    )  # fmt: skip

    def __init__(self, subscription: Subscription, queues: SqsQueues, reports: Reports, is_strict: bool) -> None:
        """`is_strict`: a queue with a policy takes only what that allows, from its own account too."""
        arn = QueueArn.parse(subscription.endpoint)
        assert arn is not None
        self._arn = arn
        self._is_own = arn.account == subscription.topic.account
        self._subscription = subscription
        self._queues = queues
        self._queue: SqsQueue | None = None
        """What was found last by its name, which is looked for again once it has been deleted."""
        self._reports = reports
        self._is_strict = is_strict
        self._decided: Policy | None = None
        self._is_allowed = True
        self._until = 0

    def deliver(self, notification: Notification, now: int) -> None:
        """Overrides Target's."""
        subscription = self._subscription
        queue = self._queue
        if queue is None or queue.core.is_deleted:
            queue = self._queue = self._queues.get(self._arn)
        if queue is None:
            self._reports.failed(subscription, notification, 400, "The queue does not exist.", now)
            return
        if (queue.policy is not None or not self._is_own) and not self._may_send(queue, now):
            self._reports.failed(subscription, notification, 403, "The queue's policy does not allow it.", now)
            return
        if subscription.is_raw:
            message = notification.raw("sqs", queue.is_fifo or not notification.properties.notice.get("sequence"))
            if message is None:
                self._reports.failed(subscription, notification, 400, "There are too many message attributes.", now)
                return
        else:
            message = notification.shown("sqs")
        if message.size > queue.message_bytes_max:
            self._reports.failed(subscription, notification, 400, "The message is too long for the queue.", now)
            return
        queue.core.send(message, now)
        self._reports.delivered(subscription, notification, 200, now, now)

    def _may_send(self, queue: SqsQueue, now: int) -> bool:
        if queue.policy is self._decided and now < self._until:
            return self._is_allowed
        decision = Decision.SILENT
        if queue.policy is not None:
            topic = self._subscription.topic
            context = {
                SERVICE_KEY: SERVICE,
                "aws:PrincipalIsAWSService": "true",
                "aws:SecureTransport": "true",
                "aws:SourceAccount": topic.account,
                "aws:SourceArn": str(topic),
            }
            decision = queue.policy.decide(_SEND, str(self._arn), _CALLER, context)
        is_guarded = self._is_strict and queue.policy is not None
        is_left_alone = decision is Decision.SILENT and self._is_own and not is_guarded
        self._decided, self._until = queue.policy, now + _DECISION_MS
        self._is_allowed = decision is Decision.ALLOW or is_left_alone
        return self._is_allowed


_CALLER = Caller("", "", "", "", "", SERVICE, "", True)
