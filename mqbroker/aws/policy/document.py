"""Policy documents: from text to statements, refusing what AWS would refuse.

Owns the grammar of the policy language as far as policies of resources go, and its bounds. A document is read once,
when it is set; whatever is wrong with it, SQS says only that it is invalid.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from mqbroker.aws.limits import (
    AWS_POLICY_BYTES_MAX,
    AWS_POLICY_CONDITIONS_MAX,
    AWS_POLICY_PRINCIPALS_MAX,
    AWS_POLICY_STATEMENTS_MAX,
)
from mqbroker.aws.policy.conditions import Condition, NullCondition, compile_condition
from mqbroker.aws.policy.wildcards import ArnPattern, Pattern, tokenise
from mqbroker.errors import AwsError

OLD_VERSION = "2008-10-17"
_VERSION = "2012-10-17"  # since which there are variables

_ACCOUNT = re.compile(r"[0-9]{12}")
_ACCOUNT_ROOT = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):root")
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[^*?]+")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,124}")
_DOCUMENT_KEYS = frozenset(("Version", "Id", "Statement"))
_STATEMENT_KEYS = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)
_PRINCIPAL_KINDS = frozenset(("AWS", "Service", "Federated", "CanonicalUser"))


@dataclass(frozen=True, slots=True)
class Principals:
    """Who is named: accounts as a whole, users by ARN or unique id, services of AWS. Federated ones are never met."""

    is_everyone: bool
    accounts: frozenset[str]
    names: frozenset[str]
    services: frozenset[str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `is_but_...` is true where all are meant but those that are named (NotPrincipal and so on)."""

    sid: str
    is_allow: bool
    principals: Principals
    is_but_principals: bool
    actions: tuple[Pattern, ...]
    is_but_actions: bool
    resources: tuple[ArnPattern, ...]
    is_but_resources: bool
    conditions: tuple[Condition | NullCondition, ...]


class Quotas(NamedTuple):
    """How much a policy may have: of one service's resources."""

    octets: int
    statements: int
    principals: int


OF_QUEUES = Quotas(AWS_POLICY_BYTES_MAX, AWS_POLICY_STATEMENTS_MAX, AWS_POLICY_PRINCIPALS_MAX)


def read_document(text: str, quotas: Quotas) -> tuple[Statement, ...]:
    """The statements of a document. Raises AwsError: InvalidAttributeValue, or OverLimit for too much of something."""
    try:
        return _read(text, quotas)
    except ValueError:
        raise AwsError("InvalidAttributeValue", "Invalid value for the parameter Policy.") from None


def over_limit(count: int, what: str, maximum: int) -> AwsError:
    """There is too much of something in a policy."""
    return AwsError("OverLimit", f"{count} {what} were found, maximum allowed is {maximum}.", status=403)


def _read(text: str, quotas: Quotas) -> tuple[Statement, ...]:
    _require(len(text.encode("utf-8", "surrogatepass")) <= quotas.octets)
    document = orjson.loads(text)
    _require(isinstance(document, dict) and document.keys() <= _DOCUMENT_KEYS)
    version = document.get("Version", OLD_VERSION)
    _require(version in (OLD_VERSION, _VERSION) and isinstance(document.get("Id", ""), str))
    found = document.get("Statement")
    statements = [found] if isinstance(found, dict) else found
    _require(isinstance(statements, list) and bool(statements))
    _check_count(len(statements), "Statements", quotas.statements)
    read = tuple(_statement(statement, version == _VERSION) for statement in statements)
    sids = [statement.sid for statement in read if statement.sid]
    _require(len(sids) == len(set(sids)))
    _check_count(sum(map(_principal_count, read)), "Principals", quotas.principals)
    return read


def _require(is_so: bool) -> None:
    if not is_so:
        raise ValueError("no policy document")


def _check_count(count: int, what: str, maximum: int) -> None:
    if count > maximum:
        raise over_limit(count, what, maximum)


def _principal_count(statement: Statement) -> int:
    principals = statement.principals
    return len(principals.accounts) + len(principals.names) + len(principals.services)


def _statement(found: Any, has_variables: bool) -> Statement:
    _require(isinstance(found, dict) and found.keys() <= _STATEMENT_KEYS)
    sid, effect = found.get("Sid", ""), found.get("Effect")
    _require(isinstance(sid, str) and effect in ("Allow", "Deny"))
    principal, is_but_principals = _one_of(found, "Principal", "NotPrincipal")
    action, is_but_actions = _one_of(found, "Action", "NotAction")
    # A policy of a queue is about that queue, said or not.
    resource, is_but_resources = _one_of(found, "Resource", "NotResource", "*")
    return Statement(
        sid,
        effect == "Allow",
        _principals(principal),
        is_but_principals,
        tuple(_action(text) for text in _texts(action)),
        is_but_actions,
        tuple(ArnPattern(tokenise(text, True, has_variables)) for text in _texts(resource)),
        is_but_resources,
        _conditions(found.get("Condition", {}), has_variables),
    )


def _one_of(found: Mapping[str, Any], name: str, opposite: str, default: Any = None) -> tuple[Any, bool]:
    _require(not (name in found and opposite in found))
    if opposite in found:
        return found[opposite], True
    return found.get(name, default), False


def _texts(found: Any) -> list[str]:
    texts = [found] if isinstance(found, str) else found
    _require(isinstance(texts, list) and bool(texts) and all(isinstance(text, str) and text for text in texts))
    return list(texts)


def _action(text: str) -> Pattern:
    # Services and actions have no case, and an action has a service in front unless it is any.
    _require(text == "*" or ":" in text)
    return Pattern(tokenise(text.lower(), True, False))


def _principals(found: Any) -> Principals:
    if found == "*":
        return Principals(True, frozenset(), frozenset(), frozenset())
    _require(isinstance(found, dict) and bool(found) and found.keys() <= _PRINCIPAL_KINDS)
    kinds = {kind: _texts(texts) for kind, texts in found.items()}
    is_everyone, accounts, names = False, set(), set()
    for text in kinds.get("AWS", ()):
        root = _ACCOUNT_ROOT.fullmatch(text)
        if text == "*":
            is_everyone = True
        elif root or _ACCOUNT.fullmatch(text):
            accounts.add(root[1] if root else text)
        else:
            _require(bool(_PRINCIPAL_ARN.fullmatch(text) or _UNIQUE_ID.fullmatch(text)))
            names.add(text)
    return Principals(is_everyone, frozenset(accounts), frozenset(names), frozenset(kinds.get("Service", ())))


def _conditions(found: Any, has_variables: bool) -> tuple[Condition | NullCondition, ...]:
    _require(isinstance(found, dict) and all(isinstance(keys, dict) and keys for keys in found.values()))
    parts = [(name, key, values) for name, keys in found.items() for key, values in keys.items()]
    _check_count(len(parts), "Conditions", AWS_POLICY_CONDITIONS_MAX)
    return tuple(compile_condition(name, key, list(_values(values)), has_variables) for name, key, values in parts)


def _values(found: Any) -> Iterable[str]:
    values = found if isinstance(found, list) else [found]
    _require(bool(values))
    for value in values:
        write = _WRITERS.get(type(value))
        _require(write is not None)
        assert write is not None
        yield write(value)


# Numbers and truths may stand in a document as such; they are compared as their texts are.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: str,
    int: str,
    float: str,
    bool: lambda value: "true" if value else "false",
}
