"""Policies of resources: whether one allows or denies a request, or says nothing of it.

An explicit denial beats everything; without one a single statement that allows is enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.policy.document import OF_QUEUES, Principals, Quotas, Statement, read_document
from mqbroker.aws.policy.wildcards import Context

SERVICE_KEY = "aws:PrincipalServiceName"
"""The condition key that names a service of AWS, such as sns.amazonaws.com, when it sends a request itself."""

_ARN_ACCOUNT = 4  # the part of an ARN that is the account


class Decision(Enum):
    """What a policy says of a request."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document and what it means. Equal where the text is."""

    text: str
    statements: tuple[Statement, ...] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, quotas: Quotas = OF_QUEUES) -> "Policy":
        """Raises AwsError: InvalidAttributeValue, OverLimit."""
        return cls(text, read_document(text, quotas))

    def to_text(self) -> str:
        """The document as it was given."""
        return self.text

    def decide(
        self, action: str, resource_arn: str, caller: Caller, context: Mapping[str, str | Sequence[str]]
    ) -> Decision:
        """What the policy says of an action such as "sqs:SendMessage". `context` is by condition key."""
        known = {key.lower(): value for key, value in context.items()}
        decision = Decision.SILENT
        for statement in self.statements:
            if _is_about(statement, action.lower(), resource_arn, caller, known):
                if not statement.is_allow:
                    return Decision.DENY
                decision = Decision.ALLOW
        return decision


def _is_about(statement: Statement, action: str, resource_arn: str, caller: Caller, context: Context) -> bool:
    names_action = any(pattern.matches(action, context) for pattern in statement.actions)
    if names_action is statement.is_but_actions:
        return False
    names_resource = any(pattern.matches(resource_arn, context) for pattern in statement.resources)
    if names_resource is statement.is_but_resources:
        return False
    if not _means_caller(statement, resource_arn, caller, context):
        return False
    return all(condition.holds(context) for condition in statement.conditions)


def _means_caller(statement: Statement, resource_arn: str, caller: Caller, context: Context) -> bool:
    """Whether the caller is among the principals; in doubt the reading that grants less.

    To allow the account that owns a resource is to leave it to that account's own permissions, so it allows none of its
    users by itself. An account that a denial spares (NotPrincipal) is its root; its users have to be named too.
    """
    principals = statement.principals
    service = context.get(SERVICE_KEY.lower())
    is_named = service in principals.services if service else _is_named(principals, caller)
    if principals.is_everyone or is_named:
        return not statement.is_but_principals
    of_account = not service and caller.account in principals.accounts
    if statement.is_but_principals:
        return not (of_account and statement.is_allow)
    is_left_to_owner = statement.is_allow and caller.account == _owner(resource_arn)
    return of_account and not is_left_to_owner


def _is_named(principals: Principals, caller: Caller) -> bool:
    if caller.arn in principals.names or caller.user_id in principals.names:
        return True
    return not caller.user and caller.account in principals.accounts


def _owner(resource_arn: str) -> str:
    parts = resource_arn.split(":")
    return parts[_ARN_ACCOUNT] if len(parts) > _ARN_ACCOUNT else ""
