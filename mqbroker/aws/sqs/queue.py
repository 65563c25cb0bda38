"""One SQS queue: its attributes and tags, what follows from them, and the polled queue of the core that it is.

It owns what AWS knows of a queue and the core does not. Messages, deadlines and order are the core's.
"""

from collections.abc import Mapping
from hashlib import sha256

from mqbroker.aws.policy.policy import Policy
from mqbroker.aws.sqs.envelopes import Envelopes
from mqbroker.aws.sqs.queue_attributes import effective
from mqbroker.aws.sqs.redrive import QueueArn, RedriveAllowPolicy, RedrivePolicy
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.vhost import VHost


class SqsQueue:
    """A queue as its clients see it. `core` holds its messages."""

    __slots__ = (
        "allow_policy", "arn", "attributes", "core", "created_s", "empty_receives", "envelopes", "is_fifo",
        "key", "message_bytes_max", "modified_s", "policy", "purged_at", "redrive", "tags", "vhost", "wait_ms",
    )  # fmt: skip

    def __init__(
        self, arn: QueueArn, vhost: VHost, core: PolledQueue, is_fifo: bool, created_s: int, envelopes: Envelopes
    ) -> None:
        self.arn = arn
        self.vhost = vhost
        self.core = core
        self.envelopes = envelopes
        self.is_fifo = is_fifo
        self.created_s = created_s
        self.modified_s = created_s
        self.tags: dict[str, str] = {}
        self.purged_at = 0
        """When it was purged last, in milliseconds."""
        self.empty_receives = 0
        """How many receives found nothing, in this run."""
        digest = sha256(f"{arn} {created_s}".encode()).digest()
        self.key = int.from_bytes(digest[:8], "big")
        """Tells its receipt handles from those of other queues, a namesake before or after it included."""
        self.configure({})

    @property
    def name(self) -> str:
        """Its name within account and region."""
        return self.arn.name

    def configure(self, attributes: Mapping[str, str]) -> None:
        """Takes over attributes that have been checked. Those that the core follows are told to it elsewhere."""
        self.attributes = dict(attributes)
        shown = effective(self.attributes, self.is_fifo)
        self.wait_ms = int(shown["ReceiveMessageWaitTimeSeconds"]) * 1000
        self.message_bytes_max = int(shown["MaximumMessageSize"])
        policy, redrive, allow = (shown.get(name) for name in ("Policy", "RedrivePolicy", "RedriveAllowPolicy"))
        self.policy = Policy.parse(policy) if policy else None
        self.redrive = RedrivePolicy.parse(redrive) if redrive else None
        if self.redrive is not None:
            self.attributes["RedrivePolicy"] = self.redrive.text
        self.allow_policy = RedriveAllowPolicy.parse(allow) if allow else None

    def shown(self) -> dict[str, str]:
        """Every attribute with its value."""
        core = self.core
        return {
            "QueueArn": str(self.arn),
            "ApproximateNumberOfMessages": str(core.visible_count()),
            "ApproximateNumberOfMessagesNotVisible": str(core.in_flight_count()),
            "ApproximateNumberOfMessagesDelayed": str(core.delayed_count()),
            "CreatedTimestamp": str(self.created_s),
            "LastModifiedTimestamp": str(self.modified_s),
            **effective(self.attributes, self.is_fifo),
        }
