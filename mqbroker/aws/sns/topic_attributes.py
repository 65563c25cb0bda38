"""The attributes of a topic: which there are, what they may be, and what is shown of them."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from mqbroker.aws.limits import (
    SNS_ARCHIVE_DAYS_MAX,
    SNS_DISPLAY_NAME_CHARS_MAX,
    SNS_POLICY_BYTES_MAX,
    SNS_POLICY_PRINCIPALS_MAX,
    SNS_POLICY_STATEMENTS_MAX,
    SNS_TOPIC_NAME_CHARS_MAX,
)
from mqbroker.aws.policy.document import Quotas
from mqbroker.aws.policy.policy import Policy
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.delivery_policy import check_topic_policy, effective_topic_policy
from mqbroker.errors import AwsError

Attributes = Mapping[str, str]

FEEDBACK_PROTOCOLS = ("HTTP", "SQS", "Lambda", "Firehose", "Application")
_FEEDBACK = frozenset(
    f"{protocol}{kind}"
    for protocol in FEEDBACK_PROTOCOLS
    for kind in ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate")
)
_PLAIN = (
    frozenset(("DisplayName", "Policy", "DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig"))
    | _FEEDBACK
)
_FIFO_ONLY = frozenset(("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"))
_REMOVABLE = frozenset(("Policy", "DeliveryPolicy", "KmsMasterKeyId", "ArchivePolicy")) | _FEEDBACK
_BOOLEANS = ("true", "false")
_CHOICES = {
    "SignatureVersion": ("1", "2"),
    "TracingConfig": ("PassThrough", "Active"),
    "FifoThroughputScope": ("Topic", "MessageGroup"),
}
_POLICY_QUOTAS = Quotas(SNS_POLICY_BYTES_MAX, SNS_POLICY_STATEMENTS_MAX, SNS_POLICY_PRINCIPALS_MAX)
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{SNS_TOPIC_NAME_CHARS_MAX}}}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]+\.fifo")
_FIFO_NAME_RULE = (
    "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, "
    f"underscores, and hyphens, and must be between 1 and {SNS_TOPIC_NAME_CHARS_MAX} characters long."
)
_OWNER_ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip


def check_name(name: str, is_fifo: bool) -> None:
    """Raises AwsError unless a topic of this type may have the name."""
    if is_fifo:
        if not _FIFO_NAME.fullmatch(name) or len(name) > SNS_TOPIC_NAME_CHARS_MAX:
            raise refusals.invalid(_FIFO_NAME_RULE)
    elif not _NAME.fullmatch(name):
        raise refusals.invalid("Topic Name")


def wants_fifo(given: Attributes) -> bool:
    """Whether CreateTopic asks for a FIFO topic. Raises AwsError."""
    text = given.get("FifoTopic", "false").lower()
    if text not in _BOOLEANS:
        raise refusals.invalid(
            f"Attributes Reason: FifoTopic: Invalid value [{given['FifoTopic']}]. Must be true or false."
        )
    return text == "true"


def check_given(given: Attributes, is_fifo: bool) -> dict[str, str]:
    """The attributes of CreateTopic as they are kept. Raises AwsError."""
    checked = {}
    for name, value in given.items():
        if name == "FifoTopic":
            continue
        if not is_known(name, is_fifo):
            raise refusals.invalid(f"Attributes Reason: Unknown attribute {name}")
        checked[name] = check_value(name, value, "Attributes Reason: ")
    return {name: value for name, value in checked.items() if value or name not in _REMOVABLE}


def is_known(name: str, is_fifo: bool) -> bool:
    """Whether a topic of this type has the attribute, and it can be set."""
    return name in _PLAIN or (is_fifo and name in _FIFO_ONLY)


def is_removable(name: str) -> bool:
    """Whether an empty value takes the attribute away."""
    return name in _REMOVABLE


def check_value(name: str, value: str, prefix: str = "") -> str:
    """The value as it is kept. Raises AwsError; its text has the prefix."""
    if not value and name in _REMOVABLE:
        return value
    if name == "Policy":
        check_policy(value)
    elif name == "DeliveryPolicy":
        return check_topic_policy(value, prefix)
    elif name == "ArchivePolicy":
        return _check_archive(value, prefix)
    elif name == "ContentBasedDeduplication":
        return _boolean(name, value, prefix)
    elif name in _CHOICES and value not in _CHOICES[name]:
        raise refusals.invalid(f"{prefix}{name}: Invalid value [{value}]. Must be one of {', '.join(_CHOICES[name])}.")
    elif name.endswith("SampleRate"):
        _check_sample_rate(name, value, prefix)
    elif name == "DisplayName" and len(value) > SNS_DISPLAY_NAME_CHARS_MAX:
        raise refusals.invalid(
            f"{prefix}DisplayName: Display name must be at most {SNS_DISPLAY_NAME_CHARS_MAX} characters"
        )
    return value


def _boolean(name: str, value: str, prefix: str) -> str:
    if value.lower() not in _BOOLEANS:
        raise refusals.invalid(f"{prefix}{name}: Invalid value [{value}]. Must be true or false.")
    return value.lower()


def _check_sample_rate(name: str, value: str, prefix: str) -> None:
    if not (value.isascii() and value.isdigit() and int(value[:4]) <= 100):
        raise refusals.invalid(f"{prefix}{name}: Invalid value [{value}]. Must be an integer between 0 and 100.")


def check_policy(text: str) -> Policy:
    """The policy of a topic. Raises AwsError."""
    try:
        policy = Policy.parse(text, _POLICY_QUOTAS)
    except AwsError as error:
        raise refusals.invalid(f"Policy Error: {error.message}") from None
    statements: Any = orjson.loads(text)["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        actions: Any = statement.get("Action", statement.get("NotAction", ()))
        for action in [actions] if isinstance(actions, str) else actions:
            if action != "*" and not action.lower().startswith("sns:"):
                raise refusals.invalid("Policy statement action out of service scope!")
    return policy


def archive_days(text: str) -> int:
    """For how many days an archive policy keeps messages; 0 for none."""
    return int(orjson.loads(text)["MessageRetentionPeriod"]) if text else 0


def _check_archive(text: str, prefix: str) -> str:
    try:
        document: Any = orjson.loads(text)
        days = int(document["MessageRetentionPeriod"]) if document else 0
    except (ValueError, TypeError, KeyError):
        days = -1
    if not 0 <= days <= SNS_ARCHIVE_DAYS_MAX:
        raise refusals.invalid(
            f"{prefix}ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and {SNS_ARCHIVE_DAYS_MAX}"
        )
    return text if days else ""  # {} turns the archive off (SNS Developer Guide, "Message archiving for owners")


def default_policy(arn: TopicArn) -> str:
    """The policy that a topic has from the beginning."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{name}" for name in _OWNER_ACTIONS],
        "Resource": str(arn),
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.account}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return orjson.dumps(document).decode()


def effective(kept: Attributes, arn: TopicArn, is_fifo: bool) -> dict[str, str]:
    """Everything that a topic shows of what may be set, defaults included."""
    shown = {"DisplayName": "", "Policy": default_policy(arn)}
    if is_fifo:
        shown |= {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    shown |= kept
    shown["EffectiveDeliveryPolicy"] = effective_topic_policy(kept.get("DeliveryPolicy", ""))
    return shown
