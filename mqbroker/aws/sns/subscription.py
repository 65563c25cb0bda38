"""One subscription of a topic: what it was made with, and what follows from its attributes."""

from collections.abc import Mapping

import orjson

from mqbroker.aws.sns.arns import SubscriptionArn, TopicArn
from mqbroker.aws.sns.delivery_policy import effective_subscription_policy
from mqbroker.aws.sns.filters.filter import Filter
from mqbroker.aws.sns.protocols import PROTOCOLS
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sqs.redrive import QueueArn

Attributes = Mapping[str, str]


class Subscription:
    """A subscription as its owner sees it. `target` is where its messages go."""

    __slots__ = (
        "arn", "attributes", "base_url", "dead_letter_arn", "delivered_count", "endpoint", "failed_count", "filter",
        "is_authenticated", "is_confirmed", "is_raw", "needs_signature_to_end", "owner",
        "principal", "protocol", "redriven_count", "replay_status", "replayed", "requested_at", "target", "variant",
    )  # fmt: skip

    def __init__(
        self, arn: SubscriptionArn, protocol: str, endpoint: str, owner: str, principal: str, base_url: str
    ) -> None:
        self.arn = arn
        self.protocol = PROTOCOLS[protocol]
        self.endpoint = endpoint
        self.variant = endpoint.split("/")[1] if protocol == "application" else protocol
        """What a message calls the text that it has for such endpoints: for devices by their platforms."""
        self.owner = owner
        """The account that has subscribed."""
        self.principal = principal
        self.base_url = base_url
        """What links in its messages begin with."""
        self.is_confirmed = not self.protocol.must_confirm
        self.is_authenticated = self.is_confirmed
        """Whether who confirmed it has signed the request."""
        self.needs_signature_to_end = False
        self.requested_at = 0
        """When its confirmation was asked for, in milliseconds."""
        self.replay_status = ""
        """What the last replay has come to."""
        self.replayed = 0
        """The place in the archive up to which that has sent everything."""
        self.target: Target | None = None
        self.delivered_count = self.failed_count = self.redriven_count = 0
        self.configure({})

    @property
    def topic(self) -> TopicArn:
        """The topic's ARN."""
        return self.arn.topic

    def configure(self, attributes: Attributes) -> None:
        """Takes over attributes that have been checked."""
        self.attributes = dict(attributes)
        self.is_raw = attributes.get("RawMessageDelivery") == "true"
        policy = attributes.get("FilterPolicy", "")
        scope = attributes.get("FilterPolicyScope", "MessageAttributes")
        self.filter = Filter.parse(policy, scope) if policy and policy != "{}" else None
        redrive = attributes.get("RedrivePolicy", "")
        self.dead_letter_arn = QueueArn.parse(orjson.loads(redrive)["deadLetterTargetArn"]) if redrive else None
        """The queue for what cannot be delivered."""

    def shown(self, topic_policy: str) -> dict[str, str]:
        """Every attribute with its value, as GetSubscriptionAttributes has them."""
        found = {
            "SubscriptionArn": str(self.arn),
            "TopicArn": str(self.topic),
            "Protocol": self.protocol.name,
            "Endpoint": self.endpoint,
            "Owner": self.owner,
            "SubscriptionPrincipal": self.principal,
            "ConfirmationWasAuthenticated": _truth(self.is_authenticated),
            "PendingConfirmation": _truth(not self.is_confirmed),
            "RawMessageDelivery": _truth(self.is_raw),
        }
        for name, value in self.attributes.items():
            if name not in found and value and not (name == "FilterPolicyScope" and self.filter is None):
                found[name] = value
        if self.replay_status:
            found["ReplayStatus"] = self.replay_status
        if self.filter is not None:
            found.setdefault("FilterPolicyScope", "MessageAttributes")
        if self.protocol.has_policy:
            policy = effective_subscription_policy(self.attributes.get("DeliveryPolicy", ""), topic_policy)
            found["EffectiveDeliveryPolicy"] = orjson.dumps(policy).decode()
        return found

    def listed(self) -> dict[str, object]:
        """What lists of subscriptions say of it."""
        return {
            "SubscriptionArn": str(self.arn) if self.is_confirmed else "PendingConfirmation",
            "Owner": self.owner,
            "Protocol": self.protocol.name,
            "Endpoint": self.endpoint,
            "TopicArn": str(self.topic),
        }

    def packed(self) -> dict[str, object]:
        """What the journal keeps of it."""
        return {
            "id": self.arn.id,
            "protocol": self.protocol.name,
            "endpoint": self.endpoint,
            "owner": self.owner,
            "principal": self.principal,
            "base_url": self.base_url,
            "attributes": self.attributes,
            "is_confirmed": self.is_confirmed,
            "is_authenticated": self.is_authenticated,
            "needs_signature_to_end": self.needs_signature_to_end,
            "requested_at": self.requested_at,
            "replay_status": self.replay_status,
            "replayed": self.replayed,
        }


def unpacked(topic: TopicArn, value: Mapping[str, object]) -> Subscription:
    """The reverse of `packed`."""
    texts = [str(value[name]) for name in ("protocol", "endpoint", "owner", "principal", "base_url")]
    attributes, requested_at, replayed = value["attributes"], value["requested_at"], value["replayed"]
    assert isinstance(attributes, dict)
    assert isinstance(requested_at, int)
    assert isinstance(replayed, int)
    protocol, endpoint, owner, principal, base_url = texts
    found = Subscription(SubscriptionArn(topic, str(value["id"])), protocol, endpoint, owner, principal, base_url)
    found.is_confirmed = value["is_confirmed"] is True
    found.is_authenticated = value["is_authenticated"] is True
    found.needs_signature_to_end = value["needs_signature_to_end"] is True
    found.requested_at = requested_at
    found.replay_status, found.replayed = str(value["replay_status"]), replayed
    found.configure(attributes)
    return found


def _truth(is_so: bool) -> str:
    return "true" if is_so else "false"
