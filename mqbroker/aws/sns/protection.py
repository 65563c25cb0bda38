"""Data protection policies: what is done about sensitive data in messages that come in, or go out to subscriptions.

Of AWS's managed identifiers those are known that a look at the text is enough for: addresses of e-mail and IP, numbers
of credit cards, US social security numbers, telephone numbers, and secret keys. A policy with another one is refused.

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

_PREFIX = "arn:aws:dataprotection::aws:data-identifier/"
_PHONE_US = r"(?<![0-9+])(?:\+?1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-][2-9][0-9]{2}[ .-][0-9]{4}(?![0-9])"


def _key(kind: str) -> re.Pattern[str]:
    """A private key in its armour."""
    return re.compile(rf"-----BEGIN {kind}PRIVATE KEY(?: BLOCK)?-----[^-]+-----END {kind}PRIVATE KEY(?: BLOCK)?-----")


_IDENTIFIERS: Mapping[str, re.Pattern[str]] = {
    "EmailAddress": re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"),
    "CreditCardNumber": re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])"),
    "IpAddress": re.compile(r"(?<![0-9.])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}"
                            r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?![0-9.])"),
    "Ssn-US": re.compile(r"(?<![0-9-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9-])"),
    "PhoneNumber-US": re.compile(_PHONE_US),
    "PhoneNumber-GB": re.compile(r"(?<![0-9+])(?:\+44[ -]?|0)[1-9](?:[ -]?[0-9]){8,9}(?![0-9])"),
    "PhoneNumber-DE": re.compile(r"(?<![0-9+])(?:\+49[ -]?|0)[1-9](?:[ /-]?[0-9]){6,12}(?![0-9])"),
    "AwsSecretKey": re.compile(r"(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]*[/+0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"),
    "OpenSshPrivateKey": _key("OPENSSH "),
    "PgpPrivateKey": _key("PGP "),
    "PkcsPrivateKey": _key("(?:RSA |EC |ENCRYPTED )?"),
}  # fmt: skip
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
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if name == "CreditCardNumber" and not _is_card(match[0]):
            return match[0]
        count += 1
        return match[0] if mask is None else mask * len(match[0])

    return _IDENTIFIERS[name].sub(replace, text), count


def _is_card(text: str) -> bool:
    """Whether the last digit is right (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _rule(statement: Mapping[str, Any]) -> Rule:
    direction, operation = statement["DataDirection"], statement["Operation"]
    if direction not in _DIRECTIONS:
        raise ValueError(f"DataDirection must be Inbound or Outbound, not {direction}")
    (kind,) = operation
    mask: str | None = None
    if kind == "Deidentify":
        (how,) = operation[kind]
        mask = operation[kind][how].get("MaskWithCharacter", _MASK) if how == "MaskConfig" else ""
        if not isinstance(mask, str):
            raise ValueError("MaskWithCharacter must be a character")
    elif kind not in ("Audit", "Deny"):
        raise ValueError(f"there is no operation {kind}")
    principals, identifiers = statement.get("Principal", ["*"]), statement["DataIdentifier"]
    names = tuple(each.removeprefix(_PREFIX) for each in identifiers)
    for name in names:
        if name not in _IDENTIFIERS:
            raise ValueError(f"the data identifier {name} is not known here")
    return Rule(direction, tuple(principals), names, kind == "Deny", mask)
