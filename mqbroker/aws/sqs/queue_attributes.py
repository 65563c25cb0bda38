"""The attributes of an SQS queue: which there are, what each may hold, and what they amount to for the core's queue.

Owns the rules and the texts of CreateQueue and SetQueueAttributes. Attributes are text, as on the wire; a queue keeps
those that were given, and everything else is the default. It knows no queues: what needs another queue (redrive.py) is
checked by whoever has them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import orjson

from mqbroker.aws.limits import (
    SQS_ATTRIBUTE_NAME_BYTES_MAX,
    SQS_DELAY_S_MAX,
    SQS_KMS_REUSE_S_MAX,
    SQS_KMS_REUSE_S_MIN,
    SQS_MESSAGE_BYTES_MAX,
    SQS_MESSAGE_BYTES_MIN,
    SQS_RETENTION_S_MAX,
    SQS_RETENTION_S_MIN,
    SQS_VISIBILITY_S_MAX,
    SQS_WAIT_S_MAX,
)
from mqbroker.aws.policy.policy import Policy
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.redrive import RedriveAllowPolicy, RedrivePolicy

Attributes = Mapping[str, str]
Check = Callable[[str, str], str]
"""Takes name and value, returns the value as it is kept; raises AwsError."""


# --- checks of one value ----------------------------------------------------------------------------------------------


def _whole(least: int, most: int) -> Check:
    def check(name: str, value: str) -> str:
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise refusals.attribute_value(name)
        return str(int(value))

    return check


def _truth(name: str, value: str) -> str:
    if value.lower() not in ("true", "false"):
        raise refusals.attribute_value(name)
    return value.lower()


def _one_of(*choices: str) -> Check:
    def check(name: str, value: str) -> str:
        if value not in choices:
            raise refusals.attribute_value(name)
        return value

    return check


def _policy(_name: str, value: str) -> str:
    if value:
        Policy.parse(value)
    return value


def _redrive(_name: str, value: str) -> str:
    if value:
        RedrivePolicy.parse(value)
    return value


def _redrive_allow(_name: str, value: str) -> str:
    if value:
        RedriveAllowPolicy.parse(value)
    return value


def _key_id(name: str, value: str) -> str:
    if len(value) > SQS_ATTRIBUTE_NAME_BYTES_MAX:
        raise refusals.attribute_value(name)
    return value


class Rule(NamedTuple):
    """What may be set: how it is checked, and what a queue without it has; None where it then shows nothing."""

    check: Check
    default: str | None


STANDARD: Final[dict[str, Rule]] = {
    "VisibilityTimeout": Rule(_whole(0, SQS_VISIBILITY_S_MAX), "30"),
    "MaximumMessageSize": Rule(_whole(SQS_MESSAGE_BYTES_MIN, SQS_MESSAGE_BYTES_MAX), str(SQS_MESSAGE_BYTES_MAX)),
    "MessageRetentionPeriod": Rule(_whole(SQS_RETENTION_S_MIN, SQS_RETENTION_S_MAX), "345600"),
    "DelaySeconds": Rule(_whole(0, SQS_DELAY_S_MAX), "0"),
    "ReceiveMessageWaitTimeSeconds": Rule(_whole(0, SQS_WAIT_S_MAX), "0"),
    "Policy": Rule(_policy, None),
    "RedrivePolicy": Rule(_redrive, None),
    "RedriveAllowPolicy": Rule(_redrive_allow, None),
    "KmsMasterKeyId": Rule(_key_id, None),
    "KmsDataKeyReusePeriodSeconds": Rule(_whole(SQS_KMS_REUSE_S_MIN, SQS_KMS_REUSE_S_MAX), None),
    "SqsManagedSseEnabled": Rule(_truth, "true"),
}
FIFO: Final[dict[str, Rule]] = {
    **STANDARD,
    "FifoQueue": Rule(_truth, "true"),
    "ContentBasedDeduplication": Rule(_truth, "false"),
    "DeduplicationScope": Rule(_one_of("queue", "messageGroup"), "queue"),
    "FifoThroughputLimit": Rule(_one_of("perQueue", "perMessageGroupId"), "perQueue"),
}
MEASURED: Final = (
    "QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed", "CreatedTimestamp", "LastModifiedTimestamp",
)  # fmt: skip
"""What a queue shows and nobody sets."""

_FIFO_ONLY_BY_SENTENCE = ("DeduplicationScope", "FifoThroughputLimit")
_DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
_KMS_REUSE_DEFAULT_S = "300"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_NAME_RULE = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
_FIFO_NAME_RULE = (
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo "
    "suffix and be 1 to 80 in length."
)
_ONE_ENCRYPTION = (
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
)


def known(given: Attributes) -> dict[str, str]:
    """What was given without attributes that nobody can set, for who is not strict.

    Libraries send such ones along that some emulator takes (QueueName), or that they have read from another queue. That
    a queue is no FIFO queue may be said too.
    """
    names = {name: value for name, value in given.items() if name in FIFO}
    if names.get("FifoQueue", "").lower() == "false":
        del names["FifoQueue"]
    return names


def check_name(name: str, is_fifo: bool) -> None:
    """Raises AwsError unless a queue of this type may have the name."""
    stem = name[:-5] + "_fifo" if is_fifo and name.endswith(".fifo") else name
    if not _NAME.fullmatch(stem) or (is_fifo and stem is name):
        raise refusals.invalid_value(_FIFO_NAME_RULE if is_fifo else _NAME_RULE)


def wants_fifo(attributes: Attributes) -> bool:
    """Whether CreateQueue asks for a FIFO queue. The only value that AWS takes is true; raises AwsError for others."""
    if "FifoQueue" not in attributes:
        return False
    if _truth("FifoQueue", attributes["FifoQueue"]) == "false":
        raise refusals.unknown_attribute("FifoQueue")
    return True


def check_attributes(given: Attributes, is_fifo: bool) -> dict[str, str]:
    """What was given as it is kept. Raises AwsError for what is unknown, read-only, or wrong."""
    rules = FIFO if is_fifo else STANDARD
    checked: dict[str, str] = {}
    for name, value in given.items():
        rule = rules.get(name)
        if rule is None:
            if name in _FIFO_ONLY_BY_SENTENCE:
                raise refusals.attribute_name(f"You can specify the {name} only when FifoQueue is set to true.")
            raise refusals.unknown_attribute(name)
        checked[name] = rule.check(name, value)
    if checked.get("KmsMasterKeyId") and checked.get("SqsManagedSseEnabled") == "true":
        raise refusals.attribute_name(_ONE_ENCRYPTION)
    return checked


def merged(current: Attributes, changes: Attributes) -> dict[str, str]:
    """A queue's attributes after SetQueueAttributes. An empty value takes a document or a key away.

    Raises AwsError for what does not go together.
    """
    after = {**current, **changes}
    for name in (*_DOCUMENTS, "KmsMasterKeyId"):
        if after.get(name) == "":
            del after[name]
    if after.get("KmsDataKeyReusePeriodSeconds") == _KMS_REUSE_DEFAULT_S:
        del after["KmsDataKeyReusePeriodSeconds"]
    if "KmsMasterKeyId" in after:
        if changes.get("SqsManagedSseEnabled") == "true":
            raise refusals.attribute_name(_ONE_ENCRYPTION)
        after["SqsManagedSseEnabled"] = "false"
    per_group = after.get("FifoThroughputLimit") == "perMessageGroupId"
    if per_group and after.get("DeduplicationScope") != "messageGroup":
        raise refusals.attribute_value(
            "FifoThroughputLimit",
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
        )
    return after


def effective(kept: Attributes, is_fifo: bool) -> dict[str, str]:
    """Everything that a queue shows of what may be set, defaults included."""
    rules = FIFO if is_fifo else STANDARD
    shown = {name: rule.default for name, rule in rules.items() if rule.default is not None}
    return {**shown, **kept}


def first_difference(wanted: Attributes, have: Attributes) -> str | None:
    """The first attribute of `wanted` that the queue has with another value; documents are compared as JSON."""
    for name, value in wanted.items():
        current = have.get(name, "")
        if value != current and not (value and current and name in _DOCUMENTS and _is_same(name, value, current)):
            return name
    return None


def _is_same(name: str, one: str, other: str) -> bool:
    if name == "RedrivePolicy":
        return RedrivePolicy.parse(one) == RedrivePolicy.parse(other)
    return bool(orjson.loads(one) == orjson.loads(other))
