"""A message as ReceiveMessage shows it, whatever protocol it came by.

A message of AMQP or MQTT gets a MessageId made from its place, its headers become message attributes, and a body that
is no text for SQS (octets that are not UTF-8, or characters that XML does not have) is given in Base64, which the
attribute `mqbroker.encoding` says.
"""

from base64 import b64encode
from collections.abc import Collection
from hashlib import md5, sha256
from uuid import UUID

from mqbroker.aws.digests import md5_hex
from mqbroker.aws.sqs import message_attributes
from mqbroker.aws.sqs.message_attributes import STRING, Attribute
from mqbroker.aws.sqs.properties import DEDUPLICATION_HEADER, GROUP_HEADER, TEXT_ATTRIBUTES, SqsProperties
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.receipts import Receipt, make_handle
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.core.deduplication import NoteProperties
from mqbroker.core.message import Entry, Message

ENCODING_ATTRIBUTE = "mqbroker.encoding"
SEQUENCE_BASE = 10**19
"""Sequence numbers have twenty digits from the first message on."""


class ShownMessage:
    """One entry of a queue, for one receiver."""

    __slots__ = ("_attributes", "_body", "_entry", "_queue")

    def __init__(self, queue: SqsQueue, entry: Entry) -> None:
        self._queue = queue
        self._entry = entry
        content = entry.message.content()
        text = _text_of(content)
        self._body = b64encode(content).decode() if text is None else text
        self._attributes = _attributes_of(entry.message, is_encoded=text is None)

    def shown(self, system_names: Collection[str], attribute_names: Collection[str], now: int) -> dict[str, object]:
        """What ReceiveMessage answers at `now`, with the attributes that were asked for."""
        entry = self._entry
        found: dict[str, object] = {
            "MessageId": message_id(self._queue, entry),
            "ReceiptHandle": make_handle(Receipt(self._queue.key, entry.sequence, entry.attempts, now)),
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
        if isinstance(properties, SqsProperties):
            found["SenderId"] = properties.sender_id
            found["ApproximateReceiveCount"] = str(properties.receives + entry.attempts)
            group, deduplication = properties.group_id, properties.deduplication_id
            if properties.trace:
                found["AWSTraceHeader"] = properties.trace
            if properties.source:
                found["DeadLetterQueueSourceArn"] = str(source_arn(queue, properties.source))
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


def message_id(queue: SqsQueue, entry: Entry) -> str:
    """The MessageId; another protocol's message has it by its place, for as long as it stays there.

    `entry` may be the stand-in for the original of a duplicate: its properties know the id if SQS gave one.
    """
    properties = entry.message.properties
    if isinstance(properties, SqsProperties | NoteProperties):
        known = properties.text("message_id")
        if known is not None:
            return known
    place = f"{queue.key} {entry.sequence}".encode()
    return str(UUID(bytes=md5(place, usedforsecurity=False).digest(), version=4))


def _text_of(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if message_attributes.has_forbidden_characters(text) else text


def _attributes_of(message: Message, is_encoded: bool) -> bytes:
    properties = message.properties
    if isinstance(properties, SqsProperties):
        return properties.attributes
    extra: list[Attribute] = [(ENCODING_ATTRIBUTE, "String", STRING, b"base64")] if is_encoded else []
    for neutral, name in TEXT_ATTRIBUTES.items():
        text = properties.text(neutral)
        if text and not message_attributes.has_forbidden_characters(text):
            extra.append((name, "String", STRING, text.encode(errors="replace")))
    headers = dict(properties.headers()) if properties.has_headers else {}
    for name in (GROUP_HEADER, DEDUPLICATION_HEADER):
        headers.pop(name, None)
    found = {attribute[0]: attribute for attribute in (*message_attributes.from_headers(headers), *extra)}
    return message_attributes.pack(found[name] for name in sorted(found))
