"""What expressions of XPath evaluate to, and how one kind of value becomes another (XPath 1.0 §3.2 to §3.5, §4)."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from mqbroker.core.selectors.xpath.document import Node, Work

Value = list[Node] | str | float | bool

_NUMBER = re.compile(r"[ \t\r\n]*-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[ \t\r\n]*")

_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def as_boolean(value: Value) -> bool:
    """boolean()."""
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return bool(value)


def as_string(value: Value, work: Work) -> str:
    """string()."""
    if isinstance(value, list):
        return value[0].text(work) if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return shown(value) if isinstance(value, float) else value


def shown(number: float) -> str:
    """A number as a text: never with an exponent."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == int(number):
        return str(int(number))
    return format(Decimal(repr(number)), "f")


def as_number(value: Value, work: Work) -> float:
    """number()."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, float):
        return value
    text = as_string(value, work)
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def equal(left: Value, right: Value, is_wanted: bool, work: Work) -> bool:
    """Whether some nodes, or the values, are equal; or unequal, if that is wanted."""
    if isinstance(left, bool) or isinstance(right, bool):
        return (as_boolean(left) is as_boolean(right)) is is_wanted
    if isinstance(left, list) and isinstance(right, list):
        return _any_equal([each.text(work) for each in left], [each.text(work) for each in right], is_wanted)
    if isinstance(left, list) or isinstance(right, list):
        nodes, other = (left, right) if isinstance(left, list) else (right, left)
        assert isinstance(nodes, list)
        return any(_equal(each.text(work), other, is_wanted, work) for each in nodes)
    return _equal(left, right, is_wanted, work)


def _any_equal(left: list[str], right: list[str], is_wanted: bool) -> bool:
    one, other = set(left), set(right)
    if is_wanted:
        return not one.isdisjoint(other)
    return bool(one and other) and len(one | other) > 1


def _equal(left: Value, right: Value, is_wanted: bool, work: Work) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        return (as_number(left, work) == as_number(right, work)) is is_wanted
    return (as_string(left, work) == as_string(right, work)) is is_wanted


def ordered(operation: str, left: Value, right: Value, work: Work) -> bool:
    """Whether some nodes, or the values, are in that order as numbers."""
    if isinstance(right, bool) and isinstance(left, list):
        left = bool(left)
    elif isinstance(left, bool) and isinstance(right, list):
        right = bool(right)
    ones, others = _numbers(left, work), _numbers(right, work)
    if not ones or not others:
        return False
    if operation in ("<", "<="):
        return _ORDERS[operation](min(ones), max(others))
    return _ORDERS[operation](max(ones), min(others))


def _numbers(value: Value, work: Work) -> list[float]:
    """The numbers that a value is, or its nodes are."""
    values = [each.text(work) for each in value] if isinstance(value, list) else [value]
    found = [as_number(each, work) for each in values]
    return [each for each in found if not math.isnan(each)]
