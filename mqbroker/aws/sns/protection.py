"""Data protection policies: what is done about sensitive data in messages that come in, or go out to subscriptions.

Of AWS's managed identifiers those are known that a look at the text is enough for (identifiers.py). A policy with
another one is refused.

    Audit          found data is counted in the log, never shown
    Deidentify     found data is masked, or taken out
    Deny           the publish is refused, or the subscription does not get the message
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mqbroker.aws.limits import SNS_PROTECTION_BYTES_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.identifiers import IDENTIFIERS

_PREFIX = "arn:aws:dataprotection::aws:data-identifier/"
_MASK = "*"
_DIRECTIONS = ("Inbound", "Outbound")


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement. `mask` is None where nothing is masked, and empty where what is found is taken out."""

    direction: str
    principals: tuple[str, ...]
    identifiers: tuple[str, ...]
    is_denial: bool
    mask: str | None

    def is_about(self, principal: str) -> bool:
        """Whether the rule is for who has sent, or is subscribed."""
        return "*" in self.principals or principal in self.principals


class Protection:
    """A policy."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self.has_outbound = any(rule.direction == _DIRECTIONS[1] for rule in rules)

    @staticmethod
    def parse(text: str) -> "Protection":
        """Raises AwsError."""
        try:
            if len(text.encode()) > SNS_PROTECTION_BYTES_MAX:
                raise ValueError("it is too long")
            document = orjson.loads(text)
            return Protection([_rule(each) for each in document["Statement"]])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            raise refusals.invalid(f"DataProtectionPolicy Reason: {reason}") from None

    def inbound(self, text: str, principal: str) -> tuple[str | None, list[str]]:
        """The text as it may come in, None if it may not; and which kinds of data were found."""
        return self._apply(_DIRECTIONS[0], text, principal)

    def outbound(self, text: str, principal: str) -> tuple[str | None, list[str]]:
        """The same for what goes out."""
        return self._apply(_DIRECTIONS[1], text, principal)

    def _apply(self, direction: str, text: str, principal: str) -> tuple[str | None, list[str]]:
        found: list[str] = []
        for rule in self._rules:
            if rule.direction != direction or not rule.is_about(principal):
                continue
            for name in rule.identifiers:
                text, count = _replaced(text, name, rule.mask)
                if count:
                    found.append(name)
                    if rule.is_denial:
                        return None, found
        return text, found


def _replaced(text: str, name: str, mask: str | None) -> tuple[str, int]:
    count, identifier = 0, IDENTIFIERS[name]

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if not identifier.is_right(match[0]):
            return match[0]
        count += 1
        return match[0] if mask is None else mask * len(match[0])

    return identifier.pattern.sub(replace, text), count


def _mask(config: Mapping[str, Any]) -> str:
    """One character: it stands for each that is masked, so a text of more would make messages as much longer."""
    mask = config.get("MaskWithCharacter", _MASK)
    if not isinstance(mask, str) or len(mask) != 1:
        raise ValueError("MaskWithCharacter must be a character")
    return mask


def _rule(statement: Mapping[str, Any]) -> Rule:
    direction, operation = statement["DataDirection"], statement["Operation"]
    if direction not in _DIRECTIONS:
        raise ValueError(f"DataDirection must be Inbound or Outbound, not {direction}")
    (kind,) = operation
    mask: str | None = None
    if kind == "Deidentify":
        (how,) = operation[kind]
        mask = _mask(operation[kind][how]) if how == "MaskConfig" else ""
    elif kind not in ("Audit", "Deny"):
        raise ValueError(f"there is no operation {kind}")
    principals, identifiers = statement.get("Principal", ["*"]), statement["DataIdentifier"]
    names = tuple(each.removeprefix(_PREFIX) for each in identifiers)
    for name in names:
        if name not in IDENTIFIERS:
            raise ValueError(f"the data identifier {name} is not known here")
    return Rule(direction, tuple(principals), names, kind == "Deny", mask)
