"""A message, and its place in one queue.

`Message` is immutable and shared by every queue it was routed to; `Entry` is one queue's view of it: order, deadline,
deliveries. Neither knows a protocol: the properties stay as their protocol encoded them (properties.py).
These are the objects that exist once per message, so they are compiled and hold nothing that is not needed.
"""

from typing import Any

from mqbroker.core.properties import Properties

GONE = -1  # in `Entry.held_until`
_ABSENT = bytes(bytearray(b"absent"))  # in `Message.body`, by identity: it is on the disk only (queues/bodies.py)

# `Entry.attempts` of a queue that is not polled holds two counts, so that the journal keeps both in one number: how
# often the entry came back, and how often that was a failure. Neither wraps around: the highest means so many or more.
RETURNS_MAX = (1 << 16) - 1
FAILURES_MAX = (1 << 14) - 1
_FAILURE = 1 << 16
_TAKEN = 1 << 30  # beside them: the entry's taker has it for good, and only the end of their exchange is missing


class Message:
    """One published message. Its body is read through `content()` only: it may have left memory for the disk."""

    __slots__ = ("body", "exchange", "lsn", "properties", "received_at", "routing_key", "size", "slot")

    exchange: str
    routing_key: str
    properties: Properties
    body: bytes
    size: int
    """Octets of the body. Counted once: whoever adds up what waits needs no body for it."""
    received_at: int
    """When it was published, in milliseconds."""
    lsn: int
    """The journal batch that holds the body, 0 for none."""
    slot: int
    """Which record of that batch holds the body."""

    def content(self) -> bytes:
        """The body."""
        assert self.body is not _ABSENT
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
    consumer: Any
    """The `Consumer` (consumer.py) that holds it unacknowledged, or None. Consumers know entries; entries know none."""
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


def is_taken(entry: Entry) -> bool:
    """Whether its taker has said that it has the entry: then it is not sent again, but stays until that is settled."""
    return entry.attempts >= _TAKEN


def note_taken(entry: Entry) -> None:
    """Its taker has it. What was counted before means nothing any more."""
    entry.attempts = _TAKEN


def new_message(exchange: str, routing_key: str, properties: Properties, body: bytes, now: int) -> Message:
    """A `Message` made without the cost of a call to `__init__`: this runs once for every publish."""
    message = Message.__new__(Message)
    message.exchange = exchange
    message.routing_key = routing_key
    message.properties = properties
    message.body = body
    message.size = len(body)
    message.received_at = now
    message.lsn = 0
    message.slot = 0
    return message


def without_body(message: Message, number: int) -> Message:
    """The same message, whose body has left memory; in `slot` is where its owner finds that again."""
    found = new_message(message.exchange, message.routing_key, message.properties, _ABSENT, message.received_at)
    found.size = message.size
    found.slot = number
    return found


def give_body(entry: Entry, found: Entry) -> None:
    """The body of an entry is in memory again: that of the same entry, as it was read."""
    entry.message.body = found.message.body


def is_absent(entry: Entry) -> bool:
    """Whether the body of an entry is on the disk only."""
    return entry.message.body is _ABSENT


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
