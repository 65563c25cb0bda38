"""A message as ReceiveMessage shows it, whatever protocol it came by.

A message of AMQP or MQTT gets a MessageId made from its place. Its headers and properties, its routing key and exchange
or topic become message attributes, all of them: the limit of ten is for messages that SQS sends. A body that is no text
for SQS (octets that are not UTF-8, or characters that XML does not have) is given in Base64, which the attribute
`mqbroker.encoding` says.
"""

from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping
from hashlib import md5, sha256
from uuid import UUID

from mqbroker.aws.auth.digests import md5_hex
from mqbroker.aws.sqs import message_attributes
from mqbroker.aws.sqs.envelopes import EnvelopedProperties
from mqbroker.aws.sqs.message_attributes import STRING, Attribute, from_text, text_of
from mqbroker.aws.sqs.properties import (
    BASE64,
    ENCODING_ATTRIBUTE,
    TEXT_ATTRIBUTES,
    SqsProperties,
)
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.receipts import make_handle
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.core.message import Entry, Message
from mqbroker.core.properties import Properties, RedrivenProperties
from mqbroker.core.queues.polled.deduplication import NoteProperties
from mqbroker.protocols.grouping import DEDUPLICATION_HEADER, GROUP_HEADER

ROUTING_KEY_ATTRIBUTE = "mqbroker.routing_key"
EXCHANGE_ATTRIBUTE = "mqbroker.exchange"
TOPIC_ATTRIBUTE = "mqbroker.topic"
_SHOWN_TEXTS = TEXT_ATTRIBUTES | {name: f"mqbroker.{name}" for name in ("message_id", "user_id", "cluster_id")}
"""Properties of other protocols that are attributes here. A sender of SQS does not set the last ones: SQS gives the
ids, and AMQP vouches for the user."""

SEQUENCE_BASE = 10**19
"""Sequence numbers have twenty digits from the first message on."""


class ShownMessage:
    """One entry of a queue, for one receiver."""

    __slots__ = ("_attributes", "_body", "_entry", "_queue")

    def __init__(self, queue: SqsQueue, entry: Entry) -> None:
        self._queue = queue
        self._entry = entry
        content = entry.message.content()
        properties = entry.message.properties
        text: str | None
        if type(properties) is SqsProperties:
            text = properties.shown(content)
            self._attributes = properties.attributes
        elif isinstance(properties, EnvelopedProperties):
            text = queue.envelopes.write(properties, content, source_or_own(queue, properties.source))
            self._attributes = b""
        else:
            content = properties.readable(content)
            text = text_of(content)
            self._attributes = _attributes_of(queue, entry.message, is_encoded=text is None)
        self._body = b64encode(content).decode() if text is None else text

    def shown(self, system_names: Collection[str], attribute_names: Collection[str], now: int) -> dict[str, object]:
        """What ReceiveMessage answers at `now`, with the attributes that were asked for."""
        entry = self._entry
        found: dict[str, object] = {
            "MessageId": message_id(self._queue, entry),
            "ReceiptHandle": make_handle(self._queue.key, entry.sequence, entry.attempts, now),
            "MD5OfBody": md5_hex(self._body.encode()),
            "Body": self._body,
        }
        if system_names:
            wanted = self.system_attributes()
            if "All" not in system_names:
                wanted = {name: value for name, value in wanted.items() if name in system_names}
            if wanted:
                found["Attributes"] = wanted
        if attribute_names and self._attributes:
            self._add_attributes(found, attribute_names)
        return found

    def _add_attributes(self, found: dict[str, object], names: Collection[str]) -> None:
        every = message_attributes.unpack(self._attributes)
        wanted = [attribute for attribute in every if message_attributes.is_wanted(attribute[0], names)]
        if wanted:
            kept = self._attributes if len(wanted) == len(every) else message_attributes.pack(wanted)
            found["MD5OfMessageAttributes"] = message_attributes.digest(kept)
            found["MessageAttributes"] = message_attributes.shown(wanted)

    def system_attributes(self) -> dict[str, str]:
        """Every message system attribute that the message has."""
        entry, queue = self._entry, self._queue
        properties = entry.message.properties
        found = {
            "SenderId": queue.arn.account,
            "ApproximateReceiveCount": str(entry.attempts),
            "SentTimestamp": str(entry.message.received_at),
        }
        if entry.first_taken_at:
            found["ApproximateFirstReceiveTimestamp"] = str(entry.first_taken_at)
        if isinstance(properties, SqsProperties | RedrivenProperties):
            found["ApproximateReceiveCount"] = str(properties.receives + entry.attempts)
            if properties.source:
                found["DeadLetterQueueSourceArn"] = str(source_arn(queue, properties.source))
        if isinstance(properties, SqsProperties):
            found["SenderId"] = properties.sender_id
            group, deduplication = properties.group_id, properties.deduplication_id
            if group and not queue.is_fifo and isinstance(properties, EnvelopedProperties):
                group = group if properties.shows_group else ""
            if properties.trace:
                found["AWSTraceHeader"] = properties.trace
        else:
            headers = properties.headers() if properties.has_headers else {}
            group, deduplication = str(headers.get(GROUP_HEADER, "")), str(headers.get(DEDUPLICATION_HEADER, ""))
        if group:
            found["MessageGroupId"] = group
        if queue.is_fifo:
            found["SequenceNumber"] = str(SEQUENCE_BASE + entry.sequence)
            found["MessageDeduplicationId"] = deduplication or sha256(entry.message.content()).hexdigest()
        return found


def source_arn(queue: SqsQueue, source: str) -> QueueArn:
    """The ARN of the queue that a dead letter in `queue` comes from, by its name in the vhost: of the same region."""
    return QueueArn(queue.arn.region, queue.arn.account, source.rpartition("/")[2])


def source_or_own(queue: SqsQueue, source: str) -> QueueArn:
    """The queue that a message was sent to at first: `source` for a dead letter."""
    return source_arn(queue, source) if source else queue.arn


def message_id(queue: SqsQueue, entry: Entry) -> str:
    """The MessageId; another protocol's message has it by its place, for as long as it stays there.

    `entry` may be the stand-in for the original of a duplicate: its properties know the id if SQS gave one.
    """
    properties = entry.message.properties
    if type(properties) is SqsProperties:
        return properties.message_id
    if isinstance(properties, EnvelopedProperties):
        return _made_id(str(source_or_own(queue, properties.source)).encode() + properties.raw[:16])
    if isinstance(properties, NoteProperties):
        known = properties.text("message_id")
        if known is not None:
            return known
    return _made_id(f"{queue.key} {entry.sequence}".encode())


def _made_id(place: bytes) -> str:
    return str(UUID(bytes=md5(place, usedforsecurity=False).digest(), version=4))


def _attributes_of(queue: SqsQueue, message: Message, is_encoded: bool) -> bytes:
    """The attributes of a message that another protocol published. What the broker knows goes before a header of the
    same name."""
    headers = dict(message.properties.headers()) if message.properties.has_headers else {}
    for name in (GROUP_HEADER, DEDUPLICATION_HEADER) if queue.is_fifo else (GROUP_HEADER,):
        headers.pop(name, None)  # a system attribute
    found = {attribute[0]: attribute for attribute in message_attributes.from_headers(headers)}
    for attribute in (*_properties_of(message.properties, headers), *_address_of(message)):
        found[attribute[0]] = attribute
    if is_encoded:
        found[ENCODING_ATTRIBUTE] = (ENCODING_ATTRIBUTE, "String", STRING, BASE64.encode())
    return message_attributes.pack(found[name] for name in sorted(found))


def _properties_of(properties: Properties, headers: Mapping[str, object]) -> Iterator[Attribute]:
    for neutral, name in _SHOWN_TEXTS.items():
        text = properties.text(neutral)
        if text is not None and neutral == "timestamp":
            yield name, "Number", STRING, text.encode()
        elif text:
            yield from_text(f"mqbroker.{neutral}" if name in headers else name, text)
    if properties.priority:
        yield "mqbroker.priority", "Number", STRING, b"%d" % properties.priority
    if properties.ttl_ms >= 0:
        yield "mqbroker.expiration", "Number", STRING, b"%d" % properties.ttl_ms


def _address_of(message: Message) -> Iterator[Attribute]:
    """Where the message was published to."""
    if message.exchange:
        yield from_text(EXCHANGE_ATTRIBUTE, message.exchange)
    if message.routing_key:
        yield from_text(ROUTING_KEY_ATTRIBUTE, message.routing_key)
    topic = message.properties.topic(message.routing_key)
    if topic is not None:
        yield from_text(TOPIC_ATTRIBUTE, topic)
