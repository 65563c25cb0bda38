"""Filled-in inputs and outputs of every action, made from botocore's own reading of the service models.

They are the same whenever they are made: text is the name of its member with what a wire has to escape, and everything
that may be repeated is there twice.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session  # type: ignore[import-untyped]

A_TIME = datetime(2026, 11, 25, 22, 0, 0, 123_000, UTC)


@cache
def botocore_model(service: str) -> Any:
    """What botocore's clients go by."""
    return botocore.session.Session().get_service_model(service)


def example_input(service: str, action: str) -> dict[str, Any]:
    """Every parameter of an action."""
    parameters: dict[str, Any] = example(botocore_model(service).operation_model(action).input_shape, action)
    return parameters


def example_output(service: str, action: str) -> dict[str, Any]:
    """Every member of an action's result; an empty one where it has none."""
    result: dict[str, Any] = example(botocore_model(service).operation_model(action).output_shape, action)
    return result


def example(shape: Any, name: str) -> Any:
    """A value of a shape of botocore's."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        return {each: example(member, each) for each, member in shape.members.items()}
    if shape.type_name == "list":
        return [example(shape.member, f"{name} 1"), example(shape.member, f"{name} 2")]
    if shape.type_name == "map":
        return {f"{name} {key}": example(shape.value, key) for key in ("a", "b")}
    text = f"{name} <&> +%é"
    values = {"string": text, "integer": 7, "long": 1 << 40, "boolean": True, "blob": b"\x00\xff?", "timestamp": A_TIME}
    return values[shape.type_name]


def with_milliseconds(value: Any) -> Any:
    """An example as handlers give it: times are milliseconds since the epoch."""
    if isinstance(value, dict):
        return {name: with_milliseconds(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_milliseconds(inner) for inner in value]
    return 1_795_644_000_123 if value == A_TIME else value
