"""The tags of a queue: how many there may be, and how long."""

from collections.abc import Mapping

from mqbroker.aws.limits import SQS_TAGS_MAX
from mqbroker.aws.sqs import refusals

TAG_KEY_MAX = 128
_TAG_VALUE_MAX = 256


def check_tags(tags: Mapping[str, str], queue_name: str) -> None:
    """Raises AwsError unless a queue may have these tags."""
    if len(tags) > SQS_TAGS_MAX:
        raise refusals.invalid_value(f"Too many tags added for queue {queue_name}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= TAG_KEY_MAX or len(value) > _TAG_VALUE_MAX or key.lower().startswith("aws:"):
            raise refusals.invalid_value(
                f"Tag keys must be between 1 and {TAG_KEY_MAX} characters in length and must not start with aws:, "
                f"tag values must not be longer than {_TAG_VALUE_MAX} characters."
            )
