"""Policies of queues, evaluated: other accounts, users of the own one, conditions, and what stays the owner's."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.protocols.session import Peer
from tests.support.sqs_house import ACCOUNT, House, Refused

OTHER = "111122223333"
REMOTE = Peer("192.0.2.7", 50_000, False, "192.0.2.1", 9324)
ROOT = f"arn:aws:iam::{OTHER}:root"


def statement(house: House, url: str, action: object = "sqs:*", **changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": action, "Resource": house.arn(url), **changes}


def put(house: House, url: str, *statements: dict[str, Any]) -> None:
    house.set(url, Policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def may(house: House, url: str, action: str = "SendMessage", **given: Any) -> bool:
    """Whether somebody may do it; other refusals than that of access mean yes."""
    needed: dict[str, dict[str, Any]] = {
        "SendMessage": {"MessageBody": "x"}, "SetQueueAttributes": {"Attributes": {"DelaySeconds": "1"}},
        "RemovePermission": {"Label": "x"},
    }  # fmt: skip
    try:
        house.call(action, QueueUrl=url, **needed.get(action, {}), **given)
    except Refused as error:
        return error.code != "AccessDenied"
    return True


# --- other accounts -------------------------------------------------------------------------------------------------


def test_another_account_may_do_nothing_by_itself(house: House) -> None:
    url = house.create("orders")
    for action in ("SendMessage", "ReceiveMessage", "GetQueueAttributes", "PurgeQueue", "DeleteQueue", "ListQueueTags"):
        assert not may(house, url, action, account=OTHER)
    with pytest.raises(Refused) as caught:
        house.call("SendMessage", QueueUrl=url, MessageBody="x", account=OTHER)
    assert (caught.value.status, caught.value.code) == (403, "AccessDenied")
    assert caught.value.message == (
        f"User: {ROOT} is not authorized to perform: sqs:sendmessage on resource: {house.arn(url)} because no "
        "resource-based policy allows the sqs:sendmessage action"
    )


def test_a_policy_lets_it_do_what_it_says(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, ["sqs:SendMessage", "sqs:GetQueueUrl"]))
    assert may(house, url, account=OTHER)
    assert not may(house, url, "ReceiveMessage", account=OTHER)
    assert not may(house, url, account="999999999999")
    found = house.call("GetQueueUrl", QueueName="orders", QueueOwnerAWSAccountId=ACCOUNT, account=OTHER)
    assert found == {"QueueUrl": url}


def test_a_batch_needs_the_permission_of_its_action(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "sqs:SendMessage"))
    given = {"QueueUrl": url, "Entries": [{"Id": "a", "MessageBody": "x"}], "account": OTHER}
    assert len(house.call("SendMessageBatch", **given)["Successful"]) == 1


@pytest.mark.parametrize(
    ("action", "given"),
    [("SetQueueAttributes", {"Attributes": {"DelaySeconds": "1"}}), ("DeleteQueue", {}), ("ListQueueTags", {}),
     ("TagQueue", {"Tags": {"a": "b"}}), ("RemovePermission", {"Label": "x"}),
     ("AddPermission", {"Label": "x", "AWSAccountIds": [OTHER], "Actions": ["*"]})],
)  # fmt: skip
def test_what_changes_the_queue_stays_with_its_owner(house: House, action: str, given: dict[str, Any]) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "sqs:*"))
    assert house.refused(action, QueueUrl=url, account=OTHER, **given)[0] == "AccessDenied"


def test_everybody_is_everybody(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "sqs:SendMessage", Principal="*"))
    assert may(house, url, account=OTHER)
    put(house, url, statement(house, url, "sqs:SendMessage", Principal={"AWS": "*"}))
    assert may(house, url, account=OTHER)


def test_wildcards_stand_for_actions_and_resources(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "SQS:Send*", Resource=f"arn:aws:sqs:*:{ACCOUNT}:ord?rs"))
    assert may(house, url, account=OTHER)
    assert not may(house, url, "ReceiveMessage", account=OTHER)
    put(house, url, statement(house, url, "sqs:*", Resource=f"arn:aws:sqs:*:{ACCOUNT}:other"))
    assert not may(house, url, account=OTHER)


def test_a_denial_beats_a_permission(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url), statement(house, url, "sqs:SendMessage", Effect="Deny"))
    assert not may(house, url, account=OTHER)
    assert may(house, url, "ReceiveMessage", account=OTHER)


def test_a_user_of_another_account_may_be_meant(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "sqs:SendMessage", Principal={"AWS": f"arn:aws:iam::{OTHER}:user/ann"}))
    assert may(house, url, account=OTHER, user="ann")
    assert not may(house, url, account=OTHER, user="bob")
    assert not may(house, url, account=OTHER)


@pytest.mark.parametrize("text", ["'$sqs_queue_arn'", "/000000000000/orders", "orders"])
def test_a_resource_that_is_no_arn_is_kept_and_means_nothing(house: House, text: str) -> None:
    """The bug: such a policy was refused."""
    url = house.create("orders")
    put(house, url, statement(house, url, Resource=text))
    assert json.loads(house.attributes(url, "Policy")["Policy"])["Statement"][0]["Resource"] == text
    assert not may(house, url, account=OTHER)
    put(house, url, statement(house, url, Resource=text), statement(house, url, Condition={"ArnEquals": {"a": text}}))
    assert not may(house, url, account=OTHER)
    put(house, url, statement(house, url, Resource=[text, house.arn(url)]))
    assert may(house, url, account=OTHER)


# --- conditions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True), ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True), ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False), ({"ArnEquals": {"aws:PrincipalArn": ROOT}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": [OTHER, "1"]}}, True),
        ({"StringNotEquals": {"aws:PrincipalAccount": OTHER}}, False),
        ({"StringLike": {"aws:PrincipalAccount": "1111*"}}, True), ({"Null": {"aws:username": "true"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2023-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2023-01-01T00:00:00Z"}}, False),
        ({"NumericLessThan": {"aws:EpochTime": "1800000000"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:1:t"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": OTHER}, "Bool": {"aws:SecureTransport": "false"}}, False),
    ],
)  # fmt: skip
def test_a_statement_holds_where_its_conditions_do(house: House, condition: dict[str, Any], is_met: bool) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "sqs:SendMessage", Condition=condition))
    assert may(house, url, account=OTHER) is is_met


# --- the own account ------------------------------------------------------------------------------------------------


def test_the_root_of_the_owner_may_do_everything_that_is_not_denied(house: House) -> None:
    url = house.create("orders")
    put(house, url, statement(house, url, "sqs:SendMessage", Effect="Deny", Principal="*"))
    assert not may(house, url)
    assert may(house, url, "ReceiveMessage")
    house.set(url, Policy="")
    assert may(house, url)


ONLY_ENCRYPTED = {
    "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}  # fmt: skip
"""What security guides have everybody put into a policy."""


def test_what_does_not_leave_the_machine_counts_as_secure_transport(house: House) -> None:
    """The bug: such a policy on the plain listener of a laptop locked everybody out of the queue for good."""
    url = house.create("orders")
    put(house, url, ONLY_ENCRYPTED)
    assert may(house, url)
    assert not may(house, url, peer=REMOTE)
    assert may(house, url, peer=replace(REMOTE, is_tls=True))


def rescue(house: House, url: str, **by: Any) -> None:
    """Takes a policy away that denies everything, in each of the ways there are, then the queue."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    put(house, url, deny)
    assert not may(house, url, **by)
    assert house.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"], **by)["Attributes"].keys()
    house.call("SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""}, **by)
    assert may(house, url, **by)
    put(house, url, {**deny, "Sid": "all"})
    house.call("RemovePermission", QueueUrl=url, Label="all", **by)
    assert may(house, url, **by)
    put(house, url, deny)
    house.call("DeleteQueue", QueueUrl=url, **by)


def test_no_policy_locks_the_root_of_the_owner_out(house: House) -> None:
    """The bug: nobody could take a policy back that denied everything to everybody."""
    rescue(house, house.create("orders"))


def test_no_policy_locks_an_administrator_of_the_owner_out_where_there_is_no_root(house: House) -> None:
    url = house.create("orders")
    add_user(house, configure=".*", write=".*", read=".*", tags=("administrator",))
    rescue(house, url, user="ann")


def test_an_administrator_needs_the_permissions_of_the_broker_and_the_own_account(house: House) -> None:
    url = house.create("orders")
    add_user(house, tags=("administrator",))
    for action in ("GetQueueAttributes", "DeleteQueue", "SetQueueAttributes", "RemovePermission"):
        assert not may(house, url, action, user="ann")
    put(house, url, statement(house, url, "sqs:*", Effect="Deny", Principal="*"))
    assert not may(house, url, "GetQueueAttributes", account=OTHER)


def test_a_policy_that_denies_everything_keeps_other_users_out(house: House) -> None:
    url = house.create("orders")
    add_user(house, configure=".*", write=".*", read=".*")
    put(house, url, {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"})
    assert not may(house, url, "GetQueueAttributes", user="ann")
    assert not may(house, url, "DeleteQueue", user="ann")


def add_user(house: House, configure: str = "", write: str = "", read: str = "", tags: tuple[str, ...] = ()) -> None:
    house.broker.put_user("ann", "", tags)
    house.broker.set_permissions("ann", "/", Permissions(configure, write, read))


def test_a_user_has_the_permissions_of_the_broker(house: House) -> None:
    url, other = house.create("orders"), house.create("other")
    add_user(house, configure="mine-.*", write="orders", read="other")
    assert may(house, url, user="ann")
    assert not may(house, url, "ReceiveMessage", user="ann")
    assert may(house, other, "ReceiveMessage", user="ann")
    assert not may(house, other, user="ann")
    assert not may(house, url, "DeleteQueue", user="ann")
    assert house.call("CreateQueue", QueueName="mine-1", user="ann")
    assert house.refused("CreateQueue", QueueName="yours", user="ann")[0] == "AccessDenied"
    assert house.call("ListQueues", user="ann")["QueueUrls"]


def test_a_user_without_permissions_may_do_nothing(house: House) -> None:
    url = house.create("orders")
    house.broker.put_user("ann", "", ())
    with pytest.raises(Refused) as caught:
        house.call("SendMessage", QueueUrl=url, MessageBody="x", user="ann")
    assert caught.value.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sqs:sendmessage on resource: "
        f"{house.arn(url)} because no identity-based policy allows the sqs:sendmessage action"
    )
    assert house.refused("ListQueues", user="ann")[0] == "AccessDenied"


def test_a_policy_may_allow_a_user_more_and_less(house: House) -> None:
    url = house.create("orders")
    add_user(house, read=".*")
    ann = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
    put(house, url, statement(house, url, "sqs:SendMessage", Principal=ann))
    assert may(house, url, user="ann")
    put(house, url, statement(house, url, "sqs:ReceiveMessage", Principal=ann, Effect="Deny"))
    assert not may(house, url, "ReceiveMessage", user="ann")


def test_move_tasks_need_permissions_too(house: House) -> None:
    dead = house.create("dead")
    redrive = json.dumps({"deadLetterTargetArn": house.arn(dead), "maxReceiveCount": 1})
    house.create("orders", RedrivePolicy=redrive)
    add_user(house)
    assert house.refused("StartMessageMoveTask", SourceArn=house.arn(dead), user="ann")[0] == "AccessDenied"
    assert house.refused("StartMessageMoveTask", SourceArn=house.arn(dead), account=OTHER)[0] == "AccessDenied"
