"""What one value of a message is compared with: the operators of filter policies.

A value is an atom: a text, a number as a float, or a tuple for what else JSON has, so that true is not 1.
"""

import ipaddress
import operator
from collections.abc import Callable
from math import inf
from typing import Final

Atom = str | float | tuple[bool | None]
Test = Callable[[Atom], bool]

_COMPARISONS: Final = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def atom(value: object) -> Atom:
    """The atom of a value of JSON that is neither an array nor an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return (value,)
    assert isinstance(value, int | float)
    return float(value)


def suffix(text: str) -> Test:
    """`suffix`"""
    return lambda value: isinstance(value, str) and value.endswith(text)


def equals_ignore_case(text: str) -> Test:
    """`equals-ignore-case`"""
    folded = text.casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def anything_but(values: frozenset[Atom]) -> Test:
    """`anything-but` of values"""
    return lambda value: value not in values


def anything_but_prefix(text: str) -> Test:
    """`anything-but` of a prefix"""
    return lambda value: not (isinstance(value, str) and value.startswith(text))


class Range:
    """`numeric`: one comparison, or the two of a range. What it is true for lies from `low` to `high`."""

    __slots__ = ("_tests", "high", "low")

    def __init__(self, bounds: list[tuple[str, float]]) -> None:
        self._tests = [(_COMPARISONS[name], bound) for name, bound in bounds]
        self.low = max((bound for name, bound in bounds if name[0] in ">="), default=-inf)
        self.high = min((bound for name, bound in bounds if name[0] in "<="), default=inf)

    def matches(self, value: Atom) -> bool:
        """Whether a value is in it."""
        return isinstance(value, float) and all(compare(value, bound) for compare, bound in self._tests)


def cidr(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Test:
    """`cidr`"""

    def test(value: Atom) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test
