"""Policy documents: what is refused, and what those that are taken say of a request."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.auth.credentials import Caller, arn_of, user_id_of
from mqbroker.aws.policy.policy import SERVICE_KEY, Decision, Policy
from mqbroker.errors import AwsError

OWNER = "111122223333"
OTHER = "444455556666"
ARN = f"arn:aws:sqs:eu-west-1:{OWNER}:orders"
ALLOW, DENY, SILENT = Decision.ALLOW, Decision.DENY, Decision.SILENT


def caller(user: str = "ann", account: str = OTHER) -> Caller:
    """A user, or the root of an account for an empty name."""
    user_id, arn = user_id_of(account, user), arn_of(account, user)
    return Caller(account, "eu-west-1", user, "KEY", user_id, arn, "192.0.2.7", False)


def statement(**more: Any) -> dict[str, Any]:
    """A statement that allows everybody to send, with other members; None takes one out."""
    made = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": ARN, **more}
    return {name: value for name, value in made.items() if value is not None}


def policy(*statements: Mapping[str, Any], **more: Any) -> Policy:
    """A policy of these statements."""
    return Policy.parse(json.dumps({"Version": "2012-10-17", "Statement": statements, **more}))


def decide(
    *statements: Mapping[str, Any],
    action: str = "sqs:SendMessage",
    arn: str = ARN,
    by: Caller | None = None,
    context: Mapping[str, Any] | None = None,
) -> Decision:
    """What a policy of these statements says."""
    return policy(*statements).decide(action, arn, by or caller(), context or {})


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_document_is_given_back_as_it_came() -> None:
    text = json.dumps({"Statement": [statement()], "Id": "x"}, indent=3)
    assert Policy.parse(text).to_text() == text
    assert Policy.parse(text) == Policy.parse(text)


@pytest.mark.parametrize(
    "document",
    [
        {"Statement": statement()},
        {"Version": "2008-10-17", "Id": "an id", "Statement": [statement(Sid="a"), statement(Sid="b")]},
        {"Statement": [statement(Sid=""), statement(Sid="")]},
        {"Statement": statement(Principal={"AWS": OTHER})},
        {"Statement": statement(Principal={"AWS": [f"arn:aws:iam::{OTHER}:root", f"arn:aws-cn:iam::{OTHER}:user/x"]})},
        {"Statement": statement(Principal={"AWS": f"arn:aws:sts::{OTHER}:assumed-role/role/session"})},
        {"Statement": statement(Principal={"AWS": "AIDAJQABLZS4A3QDU576Q"})},
        {"Statement": statement(Principal={"Service": "sns.amazonaws.com", "Federated": "x", "CanonicalUser": "y"})},
        {"Statement": statement(Principal=None, NotPrincipal={"AWS": "*"})},
        {"Statement": statement(Action=["SQS:*", "*"])},
        {"Statement": statement(Action=None, NotAction="sqs:DeleteQueue")},
        {"Statement": statement(Resource=None, NotResource="*")},
        {"Statement": statement(Resource=None)},
        {"Statement": statement(Condition={"Bool": {"aws:SecureTransport": False}, "NumericEquals": {"k": [1, 2.5]}})},
        {"Statement": statement(Condition={})},
    ],
)
def test_documents_that_aws_takes_are_taken(document: Mapping[str, Any]) -> None:
    Policy.parse(json.dumps(document))


WRONG: tuple[dict[str, Any], ...] = (
    {"Sid": 1}, {"Effect": "allow"}, {"Effect": None}, {"Extra": 1}, {"Principal": None}, {"Principal": "x"},
    {"Principal": {}}, {"Principal": []}, {"Principal": {"AWS": []}}, {"Principal": {"AWS": "x"}},
    {"Principal": {"AWS": 1}}, {"Principal": {"aws": "*"}}, {"Principal": {"AWS": "12345678901"}},
    {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/*"}}, {"Principal": {"AWS": "arn:aws:sqs:a:b:c"}},
    {"NotPrincipal": "*"}, {"Action": None}, {"Action": []}, {"Action": ""}, {"Action": "SendMessage"},
    {"Action": 1}, {"Action": [1]}, {"NotAction": "sqs:*"}, {"Resource": []}, {"NotResource": "*"},
    {"Condition": []}, {"Condition": {"Bool": {}}},
    {"Condition": {"Bool": "x"}}, {"Condition": {"Nothing": {"k": "v"}}},
    {"Condition": {"StringEquals": {"k": []}}}, {"Condition": {"StringEquals": {"k": [[]]}}},
    {"Condition": {"StringEquals": {"k": {}}}}, {"Condition": {"StringEquals": {"k": None}}},
    {"Condition": {"Null": {"k": ["true", "false"]}}}, {"Condition": {"NumericEquals": {"k": "x"}}},
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"*"',
        "[" * 8000,
        "{}",
        json.dumps({"Statement": []}),
        json.dumps({"Statement": "x"}),
        json.dumps({"Statement": [1]}),
        json.dumps({"Statement": [[statement()]]}),
        json.dumps({"Version": "2020-01-01", "Statement": statement()}),
        json.dumps({"Version": 2008, "Statement": statement()}),
        json.dumps({"Id": 1, "Statement": statement()}),
        json.dumps({"Statement": statement(), "Statements": []}),
        json.dumps({"Statement": [statement(Sid="a"), statement(Sid="a")]}),
        json.dumps({"Statement": statement(Sid="a" * 8192)}),
        '{"Statement": "\ud800"}',
        *(json.dumps({"Statement": statement(**wrong)}) for wrong in WRONG),
    ],
)
def test_documents_that_aws_refuses_are_refused(text: str) -> None:
    with pytest.raises(AwsError) as refusal:
        Policy.parse(text)
    error = refusal.value
    assert (error.shape, error.code, error.status) == ("InvalidAttributeValue", "InvalidAttributeValue", 400)
    assert error.message == "Invalid value for the parameter Policy."


PRINCIPALS = [f"{number:012}" for number in range(51)]
CONDITIONS = {f"k{number}": "v" for number in range(11)}


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        ([statement()] * 21, "21 Statements were found, maximum allowed is 20."),
        ([statement(Principal={"AWS": PRINCIPALS})], "51 Principals were found, maximum allowed is 50."),
        (
            [statement(Principal={"AWS": PRINCIPALS[:30]}), statement(Principal={"Service": PRINCIPALS[:21]})],
            "51 Principals were found, maximum allowed is 50.",
        ),
        ([statement(Condition={"StringLike": CONDITIONS})], "11 Conditions were found, maximum allowed is 10."),
    ],
)
def test_too_much_of_something_is_refused(statements: list[Mapping[str, Any]], text: str) -> None:
    with pytest.raises(AwsError) as refusal:
        policy(*statements)
    assert (refusal.value.code, refusal.value.status, refusal.value.message) == ("OverLimit", 403, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("*"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["AWS", "Service", "Bool", "Null", "StringLike", "k"]), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"]


@given(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=4))
def test_nothing_but_a_policy_or_a_refusal_comes_of_nonsense(wrong: Mapping[str, Any]) -> None:
    try:
        made = Policy.parse(json.dumps({"Statement": statement(**wrong)}))
    except AwsError:
        return
    assert made.decide("sqs:SendMessage", ARN, caller(), {}) in Decision


# --- decisions --------------------------------------------------------------------------------------------------------


def test_a_denial_beats_what_allows_wherever_it_stands() -> None:
    allow, deny = statement(), statement(Effect="Deny")
    assert decide(allow) is ALLOW
    assert decide(deny) is DENY
    assert decide(allow, deny) is decide(deny, allow) is DENY
    assert decide(statement(Action="sqs:Other"), allow) is ALLOW
    assert decide(statement(Action="sqs:Other")) is SILENT


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ("sqs:SendMessage", ALLOW),
        ("SQS:sendmessage", ALLOW),
        ("sqs:Send*", ALLOW),
        ("sqs:Send?essage", ALLOW),
        ("s?s:*", ALLOW),
        ("*", ALLOW),
        (["sqs:DeleteMessage", "sqs:SendMessage"], ALLOW),
        ("sqs:Send", SILENT),
        ("sns:*", SILENT),
        ("sqs:ReceiveMessage", SILENT),
    ],
)
def test_actions_have_wildcards_and_no_case(actions: object, expected: Decision) -> None:
    assert decide(statement(Action=actions)) is expected
    opposite = SILENT if expected is ALLOW else ALLOW
    assert decide(statement(Action=None, NotAction=actions)) is opposite


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (ARN, ALLOW),
        (None, ALLOW),
        ("*", ALLOW),
        (f"arn:aws:sqs:*:{OWNER}:ord*", ALLOW),
        (["arn:aws:sqs:a:b:c", ARN], ALLOW),
        (ARN.upper().replace("ARN", "arn"), SILENT),
        (f"{ARN}2", SILENT),
    ],
)
def test_resources_have_wildcards_and_a_case(resources: object, expected: Decision) -> None:
    assert decide(statement(Resource=resources)) is expected
    if resources is not None:
        opposite = SILENT if expected is ALLOW else ALLOW
        assert decide(statement(Resource=None, NotResource=resources)) is opposite


ANN = caller()
ROOT = caller("")
OF_OWNER = caller("ann", OWNER)
ROOT_OF_OWNER = caller("", OWNER)


@pytest.mark.parametrize(
    ("principal", "by", "allowed", "denied"),
    [
        ("*", ANN, True, True),
        ({"AWS": "*"}, ANN, True, True),
        ({"AWS": OTHER}, ANN, True, True),
        ({"AWS": OTHER}, ROOT, True, True),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, ANN, True, True),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/ann"}, ANN, True, True),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/bob"}, ANN, False, False),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/ann"}, ROOT, False, False),
        ({"AWS": ANN.user_id}, ANN, True, True),
        ({"AWS": [OWNER, f"arn:aws:iam::{OTHER}:user/ann"]}, ANN, True, True),
        ({"AWS": OWNER}, ANN, False, False),
        # The owner's account as a whole allows its root alone: what its users may do is in their permissions.
        ({"AWS": OWNER}, OF_OWNER, False, True),
        ({"AWS": OWNER}, ROOT_OF_OWNER, True, True),
        ({"AWS": f"arn:aws:iam::{OWNER}:user/ann"}, OF_OWNER, True, True),
        ({"Service": "sns.amazonaws.com"}, ANN, False, False),
        ({"Federated": "*", "CanonicalUser": "*"}, ANN, False, False),
    ],
)
def test_principals_are_accounts_users_and_everybody(
    principal: object, by: Caller, allowed: bool, denied: bool
) -> None:
    assert (decide(statement(Principal=principal), by=by) is ALLOW) is allowed
    assert (decide(statement(Effect="Deny", Principal=principal), by=by) is DENY) is denied


@pytest.mark.parametrize(
    ("spared", "by", "allowed", "denied"),
    [
        ({"AWS": OWNER}, ANN, True, True),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/ann"}, ANN, False, False),
        ({"AWS": "*"}, ANN, False, False),
        # An account is spared with its root alone, and shut out with all of its users.
        ({"AWS": OTHER}, ANN, False, True),
        ({"AWS": OTHER}, ROOT, False, False),
        ({"AWS": [OTHER, f"arn:aws:iam::{OTHER}:user/ann"]}, ANN, False, False),
    ],
)
def test_everybody_but_some_is_meant_by_not_principal(spared: object, by: Caller, allowed: bool, denied: bool) -> None:
    but = statement(Principal=None, NotPrincipal=spared)
    assert (decide(but, by=by) is ALLOW) is allowed
    assert (decide({**but, "Effect": "Deny"}, by=by) is DENY) is denied


def test_a_service_is_met_by_its_name_and_not_by_its_account() -> None:
    service = {SERVICE_KEY: "sns.amazonaws.com"}
    sns = statement(Principal={"Service": ["events.amazonaws.com", "sns.amazonaws.com"]})
    assert decide(sns, context=service) is ALLOW
    assert decide(sns, context={SERVICE_KEY: "s3.amazonaws.com"}) is SILENT
    assert decide(statement(Principal={"AWS": OTHER}), context=service) is SILENT
    assert decide(statement(Principal={"AWS": ANN.user_id}), context=service) is SILENT
    assert decide(statement(), context=service) is ALLOW


def test_a_topic_may_send_where_its_arn_is_asked_for() -> None:
    topic = f"arn:aws:sns:eu-west-1:{OTHER}:news"
    made = statement(
        Principal={"Service": "sns.amazonaws.com"},
        Condition={"ArnLike": {"aws:SourceArn": topic}, "StringEquals": {"aws:SourceAccount": OTHER}},
    )
    context = {SERVICE_KEY: "sns.amazonaws.com", "aws:SourceArn": topic, "aws:SourceAccount": OTHER}
    assert decide(made, context=context) is ALLOW
    assert decide(made, context={**context, "aws:SourceAccount": OWNER}) is SILENT
    assert decide(made, context={**context, "aws:SourceArn": f"{topic}2"}) is SILENT


def test_all_conditions_have_to_hold() -> None:
    made = statement(
        Effect="Deny",
        Condition={"Bool": {"aws:SecureTransport": False}, "NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}},
    )
    context = {"aws:securetransport": "false", "AWS:SourceIp": "192.0.2.7"}
    assert decide(made, context=context) is DENY
    assert decide(made, context={**context, "aws:securetransport": "true"}) is SILENT
    assert decide(made, context={**context, "AWS:SourceIp": "10.1.2.3"}) is SILENT


def test_variables_are_known_since_2012_only() -> None:
    made = statement(Resource="arn:aws:sqs:*:*:${aws:username}-*")
    arn = f"arn:aws:sqs:eu-west-1:{OWNER}:ann-jobs"
    assert decide(made, arn=arn, context={"aws:username": "ann"}) is ALLOW
    assert decide(made, arn=arn, context={"aws:username": "*"}) is SILENT
    assert decide(made, arn=arn) is SILENT
    old = policy(made, Version="2008-10-17")
    assert old.decide("sqs:SendMessage", arn, ANN, {"aws:username": "ann"}) is SILENT
