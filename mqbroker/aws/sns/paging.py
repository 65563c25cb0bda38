"""Lists in pages: what a page has, and the token that leads to the next one, which is the name of its last element."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from typing import TypeVar

from mqbroker.aws.limits import SNS_LIST_RESULTS_MAX
from mqbroker.aws.sns import refusals

T = TypeVar("T")


def page_of(
    found: Sequence[T], token: str | None, name_of: Callable[[T], str], most: int = SNS_LIST_RESULTS_MAX
) -> tuple[list[T], str | None]:
    """A page, and the token for the next one if there is one. Raises AwsError for a token that is none."""
    ordered = sorted(found, key=name_of)
    if token:
        after = _read(token)
        ordered = [each for each in ordered if name_of(each) > after]
    page = ordered[:most]
    rest = urlsafe_b64encode(name_of(page[-1]).encode()).decode() if len(ordered) > len(page) else None
    return page, rest


def _read(token: str) -> str:
    try:
        return b64decode(token.encode(), b"-_", validate=True).decode()
    except (NotBase64, ValueError):
        raise refusals.invalid("NextToken") from None
