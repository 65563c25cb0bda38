"""What selectors see of a message: the headers of JMS by their names, and the application's own.

    JMSDestination    queue://key, topic://key      JMSRedelivered, JMSXDeliveryCount     of the entry
    JMSDeliveryMode   PERSISTENT, NON_PERSISTENT    JMSPriority, JMSTimestamp, JMSExpiration (numbers, milliseconds)
    JMSMessageID, JMSCorrelationID, JMSReplyTo, JMSType, JMSXUserID, JMSXGroupID, JMSXGroupSeq   neutral properties

Headers that the application has given those names count less. Values that are no numbers, truths or texts are NULL.
"""

from collections.abc import Callable

from mqbroker.core.message import Entry, Message, returns_of
from mqbroker.core.selectors.part import BODY
from mqbroker.core.selectors.selector import Selector
from mqbroker.core.selectors.values import Value
from mqbroker.core.values import Decimal, RawString

_TEXTS = {
    "JMSMessageID": "message_id",
    "JMSCorrelationID": "correlation_id",
    "JMSReplyTo": "reply_to",
    "JMSXUserID": "user_id",
    "JMSXGroupID": "group_id",
}
_PRIORITY = 4  # JMS 2.0 §3.4.10: of a message without one


def selects(selector: Selector, message: Message, entry: Entry | None = None) -> bool:
    """Whether the selector selects a message; `entry` is its place in the queue that it is taken from."""
    view = selector.view
    return selector.matches(Fields(message, entry).get if view is None else view(message, entry))


class Fields:
    """One message."""

    __slots__ = ("_entry", "_message")

    def __init__(self, message: Message, entry: Entry | None = None) -> None:
        self._message = message
        self._entry = entry

    def get(self, name: str) -> Value:
        """A value by its name; None when there is none."""
        if name.startswith("JMS"):
            neutral = _TEXTS.get(name)
            if neutral is not None:
                return self._message.properties.text(neutral)
            computed = _COMPUTED.get(name)
            if computed is not None:
                return computed(self._message, self._entry)
        properties = self._message.properties
        if name == BODY:
            return properties.readable(self._message.content()).decode("latin-1")
        return value_of(properties.headers().get(name)) if properties.has_headers else None


def value_of(value: object) -> Value:
    """The value of a header as selectors have it."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, RawString):
        return value.decode("utf-8", "surrogateescape")
    return value.value / 10**value.scale if isinstance(value, Decimal) else None


def _destination(message: Message, _entry: Entry | None) -> Value:
    return f"topic://{message.routing_key}" if message.exchange else f"queue://{message.routing_key}"


def _delivery_mode(message: Message, _entry: Entry | None) -> Value:
    return "PERSISTENT" if message.properties.persistent else "NON_PERSISTENT"


def _priority(message: Message, _entry: Entry | None) -> Value:
    text = message.properties.text("priority")
    return _PRIORITY if text is None else int(text)


def _timestamp(message: Message, _entry: Entry | None) -> Value:
    text = message.properties.text("timestamp")
    return message.received_at if text is None else int(text) * 1000


def _expiration(message: Message, _entry: Entry | None) -> Value:
    ttl_ms = message.properties.ttl_ms
    return 0 if ttl_ms < 0 else message.received_at + ttl_ms


def _redelivered(_message: Message, entry: Entry | None) -> Value:
    return entry is not None and entry.is_redelivered


def _delivery_count(_message: Message, entry: Entry | None) -> Value:
    return 1 if entry is None else 1 + returns_of(entry.attempts)


def _type(message: Message, _entry: Entry | None) -> Value:
    found = message.properties.text("type")
    return message.properties.text("subject") if found is None else found


def _group_sequence(message: Message, _entry: Entry | None) -> Value:
    properties = message.properties
    text = properties.text("group_sequence")
    return value_of(properties.headers().get("JMSXGroupSeq")) if text is None else int(text)


_COMPUTED: dict[str, Callable[[Message, Entry | None], Value]] = {
    "JMSDestination": _destination,
    "JMSDeliveryMode": _delivery_mode,
    "JMSPriority": _priority,
    "JMSTimestamp": _timestamp,
    "JMSExpiration": _expiration,
    "JMSRedelivered": _redelivered,
    "JMSXDeliveryCount": _delivery_count,
    "JMSXGroupSeq": _group_sequence,
    "JMSType": _type,
}
