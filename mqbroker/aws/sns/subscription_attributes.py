"""The attributes of a subscription: which there are, and what they may be."""

from collections.abc import Mapping

import orjson

from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.delivery_policy import check_subscription_policy
from mqbroker.aws.sns.filters.filter import Filter
from mqbroker.aws.sns.filters.json_tokens import JsonFault, check_json
from mqbroker.aws.sns.protocols import SubscriptionProtocol
from mqbroker.aws.sns.replay import check_replay
from mqbroker.aws.sqs.redrive import QueueArn

SUBSCRIBE = "Attributes Reason: "
"""What the texts of Subscribe begin with, in which SetSubscriptionAttributes has nothing."""

_SCOPES = ("MessageAttributes", "MessageBody")
_KNOWN = frozenset((
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "ReplayPolicy",
    "SubscriptionRoleArn",
))  # fmt: skip


def check_given(given: Mapping[str, str], protocol: SubscriptionProtocol) -> dict[str, str]:
    """The attributes of Subscribe as they are kept. Raises AwsError."""
    for name in given:
        if name not in _KNOWN:
            raise refusals.invalid("AttributeName")
    scope = given.get("FilterPolicyScope", _SCOPES[0])
    checked = {name: check_value(name, value, protocol, scope, SUBSCRIBE) for name, value in given.items()}
    return {name: value for name, value in checked.items() if value}


def check_value(name: str, value: str, protocol: SubscriptionProtocol, scope: str, prefix: str = "") -> str:
    """One value as it is kept; an empty one takes the attribute away. Raises AwsError."""
    if name not in _KNOWN:
        raise refusals.invalid("AttributeName")
    if name == "RawMessageDelivery":
        return _check_raw(value, protocol, prefix)
    if not value:
        return value
    if name == "FilterPolicyScope" and value not in _SCOPES:
        raise refusals.invalid(
            f"{prefix}FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
        )
    if name == "FilterPolicy":
        Filter.parse(value, scope, prefix)
    elif name == "ReplayPolicy":
        return check_replay(value, prefix)
    elif name == "RedrivePolicy":
        _check_redrive(value, prefix)
    elif name == "DeliveryPolicy":
        if not protocol.has_policy:
            raise refusals.invalid(
                f"{prefix}DeliveryPolicy: Delivery policies can only be applied to HTTP(S) endpoints"
            )
        return check_subscription_policy(value, prefix)
    return value


def _check_raw(value: str, protocol: SubscriptionProtocol, prefix: str) -> str:
    if value.lower() not in ("true", "false"):
        raise refusals.invalid(f"{prefix}RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and not protocol.may_be_raw:
        raise refusals.invalid(f"{prefix}Delivery protocol [{protocol.name}] does not support raw message delivery.")
    return value.lower()


def _check_redrive(text: str, prefix: str) -> None:
    try:
        check_json(text)
    except JsonFault as fault:
        raise refusals.invalid(f"{prefix}RedrivePolicy: failed to parse JSON. {fault}") from None
    document = orjson.loads(text)
    target = document.get("deadLetterTargetArn") if isinstance(document, dict) else None
    if not isinstance(target, str) or QueueArn.parse(target) is None:
        raise refusals.invalid(f"{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn")
