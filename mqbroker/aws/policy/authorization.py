"""Whether a caller may do what a request asks of a resource: the broker's permissions, its policy, AWS's words.

    the root of the owner         yes, unless the policy denies it
    a user of the owner           what the broker's permissions or the policy allow, unless the policy denies it
    anybody else                  only what the policy allows; what changes the resource itself never

A policy that denies everything to everybody must not be the last one: no policy keeps the root of the owner from an
action that is a way out, nor a user of the owner with the tag administrator (who has the part of the root where every
request is a user's) and the broker's permissions.

Each service says which right each of its actions is; a user's permissions are the three of the broker in the vhost of
the account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.front.refusals import access_denied
from mqbroker.aws.policy.policy import Decision, Policy
from mqbroker.core.access.access import Access
from mqbroker.errors import AccessRefused, NotAllowed
from mqbroker.limits import AWS_CONDITION_VALUE_CHARS_MAX

NO_CONTEXT: Mapping[str, str | Sequence[str]] = {}
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Right:
    """What an action needs: its name in policies, the broker's permission ("any" is any in the vhost), whether a policy
    may give it to another account, and whether it is a way out for an owner whom a policy locks out."""

    name: str
    permission: str
    is_shared: bool = False
    is_way_out: bool = False


_ADMINISTRATOR = "administrator"


def authorize(
    access: Access,
    caller: Caller,
    owner_account: str,
    vhost: str,
    right: Right,
    name: str,
    arn: str,
    policy: Policy | None,
    context: Mapping[str, str | Sequence[str]] = NO_CONTEXT,
) -> None:
    """Raises AwsError (AccessDenied) unless the caller has the right to the resource.

    `name` is that of the resource in its vhost; without a policy `context` is not looked at.
    """
    is_own = caller.account == owner_account
    decision = Decision.SILENT
    is_rescue = is_own and right.is_way_out and _is_head(access, caller)
    if policy is not None and (is_own or right.is_shared) and not is_rescue:
        decision = policy.decide(right.name, arn, caller, context)
    if decision is Decision.DENY:
        raise _denied(caller, right, arn, "with an explicit deny in a resource-based policy")
    if decision is Decision.ALLOW:
        return
    if not is_own:
        raise _denied(caller, right, arn, f"because no resource-based policy allows the {_lower(right)} action")
    if caller.user and not _is_permitted(access, caller.user, vhost, right.permission, name):
        raise _denied(caller, right, arn, f"because no identity-based policy allows the {_lower(right)} action")


def _is_head(access: Access, caller: Caller) -> bool:
    """Whether the caller is the root of its account, or stands for it."""
    user = access.users.get(caller.user)
    return not caller.user or (user is not None and _ADMINISTRATOR in user.tags)


def _is_permitted(access: Access, user: str, vhost: str, permission: str, name: str) -> bool:
    try:
        if permission == "write":
            access.check_write(user, vhost, "queue", name)
        elif permission == "read":
            access.check_read(user, vhost, "queue", name)
        elif permission == "configure":
            access.check_configure(user, vhost, "queue", name)
        else:
            access.check_vhost(user, vhost)
    except (AccessRefused, NotAllowed):
        return False
    return True


def _denied(caller: Caller, right: Right, arn: str, reason: str) -> Exception:
    return access_denied(
        f"User: {caller.arn} is not authorized to perform: {_lower(right)} on resource: {arn} {reason}"
    )


def _lower(right: Right) -> str:
    return right.name.lower()


def context_of(
    caller: Caller,
    now: int,
    headers: Mapping[str, str] = NO_HEADERS,
    owner_account: str = "",
    region: str = "",
    tags: Mapping[str, str] = NO_HEADERS,
    given_tags: Mapping[str, str] | Sequence[str] = (),
) -> dict[str, str | Sequence[str]]:
    """What the conditions of a policy may ask of a request, by condition key. `now` is in milliseconds.

    Region, owner and `tags` are those of the resource; `given_tags` those that the request brings, or their keys. These
    are all global keys of IAM that a request can have where there are no sessions, organizations, services or networks
    of AWS. A key that is missing here lets a denial that asks for it pass.
    """
    context: dict[str, str | Sequence[str]] = {
        "aws:CurrentTime": datetime.fromtimestamp(now // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(now // 1000),
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": "User" if caller.user else "Account",
        "aws:RequestedRegion": region or caller.region,
        "aws:ResourceAccount": owner_account or caller.account,
        "aws:SecureTransport": "true" if caller.is_secure else "false",
        "aws:SourceIp": caller.source_ip,
        "aws:ViaAWSService": "false",
        "aws:userid": caller.user_id,
    }
    if caller.user:
        context["aws:username"] = caller.user
    for key, header in (("aws:UserAgent", "user-agent"), ("aws:Referer", "referer")):
        if header in headers:
            context[key] = headers[header][:AWS_CONDITION_VALUE_CHARS_MAX]
    context |= {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    if given_tags:
        context["aws:TagKeys"] = list(given_tags)
    if isinstance(given_tags, Mapping):
        context |= {f"aws:RequestTag/{key}": value for key, value in given_tags.items()}
    return context
