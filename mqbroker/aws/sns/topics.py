"""All topics of the broker and their subscriptions: found, made, changed, deleted, and put back after a restart.

A topic is a durable exchange in the vhost of its account: of its own name in the default region, and of
`<region>/<name>` in any other. An exchange of that name that is there is taken, if every message that comes to it may
go to everything that is bound. A FIFO topic has a FIFO queue beside it, which numbers its messages.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.limits import SNS_ENDED_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.foreign import Translate
from mqbroker.aws.sns.kinds import ENDED, SUBSCRIPTION, TOPIC
from mqbroker.aws.sns.subscription import Subscription, unpacked
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topic_attributes import archive_days
from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.queues.polled.fifo import FifoQueue
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.rabbitmq.declaring import declare_exchange
from mqbroker.core.recent import remember
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.vhost import VHost
from mqbroker.errors import NotFound, RequestRefused

_KEYS = {"fanout": "", "topic": "#"}
"""The types of exchanges that a topic may be, and with which key everything that comes to one is asked for."""
_DAY_MS = 86_400_000
_LOG_MS = 60_000  # for how long the log of a topic without an archive keeps what it has numbered: it is taken at once

Attach = Callable[[Topic, Subscription], None]
"""Gives a subscription its target."""


class Topics:
    """The topics by ARN."""

    def __init__(self, broker: Broker, accounts: Accounts, region: str, translate: Translate) -> None:
        self.region = region
        self._broker = broker
        self._accounts = accounts
        self._translate = translate
        self._by_arn: dict[TopicArn, Topic] = {}
        self.attach: Attach = lambda _topic, _subscription: None

    def __iter__(self) -> Iterator[Topic]:
        return iter([topic for topic in self._by_arn.values() if not topic.exchange.is_deleted])

    # --- finding ----------------------------------------------------------------------------------------------------

    def get(self, arn: TopicArn) -> Topic | None:
        """The topic, unless it is gone: another protocol may have deleted its exchange."""
        topic = self._by_arn.get(arn)
        if topic is not None and topic.exchange.is_deleted:
            self._forget(topic)
            return None
        return topic

    def require(self, arn: TopicArn) -> Topic:
        """The topic. Raises AwsError."""
        topic = self.get(arn)
        if topic is None:
            raise refusals.not_found("Topic")
        return topic

    def of(self, account: str, region: str) -> list[Topic]:
        """The topics of an account in a region, by name."""
        found = [topic for topic in self if topic.arn.account == account and topic.arn.region == region]
        return sorted(found, key=lambda topic: topic.arn.name)

    def exchange_name(self, arn: TopicArn) -> str:
        """The name of a topic's exchange."""
        return arn.name if arn.region == self.region else f"{arn.region}/{arn.name}"

    def vhost_name(self, account: str) -> str:
        """The vhost of an account, by name."""
        return self._accounts.name_of(account)

    # --- topics -----------------------------------------------------------------------------------------------------

    def create(
        self, arn: TopicArn, is_fifo: bool, attributes: Mapping[str, str], tags: Mapping[str, str], base_url: str,
        now: int,
    ) -> Topic:  # fmt: skip
        """Makes a topic that is not there. Raises AwsError."""
        try:
            vhost = self._accounts.require(arn.account)
        except NotFound:
            raise refusals.invalid(f"The account {arn.account} has no vhost.") from None
        name = self.exchange_name(arn)
        try:
            exchange = self._exchange(vhost, name)
        except RequestRefused as error:
            raise refusals.invalid(f"Topic Name Reason: {error}") from None
        topic = Topic(arn, vhost, exchange, is_fifo, base_url, self._translate)
        topic.configure(attributes)
        topic.tags = dict(tags)
        self._bind(topic)
        if is_fifo:
            topic.log = self._log(topic, now)
        self._by_arn[arn] = topic
        self.keep(topic)
        return topic

    def _exchange(self, vhost: VHost, name: str) -> Exchange:
        found = vhost.exchanges.get(name)
        if found is not None and found.kind in _KEYS and found.durable and not found.internal:
            return found
        return declare_exchange(vhost, name, "fanout", True, False, False, {})

    def _bind(self, topic: Topic) -> None:
        topic.vhost.restore_binding(topic.exchange, topic.relay, _KEYS.get(topic.exchange.kind, ""), {})

    def _log(self, topic: Topic, now: int) -> FifoQueue:
        name = log_name(topic)
        found = topic.vhost.queues.get(name)
        if found is None:
            found = topic.vhost.declare(polled_spec(name, _log_settings(topic), True), now)
        assert isinstance(found, FifoQueue)
        return found

    def change(self, topic: Topic, attributes: Mapping[str, str], now: int) -> None:
        """Gives a topic attributes that have been checked."""
        topic.configure(attributes)
        if topic.log is not None:
            topic.vhost.change_polling(topic.log, _log_settings(topic), now)
        for subscription in topic.subscriptions.values():
            if subscription.target is not None:
                subscription.target.configure(topic.attributes.get("DeliveryPolicy", ""))
        self.keep(topic)

    def keep(self, topic: Topic) -> None:
        """Tells the journal what the topic is like now."""
        value = {
            "account": topic.arn.account,
            "region": topic.arn.region,
            "is_fifo": topic.is_fifo,
            "attributes": topic.attributes,
            "tags": topic.tags,
            "base_url": topic.base_url,
            "protection": topic.protection_text,
        }
        self._broker.ledger.define(self._key(topic), definitions.pack(value))

    def delete(self, topic: Topic) -> None:
        """Deletes a topic with its subscriptions, and its exchange."""
        topic.vhost.delete_exchange(topic.exchange.name)
        self._forget(topic)

    def _forget(self, topic: Topic) -> None:
        del self._by_arn[topic.arn]
        for subscription in list(topic.subscriptions.values()):
            self.end(topic, subscription)
        for each in list(topic.ended):
            self.forget_ended(topic, each)
        if topic.log is not None:
            topic.vhost.delete_queue(topic.log.name)
        self._broker.ledger.define(self._key(topic), None)

    def _key(self, topic: Topic) -> str:
        return definitions.key(TOPIC, topic.vhost.name, topic.exchange.name)

    # --- subscriptions ----------------------------------------------------------------------------------------------

    def subscribe(self, topic: Topic, subscription: Subscription, now: int) -> None:
        """Adds a subscription."""
        topic.subscriptions[subscription.arn.id] = subscription
        self.attach(topic, subscription)
        if subscription.target is not None:
            subscription.target.begin(now)
        self.keep_subscription(topic, subscription)

    def keep_subscription(self, topic: Topic, subscription: Subscription) -> None:
        """Tells the journal what the subscription is like now; it has changed."""
        topic.changed()
        if subscription.target is not None:
            subscription.target.configure(topic.attributes.get("DeliveryPolicy", ""))
        self.note(topic, subscription)

    def note(self, topic: Topic, subscription: Subscription) -> None:
        """The same for what changes nothing of where messages go."""
        self._broker.ledger.define(self._subscription_key(topic, subscription), definitions.pack(subscription.packed()))

    def end(self, topic: Topic, subscription: Subscription) -> None:
        """Ends a subscription."""
        del topic.subscriptions[subscription.arn.id]
        topic.deleted_count += 1
        topic.changed()
        if subscription.target is not None:
            subscription.target.end()
        self._broker.ledger.define(self._subscription_key(topic, subscription), None)

    def remember_ended(self, topic: Topic, subscription: Subscription) -> None:
        """A subscription was ended by a link: another one may bring it back."""
        former = list(topic.ended)
        remember(topic.ended, subscription.arn.id, subscription, SNS_ENDED_MAX)
        for each in former:
            if each not in topic.ended:
                self._broker.ledger.define(self._ended_key(topic, each), None)
        key = self._ended_key(topic, subscription.arn.id)
        self._broker.ledger.define(key, definitions.pack(subscription.packed()))

    def forget_ended(self, topic: Topic, subscription_id: str) -> None:
        """It is back, or nothing can bring it back any more."""
        del topic.ended[subscription_id]
        self._broker.ledger.define(self._ended_key(topic, subscription_id), None)

    def _ended_key(self, topic: Topic, subscription_id: str) -> str:
        return definitions.key(ENDED, topic.vhost.name, topic.exchange.name, subscription_id)

    def _subscription_key(self, topic: Topic, subscription: Subscription) -> str:
        return definitions.key(SUBSCRIPTION, topic.vhost.name, topic.exchange.name, subscription.arn.id)

    def begin(self, now: int) -> None:
        """The broker serves: what waits for endpoints is sent."""
        for topic in self:
            for subscription in topic.subscriptions.values():
                if subscription.target is not None:
                    subscription.target.begin(now)

    # --- restart ----------------------------------------------------------------------------------------------------

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Puts back what the journal kept; topics whose exchange is gone are gone."""
        by_kind = definitions.of_kinds(found, (TOPIC, SUBSCRIPTION, ENDED))
        topics: dict[tuple[str, str], Topic] = {}
        for (vhost, exchange), data in by_kind[TOPIC]:
            topic = self._restore_topic(vhost, exchange, definitions.unpack(data), now)
            if topic is not None:
                topics[vhost, exchange] = topic
        for (vhost, exchange, each), data in by_kind[SUBSCRIPTION]:
            owner = topics.get((vhost, exchange))
            if owner is None:
                self._broker.ledger.define(definitions.key(SUBSCRIPTION, vhost, exchange, each), None)
                continue
            subscription = unpacked(owner.arn, definitions.unpack(data))
            owner.subscriptions[each] = subscription
            self.attach(owner, subscription)
        for (vhost, exchange, each), data in by_kind[ENDED]:
            owner = topics.get((vhost, exchange))
            if owner is None:
                self._broker.ledger.define(definitions.key(ENDED, vhost, exchange, each), None)
            else:
                owner.ended[each] = unpacked(owner.arn, definitions.unpack(data))

    def _restore_topic(
        self, vhost_name: str, exchange_name: str, value: Mapping[str, object], now: int
    ) -> Topic | None:
        vhost = self._broker.vhosts.get(vhost_name)
        exchange = None if vhost is None else vhost.exchanges.get(exchange_name)
        if vhost is None or exchange is None or exchange.kind not in _KEYS:
            self._broker.ledger.define(definitions.key(TOPIC, vhost_name, exchange_name), None)
            return None
        attributes, tags = value["attributes"], value["tags"]
        assert isinstance(attributes, dict)
        assert isinstance(tags, dict)
        arn = TopicArn(str(value["region"]), str(value["account"]), exchange_name.rpartition("/")[2])
        topic = Topic(arn, vhost, exchange, value["is_fifo"] is True, str(value["base_url"]), self._translate)
        topic.configure(attributes)
        topic.tags = tags
        topic.protect(str(value["protection"]))
        self._bind(topic)
        if topic.is_fifo:
            topic.log = self._log(topic, now)
        self._by_arn[arn] = topic
        return topic


def log_name(topic: Topic) -> str:
    """The name of the queue that numbers the messages of a FIFO topic."""
    return f"amq.sns-log/{topic.exchange.name}"


def _log_settings(topic: Topic) -> PollSettings:
    days = archive_days(topic.attributes.get("ArchivePolicy", ""))
    return replace(
        PollSettings(),
        retention_ms=days * _DAY_MS if days else _LOG_MS,
        deduplicates_by_group=topic.attributes.get("FifoThroughputScope") == "MessageGroup",
    )
