"""SendMessage and SendMessageBatch: a request becomes a message of the core, checked by AWS's rules in its words."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from typing import Any

from mqbroker import octets
from mqbroker.aws.auth.digests import md5_hex
from mqbroker.aws.front.call import Call
from mqbroker.aws.front.parameters import missing_parameter
from mqbroker.aws.limits import SQS_DELAY_S_MAX, SQS_MESSAGE_BYTES_MAX, SQS_TRACE_HEADER_BYTES_MAX
from mqbroker.aws.sqs import message_attributes, refusals
from mqbroker.aws.sqs.batches import check_batch, run_batch
from mqbroker.aws.sqs.message_attributes import STRING
from mqbroker.aws.sqs.properties import (
    BASE64,
    ENCODING_ATTRIBUTE,
    SQS,
    SQS_OCTETS,
    TRACE_HEADER,
    make_properties,
)
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sqs.shown_message import SEQUENCE_BASE, message_id
from mqbroker.core.message import new_message
from mqbroker.errors import AwsError

_FIFO_ID = re.compile(r"[!-~]{1,128}")
_PLAIN_MEMBERS = 2  # a message without options has its body, beside the queue's URL or its id in a batch
_NOT_FOR_THIS_TYPE = "The request include parameter that is not valid for this queue type."


class Outgoing:
    """One message of a request, checked: what it takes to send it and to answer. Made by `check_outgoing`."""

    __slots__ = ("attributes", "body", "deduplication", "delay_ms", "group", "octets", "system_attributes", "trace")

    body: bytes
    octets: bytes | None
    """What a body in Base64 stands for, None for any other."""
    attributes: bytes
    """In their kept form, as `system_attributes` are."""
    system_attributes: bytes
    trace: str
    group: str
    deduplication: str
    delay_ms: int
    """-1 for what the queue says."""


def check_outgoing(queue: SqsQueue, given: dict[str, Any]) -> Outgoing:
    """The message that was given. Raises AwsError for the first thing that is wrong."""
    text: str = given.get("MessageBody", "")
    if not text:
        raise missing_parameter("MessageBody")
    attributes = given.get("MessageAttributes")
    if size_of(text, attributes) > queue.message_bytes_max:
        raise refusals.invalid_value(
            f"One or more parameters are invalid. Reason: Message must be shorter than {queue.message_bytes_max} bytes."
        )
    body = text.encode()
    if not octets.is_plain(body) and message_attributes.has_forbidden_characters(text):
        raise refusals.invalid_message_contents()
    outgoing = Outgoing.__new__(Outgoing)
    outgoing.body = body
    outgoing.octets = None
    outgoing.attributes = outgoing.system_attributes = b""
    outgoing.trace = outgoing.group = outgoing.deduplication = ""
    outgoing.delay_ms = -1
    if queue.is_fifo or len(given) > _PLAIN_MEMBERS:
        _take_options(outgoing, queue, given)
    return outgoing


def _take_options(outgoing: Outgoing, queue: SqsQueue, given: dict[str, Any]) -> None:
    attributes = given.get("MessageAttributes")
    outgoing.attributes = message_attributes.encode_attributes(attributes)
    if attributes and ENCODING_ATTRIBUTE in attributes:
        outgoing.octets = _octets(outgoing.body, attributes[ENCODING_ATTRIBUTE])
    outgoing.trace = _trace(given.get("MessageSystemAttributes"))
    if outgoing.trace:
        trace = (TRACE_HEADER, "String", STRING, outgoing.trace.encode())
        outgoing.system_attributes = message_attributes.pack([trace])
    outgoing.delay_ms = _delay_ms(queue, given.get("DelaySeconds"))
    outgoing.group = _group(queue, given.get("MessageGroupId"))
    outgoing.deduplication = _deduplication(queue, given.get("MessageDeduplicationId"))


def _octets(body: bytes, encoding: Mapping[str, Any]) -> bytes | None:
    """What the body stands for, if its encoding is Base64; other protocols get that.

    Base64 that was not written as RFC 4648 §4 has it, such as in lines, stays text: receivers of SQS get the body as it
    was sent, and it is made from the octets again.
    """
    if encoding.get("StringValue") != BASE64:
        return None
    try:
        found = b64decode(body, validate=True)
    except NotBase64:
        return None
    return found if b64encode(found) == body else None


def size_of(text: str, attributes: Mapping[str, Mapping[str, Any]] | None) -> int:
    """What counts against the size of a message: the body, and names, types and values of attributes, in octets."""
    size = len(text) if text.isascii() else len(text.encode())
    if not attributes:
        return size
    for name, attribute in attributes.items():
        size += len(name.encode())
        for part in attribute.values():
            if isinstance(part, str):
                size += len(part.encode())
            elif isinstance(part, bytes):
                size += len(part)
    return size


def _trace(system_attributes: Mapping[str, Mapping[str, Any]] | None) -> str:
    """The only system attribute that a message may be sent with."""
    for name, attribute in (system_attributes or {}).items():
        if name != TRACE_HEADER:
            raise refusals.invalid_value(f"Message system attribute name '{name}' is invalid.")
        text = attribute.get("StringValue")
        if attribute.get("DataType") != "String" or not text or len(text.encode()) > SQS_TRACE_HEADER_BYTES_MAX:
            raise refusals.invalid_value(
                f"Message (system) attribute '{name}' must contain a non-empty value of type 'String'."
            )
        return str(text)
    return ""


def _trace_of(call: Call) -> str:
    """What the header X-Amzn-Trace-Id of the request says, for messages that say nothing themselves."""
    text = call.headers.get("x-amzn-trace-id", "")
    if not text:
        return ""
    if len(text.encode()) > SQS_TRACE_HEADER_BYTES_MAX or message_attributes.has_forbidden_characters(text):
        return ""
    return text


def _delay_ms(queue: SqsQueue, delay_s: int | None) -> int:
    """Milliseconds, -1 for what the queue says."""
    if delay_s is None:
        return -1
    if queue.is_fifo and delay_s:
        raise refusals.invalid_parameter(delay_s, "DelaySeconds", _NOT_FOR_THIS_TYPE)
    if not 0 <= delay_s <= SQS_DELAY_S_MAX:
        raise refusals.invalid_parameter(
            delay_s, "DelaySeconds", f"DelaySeconds must be >= 0 and <= {SQS_DELAY_S_MAX}."
        )
    return -1 if queue.is_fifo else delay_s * 1000


def _group(queue: SqsQueue, group: str | None) -> str:
    if group is None:
        if queue.is_fifo:
            raise missing_parameter("MessageGroupId")
        return ""
    return _checked_id(group, "MessageGroupId")


def _deduplication(queue: SqsQueue, deduplication: str | None) -> str:
    if deduplication is not None:
        checked = _checked_id(deduplication, "MessageDeduplicationId")
        if not queue.is_fifo:
            raise refusals.invalid_parameter(deduplication, "MessageDeduplicationId", _NOT_FOR_THIS_TYPE)
        return checked
    if queue.is_fifo and not _deduplicates_by_content(queue):
        raise refusals.no_deduplication_id()
    return ""


def _deduplicates_by_content(queue: SqsQueue) -> bool:
    return queue.attributes.get("ContentBasedDeduplication") == "true"


def _check_ids(queue: SqsQueue, entries: list[Mapping[str, Any]]) -> None:
    """What a FIFO queue needs to know of each message. AWS refuses the whole batch, both with the code for a wrong
    value."""
    needs_deduplication = not _deduplicates_by_content(queue)
    for entry in entries:
        if entry.get("MessageGroupId") is None:
            raise refusals.invalid_value("The request must contain the parameter MessageGroupId.")
        if needs_deduplication and entry.get("MessageDeduplicationId") is None:
            raise refusals.no_deduplication_id()


def _checked_id(text: str, name: str) -> str:
    if not _FIFO_ID.fullmatch(text):
        raise refusals.invalid_parameter(
            text, name, f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        )
    return text


class SendActions:
    """The actions that put messages into queues."""

    def __init__(self, service: SqsService, new_id: Callable[[], bytes]) -> None:
        """`new_id` returns the 16 octets of a new random UUID."""
        self._service = service
        self._new_id = new_id

    def send_message(self, call: Call) -> None:
        """SendMessage."""
        queue = self._open(call)
        result = self._send(queue, call, call.parameters)
        call.answer_when_safe(self._service.ledger, result)

    def send_message_batch(self, call: Call) -> None:
        """SendMessageBatch."""
        queue = self._open(call)
        entries = call.parameters["Entries"]
        check_batch(entries, "SendMessageBatchRequestEntry")
        if queue.is_fifo:
            _check_ids(queue, entries)
        size = sum([size_of(entry.get("MessageBody", ""), entry.get("MessageAttributes")) for entry in entries])
        if size > SQS_MESSAGE_BYTES_MAX:
            raise refusals.batch_too_long(size, SQS_MESSAGE_BYTES_MAX)
        result = run_batch(entries, lambda entry: self._send_entry(queue, call, entry))
        call.answer_when_safe(self._service.ledger, result)

    def _open(self, call: Call) -> SqsQueue:
        """The queue, unless publishers are held back: SDKs try again after a throttled request."""
        reason = self._service.alarms.reason
        if reason:
            raise AwsError("RequestThrottled", f"The broker is {reason}.", status=403)
        return self._service.queue_of(call)

    def _send_entry(self, queue: SqsQueue, call: Call, entry: dict[str, Any]) -> dict[str, object]:
        try:
            return self._send(queue, call, entry)
        except AwsError as error:
            text = error.message.replace("parameters are invalid", "parameters cannot be validated")
            raise AwsError(error.shape, text, error.code, error.status, error.is_sender) from None

    def _send(self, queue: SqsQueue, call: Call, given: dict[str, Any]) -> dict[str, object]:
        outgoing = check_outgoing(queue, given)
        new_id = self._new_id()
        properties = make_properties(
            new_id, call.caller.user_id, outgoing.group, outgoing.deduplication, "",
            outgoing.trace or _trace_of(call), outgoing.attributes, 0, SQS if outgoing.octets is None else SQS_OCTETS,
        )  # fmt: skip
        body = outgoing.body if outgoing.octets is None else outgoing.octets
        core = queue.core
        message = new_message("", core.name, properties, body, call.now)
        sent = core.send(message, call.now, outgoing.delay_ms)
        if queue.vhost.tap is not None:
            queue.vhost.tap.published(message, (core.name,))
        result: dict[str, object] = {
            "MessageId": octets.uuid_text(new_id) if sent.message is message else message_id(queue, sent),
            "MD5OfMessageBody": md5_hex(outgoing.body),
        }
        if outgoing.attributes:
            result["MD5OfMessageAttributes"] = message_attributes.digest(outgoing.attributes)
        if outgoing.system_attributes:
            result["MD5OfMessageSystemAttributes"] = message_attributes.digest(outgoing.system_attributes)
        if queue.is_fifo:
            result["SequenceNumber"] = str(SEQUENCE_BASE + sent.sequence)
        return result
