"""What operators see of SNS: topics, their subscriptions, what was delivered, and who would get a message."""

from typing import TYPE_CHECKING

import orjson

from mqbroker.aws.sns.filters.filter import ATTRIBUTES
from mqbroker.aws.sns.filters.message_values import values_of_attributes, values_of_body
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sqs.message_attributes import from_headers
from mqbroker.errors import PreconditionFailed
from mqbroker.protocols.views import Facts, View

if TYPE_CHECKING:
    from mqbroker.aws.sns.topics import Topics


def views_of(topics: "Topics") -> tuple[View, ...]:
    """The view of SNS."""
    return (
        View(
            "sns/topics",
            lambda: list(topics),
            lambda topic: (topic.vhost.name, topic.exchange.name),
            _show,
            _detail,
            {"try": _would_get},
        ),
    )


def _show(topic: Topic, _now: int) -> Facts:
    subscriptions = topic.subscriptions.values()
    return {
        "account": topic.arn.account,
        "region": topic.arn.region,
        "arn": str(topic.arn),
        "fifo": topic.is_fifo,
        "subscriptions": len(subscriptions),
        "pending": sum(not each.is_confirmed for each in subscriptions),
        "published": topic.published_count,
        "delivered": sum(each.delivered_count for each in subscriptions),
        "failed": sum(each.failed_count for each in subscriptions),
        "filtered": topic.filtered_count,
        "waiting": sum(_waiting(each) for each in subscriptions),
    }


def _waiting(subscription: Subscription) -> int:
    return 0 if subscription.target is None else subscription.target.waiting_count()


def _detail(topic: Topic, _now: int) -> Facts:
    return {
        "attributes": topic.shown(),
        "tags": topic.tags,
        "subscription_list": [_subscription(each) for each in topic.subscriptions.values()],
    }


def _subscription(subscription: Subscription) -> Facts:
    attributes = subscription.attributes
    policy = attributes.get("FilterPolicy", "")
    return {
        "id": subscription.arn.id,
        "protocol": subscription.protocol.name,
        "endpoint": subscription.endpoint,
        "confirmed": subscription.is_confirmed,
        "raw": subscription.is_raw,
        "filter_policy": orjson.loads(policy) if policy else None,
        "filter_scope": attributes.get("FilterPolicyScope", ATTRIBUTES),
        "dead_letter_queue": "" if subscription.dead_letter_arn is None else subscription.dead_letter_arn.name,
        "delivered": subscription.delivered_count,
        "failed": subscription.failed_count,
        "redriven": subscription.redriven_count,
        "waiting": _waiting(subscription),
    }


def _would_get(topic: Topic, given: Facts, _now: int) -> Facts:
    """Which subscriptions a message with this body and these attributes would go to. Nothing is sent."""
    attributes, body = given.get("attributes", {}), given.get("body", "")
    if not isinstance(attributes, dict) or not isinstance(body, str):
        raise PreconditionFailed("attributes should be an object, and body a string")
    by_attributes = values_of_attributes(from_headers(attributes))
    by_body = values_of_body(body.encode(errors="replace"))

    def wants(subscription: Subscription) -> bool:
        if subscription.filter is None:
            return True
        values = by_attributes if subscription.filter.scope == ATTRIBUTES else by_body
        return values is not None and subscription.filter.matches(values)

    return {"wanted_by": [each.arn.id for each in topic.subscriptions.values() if wants(each)]}
