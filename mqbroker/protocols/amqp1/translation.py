"""Messages of other protocols as sections of AMQP 1.0, and what of it consumers of AMQP 1.0 are shown of any message.

neutral                                   1.0
persistent, priority, ttl                 header
headers x-...                             message-annotations; CC is x-cc, x-death x-opt-deaths, type x-basic-type
exchange, routing key                     x-exchange, x-routing-key, if there is an exchange
message_id, correlation_id                string; uuid for urn:uuid:...; binary for what is no UTF-8
user_id, content_type, content_encoding   the same; subject
reply_to                                  /queues/Q, or /exchanges/amq.topic/K from protocols that have topics
timestamp                                 creation-time
group_id, else app_id; group_sequence     group-id; group-sequence
other headers                             application-properties, simple values only
body                                      one data section; sections as they are, if its type is amqp-1.0
"""

from collections.abc import Sequence

from mqbroker.core.message import Message
from mqbroker.core.properties import Properties, RedrivenProperties
from mqbroker.protocols.amqp1.addresses import TOPIC_EXCHANGE, exchange_address, queue_address
from mqbroker.protocols.amqp1.codec.encode import NULL, encode, encode_list, encode_map, string, symbol, uint
from mqbroker.protocols.amqp1.codec.types import Milliseconds
from mqbroker.protocols.amqp1.properties import (
    CODED,
    CODED_TYPE,
    HEADERS_ANNOTATED,
    PARTS,
    TYPE_ANNOTATION,
    WIDE,
    Amqp1Properties,
    to_annotations,
)
from mqbroker.protocols.amqp1.values import MISSING, symbol_keys, text_id, wire_scalar

_TIMESTAMP_MAX = ((1 << 63) - 1) // 1000


class Shown:
    """What a consumer is shown of messages with the same properties, exchange and key."""

    __slots__ = ("footer", "is_coded", "is_wide", "middle", "parts", "priority")

    def __init__(
        self,
        middle: bytes,
        footer: bytes,
        is_coded: bool,
        is_wide: bool,
        priority: int | None,
        parts: Sequence[int] = (),
    ) -> None:
        self.middle = middle
        """The sections between header and body."""
        self.footer = footer
        self.is_coded = is_coded
        """Whether the body is sections as they are."""
        self.is_wide = is_wide
        self.parts = parts
        """The sizes of its data sections, if there are several."""
        self.priority = priority


def shown(message: Message) -> Shown:
    """The sections of any message but header and body."""
    properties = message.properties
    if isinstance(properties, RedrivenProperties):
        properties = properties.inner
    if isinstance(properties, Amqp1Properties):
        flags = properties.flags
        middle = properties.middle_with(_place(message))
        is_coded, is_wide, parts = bool(flags & (CODED | PARTS)), bool(flags & WIDE), properties.parts
        return Shown(middle, properties.footer, is_coded, is_wide, properties.header_priority, parts)
    middle = _annotations(properties, message) + _properties(properties, message) + _application(properties)
    priority = properties.text("priority")
    is_coded = properties.text("type") == CODED_TYPE
    return Shown(middle, b"", is_coded, False, int(priority) if priority is not None else properties.priority or None)


def _place(message: Message) -> dict[str, object]:
    """Where a message was published. RabbitMQ 4 tells consumers of every message: its own library counts on it."""
    return {"x-exchange": message.exchange, "x-routing-key": message.routing_key}


def _annotations(properties: Properties, message: Message) -> bytes:
    pairs = to_annotations(properties.headers()) if properties.has_headers else {}
    kind = properties.text("type")
    if kind is not None and kind != CODED_TYPE:
        pairs[TYPE_ANNOTATION] = kind
    pairs.update(_place(message))
    return b"\x00\x53\x72" + encode_map(symbol_keys(pairs))


def _properties(properties: Properties, message: Message) -> bytes:
    text = properties.text
    user, timestamp = text("user_id"), text("timestamp")
    subject, sequence = text("subject"), text("group_sequence")
    group = text("group_id") or text("app_id")
    fields = [
        _id(text("message_id")),
        NULL if user is None else encode(user.encode(errors="surrogateescape")),
        NULL,  # to
        NULL if subject is None else string(subject),
        _reply_to(properties, message),
        _id(text("correlation_id")),
        _symbol(text("content_type")),
        _symbol(text("content_encoding")),
        NULL,  # absolute-expiry-time
        NULL if timestamp is None else encode(Milliseconds(min(int(timestamp), _TIMESTAMP_MAX) * 1000)),
        NULL if group is None else string(group),
        NULL if sequence is None else uint(int(sequence) & 0xFFFF_FFFF),
    ]
    if all(each == NULL for each in fields):
        return b""
    return b"\x00\x53\x73" + encode_list(fields)


def _id(text: str | None) -> bytes:
    return NULL if text is None else encode(text_id(text))


def _symbol(text: str | None) -> bytes:
    return NULL if text is None else symbol(text)


def _reply_to(properties: Properties, message: Message) -> bytes:
    key = properties.text("reply_to")
    if key is None:
        return NULL
    if properties.topic(message.routing_key) is not None:
        return string(exchange_address(TOPIC_EXCHANGE, key))
    return string(key if key.startswith("/") or "://" in key else queue_address(key))


def _application(properties: Properties) -> bytes:
    if not properties.has_headers:
        return b""
    pairs = {}
    for name, value in properties.headers().items():
        if not name.startswith("x-") and name not in HEADERS_ANNOTATED:
            made = wire_scalar(value)
            if made is not MISSING:
                pairs[name] = made
    return b"\x00\x53\x74" + encode_map(pairs) if pairs else b""
