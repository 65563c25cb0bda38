"""The properties of messages: the neutral view that protocols have of each other's, and who owns which encoding.

A message keeps its properties as its protocol encoded them. Each encoding has a number, which the journal keeps, and
one owner, who registers it with what makes properties of its octets again (`registered`). Whoever wants to know
something of another protocol's message asks by its neutral name (NAMES, `headers`), and never looks at octets.

What the broker itself writes on a message travels beside the protocol's own properties if these have no place for it:
where a dead letter comes from (RedrivenProperties), and the history in its headers (AnnotatedProperties).
"""

from collections.abc import Callable, Mapping

from mqbroker.core import definitions
from mqbroker.errors import StorageError
from mqbroker.limits import NAME_BYTES_MAX

NAMES: Mapping[str, str] = {
    "content_type": "the MIME type of the body",
    "content_encoding": "how the body is encoded, such as gzip",
    "correlation_id": "what the body answers; octets that are no UTF-8 as Python's surrogates",
    "reply_to": "where to answer, as a routing key of the default exchange or of the topic exchange",
    "expiration": "how long the message may live, in milliseconds as decimal digits; as it was asked for",
    "priority": "as decimal digits",
    "delivery_mode": "2 for a persistent message, else 1",
    "message_id": "what its sender calls the message",
    "timestamp": "when its sender made it, in seconds since the epoch as decimal digits",
    "type": "what its sender says it is",
    "subject": "what its sender says it is about, which is the type for clients of JMS",
    "user_id": "the user that published it, checked by the broker",
    "app_id": "the application that published it",
    "cluster_id": "deprecated, but clients may send it",
    "group_id": "the group within which the order counts",
    "group_sequence": "the place within the group, as decimal digits; -1 ends it",
    "deduplication_id": "what a repetition has in common with the first one",
}
"""What `Properties.text` may be asked for. The application's own headers (user properties, message attributes) are
`Properties.headers`; what the core looks at with every message are the fields of `Properties`."""

_UNBOUNDED = frozenset(("group_id", "deduplication_id"))

# In `Properties.code` beside the number of the encoding, so that the journal keeps them:
DEAD_LETTER_BIT = 0x80  # the broker itself wrote the history in the headers
BLIND_COPIES_BIT = 0x40  # the headers name routing keys that no consumer is shown
PROTOCOL_BITS = 0x3F

REDRIVEN = 5  # the numbers of the core's own encodings
ANNOTATED = 6

_RECEIVES_MAX = 65_535


class Properties:
    """The properties of a message as its protocol encoded them, and the few that the core asks for on every message.

    Protocols subclass it. Instances are shared by successive messages with equal properties, so they never change.
    """

    __slots__ = ("code", "has_headers", "is_coded", "is_dead_letter", "persistent", "priority", "raw", "ttl_ms")

    def __init__(self, code: int, raw: bytes) -> None:
        self.code = code
        """Which encoding `raw` is in, and the bits above; kept in the journal."""
        self.raw = raw
        self.persistent = False
        self.priority = 0
        self.ttl_ms = -1
        """How long the message may live, in milliseconds, -1 for ever."""
        self.has_headers = False
        self.is_coded = False
        """Whether the body is in a form of its protocol's own, and others are given what `readable` makes of it."""
        self.is_dead_letter = bool(code & DEAD_LETTER_BIT)
        """True when the broker itself wrote the history in the headers (core/rabbitmq/x_death.py)."""

    def headers(self) -> Mapping[str, object]:
        """The application's headers as neutral values (core/values.py). Overridden."""
        return {}

    def text(self, _name: str) -> str | None:
        """A property by its neutral name (NAMES), or None. Overridden."""
        return None

    def topic(self, _routing_key: str) -> str | None:
        """What its publisher has called this routing key, in a protocol that has topics instead. Overridden there."""
        return None

    def readable(self, body: bytes) -> bytes:
        """The body as every protocol's clients can read it. Overridden by those that are coded."""
        return body

    def body_map(self, _body: bytes) -> Mapping[str, object] | None:
        """The body as a map of neutral values, where it is one. Overridden by those that are coded."""
        return None

    def blind_copies(self) -> list[str]:
        """Routing keys that count like the message's own, also when it is dead-lettered, but are not shown to anybody:
        `headers` does not have them. Overridden where there are such."""
        return []

    def with_blind_copies(self) -> "Properties":
        """The same with keys in its headers that no consumer is shown. Overridden where there may be such."""
        return self

    def without_blind_copies(self) -> "Properties":
        """The same without these keys. Overridden where there are such."""
        return self

    def restore_marks(self, code: int) -> None:
        """Takes over the code that the journal kept. Only for properties that no message has yet."""
        self.code = code
        self.is_dead_letter = bool(code & DEAD_LETTER_BIT)

    def mark_dead_letter(self) -> None:
        """Notes that the broker wrote the history in the headers. Only for properties that no message has yet."""
        self.is_dead_letter = True
        self.code |= DEAD_LETTER_BIT

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> "Properties":
        """A copy with other headers, and without the expiration on request. Overridden by those that have a place for
        what the broker writes."""
        return AnnotatedProperties(self, headers, drop_expiration)

    def redriven(self, source: str, attempts: int) -> "Properties":
        """The properties of the message after its move from the queue `source`, which delivered it so often, to that
        one's dead-letter queue; with an empty `source`, after its move back. Overridden by those that have a place for
        it."""
        return RedrivenProperties(self, source, attempts) if source else self


Make = Callable[[bytes], Properties]
"""Makes properties of their octets."""
Formats = Mapping[int, Make]
"""The encodings that are known, by number."""


def registered(*tables: Formats) -> Formats:
    """The encodings of all owners and the core's own. Raises StorageError when two have the same number."""
    found: dict[int, Make] = {}
    found[REDRIVEN] = lambda raw: restore_redriven(raw, found)
    found[ANNOTATED] = lambda raw: restore_annotated(raw, found)
    for table in tables:
        for code, make in table.items():
            if code in found:
                raise StorageError(f"two encodings of properties have the number {code}")
            found[code] = make
    return found


def restored(formats: Formats, code: int, raw: bytes) -> Properties:
    """Properties as the journal kept them. Raises StorageError for an encoding that nobody owns."""
    make = formats.get(code & PROTOCOL_BITS)
    if make is None:
        raise definitions.too_new(f"messages with properties in the encoding {code & PROTOCOL_BITS}")
    properties = make(raw)
    if code & ~PROTOCOL_BITS:
        properties.restore_marks(code)
    return properties


class RedrivenProperties(Properties):
    """The properties of a dead letter of a polled queue whose protocol has no place for where it comes from.

         0          2            3       4
        +----------+------------+-------+-----------------+---------------------------+
        | receives | inner code | size  | source in UTF-8 | `raw` of the inner ones   |
        | u16      | u8         | u8    | size octets     |                           |
        +----------+------------+-------+-----------------+---------------------------+

    They are no headers, because any publisher could write those, and dead letters move back to where they say.
    """

    __slots__ = ("inner", "receives", "source")

    def __init__(self, inner: Properties, source: str, receives: int) -> None:
        self.inner = inner
        """The properties as they were before."""
        self.source = source
        """The queue that it comes from, by its name in the vhost."""
        self.receives = min(receives, _RECEIVES_MAX)
        """How often it was received there."""
        name = source.encode("utf-8", "surrogateescape")
        head = self.receives.to_bytes(2, "big") + bytes((inner.code, len(name)))
        Properties.__init__(self, REDRIVEN | inner.code & DEAD_LETTER_BIT, head + name + inner.raw)
        self.persistent = inner.persistent
        self.priority = inner.priority
        self.ttl_ms = inner.ttl_ms
        self.has_headers = inner.has_headers
        self.is_coded = inner.is_coded

    def headers(self) -> Mapping[str, object]:
        return self.inner.headers()

    def readable(self, body: bytes) -> bytes:
        return self.inner.readable(body)

    def body_map(self, body: bytes) -> Mapping[str, object] | None:
        return self.inner.body_map(body)

    def text(self, name: str) -> str | None:
        return self.inner.text(name)

    def topic(self, routing_key: str) -> str | None:
        return self.inner.topic(routing_key)

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> Properties:
        return self.inner.with_headers(headers, drop_expiration)

    def redriven(self, source: str, attempts: int) -> Properties:
        return RedrivenProperties(self.inner, source, self.receives + attempts) if source else self.inner


def restore_redriven(raw: bytes, formats: Formats) -> RedrivenProperties:
    """RedrivenProperties from what the journal kept; `formats` makes the inner ones."""
    name_end = 4 + raw[3]
    inner = restored(formats, raw[2], raw[name_end:])
    return RedrivenProperties(inner, raw[4:name_end].decode("utf-8", "surrogateescape"), int.from_bytes(raw[:2], "big"))


class AnnotatedProperties(Properties):
    """Properties with headers of the broker's on them, of a protocol that has no place for such.

         0        1            2         6
        +--------+------------+---------+----------------------+---------------------------+
        | flags  | inner code | size    | headers, as values   | `raw` of the inner ones   |
        | 1 = no | u8         | u32     | of definitions are   |                           |
        | expiry |            |         |                      |                           |
        +--------+------------+---------+----------------------+---------------------------+

    The headers are all there are: the application's with what the broker has written among them. Everybody sees such a
    message as another protocol's, that of its sender included, so texts too long for the others are left out.
    """

    __slots__ = ("_headers", "inner", "is_without_expiry")

    def __init__(self, inner: Properties, headers: Mapping[str, object], drop_expiration: bool) -> None:
        self.inner = inner
        """The properties as they were published."""
        self.is_without_expiry = drop_expiration
        packed = definitions.pack(headers)
        head = bytes((drop_expiration, inner.code)) + len(packed).to_bytes(4, "big")
        Properties.__init__(self, ANNOTATED, head + packed + inner.raw)
        self._headers = packed
        self.persistent = inner.persistent
        self.priority = inner.priority
        self.ttl_ms = -1 if drop_expiration else inner.ttl_ms
        self.has_headers = bool(headers)

    def headers(self) -> Mapping[str, object]:
        """Decoded anew at each call, as others do it."""
        return definitions.unpack(self._headers)

    def text(self, name: str) -> str | None:
        if name == "expiration":
            return None if self.ttl_ms < 0 else str(self.ttl_ms)
        found = self.inner.text(name)
        if found is None or name in _UNBOUNDED or len(found.encode(errors="surrogateescape")) <= NAME_BYTES_MAX:
            return found
        return None

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> Properties:
        return AnnotatedProperties(self.inner, headers, drop_expiration or self.is_without_expiry)


def restore_annotated(raw: bytes, formats: Formats) -> AnnotatedProperties:
    """AnnotatedProperties from what the journal kept; `formats` makes the inner ones."""
    end = 6 + int.from_bytes(raw[2:6], "big")
    return AnnotatedProperties(restored(formats, raw[1], raw[end:]), definitions.unpack(raw[6:end]), raw[0] == 1)
