"""AddPermission and RemovePermission: the statements that AWS writes, and its texts."""

import json

import pytest

from mqbroker.aws.policy.edits import add_permission, remove_permission
from mqbroker.aws.policy.policy import Policy
from mqbroker.errors import AwsError

ARN = "arn:aws:sqs:eu-west-1:111122223333:orders"
OTHER = "444455556666"


def test_the_first_permission_makes_a_policy() -> None:
    made = add_permission(None, "send", [OTHER], ["SendMessage"], ARN)
    assert json.loads(made.to_text()) == {
        "Version": "2008-10-17",
        "Id": f"{ARN}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "send",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
                "Action": "SQS:SendMessage",
                "Resource": ARN,
            }
        ],
    }


def test_more_permissions_are_more_statements_and_go_by_label() -> None:
    first = add_permission(None, "a", [OTHER], ["*"], ARN)
    second = add_permission(first, "b", [OTHER, "777788889999"], ["SendMessage", "GetQueueUrl"], ARN)
    statements = json.loads(second.to_text())["Statement"]
    assert [statement["Sid"] for statement in statements] == ["a", "b"]
    assert statements[0]["Action"] == "SQS:*"
    assert statements[1]["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root", "arn:aws:iam::777788889999:root"]}
    assert statements[1]["Action"] == ["SQS:SendMessage", "SQS:GetQueueUrl"]
    assert remove_permission(second, "b") == first
    assert remove_permission(first, "a") is None


def test_a_policy_of_somebody_else_is_kept_but_for_the_statement() -> None:
    single = {"Sid": "x", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": ARN}
    policy = Policy.parse(json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": single}))
    made = json.loads(add_permission(policy, "a", [OTHER], ["SendMessage"], ARN).to_text())
    assert (made["Version"], made["Id"], made["Statement"][0]) == ("2012-10-17", "mine", single)
    assert len(made["Statement"]) == 2
    assert remove_permission(policy, "x") is None


INVALID = ("InvalidParameterValueException", "InvalidParameterValue", 400)
OWNERS = "Only the queue owner is allowed to invoke this action."
UNKNOWN = "Please refer to the appropriate WSDL for a list of valid actions."
LABEL = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."


@pytest.mark.parametrize(
    ("label", "accounts", "actions", "kind", "text"),
    [
        ("there", [OTHER], ["*"], INVALID, "Value there for parameter Label is invalid. Reason: Already exists."),
        ("", [OTHER], ["*"], INVALID, f"Value  for parameter Label is invalid. Reason: {LABEL}"),
        ("a b", [OTHER], ["*"], INVALID, f"Value a b for parameter Label is invalid. Reason: {LABEL}"),
        ("a" * 81, [OTHER], ["*"], INVALID, f"Value {'a' * 81} for parameter Label is invalid. Reason: {LABEL}"),
        (
            "a", [OTHER], [], ("MissingRequiredParameterException", "MissingParameter", 400),
            "The request must contain the parameter Actions.",
        ),
        ("a", [], ["*"], INVALID, "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify."),
        (
            "a", ["1", OTHER], ["*"], INVALID,
            f"Value [1, {OTHER}] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ),
        (
            "a", [OTHER], ["SendMessage"] * 8, ("OverLimit", "OverLimit", 403),
            "8 Actions were found, maximum allowed is 7.",
        ),
        (
            "a", [OTHER], ["DeleteQueue"], INVALID,
            f"Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: {OWNERS}",
        ),
        (
            "a", [OTHER], ["SendMessage", "Send"], INVALID,
            f"Value SQS:Send for parameter ActionName is invalid. Reason: {UNKNOWN}",
        ),
    ],
)  # fmt: skip
def test_a_permission_that_aws_refuses_is_refused(
    label: str, accounts: list[str], actions: list[str], kind: tuple[str, str, int], text: str
) -> None:
    policy = add_permission(None, "there", [OTHER], ["SendMessage"], ARN)
    with pytest.raises(AwsError) as refusal:
        add_permission(policy, label, accounts, actions, ARN)
    assert (refusal.value.shape, refusal.value.code, refusal.value.status) == kind
    assert refusal.value.message == text


def test_a_label_that_is_not_there_cannot_be_removed() -> None:
    policy = add_permission(None, "there", [OTHER], ["SendMessage"], ARN)
    for each in (policy, None):
        with pytest.raises(AwsError, match=r"^Value x for parameter Label is invalid\. Reason: can't find label\.$"):
            remove_permission(each, "x")


def test_a_policy_grows_up_to_its_bounds_only() -> None:
    policy = None
    for number in range(20):
        policy = add_permission(policy, f"label-{number}", [OTHER], ["SendMessage"], ARN)
    with pytest.raises(AwsError, match=r"^21 Statements were found, maximum allowed is 20\.$"):
        add_permission(policy, "another", [OTHER], ["SendMessage"], ARN)
