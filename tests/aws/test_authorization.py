"""Who may do what to a queue: permissions of the broker and the policy of the queue together, in AWS's words."""

from collections.abc import Callable

import pytest
from botocore.session import Session  # type: ignore[import-untyped]

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.policy.authorization import authorize, context_of
from mqbroker.aws.policy.policy import Policy
from mqbroker.aws.sqs.rights import SQS_RIGHTS
from mqbroker.core.access.access import Access, Permissions
from mqbroker.errors import AwsError
from mqbroker.limits import AWS_CONDITION_VALUE_CHARS_MAX
from tests.aws.test_policy import ARN, OTHER, OWNER, caller, policy, statement

ANN = caller("ann", OWNER)
ROOT = caller("", OWNER)
STRANGER = caller("ann", OTHER)


def allowed(
    by: Caller, action: str, permissions: tuple[str, str, str] | None = None, given: Policy | None = None
) -> bool:
    """Whether a caller may; `permissions` are of the user ann."""
    return not refusal_of(by, action, permissions, given)


def refusal_of(
    by: Caller, action: str, permissions: tuple[str, str, str] | None = None, given: Policy | None = None
) -> str:
    """What a caller is told who may not; empty for one who may."""
    access = Access()
    access.put_user("ann", "")
    if permissions is not None:
        access.set_permissions("ann", "/", Permissions(*permissions))
    try:
        authorize(access, by, OWNER, "/", SQS_RIGHTS[action], "orders", ARN, given, context_of(by, 0))
    except AwsError as error:
        return f"{error.status} {error.shape} {error.code}: {error.message}"
    return ""


def test_every_action_of_sqs_has_its_right() -> None:
    model = Session().get_service_model("sqs")
    assert set(SQS_RIGHTS) == set(model.operation_names)


CONFIGURE = {
    "AddPermission", "CreateQueue", "DeleteQueue", "RemovePermission", "SetQueueAttributes", "TagQueue", "UntagQueue",
}  # fmt: skip
WRITE = {"SendMessage", "SendMessageBatch"}
ANY = {"GetQueueUrl", "ListQueues"}


@pytest.mark.parametrize("action", SQS_RIGHTS)
def test_a_user_of_the_owner_needs_one_permission_of_three(action: str) -> None:
    place = 0 if action in CONFIGURE else 1 if action in WRITE else 2
    for number in range(3):
        permissions = ["", "", ""]
        permissions[number] = "^orders$"
        made = (permissions[0], permissions[1], permissions[2])
        assert allowed(ANN, action, made) is (number == place or action in ANY)
    assert not allowed(ANN, action)


SHARED = {
    "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
    "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage",
    "SendMessageBatch",
}  # fmt: skip


@pytest.mark.parametrize("action", SQS_RIGHTS)
def test_another_account_may_what_the_policy_allows_but_never_change_the_queue(action: str) -> None:
    everything = policy(statement(Action="*", Resource="*"))
    assert not allowed(STRANGER, action, (".*", ".*", ".*"))
    assert allowed(STRANGER, action, None, everything) is (action in SHARED)


def test_a_batch_needs_what_its_single_action_needs() -> None:
    only = policy(statement(Action=["sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]))
    for name in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility"):
        assert allowed(STRANGER, name, None, only)
        assert allowed(STRANGER, f"{name}Batch", None, only)
    assert not allowed(STRANGER, "ReceiveMessage", None, only)


def test_the_root_of_the_owner_may_everything_that_is_not_denied() -> None:
    deny = policy(statement(Effect="Deny"))
    for action in SQS_RIGHTS:
        assert allowed(ROOT, action)
        assert allowed(ROOT, action, None, deny) is (action not in WRITE)
    everything = policy(statement(Effect="Deny", Action="*", Resource="*"))
    assert {action for action in SQS_RIGHTS if allowed(ROOT, action, None, everything)} == {
        "DeleteQueue", "GetQueueAttributes", "RemovePermission", "SetQueueAttributes"
    }  # fmt: skip


def test_a_policy_adds_to_permissions_and_a_denial_beats_them() -> None:
    user = {"AWS": ANN.arn}
    assert allowed(ANN, "SendMessage", None, policy(statement(Principal=user)))
    assert not allowed(ANN, "SendMessage", ("", ".*", ""), policy(statement(Effect="Deny", Principal=user)))
    assert not allowed(ANN, "SendMessage", None, policy(statement(Principal={"AWS": OWNER})))


TEXT = f"is not authorized to perform: sqs:sendmessage on resource: {ARN}"


@pytest.mark.parametrize(
    ("by", "given", "reason"),
    [
        (ANN, lambda: None, "because no identity-based policy allows the sqs:sendmessage action"),
        (STRANGER, lambda: None, "because no resource-based policy allows the sqs:sendmessage action"),
        (
            STRANGER,
            lambda: policy(statement(Action="sqs:ReceiveMessage")),
            "because no resource-based policy allows the sqs:sendmessage action",
        ),
        (
            ANN,
            lambda: policy(statement(), statement(Effect="Deny")),
            "with an explicit deny in a resource-based policy",
        ),
        (ROOT, lambda: policy(statement(Effect="Deny")), "with an explicit deny in a resource-based policy"),
    ],
)
@pytest.mark.parametrize("action", ["SendMessage", "SendMessageBatch"])
def test_a_refusal_says_who_what_and_why(
    by: Caller, given: Callable[[], Policy | None], reason: str, action: str
) -> None:
    told = refusal_of(by, action, None, given())
    assert told == f"403 AccessDeniedException AccessDenied: User: {by.arn} {TEXT} {reason}"


def test_conditions_ask_for_what_is_known_of_the_caller() -> None:
    context = context_of(ANN, 1_440_938_160_999, {"user-agent": "Boto3", "referer": "https://shop.example/"})
    assert context == {
        "aws:CurrentTime": "2015-08-30T12:36:00Z",
        "aws:EpochTime": "1440938160",
        "aws:PrincipalAccount": OWNER,
        "aws:PrincipalArn": f"arn:aws:iam::{OWNER}:user/ann",
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": "User",
        "aws:Referer": "https://shop.example/",
        "aws:RequestedRegion": "eu-west-1",
        "aws:ResourceAccount": OWNER,
        "aws:SecureTransport": "false",
        "aws:SourceIp": "192.0.2.7",
        "aws:userid": ANN.user_id,
        "aws:username": "ann",
        "aws:UserAgent": "Boto3",
        "aws:ViaAWSService": "false",
    }
    root = context_of(ROOT, 0)
    assert root["aws:PrincipalType"] == "Account"
    assert root.keys().isdisjoint({"aws:username", "aws:UserAgent", "aws:PrincipalOrgID"})
    long = context_of(ANN, 0, {"user-agent": "x" * 10_000})["aws:UserAgent"]
    assert len(long) == AWS_CONDITION_VALUE_CHARS_MAX
    secure = policy(statement(Condition={"Bool": {"aws:SecureTransport": "true"}}))
    assert not allowed(STRANGER, "SendMessage", None, secure)
