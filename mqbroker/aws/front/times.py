"""Times in parameters and results, which services have as milliseconds since 1970 and wires as something else."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.aws.front.model import Shape
from mqbroker.aws.iso_time import seconds_of

Stamp = Callable[[int], object]
"""What a wire writes for milliseconds."""

_NUMBER = re.compile(r"[0-9]{1,14}(\.[0-9]{1,9})?")
_SECONDS_MAX = 253_402_300_799  # the end of the year 9999, the last that ISO 8601 has without more ado


def milliseconds(seconds: float) -> int:
    """Of a number of seconds. Raises ValueError for one that is no time."""
    if not math.isfinite(seconds) or not 0 <= seconds <= _SECONDS_MAX:
        raise ValueError(f"{seconds} is not a time")
    return round(seconds * 1000)


def parse_time(text: str) -> int:
    """Milliseconds of ISO 8601, or of a number of seconds. Raises ValueError."""
    if _NUMBER.fullmatch(text):
        return milliseconds(float(text))
    return milliseconds(seconds_of(text))


def compile_stamper(shape: Shape | None, stamp: Stamp) -> Callable[[Any], Any] | None:
    """What puts a wire's times into a result of a shape; None where there are none in it."""
    if shape is None:
        return None
    if shape.kind == "timestamp":
        return stamp
    if shape.kind == "structure":
        return _structure_stamper(shape, stamp)
    inner = compile_stamper(shape.element, stamp)
    if inner is None:
        return None
    if shape.kind == "map":
        return lambda values: {name: inner(value) for name, value in values.items()}
    return lambda values: [inner(value) for value in values]


def _structure_stamper(shape: Shape, stamp: Stamp) -> Callable[[Any], Any] | None:
    found = {name: compile_stamper(member.shape, stamp) for name, member in shape.members.items()}
    stampers = {name: stamper for name, stamper in found.items() if stamper is not None}
    if not stampers:
        return None

    def stamped(value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: stampers[name](each) if name in stampers else each for name, each in value.items()}

    return stamped
