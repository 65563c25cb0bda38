"""The properties of a message that came by SQS, in the form in which the core and the journal keep them.

     0          16       17      18      19       20      22         24
    +----------+--------+-------+-------+--------+-------+----------+--------------------------------+------------+
    |message id| sender | group | dedup | source | trace | receives | sender, group, dedup id,       | attributes |
    |16 octets | u8     | u8    | u8    | u8     | u16   | u16      | source, trace in UTF-8, as     |            |
    |          |        |       |       |        |       |          | long as the fields before say  |            |
    +----------+--------+-------+-------+--------+-------+----------+--------------------------------+------------+

`source` is the name of the core's queue that a dead letter comes from, `receives` how often it was received there,
`trace` the AWSTraceHeader; attributes are in the form of message_attributes.py. Other protocols see attributes, group
and deduplication id as headers.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import md5
from struct import Struct
from uuid import UUID

from mqbroker import octets
from mqbroker.aws.auth.digests import md5_hex
from mqbroker.aws.sqs.message_attributes import STRING, as_headers, text_of, unpack
from mqbroker.core.properties import DEAD_LETTER_BIT, Formats, Properties
from mqbroker.protocols.grouping import DEDUPLICATION_HEADER, GROUP_HEADER, group_text

SQS = 3  # the journal's number for this encoding
SQS_OCTETS = 4  # the same for a message whose body was sent in Base64, and is kept as the octets that it stands for

TRACE_HEADER = "AWSTraceHeader"
ENCODING_ATTRIBUTE = "mqbroker.encoding"
BASE64 = "base64"
TEXT_ATTRIBUTES = {
    "content_type": "ContentType",
    "correlation_id": "CorrelationId",
    "reply_to": "ReplyTo",
    "content_encoding": "mqbroker.content_encoding",
    "type": "mqbroker.type",
    "app_id": "mqbroker.app_id",
    "timestamp": "mqbroker.timestamp",
}
"""Properties of other protocols that are attributes here, both ways. An application may well have a header `Type` or
`Timestamp` of its own, so these names are prefixed."""

_TIMESTAMP_DIGITS_MAX = 19  # those fit AMQP's 64 bits
_ID_BYTES = 16
_sizes = Struct(">BBBBHH")
_SENDERS_REMEMBERED = 1024
_RECEIVES_MAX = 65_535
_HEAD_BYTES = 24
_SENDER_AT = 16
_GROUP_AT = 17
_RECEIVES_AT = 22


class SqsProperties(Properties):
    """Properties of a SendMessage. Texts are decoded when somebody asks."""

    __slots__ = ("_at",)

    def __init__(self, raw: bytes, code: int = SQS) -> None:
        Properties.__init__(self, code, raw)
        self.persistent = True
        self.has_headers = len(raw) > _HEAD_BYTES + raw[_SENDER_AT]
        self._at: tuple[int, ...] | None = None

    def _offsets(self) -> tuple[int, ...]:
        """Where sender, group, deduplication id, source, trace and attributes begin."""
        if self._at is None:
            sender, group, deduplication, source, trace, _ = _sizes.unpack_from(self.raw, _ID_BYTES)
            group_at = _HEAD_BYTES + sender
            deduplication_at = group_at + group
            source_at = deduplication_at + deduplication
            trace_at = source_at + source
            self._at = (_HEAD_BYTES, group_at, deduplication_at, source_at, trace_at, trace_at + trace)
        return self._at

    def _part(self, place: int) -> str:
        at = self._offsets()
        return self.raw[at[place] : at[place + 1]].decode()

    @property
    def is_octets(self) -> bool:
        """Whether SQS is shown the body in Base64, as it was sent; ENCODING_ATTRIBUTE says so."""
        return self.code & ~DEAD_LETTER_BIT == SQS_OCTETS

    def shown(self, body: bytes) -> str | None:
        """The body as SQS shows it; None for one that is shown in Base64."""
        if self.is_octets:
            return None
        return body.decode("ascii") if octets.is_plain(body) else text_of(body)

    def received(self, body: bytes, handle: str) -> dict[str, object]:
        """What every receiver gets of the message, whatever attributes were asked for."""
        text = self.shown(body)
        shown = body
        if text is None:
            shown = b64encode(body)
            text = shown.decode("ascii")
        return {"MessageId": self.message_id, "ReceiptHandle": handle, "MD5OfBody": md5_hex(shown), "Body": text}

    @property
    def message_id(self) -> str:
        """The MessageId."""
        return octets.uuid_text(self.raw[:_ID_BYTES])

    @property
    def receives(self) -> int:
        """How often a dead letter was received where it comes from."""
        return int.from_bytes(self.raw[_RECEIVES_AT:_HEAD_BYTES])

    @property
    def sender_id(self) -> str:
        """The SenderId."""
        return self._part(0)

    @property
    def group_id(self) -> str:
        """The MessageGroupId, empty for none."""
        return self._part(1) if self.raw[_GROUP_AT] else ""

    @property
    def deduplication_id(self) -> str:
        """The MessageDeduplicationId, empty for none."""
        return self._part(2)

    @property
    def source(self) -> str:
        """The queue that a dead letter comes from, by its name in the vhost; empty for none."""
        return self._part(3)

    @property
    def trace(self) -> str:
        """The AWSTraceHeader, empty for none."""
        return self._part(4)

    @property
    def attributes(self) -> bytes:
        """The message attributes in their kept form (message_attributes.py)."""
        if not self.has_headers:
            return b""
        return self.raw[self._offsets()[5] :]

    def headers(self) -> Mapping[str, object]:
        """Attributes, and what SQS has beside them, for other protocols."""
        found = as_headers(self.attributes)
        if self.is_octets:
            del found[ENCODING_ATTRIBUTE]  # the body that they get is decoded
        for name, text in (
            (GROUP_HEADER, self.group_id), (DEDUPLICATION_HEADER, self.deduplication_id), (TRACE_HEADER, self.trace)
        ):  # fmt: skip
            if text:
                found[name] = text
        return found

    def text(self, name: str) -> str | None:
        """message_id, group_id, deduplication_id, and what an attribute of TEXT_ATTRIBUTES says."""
        if name == "group_id":  # asked for with every message
            return self.group_id or group_text(self, name) if self.has_headers else None
        if name == "deduplication_id":
            return self.deduplication_id or group_text(self, name)
        if name == "message_id":
            return self.message_id
        wanted = TEXT_ATTRIBUTES.get(name)
        if wanted is None:
            return None
        found = [value for each, _, tag, value in unpack(self.attributes) if each == wanted and tag == STRING]
        if not found or (name == "timestamp" and not (found[0].isdigit() and len(found[0]) <= _TIMESTAMP_DIGITS_MAX)):
            return None
        return found[0].decode()

    def redriven(self, source: str, attempts: int) -> "SqsProperties":
        """A copy that tells which queue of the vhost the message comes from, and how often it was received there.

        Behind a move back it is a new message, with a MessageId of its own (SQS API Reference, StartMessageMoveTask).
        """
        return make_properties(
            self.raw[:_ID_BYTES] if source else _successor(self.raw[:_ID_BYTES]),
            self.sender_id,
            self.group_id,
            self.deduplication_id,
            source,
            self.trace,
            self.attributes,
            self.receives + attempts if source else 0,
            SQS_OCTETS if self.is_octets else SQS,
        )


FORMATS: Formats = {SQS: SqsProperties, SQS_OCTETS: lambda raw: SqsProperties(raw, SQS_OCTETS)}


def _successor(message_id: bytes) -> bytes:
    """The MessageId of a message that is made of another one: the same whenever that is asked."""
    return UUID(bytes=md5(message_id, usedforsecurity=False).digest(), version=4).bytes


def make_properties(
    message_id: bytes,
    sender: str,
    group: str = "",
    deduplication: str = "",
    source: str = "",
    trace: str = "",
    attributes: bytes = b"",
    receives: int = 0,
    code: int = SQS,
) -> SqsProperties:
    """Properties from their parts; `message_id` is 16 octets, no text but `trace` is over 255 octets; `code` may be
    SQS_OCTETS."""
    if group or deduplication or source or trace or receives:
        rest = _after_id(sender, group, deduplication, source, trace, receives)
    else:
        rest = _plain(sender)
    return SqsProperties(message_id + rest + attributes, code)


@lru_cache(_SENDERS_REMEMBERED)
def _plain(sender: str) -> bytes:
    """What most messages of a sender have between message id and attributes."""
    return _after_id(sender, "", "", "", "", 0)


def _after_id(sender: str, group: str, deduplication: str, source: str, trace: str, receives: int) -> bytes:
    texts = [text.encode() for text in (sender, group, deduplication, source, trace)]
    return b"".join((_sizes.pack(*map(len, texts), min(receives, _RECEIVES_MAX)), *texts))
