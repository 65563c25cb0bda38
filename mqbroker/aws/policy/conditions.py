"""The conditions of a policy: an operator, a key of the request, and the values that it is compared with.

Owns the operators. A condition is compiled once, when its document is read; what cannot be compared is refused there.
All conditions of a statement must hold, one of the values of each is enough, and none of them may be met where the
operator is a negated one. A key that the request does not have fails a condition, but for negated ones.
"""

import ipaddress
import operator
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mqbroker.aws.iso_time import seconds_of
from mqbroker.aws.policy.wildcards import ArnPattern, Context, Pattern, tokenise

Test = Callable[[str, Context], bool]
"""Whether a value of the request, and what else is known of it, meets one value of the policy."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,32}(\.[0-9]{1,32})?")
_FOR_ALL = "ForAllValues"
_FOR_ANY = "ForAnyValue"
_IF_EXISTS = "IfExists"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one key, which is in lower case."""

    key: str
    quantifier: str
    is_negated: bool
    is_optional: bool
    tests: tuple[Test, ...]

    def holds(self, context: Context) -> bool:
        """Whether a request meets it."""
        found = context.get(self.key)
        if found is None:
            return self.is_optional or self.quantifier == _FOR_ALL or (self.is_negated and not self.quantifier)
        values = (found,) if isinstance(found, str) else found
        met = (self._meets(value, context) for value in values)
        # Without a quantifier none of several values may be one that a negated operator names.
        if self.quantifier == _FOR_ALL or (self.is_negated and not self.quantifier):
            return all(met)
        return any(met)

    def _meets(self, value: str, context: Context) -> bool:
        return any(test(value, context) for test in self.tests) is not self.is_negated


@dataclass(frozen=True, slots=True)
class NullCondition:
    """Whether the request has a key at all: `is_absent` says what is asked for."""

    key: str
    is_absent: bool

    def holds(self, context: Context) -> bool:
        """Whether a request meets it."""
        return (self.key not in context) is self.is_absent


def compile_condition(name: str, key: str, values: Iterable[str], has_variables: bool) -> Condition | NullCondition:
    """A condition as the document has it. Raises ValueError for an operator or a value that there is not."""
    if name == "Null":
        (text,) = values
        return NullCondition(key.lower(), _truth(text))
    quantifier, colon, rest = name.rpartition(":")
    if colon and quantifier not in (_FOR_ALL, _FOR_ANY):
        raise ValueError(f"there is no operator {name}")
    base = rest.removesuffix(_IF_EXISTS)
    if base not in _OPERATORS:
        raise ValueError(f"there is no operator {name}")
    make, is_negated = _OPERATORS[base]
    tests = tuple(make(value, has_variables) for value in values)
    return Condition(key.lower(), quantifier, is_negated, rest != base, tests)


# --- operators --------------------------------------------------------------------------------------------------------


def _string_equals(value: str, has_variables: bool) -> Test:
    return Pattern(tokenise(value, False, has_variables)).matches


def _string_equals_ignore_case(value: str, has_variables: bool) -> Test:
    pattern = Pattern(tokenise(value.lower(), False, has_variables))
    return lambda text, context: pattern.matches(text.lower(), _lowered(context))


def _lowered(context: Context) -> Context:
    return {key: value.lower() if isinstance(value, str) else value for key, value in context.items()}


def _string_like(value: str, has_variables: bool) -> Test:
    return Pattern(tokenise(value, True, has_variables)).matches


def _arn_like(value: str, has_variables: bool) -> Test:
    return ArnPattern(tokenise(value, True, has_variables)).matches


def _comparison(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Callable[[str, bool], Test]:
    def make(value: str, _has_variables: bool) -> Test:
        expected = read(value)

        def test(text: str, _context: Context) -> bool:
            try:
                return compare(read(text), expected)
            except ValueError:
                return False

        return test

    return make


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text} is no number")
    return float(text)


def _time(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    return seconds_of(text)


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text} is neither true nor false")
    return text.lower() == "true"


def _octets(text: str) -> bytes:
    return b64decode(text, validate=True)


def _is_inside(address: Any, network: Any) -> bool:
    return bool(address.version == network.version and address.subnet_of(network))


_address = _comparison(lambda text: ipaddress.ip_network(text, strict=False), _is_inside)
_COMPARISONS = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

# What makes the test of an operator, and whether the operator holds where no test is met.
_OPERATORS: dict[str, tuple[Callable[[str, bool], Test], bool]] = {
    "StringEquals": (_string_equals, False),
    "StringNotEquals": (_string_equals, True),
    "StringEqualsIgnoreCase": (_string_equals_ignore_case, False),
    "StringNotEqualsIgnoreCase": (_string_equals_ignore_case, True),
    "StringLike": (_string_like, False),
    "StringNotLike": (_string_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "NumericEquals": (_comparison(_number, operator.eq), False),
    "NumericNotEquals": (_comparison(_number, operator.eq), True),
    "DateEquals": (_comparison(_time, operator.eq), False),
    "DateNotEquals": (_comparison(_time, operator.eq), True),
    **{f"Numeric{name}": (_comparison(_number, compare), False) for name, compare in _COMPARISONS.items()},
    **{f"Date{name}": (_comparison(_time, compare), False) for name, compare in _COMPARISONS.items()},
    "Bool": (_comparison(_truth, operator.eq), False),
    "BinaryEquals": (_comparison(_octets, operator.eq), False),
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
}
