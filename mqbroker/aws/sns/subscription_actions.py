"""The actions on subscriptions: subscribe, confirm, find, list, change, unsubscribe."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Protocol
from uuid import UUID

from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import SNS_TOKEN_MS
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import SubscriptionArn, TopicArn, parse_subscription, parse_topic
from mqbroker.aws.sns.filters.filter import ATTRIBUTES, Filter
from mqbroker.aws.sns.paging import page_of
from mqbroker.aws.sns.platforms import Platforms
from mqbroker.aws.sns.protocols import check_endpoint, protocol_named
from mqbroker.aws.sns.replay import Replays
from mqbroker.aws.sns.service import SnsService
from mqbroker.aws.sns.signer import Signer
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.subscription_attributes import SUBSCRIBE, check_given, check_value
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.errors import AwsError

_PENDING = "pending confirmation"
_TOKEN_CHARS_MIN = 200
_ID_DIGITS = 32


class Confirmations(Protocol):
    """Asks endpoints whether they want what they are subscribed to."""

    def ask(self, topic: Topic, subscription: Subscription, now: int) -> None:
        """Sends a request to confirm the subscription."""

    def tell_of_end(self, topic: Topic, subscription: Subscription, target: Target, now: int) -> None:
        """Tells an endpoint, which was the target, that its subscription has ended."""


class SubscriptionActions:
    """Subscribe to Unsubscribe."""

    def __init__(
        self, service: SnsService, signer: Signer, confirmations: Confirmations, replays: Replays, platforms: Platforms,
        public_url: str,
    ) -> None:  # fmt: skip
        """`public_url` is what links begin with; empty for what the client that subscribes has used."""
        self._service = service
        self._topics = service.topics
        self._signer = signer
        self._confirmations = confirmations
        self._replays = replays
        self._platforms = platforms
        self._public_url = public_url

    # --- subscribe --------------------------------------------------------------------------------------------------

    def subscribe(self, call: Call) -> None:
        """Subscribe. The same again, with no attribute that differs, finds the subscription that is there."""
        given = call.parameters
        topic = self._service.topic_of(call)
        protocol = protocol_named(given["Protocol"])
        endpoint = given.get("Endpoint")
        if not endpoint:
            raise refusals.no_value("Endpoint")
        check_endpoint(protocol, endpoint)
        attributes = check_given(given.get("Attributes", {}), protocol)
        self._check_fit(topic, protocol.name, endpoint)
        if "ReplayPolicy" in attributes:
            self._check_archive(topic)
        self._check_redrive(topic, protocol.name, endpoint, attributes, SUBSCRIBE)
        found = self.find(topic, protocol.name, endpoint)
        if found is None:
            found = self.add(topic, protocol.name, endpoint, attributes, call)
        elif not _is_same(found, attributes):
            raise refusals.invalid("Attributes Reason: Subscription already exists with different attributes")
        elif not found.is_confirmed:
            self._ask(topic, found, call.now)
        is_told = found.is_confirmed or given.get("ReturnSubscriptionArn")
        self._service.answer_when_safe(call, {"SubscriptionArn": str(found.arn) if is_told else _PENDING})

    def find(self, topic: Topic, protocol: str, endpoint: str) -> Subscription | None:
        """The subscription of that endpoint: its id follows from it."""
        return topic.subscriptions.get(subscription_id(self._signer, topic.arn, protocol, endpoint))

    def add(
        self, topic: Topic, protocol: str, endpoint: str, attributes: Mapping[str, str], call: Call
    ) -> Subscription:
        """A new subscription of the caller's."""
        caller = call.caller
        made = self.new_subscription(topic, protocol, endpoint, caller.account, caller.arn, call.base_url)
        made.configure(attributes)
        self._check_policies(topic, made)
        if protocol == "sqs" and made.owner != _queue_account(endpoint):
            made.is_confirmed = made.is_authenticated = False
        self._topics.subscribe(topic, made, call.now)
        if not made.is_confirmed:
            self._ask(topic, made, call.now)
        self._replays.start(topic, made)
        return made

    def new_subscription(
        self, topic: Topic, protocol: str, endpoint: str, owner: str, principal: str, base_url: str
    ) -> Subscription:
        """A subscription that is not added yet."""
        arn = SubscriptionArn(topic.arn, subscription_id(self._signer, topic.arn, protocol, endpoint))
        return Subscription(arn, protocol, endpoint, owner, principal, self._public_url or base_url)

    def _ask(self, topic: Topic, subscription: Subscription, now: int) -> None:
        subscription.requested_at = now
        self._topics.keep_subscription(topic, subscription)
        self._confirmations.ask(topic, subscription, now)

    def _check_fit(self, topic: Topic, protocol: str, endpoint: str) -> None:
        if protocol == "sqs" and endpoint.endswith(".fifo") and not topic.is_fifo:
            raise refusals.invalid(
                "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
            )
        if protocol == "application" and self._platforms.of(topic.arn.account, endpoint) is None:
            raise refusals.invalid(f"Endpoint Reason: Endpoint does not exist for endpoint arn{endpoint}")

    def _check_redrive(
        self, topic: Topic, protocol: str, endpoint: str, attributes: Mapping[str, str], prefix: str = ""
    ) -> None:
        redrive = attributes.get("RedrivePolicy", "")
        is_fifo = topic.is_fifo and protocol == "sqs" and endpoint.endswith(".fifo")
        if redrive and is_fifo and '.fifo"' not in redrive:
            raise refusals.invalid(
                f"{prefix}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
            )

    def _check_archive(self, topic: Topic) -> None:
        if not topic.attributes.get("ArchivePolicy"):
            raise refusals.invalid("ReplayPolicy: the topic has no ArchivePolicy")

    def _check_policies(self, topic: Topic, subscription: Subscription) -> None:
        if subscription.filter is None:
            return
        others = sum(1 for each in topic.subscriptions.values() if each.filter is not None and each is not subscription)
        if others >= self._service.filter_policies_max:
            raise refusals.filter_policy_limit(self._service.filter_policies_max)

    # --- confirm ----------------------------------------------------------------------------------------------------

    def confirm_subscription(self, call: Call) -> None:
        """ConfirmSubscription: by a signed call, or by the link with the token in it."""
        given = call.parameters
        token: str = given["Token"]
        subscription = self.confirm(given["TopicArn"], token, call.caller.region, bool(call.caller.arn), call.now)
        subscription.needs_signature_to_end = given.get("AuthenticateOnUnsubscribe", "").lower() == "true" and bool(
            call.caller.arn
        )
        self._topics.keep_subscription(self._topics.require(subscription.topic), subscription)
        self._service.answer_when_safe(call, {"SubscriptionArn": str(subscription.arn)})

    def confirm(self, topic_arn: str, token: str, region: str, is_signed: bool, now: int) -> Subscription:
        """Confirms the subscription that the token is for, or brings it back. Raises AwsError."""
        topic = self._topic_to_confirm(topic_arn, region)
        found = self._of_token(topic.subscriptions, token) or self._brought_back(topic, token, now)
        if found is None:
            raise (
                refusals.invalid("Token") if len(token) >= _TOKEN_CHARS_MIN else refusals.invalid_plain("Invalid token")
            )
        if not found.is_confirmed and now > found.requested_at + SNS_TOKEN_MS:
            raise refusals.invalid("Token")
        if not found.is_confirmed:
            found.is_confirmed = True
            found.is_authenticated = is_signed
            self._topics.keep_subscription(topic, found)
        return found

    def _brought_back(self, topic: Topic, token: str, now: int) -> Subscription | None:
        """The subscription that was ended by a link and comes back by one."""
        found = self._of_token(topic.ended, token)
        if found is not None:
            self._topics.forget_ended(topic, found.arn.id)
            found.requested_at = now
            self._topics.subscribe(topic, found, now)
        return found

    def _topic_to_confirm(self, text: str, region: str) -> Topic:
        try:
            arn = parse_topic(text, region)
        except AwsError:
            raise refusals.invalid("Topic") from None
        topic = self._topics.get(arn)
        if topic is None:
            raise refusals.invalid("Token")
        return topic

    def _of_token(self, subscriptions: Mapping[str, Subscription], given: str) -> Subscription | None:
        found = subscriptions.get(_id_in(given))
        if found is None:
            return None
        # Whoever has the token needs no signature, so the comparison must not tell how much of a guess is right.
        wanted = token_of(self._signer, found).encode()
        return found if compare_digest(wanted, given.encode("utf-8", "surrogatepass")) else None

    # --- look -------------------------------------------------------------------------------------------------------

    def get_subscription_attributes(self, call: Call) -> None:
        """GetSubscriptionAttributes."""
        topic, subscription = self._required(call)
        call.answer({"Attributes": subscription.shown(topic.attributes.get("DeliveryPolicy", ""))})

    def list_subscriptions(self, call: Call) -> None:
        """ListSubscriptions: those of the caller's account."""
        caller = call.caller
        self._service.check_account(call)
        found = [
            each
            for topic in self._topics
            if topic.arn.region == caller.region
            for each in topic.subscriptions.values()
            if each.owner == caller.account
        ]
        self._answer_page(call, found)

    def list_subscriptions_by_topic(self, call: Call) -> None:
        """ListSubscriptionsByTopic."""
        topic = self._service.topic_of(call)
        self._answer_page(call, list(topic.subscriptions.values()))

    def _answer_page(self, call: Call, found: list[Subscription]) -> None:
        page, token = page_of(found, call.parameters.get("NextToken"), lambda each: str(each.arn))
        call.answer({"Subscriptions": [each.listed() for each in page], "NextToken": token})

    def _required(self, call: Call) -> tuple[Topic, Subscription]:
        arn = parse_subscription(call.parameters["SubscriptionArn"])
        topic = self._topics.get(arn.topic)
        found = None if topic is None else topic.subscriptions.get(arn.id)
        if topic is None or found is None:
            raise refusals.not_found("Subscription")
        if found.owner != call.caller.account or call.caller.user:
            self._service.check(call, topic)
        return topic, found

    # --- change -----------------------------------------------------------------------------------------------------

    def set_subscription_attributes(self, call: Call) -> None:
        """SetSubscriptionAttributes."""
        topic, subscription = self._required(call)
        name, value = call.parameters["AttributeName"], call.parameters.get("AttributeValue", "")
        scope = subscription.attributes.get("FilterPolicyScope", ATTRIBUTES)
        attributes = {**subscription.attributes, name: check_value(name, value, subscription.protocol, scope)}
        if not attributes[name]:
            del attributes[name]
        if name == "FilterPolicyScope" and subscription.filter is not None:
            Filter.parse(attributes["FilterPolicy"], attributes.get(name, ATTRIBUTES))
        self._check_redrive(topic, subscription.protocol.name, subscription.endpoint, attributes)
        if name == "ReplayPolicy" and value:
            self._check_archive(topic)
        former = subscription.attributes
        subscription.configure(attributes)
        try:
            self._check_policies(topic, subscription)
        except AwsError:
            subscription.configure(former)
            raise
        self._topics.keep_subscription(topic, subscription)
        if name == "ReplayPolicy":
            self._replays.start(topic, subscription)
        self._service.answer_when_safe(call)

    def unsubscribe(self, call: Call) -> None:
        """Unsubscribe: by a signed call, or by the link in a message. One that is not there has ended."""
        if not call.caller.arn:
            self.end_by_link(call.parameters["SubscriptionArn"], call.now)
        else:
            arn = parse_subscription(call.parameters["SubscriptionArn"])
            topic = self._topics.get(arn.topic)
            found = None if topic is None else topic.subscriptions.get(arn.id)
            if topic is not None and found is not None:
                if call.caller.account != found.owner or call.caller.user:
                    self._service.check(call, topic)
                self._topics.end(topic, found)
        self._service.answer_when_safe(call)

    def end_by_link(self, text: str, now: int) -> None:
        """Ends a subscription for whoever knows its id, and tells its endpoint how to get it back. Raises AwsError."""
        arn = parse_subscription(text)
        topic = self._topics.get(arn.topic)
        found = None if topic is None else topic.subscriptions.get(arn.id)
        if topic is None or found is None:
            return
        if found.needs_signature_to_end:
            raise refusals.unauthorized("The subscription can be ended only by a signed request of its owner.")
        target = found.target
        self._topics.end(topic, found)
        if target is not None and found.is_confirmed:
            self._topics.remember_ended(topic, found)
            self._confirmations.tell_of_end(topic, found, target, now)


def subscription_id(signer: Signer, topic: TopicArn, protocol: str, endpoint: str) -> str:
    """The id of a subscription: a secret, because who has it may end the subscription."""
    return signer.secret_id("subscription", str(topic), protocol, endpoint)


def token_of(signer: Signer, subscription: Subscription) -> str:
    """The token that confirms a subscription. It begins with the id, which whoever gets it is told anyway."""
    return subscription.arn.id.replace("-", "") + signer.token("confirm", str(subscription.arn))[_ID_DIGITS:]


def _id_in(token: str) -> str:
    try:
        return str(UUID(hex=token[:_ID_DIGITS]))
    except ValueError:
        return ""


def _queue_account(endpoint: str) -> str:
    arn = QueueArn.parse(endpoint)
    return "" if arn is None else arn.account


def _is_same(subscription: Subscription, given: Mapping[str, Any]) -> bool:
    have = {"RawMessageDelivery": "false", "FilterPolicyScope": ATTRIBUTES, **subscription.attributes}
    return all(have.get(name) == value for name, value in given.items())
