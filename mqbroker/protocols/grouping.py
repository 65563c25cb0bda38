"""Message groups in protocols that have none: how a message says its group and its deduplication id all the same.

It says them in headers (user properties) by the names that SQS has for them, which is where such a message is read.
"""

from mqbroker.core.properties import Properties

GROUP_HEADER = "MessageGroupId"
DEDUPLICATION_HEADER = "MessageDeduplicationId"

_HEADERS = {"group_id": GROUP_HEADER, "deduplication_id": DEDUPLICATION_HEADER}


def group_text(properties: Properties, name: str) -> str | None:
    """The property `group_id` or `deduplication_id` of a message; None when it has none, and for any other name."""
    header = _HEADERS.get(name)
    if header is None or not properties.has_headers:
        return None
    found = properties.headers().get(header)
    return found if isinstance(found, str) else None
