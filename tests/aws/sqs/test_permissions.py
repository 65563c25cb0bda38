"""AddPermission and RemovePermission: statements of the queue's policy, by label."""

import json
from typing import Any

import pytest

from tests.support.sqs_house import ACCOUNT, House

OTHER = "668614515564"
NOT_FOR_OTHERS = "Only the queue owner is allowed to invoke this action."
UNKNOWN_ACTION = "Please refer to the appropriate WSDL for a list of valid actions."


def add(house: House, url: str, label: str, *accounts: str, actions: tuple[str, ...] = ("ReceiveMessage",)) -> None:
    house.call("AddPermission", QueueUrl=url, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def policy(house: House, url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(house.attributes(url, "Policy")["Policy"])
    return found


def refused(house: House, url: str, **changes: Any) -> tuple[str, str]:
    given = {"Label": "label", "AWSAccountIds": [OTHER], "Actions": ["SendMessage"], **changes}
    return house.refused("AddPermission", QueueUrl=url, **given)


def invalid(value: str, name: str, reason: str) -> tuple[str, str]:
    return "InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}"


def test_permissions_come_and_go_as_statements(house: House) -> None:
    url = house.create("orders")
    arn = house.arn(url)
    add(house, url, "one", ACCOUNT, OTHER)
    statement = {
        "Sid": "one", "Effect": "Allow", "Action": "SQS:ReceiveMessage", "Resource": arn,
        "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{OTHER}:root"]},
    }  # fmt: skip
    assert policy(house, url) == {
        "Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": [statement]
    }  # fmt: skip
    add(house, url, "two", OTHER, actions=("SendMessage", "GetQueueUrl"))
    first, second = policy(house, url)["Statement"]
    assert first == statement
    assert second["Principal"] == {"AWS": f"arn:aws:iam::{OTHER}:root"}
    assert second["Action"] == ["SQS:SendMessage", "SQS:GetQueueUrl"]
    house.call("RemovePermission", QueueUrl=url, Label="one")
    assert [each["Sid"] for each in policy(house, url)["Statement"]] == ["two"]
    house.call("RemovePermission", QueueUrl=url, Label="two")
    assert house.attributes(url, "Policy") == {}


def test_a_label_is_used_once(house: House) -> None:
    url = house.create("orders")
    add(house, url, "label", OTHER)
    assert refused(house, url) == invalid("label", "Label", "Already exists.")


def test_a_label_that_is_not_there_is_not_taken_away(house: House) -> None:
    url = house.create("orders")
    for _ in range(2):
        said = house.refused("RemovePermission", QueueUrl=url, Label="label")
        assert said == invalid("label", "Label", "can't find label.")
        add(house, url, "other", OTHER)
        house.call("RemovePermission", QueueUrl=url, Label="other")


def test_a_permission_joins_the_policy_that_is_there(house: House) -> None:
    url = house.create("orders")
    given = {"Version": "2012-10-17", "Id": "mine", "Statement": {
        "Sid": "own", "Effect": "Deny", "Principal": "*", "Action": "sqs:PurgeQueue", "Resource": house.arn(url)
    }}  # fmt: skip
    house.set(url, Policy=json.dumps(given))
    add(house, url, "label", OTHER)
    found = policy(house, url)
    assert (found["Version"], found["Id"]) == ("2012-10-17", "mine")
    assert [each["Sid"] for each in found["Statement"]] == ["own", "label"]


@pytest.mark.parametrize("label", ["", "a b", "a" * 81, "ä"])
def test_a_label_is_plain(house: House, label: str) -> None:
    reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
    assert refused(house, house.create("orders"), Label=label) == invalid(label, "Label", reason)


@pytest.mark.parametrize("account", ["1", "x" * 12, "1" * 13])
def test_an_account_has_twelve_digits(house: House, account: str) -> None:
    said = refused(house, house.create("orders"), AWSAccountIds=[account])
    assert said == invalid(f"[{account}]", "PrincipalId", "Unable to verify.")


@pytest.mark.parametrize(
    ("action", "reason"),
    [("DeleteQueue", NOT_FOR_OTHERS), ("AddPermission", NOT_FOR_OTHERS), ("StartMessageMoveTask", NOT_FOR_OTHERS),
     ("SendMessages", UNKNOWN_ACTION), ("SendMessageBatch", UNKNOWN_ACTION), ("sqs:SendMessage", UNKNOWN_ACTION)],
)  # fmt: skip
def test_others_may_be_allowed_only_some_actions(house: House, action: str, reason: str) -> None:
    said = refused(house, house.create("orders"), Actions=[action])
    assert said == invalid(f"SQS:{action}", "ActionName", reason)


def test_a_permission_has_seven_actions_at_most(house: House) -> None:
    code, message = refused(house, house.create("orders"), Actions=["SendMessage"] * 8)
    assert code == "OverLimit"
    assert "8" in message


@pytest.mark.parametrize("name", ["Label", "AWSAccountIds", "Actions"])
def test_every_parameter_is_needed(house: House, name: str) -> None:
    given = {"Label": "label", "AWSAccountIds": [OTHER], "Actions": ["SendMessage"]}
    del given[name]
    said = house.refused("AddPermission", QueueUrl=house.create("orders"), **given)
    assert said == ("MissingParameter", f"The request must contain the parameter {name}.")


def test_a_permission_is_in_force_at_once(house: House) -> None:
    url = house.create("orders")
    given = {"QueueUrl": url, "MessageBody": "x", "account": OTHER}
    assert house.refused("SendMessage", **given)[0] == "AccessDenied"
    add(house, url, "label", OTHER, actions=("SendMessage",))
    house.call("SendMessage", **given)
    assert house.refused("ReceiveMessage", QueueUrl=url, account=OTHER)[0] == "AccessDenied"
    house.call("RemovePermission", QueueUrl=url, Label="label")
    assert house.refused("SendMessage", **given)[0] == "AccessDenied"


def test_all_actions_may_be_allowed_with_a_star(house: House) -> None:
    url = house.create("orders")
    add(house, url, "label", OTHER, actions=("*",))
    house.call("SendMessage", QueueUrl=url, MessageBody="x", account=OTHER)
    assert house.bodies(url, account=OTHER) == ["x"]
