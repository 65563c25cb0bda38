"""The properties of messages by AMQP's names, as operators write and read them."""

from collections.abc import Mapping
from typing import Any

from mqbroker.core.properties import Properties

TEXTS = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id", "type", "user_id",
    "app_id", "cluster_id",
)  # fmt: skip
NUMBERS = {"delivery_mode": 255, "priority": 255, "timestamp": (1 << 64) - 1}


def shown_properties(properties: Properties) -> Mapping[str, Any]:
    """The properties of a message of any protocol, by AMQP's names."""
    texts = {name: properties.text(name) for name in (*TEXTS, *NUMBERS)}
    found: dict[str, Any] = {
        name: int(text) if name in NUMBERS else text for name, text in texts.items() if text is not None
    }
    if properties.persistent:
        found["delivery_mode"] = 2
    headers = properties.headers()
    if headers:
        found["headers"] = dict(headers)
    return found
