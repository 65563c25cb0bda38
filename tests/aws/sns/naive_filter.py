"""Filter policies read as the SNS Developer Guide describes them, one key and one value after the other.

It shares nothing with the broker's filters, which are compiled and indexed.
"""

import ipaddress
from typing import Any


def matches(policy: dict[str, Any], values: dict[str, list[Any]], path: str = "") -> bool:
    """Whether a message with these values by path is what the policy asks for."""
    for key, wanted in policy.items():
        inner = f"{path}.{key}" if path else key
        if key == "$or" and isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(w, dict) for w in wanted):
            if not any(matches(branch, values, path) for branch in wanted):
                return False
        elif isinstance(wanted, dict):
            if not matches(wanted, values, inner):
                return False
        elif not any(_holds(condition, values.get(inner)) for condition in wanted):
            return False
    return True


def _holds(condition: Any, values: list[Any] | None) -> bool:
    if isinstance(condition, dict) and "exists" in condition:
        return (values is not None) is condition["exists"]
    return any(_is(condition, value) for value in values or ())


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, str) or isinstance(right, str):
        return type(left) is type(right) and left == right
    return float(left) == float(right)


def _is(condition: Any, value: Any) -> bool:
    if not isinstance(condition, dict):
        return _same(condition, value)
    ((operator, operand),) = condition.items()
    if operator == "anything-but":
        if isinstance(operand, dict):
            return not (isinstance(value, str) and value.startswith(operand["prefix"]))
        return not any(_same(each, value) for each in (operand if isinstance(operand, list) else [operand]))
    if operator == "numeric":
        return isinstance(value, int | float) and not isinstance(value, bool) and _in_range(operand, float(value))
    if not isinstance(value, str):
        return False
    if operator == "cidr":
        try:
            return ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
        except ValueError:
            return False
    if operator == "equals-ignore-case":
        return value.casefold() == str(operand).casefold()
    return value.startswith(operand) if operator == "prefix" else value.endswith(operand)


def _in_range(operand: list[Any], value: float) -> bool:
    for name, bound in zip(operand[::2], operand[1::2], strict=True):
        if not {
            "=": value == bound, "<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound,
        }[name]:  # fmt: skip
            return False
    return True


def flat(value: Any, path: str = "", found: dict[str, list[Any]] | None = None) -> dict[str, list[Any]]:
    """The values of a JSON document by path."""
    found = {} if found is None else found
    if isinstance(value, dict):
        for name, inner in value.items():
            flat(inner, f"{path}.{name}" if path else name, found)
    elif isinstance(value, list):
        for inner in value:
            flat(inner, path, found)
    else:
        found.setdefault(path, []).append(value)
    return found
