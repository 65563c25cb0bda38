"""What SQS's AddPermission and RemovePermission do to the policy of a queue: statements by label, in AWS's own form."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from mqbroker.aws.front.parameters import missing_parameter
from mqbroker.aws.limits import AWS_POLICY_ACTIONS_MAX
from mqbroker.aws.policy.document import OLD_VERSION, over_limit
from mqbroker.aws.policy.policy import Policy
from mqbroker.errors import AwsError

_ACCOUNT = re.compile(r"[0-9]{12}")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")

# What others than the owner may be allowed, and what there is besides.
_ALLOWED = frozenset((
    "*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
    "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
))  # fmt: skip
_OF_OWNER = frozenset((
    "AddPermission", "RemovePermission", "CreateQueue", "DeleteQueue", "ListQueues", "SetQueueAttributes", "TagQueue",
    "UntagQueue", "ListQueueTags", "StartMessageMoveTask", "CancelMessageMoveTask", "ListMessageMoveTasks",
))  # fmt: skip


def add_permission(
    policy: Policy | None, label: str, account_ids: Sequence[str], actions: Sequence[str], queue_arn: str
) -> Policy:
    """The policy with one more statement, which allows the accounts the actions. Raises AwsError."""
    _check(label, account_ids, actions)
    document = _document(policy, queue_arn)
    statements = document["Statement"]
    if any(statement.get("Sid") == label for statement in statements):
        raise _invalid(label, "Label", "Already exists.")
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_many([f"arn:aws:iam::{account}:root" for account in account_ids])},
        "Action": _one_or_many([f"SQS:{action}" for action in actions]),
        "Resource": queue_arn,
    }
    return _written(document, [*statements, statement])


def remove_permission(policy: Policy | None, label: str) -> Policy | None:
    """The policy without the statement of that label; None when nothing is left of it. Raises AwsError."""
    document = _document(policy, "")
    rest = [statement for statement in document["Statement"] if statement.get("Sid") != label]
    if len(rest) == len(document["Statement"]):
        raise _invalid(label, "Label", "can't find label.")
    return _written(document, rest) if rest else None


def _check(label: str, account_ids: Sequence[str], actions: Sequence[str]) -> None:
    if not _LABEL.fullmatch(label):
        reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
        raise _invalid(label, "Label", reason)
    if not actions:
        raise missing_parameter("Actions")
    if len(actions) > AWS_POLICY_ACTIONS_MAX:
        raise over_limit(len(actions), "Actions", AWS_POLICY_ACTIONS_MAX)
    if not account_ids or not all(map(_ACCOUNT.fullmatch, account_ids)):
        raise _invalid(f"[{', '.join(account_ids)}]", "PrincipalId", "Unable to verify.")
    for action in actions:
        if action in _OF_OWNER:
            reason = "Only the queue owner is allowed to invoke this action."
            raise _invalid(f"SQS:{action}", "ActionName", reason)
        if action not in _ALLOWED:
            reason = "Please refer to the appropriate WSDL for a list of valid actions."
            raise _invalid(f"SQS:{action}", "ActionName", reason)


def _invalid(value: str, parameter: str, reason: str) -> AwsError:
    text = f"Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    return AwsError("InvalidParameterValueException", text, "InvalidParameterValue")


def _document(policy: Policy | None, queue_arn: str) -> dict[str, Any]:
    if policy is None:
        return {"Version": OLD_VERSION, "Id": f"{queue_arn}/SQSDefaultPolicy", "Statement": []}
    document: dict[str, Any] = orjson.loads(policy.text)
    if isinstance(document["Statement"], dict):
        document["Statement"] = [document["Statement"]]
    return document


def _one_or_many(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts


def _written(document: dict[str, Any], statements: list[Any]) -> Policy:
    return Policy.parse(orjson.dumps({**document, "Statement": statements}).decode())
