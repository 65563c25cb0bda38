"""The tags of a topic: how many there may be, and how long."""

from collections.abc import Mapping, Sequence

from mqbroker.aws.limits import SNS_TAGS_MAX
from mqbroker.aws.sns import refusals
from mqbroker.errors import AwsError

_KEY_MAX = 128
_VALUE_MAX = 256


def read_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request. Raises AwsError."""
    tags = {each.get("Key", ""): each.get("Value", "") for each in given}
    if len(tags) < len(given):
        raise refusals.invalid("Duplicated keys are not allowed.")
    for key, value in tags.items():
        if not 1 <= len(key) <= _KEY_MAX or len(value) > _VALUE_MAX or key.lower().startswith("aws:"):
            raise refusals.invalid("Tags")
    return tags


def check_count(tags: Mapping[str, str]) -> None:
    """Raises AwsError for too many."""
    if len(tags) > SNS_TAGS_MAX:
        raise AwsError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
