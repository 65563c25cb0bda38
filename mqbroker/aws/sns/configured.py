"""The topics and subscriptions of the configuration, made at the start where they are missing.

What was changed since is left as it is. Subscriptions are confirmed: the operator has named them.
"""

import logging

from mqbroker.aws.auth.credentials import arn_of
from mqbroker.aws.config import AwsConfig, SubscriptionDefinition, TopicDefinition
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.protocols import check_endpoint, protocol_named
from mqbroker.aws.sns.subscription_actions import SubscriptionActions
from mqbroker.aws.sns.subscription_attributes import check_given as check_subscription
from mqbroker.aws.sns.tags import check_count
from mqbroker.aws.sns.topic_attributes import check_given, check_name, effective, wants_fifo
from mqbroker.aws.sns.topics import Topics
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.errors import AwsError, ConfigError

log = logging.getLogger("mqbroker.aws.gateway")

DEFAULT_URL = "http://localhost:9324"
"""What links begin with where no client has come yet, and no option says it."""


class Configured:
    """What the configuration names."""

    def __init__(self, topics: Topics, subscriptions: SubscriptionActions, config: AwsConfig) -> None:
        self._topics = topics
        self._subscriptions = subscriptions
        self._config = config

    def create(self, now: int) -> None:
        """Makes those that are missing. Raises ConfigError for one that cannot be made."""
        for topic in self._config.topics:
            try:
                self._create_topic(topic, now)
            except AwsError as error:
                raise _refused(topic.place, f"the topic {topic.name!r}", error) from None
        for subscription in self._config.subscriptions:
            try:
                self._create_subscription(subscription, now)
            except AwsError as error:
                raise _refused(subscription.place, f"the subscription of {subscription.endpoint!r}", error) from None

    def _arn(self, account: str, region: str, name: str) -> TopicArn:
        return TopicArn(region or self._config.region, account or self._config.account, name)

    def _create_topic(self, given: TopicDefinition, now: int) -> None:
        attributes, tags = dict(given.attributes), dict(given.tags)
        is_fifo = wants_fifo(attributes)
        check_name(given.name, is_fifo)
        check_count(tags)
        checked = check_given(attributes, is_fifo)
        arn = self._arn(given.account, given.region, given.name)
        found = self._topics.get(arn)
        if found is None:
            base_url = self._config.sns.public_url or DEFAULT_URL
            self._topics.create(arn, is_fifo, checked, tags, base_url, now)
            return
        have = effective(found.attributes, arn, found.is_fifo)
        for name, value in checked.items():
            if have.get(name) != value:
                text = "the topic %r of aws differs from the configuration in %s, and is left as it is"
                log.warning(text, given.name, name)

    def _create_subscription(self, given: SubscriptionDefinition, now: int) -> None:
        topic = self._topics.require(self._arn(given.account, given.region, given.topic))
        protocol = protocol_named(given.protocol)
        endpoint = given.endpoint
        if protocol.name == "sqs" and ":" not in endpoint:
            endpoint = str(QueueArn(topic.arn.region, topic.arn.account, endpoint))
        check_endpoint(protocol, endpoint)
        attributes = check_subscription(dict(given.attributes), protocol)
        if self._subscriptions.find(topic, protocol.name, endpoint) is not None:
            return
        account = topic.arn.account
        made = self._subscriptions.new_subscription(
            topic, protocol.name, endpoint, account, arn_of(account, ""), DEFAULT_URL
        )
        made.configure(attributes)
        made.is_confirmed = made.is_authenticated = True
        self._topics.subscribe(topic, made, now)


def _refused(place: str, what: str, error: AwsError) -> ConfigError:
    return ConfigError(f"{f'{place}: ' if place else ''}{what} of aws cannot be made: {error.message}")
