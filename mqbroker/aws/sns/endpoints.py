"""Gives each subscription its target, by its protocol."""

from collections.abc import Callable, Mapping

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.sns.envelope import EnvelopeWriter
from mqbroker.aws.sns.http_target import HttpTarget
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.sqs_target import SqsTarget
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.delivery.guard import AddressGuard
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.lane import Workshop

Make = Callable[[Topic, Subscription], Target]


class Endpoints:
    """What makes the targets of one broker."""

    def __init__(
        self, queues: SqsQueues, writer: EnvelopeWriter, reports: Reports, shop: Workshop, config: SnsConfig,
        is_strict: bool,
    ) -> None:  # fmt: skip
        self.client = HttpClient(AddressGuard(config.private_networks), config.timeout_s, config.ca_file)
        self._queues = queues
        self._writer = writer
        self._reports = reports
        self._shop = shop
        self._is_strict = is_strict
        self._makers: Mapping[str, Make] = {"sqs": self._sqs, "http": self._http, "https": self._http}

    def attach(self, topic: Topic, subscription: Subscription) -> None:
        """Gives a subscription its target."""
        subscription.target = self._makers[subscription.protocol.name](topic, subscription)

    def _sqs(self, _topic: Topic, subscription: Subscription) -> Target:
        return SqsTarget(subscription, self._queues, self._reports, self._is_strict)

    def _http(self, topic: Topic, subscription: Subscription) -> Target:
        policy = topic.attributes.get("DeliveryPolicy", "")
        return HttpTarget(
            subscription, topic.vhost, self._writer, self._reports, self._shop, self.client, policy
        )  # fmt: skip
