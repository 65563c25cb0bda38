"""What several actions take: namespaces, dimensions, periods and pages, checked."""

import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from mqbroker.aws.cloudwatch import refusals
from mqbroker.aws.limits import (
    CLOUDWATCH_DIMENSION_CHARS_MAX,
    CLOUDWATCH_DIMENSIONS_MAX,
    CLOUDWATCH_NAME_CHARS_MAX,
)

Dimensions = tuple[tuple[str, str], ...]

_SIZES = [f"{size}{unit}".capitalize() for unit in ("bytes", "bits") for size in ("", "kilo", "mega", "giga", "tera")]
UNITS = frozenset(
    (
        "Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None",
        *_SIZES, *(f"{size}/Second" for size in _SIZES),
    )
)  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z0-9_=-]{1,64}")


def checked_text(given: Mapping[str, Any], name: str, most: int = CLOUDWATCH_NAME_CHARS_MAX) -> str:
    """A text that has to be there. Raises AwsError."""
    text = given.get(name)
    if text is None:
        raise refusals.missing(name)
    if not 0 < len(text) <= most:
        raise refusals.invalid(f"The parameter {name} must have 1 to {most} characters.")
    return str(text)


def dimensions_of(given: Sequence[Mapping[str, Any]] | None) -> Dimensions:
    """Dimensions in the order of their names. Raises AwsError."""
    found: dict[str, str] = {}
    for each in given or ():
        name = checked_text(each, "Name")
        value = found[name] = checked_text(each, "Value", CLOUDWATCH_DIMENSION_CHARS_MAX)
        if not (name + value).isascii():
            raise refusals.invalid("The parameter Dimensions must have names and values of ASCII characters only.")
    if len(found) < len(given or ()) or len(found) > CLOUDWATCH_DIMENSIONS_MAX:
        raise refusals.invalid(
            f"The parameter Dimensions must have at most {CLOUDWATCH_DIMENSIONS_MAX}, each with another name."
        )
    return tuple(sorted(found.items()))


def shown_dimensions(dimensions: Dimensions) -> list[dict[str, str]]:
    """The same as answers have it."""
    return [{"Name": name, "Value": value} for name, value in dimensions]


def check_unit(unit: str | None) -> str:
    """A unit; empty for none. Raises AwsError."""
    if unit is not None and unit not in UNITS:
        raise refusals.invalid(f"The parameter Unit must be one of CloudWatch's units, not {unit!r}.")
    return unit or ""


def check_period(seconds: int) -> int:
    """The minutes of a period. Raises AwsError."""
    if seconds < 1 or (seconds % 60 and seconds not in (1, 5, 10, 20, 30)):
        raise refusals.invalid("The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.")
    return max(1, seconds // 60)


def check_number(value: float, name: str) -> float:
    """A value that can be counted with: CloudWatch refuses what needs more than 2^360. Raises AwsError."""
    if not math.isfinite(value) or abs(value) > 2.0**360:
        raise refusals.invalid(f"The value {value} for parameter {name} is invalid.")
    return value


def token_of(place: int) -> str:
    """The token for the page that begins at a place."""
    return urlsafe_b64encode(str(place).encode()).decode()


def place_of(token: str | None) -> int:
    """Where the page of a token begins. Raises AwsError."""
    if token is None:
        return 0
    try:
        if not _TOKEN.fullmatch(token):
            raise ValueError(token)
        place = int(urlsafe_b64decode(token))
    except ValueError:
        raise refusals.bad_token() from None
    if not 0 <= place < 1 << 31:
        raise refusals.bad_token()
    return place
