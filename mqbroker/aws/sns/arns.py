"""The ARNs of topics and subscriptions, and the words for what is none.

arn:aws:sns:<region>:<account>:<topic>
arn:aws:sns:<region>:<account>:<topic>:<id of the subscription>
"""

import re
from functools import lru_cache
from typing import NamedTuple

from mqbroker.aws.sns import refusals

_PARTS = 6
_CHARS_MAX = 400  # of what may be the ARN of a topic that there is
_REMEMBERED = 4096
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TopicArn(NamedTuple):
    """A topic's."""

    region: str
    account: str
    name: str

    def __str__(self) -> str:
        return f"arn:aws:sns:{self.region}:{self.account}:{self.name}"


class SubscriptionArn(NamedTuple):
    """A subscription's."""

    topic: TopicArn
    id: str

    def __str__(self) -> str:
        return f"{self.topic}:{self.id}"


def parts_of(text: str, parameter: str) -> list[str]:
    """The parts of an ARN. Raises AwsError for what has too few."""
    parts = text.split(":")
    if len(parts) < _PARTS:
        raise refusals.invalid(f"{parameter} Reason: An ARN must have at least {_PARTS} elements, not {len(parts)}")
    return parts


def parse_topic(text: str, region: str, parameter: str = "TopicArn") -> TopicArn:
    """The ARN of a topic, for a caller in this region: SNS knows only its own. Raises AwsError."""
    return (_remembered if len(text) <= _CHARS_MAX else _parsed)(text, region, parameter)


def _parsed(text: str, region: str, parameter: str) -> TopicArn:
    parts = parts_of(text, parameter)
    if len(parts) != _PARTS or parts[0] != "arn" or parts[2] != "sns" or (region and parts[3] != region):
        raise refusals.invalid(parameter)
    return TopicArn(parts[3], parts[4], parts[5])


_remembered = lru_cache(_REMEMBERED)(_parsed)


def parse_subscription(text: str) -> SubscriptionArn:
    """The ARN of a subscription. Raises AwsError."""
    if not text:
        raise refusals.no_value("SubscriptionArn")
    parts = parts_of(text, "SubscriptionArn")
    if len(parts) != _PARTS + 1 or parts[0] != "arn" or parts[2] != "sns" or not _ID.fullmatch(parts[6]):
        raise refusals.invalid("SubscriptionId")
    return SubscriptionArn(TopicArn(parts[3], parts[4], parts[5]), parts[6])
