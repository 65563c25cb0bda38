"""SNS as a service of the gateway: its parts put together."""

from collections.abc import Iterator, Mapping
from sys import maxsize

from mqbroker.aws.config import AwsConfig
from mqbroker.aws.family import AwsService, Ground
from mqbroker.aws.front.call import Call
from mqbroker.aws.front.front import AnyPage, ServiceHandlers
from mqbroker.aws.front.model import load_model
from mqbroker.aws.front.service import Service
from mqbroker.aws.limits import SNS_STREAM_WAIT_S_CEILING
from mqbroker.aws.measures import Measure
from mqbroker.aws.sns import actions, refusals
from mqbroker.aws.sns.announcing import announce
from mqbroker.aws.sns.arns import SubscriptionArn, TopicArn, parse_topic
from mqbroker.aws.sns.configured import DEFAULT_URL, Configured
from mqbroker.aws.sns.confirmations import Confirmer
from mqbroker.aws.sns.direct import DirectSender
from mqbroker.aws.sns.endpoints import Endpoints
from mqbroker.aws.sns.envelope import EnvelopeWriter, json_text
from mqbroker.aws.sns.feedback import feedback_of
from mqbroker.aws.sns.firehose_target import Streams
from mqbroker.aws.sns.foreign import translate
from mqbroker.aws.sns.gateway_targets import Gateways
from mqbroker.aws.sns.lane_target import Means
from mqbroker.aws.sns.metrics import SnsMetrics, measures
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.numbering import number
from mqbroker.aws.sns.pages import Pages
from mqbroker.aws.sns.platform_actions import PlatformActions
from mqbroker.aws.sns.platform_events import PlatformEvents
from mqbroker.aws.sns.platforms import Platforms
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.publishing import Publisher
from mqbroker.aws.sns.push import Pusher
from mqbroker.aws.sns.query_names import SNS_QUERY_NAMES
from mqbroker.aws.sns.replay import Replays
from mqbroker.aws.sns.replies import Replies
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.s3 import Bucket
from mqbroker.aws.sns.service import SnsService, requiring
from mqbroker.aws.sns.signer import Signer
from mqbroker.aws.sns.sms import SmsAccounts
from mqbroker.aws.sns.sms_actions import SmsActions
from mqbroker.aws.sns.subscription_actions import SubscriptionActions, subscription_id
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topic_actions import TopicActions
from mqbroker.aws.sns.topics import Topics
from mqbroker.aws.sns.views import views_of
from mqbroker.aws.sqs.envelopes import EnvelopedProperties
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.aws.sqs.sqs import Sqs
from mqbroker.core.message import Message
from mqbroker.delivery.guard import EVERYWHERE, AddressGuard
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.lane import Workshop
from mqbroker.delivery.limits import STREAMS_MOST
from mqbroker.delivery.slots import Slots
from mqbroker.protocols.views import View


class Sns(AwsService):
    """The service. It sends to the queues of SQS, which is made before it."""

    name = "sns"

    def __init__(self, ground: Ground) -> None:
        config = ground.config
        self._new_id = ground.ids.take_octets
        self._is_strict = config.auth == "sigv4"
        self._queues = next(each for each in ground.services if isinstance(each, Sqs)).queues
        self._queues.envelopes.write = self._envelope
        self._signer = Signer(ground.broker.ledger)
        self._writer = EnvelopeWriter(self._signer)
        self._topics = Topics(ground.broker, ground.accounts, config.region, self._translate)
        self._replays = Replays(self._topics.note, ground.broker.timers)
        ledger = ground.broker.ledger
        self._sms, self._platforms = SmsAccounts(ledger), Platforms(ledger)
        self._reports = Reports(self._queues, self._attributes_of, feedback_of(self._sms, self._platforms))
        clock = ground.clock
        timeout_s = config.sns.timeout_s
        # What a crash has left comes back at once, whatever interval its records were waiting for.
        self._shop, self._stream_shop = (
            Workshop(Slots(most), ground.broker.timers, clock, ground.wake, longest_s)
            for most, longest_s in (
                (config.sns.connections_max, timeout_s), (STREAMS_MOST, timeout_s + SNS_STREAM_WAIT_S_CEILING),
            )
        )  # fmt: skip
        self._own_client = HttpClient(AddressGuard(EVERYWHERE), config.sns.timeout_s, config.sns.ca_file)
        gateways = self._gateways = Gateways(config.sns, self._own_client, self._heard)
        events = PlatformEvents(self._topics, self._new_id)
        self._pusher = Pusher(config.sns, gateways, self._platforms, self._shop, events)
        means = Means(self._writer, self._reports, self._shop)
        self._endpoints = Endpoints(
            self._queues, means, means._replace(shop=self._stream_shop), config.sns, gateways, self._sms,
            self._pusher, self._streams(config), self._is_strict,
        )  # fmt: skip
        self._direct = DirectSender(ground.accounts, gateways, self._sms, self._pusher, self._reports, self._shop)
        self._topics.attach = self._endpoints.attach
        # AWS's limit only gets in the way of tests.
        filters_max = config.sns.filter_policies_max if self._is_strict else maxsize
        service = self._service = SnsService(ground.broker, self._topics, ground.alarms, filters_max)
        self._broker = ground.broker
        confirmer = Confirmer(self._signer, self._new_id)
        subscriptions = SubscriptionActions(
            service, self._signer, confirmer, self._replays, self._platforms, config.sns.public_url
        )
        replies = Replies(config.sns, self._heard)
        self._pages = Pages(
            self._reports, self._signer, ground.guard, subscriptions, replies, clock, ground.broker.ledger
        )
        self._configured = Configured(self._topics, subscriptions, config)
        ground.metrics.register(SnsMetrics(self._topics, (self._shop, self._stream_shop)))
        self._actions = actions.handlers(
            TopicActions(service, config.sns.public_url),
            subscriptions,
            Publisher(service, self._new_id, self._direct, self._platforms),
            PlatformActions(service, self._platforms, self._signer, events),
            SmsActions(service, self._sms, self._signer, self._direct, self._new_id),
        )

    def pages(self) -> Mapping[tuple[str, str], AnyPage]:
        """Overrides AwsService's."""
        return self._pages.table()

    def views(self) -> tuple[View, ...]:
        """Overrides AwsService's."""
        return views_of(self._topics)

    def handlers(self) -> ServiceHandlers:
        """Overrides AwsService's."""
        model = load_model("sns", SNS_QUERY_NAMES)
        return ServiceHandlers(Service(model), requiring(model, self._actions))

    def measures(self, _now: int) -> Iterator[Measure]:
        """Overrides AwsService's."""
        return measures(self._topics)

    # --- for other services -------------------------------------------------------------------------------------------

    def check_publish(self, call: Call, arn: str) -> None:
        """Raises AwsError unless it is a topic of the caller's account to which he may publish, and in no order."""
        topic = self._topics.require(parse_topic(arn, call.caller.region))
        if topic.arn.account != call.caller.account:
            raise refusals.invalid("TopicArn Reason: other services publish to topics of their own account only")
        if topic.is_fifo:
            raise refusals.invalid("TopicArn Reason: a FIFO topic takes no messages of other services")
        self._service.check(call, topic, "Publish")

    def announce(self, arn: str, account: str, subject: str, text: str, now: int) -> bool:
        """Publishes what another service has to say to an account. False if that could not be done."""
        topic = self._topics.get(parse_topic(arn, ""))
        return topic is not None and announce(topic, account, subject, text, self._new_id(), now)

    # --- the gateway --------------------------------------------------------------------------------------------------

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Overrides AwsService's: the key, topics and subscriptions."""
        self._signer.restore(found)
        self._sms.restore(found)
        self._platforms.restore(found)
        self._topics.restore(found, now)
        self._configured.create(now)
        self._topics.begin(now)
        for topic in self._topics:
            self._replays.resume(topic)
        for vhost in self._broker.vhosts.values():
            self._direct.begin(vhost, now)

    def stop(self) -> None:
        """Overrides AwsService's."""
        self._shop.stop()
        self._stream_shop.stop()
        self._endpoints.client.close()
        self._own_client.close()
        self._gateways.close()

    async def close(self) -> None:
        """Overrides AwsService's."""
        await self._pusher.close()

    def _streams(self, config: AwsConfig) -> Streams:
        given = config.sns
        url = given.firehose_url
        bucket = Bucket(url, config.region, self._own_client) if url else None
        return Streams(given.firehose_dir, bucket, given.firehose_interval_s, given.firehose_size_mb << 20)

    def _heard(self, phone: str, text: str) -> None:
        """Somebody has answered a text message."""
        self._sms.heard(phone, text, self._shop.clock.now())
        self._shop.wake()

    # --- messages ---------------------------------------------------------------------------------------------------

    def _translate(self, topic: Topic, message: Message, now: int) -> Notification | None:
        """What a message of another protocol is to the topic."""
        made = translate(topic, message, self._new_id, now)
        if made is None or not topic.is_fifo:
            return made

        def numbered(sequence: str) -> Notification:
            return made.with_properties(made.properties.with_notice(sequence=sequence))

        return number(topic, numbered, now).notification

    def _envelope(self, properties: EnvelopedProperties, content: bytes, queue: QueueArn) -> str:
        """What a receiver of a queue is shown."""
        assert isinstance(properties, SnsProperties)
        notice = properties.notice
        region, account, name = str(notice["topic"]).split(":")[3:]
        topic = TopicArn(region, account, name)
        protocol, endpoint = notice.get("protocol", "sqs"), notice.get("endpoint", str(queue))
        arn = SubscriptionArn(topic, subscription_id(self._signer, topic, protocol, endpoint))
        found = self._topics.get(topic)
        base_url = DEFAULT_URL if found is None else found.base_url
        text = content.decode(errors="replace")
        return json_text(self._writer.members(properties, text, base_url, str(arn)))

    def _attributes_of(self, arn: TopicArn) -> Mapping[str, str]:
        topic = self._topics.get(arn)
        return {} if topic is None else topic.attributes
