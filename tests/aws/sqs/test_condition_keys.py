"""Every condition key that a request here can have is there when a policy asks for it: a denial with it denies.

The table says as whom and how the request is made, the operator, a value that is met and one that is not.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from mqbroker.aws.auth.credentials import user_id_of
from mqbroker.aws.policy.authorization import context_of
from mqbroker.core.access.access import Permissions
from mqbroker.protocols.session import Peer
from tests.aws.test_policy import caller
from tests.support.sqs_house import ACCOUNT, REGION, House, Refused

REMOTE = Peer("192.0.2.7", 50_000, False, "192.0.2.1", 9324)
OTHER = "111122223333"


@dataclass(frozen=True)
class Case:
    """A key with a value that the request has, and one that it has not."""

    key: str
    operator: str
    met: str | list[str]
    missed: str
    action: str = "SendMessage"
    by: dict[str, Any] = field(default_factory=dict)


USER = {"user": "ann"}
CASES = (
    Case("aws:CurrentTime", "DateGreaterThan", "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"),
    Case("aws:EpochTime", "NumericGreaterThan", "1600000000", "2200000000"),
    Case("aws:PrincipalAccount", "StringEquals", ACCOUNT, OTHER),
    Case("aws:PrincipalArn", "ArnLike", f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:iam::{OTHER}:*", by=USER),
    Case("aws:PrincipalIsAWSService", "Bool", "false", "true"),
    Case("aws:PrincipalType", "StringEquals", "User", "Account", by=USER),
    Case("aws:Referer", "StringLike", "https://shop.example/*", "https://other.example/*",
         by={"headers": {"referer": "https://shop.example/cart"}}),
    Case("aws:RequestedRegion", "StringEquals", REGION, "eu-west-1"),
    Case("aws:RequestTag/team", "StringEquals", "red", "blue", "TagQueue"),
    Case("aws:ResourceAccount", "StringEquals", ACCOUNT, OTHER),
    Case("aws:ResourceTag/stage", "StringEquals", "test", "live"),
    Case("aws:SecureTransport", "Bool", "false", "true", by={"peer": REMOTE}),
    Case("aws:SourceIp", "IpAddress", "192.0.2.0/24", "10.0.0.0/8", by={"peer": REMOTE}),
    Case("aws:TagKeys", "ForAnyValue:StringEquals", ["team", "x"], "stage", "TagQueue"),
    Case("aws:TagKeys", "ForAnyValue:StringEquals", "stage", "team", "UntagQueue"),
    Case("aws:UserAgent", "StringLike", "*Boto3*", "*curl*", by={"headers": {"user-agent": "aws Boto3/1.0"}}),
    Case("aws:userid", "StringEquals", user_id_of(ACCOUNT, "ann"), ACCOUNT, by=USER),
    Case("aws:username", "StringEquals", "ann", "bob", by=USER),
    Case("aws:ViaAWSService", "Bool", "false", "true"),
)  # fmt: skip
GIVEN: dict[str, dict[str, Any]] = {
    "SendMessage": {"MessageBody": "x"}, "TagQueue": {"Tags": {"team": "red"}}, "UntagQueue": {"TagKeys": ["stage"]},
}  # fmt: skip


def is_denied(house: House, url: str, case: Case, value: str | list[str]) -> bool:
    """Whether a denial on this condition denies the request."""
    condition = {case.operator: {case.key: value}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition}
    house.set(url, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    try:
        house.call(case.action, QueueUrl=url, **GIVEN[case.action], **case.by)
    except Refused as error:
        return error.code == "AccessDenied"
    return False


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}-{case.action}")
def test_a_denial_with_the_key_denies_what_it_describes_and_nothing_else(house: House, case: Case) -> None:
    """The bug: aws:UserAgent was never filled, so that a denial with it did not deny; no more were the keys of tags."""
    url = house.create("orders")
    house.call("TagQueue", QueueUrl=url, Tags={"stage": "test"})
    house.broker.put_user("ann", "", ())
    house.broker.set_permissions("ann", "/", Permissions(".*", ".*", ".*"))
    assert is_denied(house, url, case, case.met)
    assert not is_denied(house, url, case, case.missed)


def test_there_is_a_case_for_every_key() -> None:
    headers = {"user-agent": "x", "referer": "x"}
    context = context_of(caller("ann", ACCOUNT), 0, headers, ACCOUNT, REGION, {"stage": "x"}, {"team": "x"})
    assert context.keys() == {case.key for case in CASES}
