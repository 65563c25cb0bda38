"""A message, what is known of its properties, and its place in one queue.

`Message` is immutable and shared by every queue it was routed to; `Entry` is one queue's view of it: order, deadline,
deliveries. Neither knows a protocol: the properties stay as their protocol encoded them, with a neutral view on demand.
These three are the objects that exist once per message, so they are compiled and hold nothing that is not needed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer


GONE = -1  # in `Entry.held_until`

# `Entry.attempts` of a queue that is not polled holds two counts, so that the journal keeps both in one number: how
# often the entry came back, and how often that was a failure. Neither wraps around: the highest means so many or more.
RETURNS_MAX = (1 << 16) - 1
FAILURES_MAX = (1 << 14) - 1
_FAILURE = 1 << 16

# In `Properties.code` beside the number of the protocol, so that the journal keeps them:
DEAD_LETTER_BIT = 0x80  # the broker itself wrote the history in the headers
BLIND_COPIES_BIT = 0x40  # the headers name routing keys that no consumer is shown
PROTOCOL_BITS = 0x3F

REDRIVEN = 5  # `Properties.code` of RedrivenProperties
_RECEIVES_MAX = 65_535


class Properties:
    """The properties of a message as its protocol encoded them, and the few that the core asks for on every message.

    Protocols subclass it. Instances are shared by successive messages with equal properties, so they never change.
    """

    __slots__ = ("code", "has_headers", "is_dead_letter", "persistent", "priority", "raw", "ttl_ms")

    def __init__(self, code: int, raw: bytes) -> None:
        self.code = code
        """Which protocol's encoding `raw` is in, and the bits above; kept in the journal. 1 is AMQP 0-9-1."""
        self.raw = raw
        self.persistent = False
        self.priority = 0
        self.ttl_ms = -1
        """How long the message may live, in milliseconds, -1 for ever."""
        self.has_headers = False
        self.is_dead_letter = bool(code & DEAD_LETTER_BIT)
        """True when the broker itself wrote the history in the headers (core/rabbitmq/x_death.py)."""

    def headers(self) -> Mapping[str, object]:
        """The application's headers as neutral values (core/values.py). Overridden."""
        return {}

    def text(self, name: str) -> str | None:
        """A property by its neutral name (`message_id`, `correlation_id`, `timestamp`, ...), or None. Overridden."""
        return None

    def blind_copies(self) -> list[str]:
        """Routing keys that count like the message's own, also when it is dead-lettered, but are not shown to anybody:
        `headers` does not have them. Overridden where there are such."""
        return []

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
        """A copy with other headers, and without the expiration on request. Overridden."""
        raise NotImplementedError

    def redriven(self, source: str, attempts: int) -> "Properties":
        """The properties of the message behind its move from the queue `source`, which delivered it so often, to that
        one's dead-letter queue; with an empty `source`, behind its move back. Overridden by those that have a place for
        it."""
        return RedrivenProperties(self, source, attempts) if source else self


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

    def headers(self) -> Mapping[str, object]:
        return self.inner.headers()

    def text(self, name: str) -> str | None:
        return self.inner.text(name)

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> Properties:
        return self.inner.with_headers(headers, drop_expiration)

    def redriven(self, source: str, attempts: int) -> Properties:
        return RedrivenProperties(self.inner, source, self.receives + attempts) if source else self.inner


def restore_redriven(raw: bytes, formats: Mapping[int, Callable[[bytes], Properties]]) -> RedrivenProperties:
    """RedrivenProperties from what the journal kept; `formats` makes the inner ones, by code."""
    code, name_end = raw[2], 4 + raw[3]
    inner = formats[code & ~DEAD_LETTER_BIT](raw[name_end:])
    if code & DEAD_LETTER_BIT:
        inner.mark_dead_letter()
    return RedrivenProperties(inner, raw[4:name_end].decode("utf-8", "surrogateescape"), int.from_bytes(raw[:2], "big"))


class Message:
    """One published message. `body` is read through `content()` only: a body may have left memory for the disk."""

    __slots__ = ("body", "exchange", "lsn", "properties", "received_at", "routing_key", "slot")

    exchange: str
    routing_key: str
    properties: Properties
    body: bytes
    received_at: int
    """When it was published, in milliseconds."""
    lsn: int
    """The journal batch that holds the body, 0 for none."""
    slot: int
    """Which record of that batch holds the body."""

    def content(self) -> bytes:
        """The body."""
        return self.body


class Entry:
    """A message in one queue. `sequence` is its place: the queue hands out growing numbers and never reuses one."""

    __slots__ = (
        "attempts", "consumer", "expires_at", "first_taken_at", "held_until", "is_redelivered", "lsn", "message",
        "queue_number", "sequence", "slot", "tag",
    )  # fmt: skip

    message: Message
    queue_number: int
    """The queue's number in the journal."""
    sequence: int
    expires_at: int
    """When it expires, in milliseconds; 0 for never."""
    attempts: int
    """How often it was delivered and came back, and how often as a failure (`returns_of`, `failures_of`); in a polled
    queue, how often it was delivered."""
    is_redelivered: bool
    lsn: int
    """The journal batch that records it, 0 when it is not journalled."""
    slot: int
    """Its place in that batch while the batch is open."""
    consumer: "Consumer | None"
    """Who holds it unacknowledged."""
    tag: int
    """The delivery tag under which its holder knows it."""
    held_until: int
    """Polled queues only: until when it is delayed or in flight, in milliseconds; 0 when it is neither, or in flight
    without a deadline; GONE when it has left its queue."""
    first_taken_at: int
    """Polled queues only: when it was received for the first time, in milliseconds; 0 for never."""


def attempts_after(attempts: int, is_failure: bool) -> int:
    """The attempts of an entry that comes back once more."""
    if attempts & RETURNS_MAX < RETURNS_MAX:
        attempts += 1
    return attempts + _FAILURE if is_failure and failures_of(attempts) < FAILURES_MAX else attempts


def returns_of(attempts: int) -> int:
    """How often an entry came back."""
    return attempts & RETURNS_MAX


def failures_of(attempts: int) -> int:
    """How often that was because its consumer failed, or said that it had."""
    return attempts >> 16 & FAILURES_MAX


def new_message(exchange: str, routing_key: str, properties: Properties, body: bytes, now: int) -> Message:
    """A `Message` made without the cost of a call to `__init__`: this runs once for every publish."""
    message = Message.__new__(Message)
    message.exchange = exchange
    message.routing_key = routing_key
    message.properties = properties
    message.body = body
    message.received_at = now
    message.lsn = 0
    message.slot = 0
    return message


def new_entry(message: Message, queue_number: int, sequence: int) -> Entry:
    """An `Entry` made without the cost of a call to `__init__`: this runs once for every queue of every message."""
    entry = Entry.__new__(Entry)
    entry.message = message
    entry.queue_number = queue_number
    entry.sequence = sequence
    entry.expires_at = 0
    entry.attempts = 0
    entry.is_redelivered = False
    entry.lsn = 0
    entry.slot = 0
    entry.consumer = None
    entry.tag = 0
    entry.held_until = 0
    entry.first_taken_at = 0
    return entry
