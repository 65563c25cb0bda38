"""What selectors compare and calculate with: booleans, numbers, texts, and None, which is SQL's NULL.

The result of a condition is True, False or None for unknown; only True selects a message. Numbers compare by value over
all widths. Values of different kinds are unequal, and in no order; with `converts`, a text that reads as a number or a
truth counts as one beside such, which is for protocols whose properties are all texts.
"""

import math
import operator
from collections.abc import Callable

Value = bool | int | float | str | None
Truth = bool | None

_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER_CHARACTERS_MAX = 32


def equal(left: Value, right: Value, converts: bool) -> Truth:
    """Whether two values are equal."""
    if left is None or right is None:
        return None
    if converts:
        left, right = _alike(left, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and left == right
    return left == right


def ordered(operation: str, left: Value, right: Value, converts: bool) -> Truth:
    """Whether two numbers are in that order."""
    if left is None or right is None:
        return None
    if converts:
        left, right = as_number(left), as_number(right)
    if isinstance(left, bool | str | None) or isinstance(right, bool | str | None):
        return False
    return _ORDERS[operation](left, right)


def calculate(operation: str, left: Value, right: Value, converts: bool) -> Value:
    """Arithmetic; None where it is impossible. `+` joins what follows a text, as ActiveMQ has it."""
    if left is None or right is None:
        return None
    if operation == "+" and isinstance(left, str):
        return left + (str(right).lower() if isinstance(right, bool) else str(right))
    if converts:
        left, right = as_number(left), as_number(right)
    if isinstance(left, bool | str | None) or isinstance(right, bool | str | None):
        return None
    try:
        return arithmetic(operation, left, right)
    except OverflowError:  # integers that no floating-point number can hold
        return None


def arithmetic(operation: str, left: float, right: float) -> float:
    """What `+`, `-`, `*`, `/` and `%` make of two numbers. OverflowError for integers that are too large."""
    if operation == "+":
        return left + right
    if operation == "-":
        return left - right
    if operation == "*":
        return left * right
    dividend, divisor = float(left), float(right)  # always, as ActiveMQ does: 5 / 2 is 2.5
    if divisor == 0:  # IEEE 754, as in Java
        if operation == "%" or dividend == 0 or math.isnan(dividend):
            return math.nan
        return math.copysign(math.inf, dividend) * math.copysign(1, divisor)
    if operation == "%":
        return math.nan if math.isinf(dividend) else math.fmod(dividend, divisor)
    return dividend / divisor


def negative(value: Value, converts: bool) -> Value:
    """The same number with the other sign."""
    if converts and value is not None:
        value = as_number(value)
    return None if isinstance(value, bool | str | None) else -value


def conjunction(truths: "list[Truth]") -> Truth:
    """SQL's AND."""
    if False in truths:
        return False
    return None if None in truths else True


def disjunction(truths: "list[Truth]") -> Truth:
    """SQL's OR."""
    if True in truths:
        return True
    return None if None in truths else False


def negation(truth: Truth) -> Truth:
    """SQL's NOT."""
    return None if truth is None else not truth


def as_number(value: bool | float | str) -> Value:
    """A text that reads as a number as that number; others as they are."""
    if not isinstance(value, str) or len(value) > _NUMBER_CHARACTERS_MAX or "_" in value:
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def _alike(left: bool | float | str, right: bool | float | str) -> tuple[Value, Value]:
    if isinstance(left, str) is isinstance(right, str):
        return left, right
    return _like(left, right), _like(right, left)


def _like(value: bool | float | str, other: bool | float | str) -> Value:
    if not isinstance(value, str):
        return value
    if isinstance(other, bool):
        return value.lower() == "true"
    return as_number(value)
