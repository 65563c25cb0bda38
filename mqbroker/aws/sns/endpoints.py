"""Gives each subscription its target, by its protocol."""

from collections.abc import Callable, Mapping

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.sns.email_target import EmailTarget
from mqbroker.aws.sns.firehose_target import FirehoseTarget, Streams
from mqbroker.aws.sns.gateway_targets import Gateways, LambdaTarget, SmsTarget
from mqbroker.aws.sns.http_target import HttpTarget
from mqbroker.aws.sns.lane_target import Means
from mqbroker.aws.sns.local_targets import LocalTarget
from mqbroker.aws.sns.push import ApplicationTarget, Pusher
from mqbroker.aws.sns.sms import SmsAccounts
from mqbroker.aws.sns.sqs_target import SqsTarget
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.delivery.guard import AddressGuard
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.smtp import Mailer

Make = Callable[[Topic, Subscription], Target]


class Endpoints:
    """What makes the targets of one broker."""

    def __init__(
        self, queues: SqsQueues, means: Means, stream_means: Means, config: SnsConfig, gateways: Gateways,
        sms: SmsAccounts, pusher: Pusher, streams: Streams, is_strict: bool,
    ) -> None:  # fmt: skip
        """`stream_means` are those of delivery streams, whose records wait for each other."""
        self.client = HttpClient(AddressGuard(config.private_networks), config.timeout_s, config.ca_file)
        self._mailer = Mailer(config.smtp_url, config.mail_from, config.timeout_s)
        self._means = means
        self._makers: Mapping[str, Make] = {
            "sqs": lambda _topic, each: SqsTarget(each, queues, means.reports, is_strict),
            "http": self._http,
            "https": self._http,
            "email": self._email,
            "email-json": self._email,
            "sms": lambda topic, each: SmsTarget(each, topic.vhost, means, gateways, sms),
            "application": lambda topic, each: ApplicationTarget(each, topic.vhost, means, pusher),
            "lambda": lambda topic, each: LambdaTarget(each, topic.vhost, means, gateways),
            "firehose": lambda topic, each: FirehoseTarget(each, topic.vhost, stream_means, streams),
            "amqp": lambda topic, each: LocalTarget(each, topic.vhost, means.writer, means.reports),
            "mqtt": lambda topic, each: LocalTarget(each, topic.vhost, means.writer, means.reports),
        }

    def attach(self, topic: Topic, subscription: Subscription) -> None:
        """Gives a subscription its target."""
        subscription.target = self._makers[subscription.protocol.name](topic, subscription)

    def _http(self, topic: Topic, subscription: Subscription) -> Target:
        policy = topic.attributes.get("DeliveryPolicy", "")
        return HttpTarget(subscription, topic.vhost, self._means, self.client, policy)

    def _email(self, topic: Topic, subscription: Subscription) -> Target:
        name = topic.attributes.get("DisplayName", "")
        return EmailTarget(subscription, topic.vhost, self._means, self._mailer, name)
