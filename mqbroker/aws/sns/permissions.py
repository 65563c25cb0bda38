"""What AddPermission and RemovePermission do to the policy of a topic: statements by label, in AWS's own form."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from mqbroker.aws.policy.policy import Policy
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.rights import SNS_RIGHTS
from mqbroker.aws.sns.topic_attributes import check_policy, default_policy

_ACCOUNT = re.compile(r"[0-9]{12}")
_ALLOWED = frozenset(right.name.partition(":")[2] for right in SNS_RIGHTS.values() if right.is_shared)


def add_permission(
    policy: Policy | None, arn: TopicArn, label: str, accounts: Sequence[str], actions: Sequence[str]
) -> str:
    """The text of the policy with one more statement, which allows the accounts the actions. Raises AwsError."""
    if not label:
        raise refusals.no_value("Label")
    if not accounts or not all(map(_ACCOUNT.fullmatch, accounts)):
        raise refusals.invalid("AWSAccountId")
    if not actions or any(action not in _ALLOWED for action in actions):
        raise refusals.invalid("Policy statement action out of service scope!")
    document = _document(policy, arn)
    if any(statement.get("Sid") == label for statement in document["Statement"]):
        raise refusals.invalid("Statement already exists")
    document["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_many([f"arn:aws:iam::{account}:root" for account in accounts])},
            "Action": _one_or_many([f"SNS:{action}" for action in actions]),
            "Resource": str(arn),
        }
    )
    return check_policy(orjson.dumps(document).decode()).to_text()


def remove_permission(policy: Policy | None, arn: TopicArn, label: str) -> str:
    """The text of the policy without the statement of that label; empty when nothing is left. Raises AwsError."""
    if not label:
        raise refusals.no_value("Label")
    document = _document(policy, arn)
    document["Statement"] = [each for each in document["Statement"] if each.get("Sid") != label]
    return orjson.dumps(document).decode() if document["Statement"] else ""


def _document(policy: Policy | None, arn: TopicArn) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(default_policy(arn) if policy is None else policy.text)
    if isinstance(document["Statement"], dict):
        document["Statement"] = [document["Statement"]]
    return document


def _one_or_many(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts
