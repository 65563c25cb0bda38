"""Publish and PublishBatch to topics: a request becomes a message of the core, checked by AWS's rules in its words."""

import logging
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.request_ids import uuid_text
from mqbroker.aws.json_object import json_object
from mqbroker.aws.limits import SNS_BATCH_ENTRIES_MAX, SNS_MESSAGE_BYTES_MAX, SNS_SUBJECT_CHARS_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.direct import DirectSender
from mqbroker.aws.sns.message_attributes import check_attributes, packed
from mqbroker.aws.sns.notification import SENDER, Notification
from mqbroker.aws.sns.numbering import number
from mqbroker.aws.sns.platforms import Platforms
from mqbroker.aws.sns.properties import make_sns_properties
from mqbroker.aws.sns.protection import Protection
from mqbroker.aws.sns.protocols import E164
from mqbroker.aws.sns.service import NewId, SnsService
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sqs.message_attributes import Attribute
from mqbroker.aws.sqs.sending import size_of
from mqbroker.core.message import new_message
from mqbroker.errors import NotFound

log = logging.getLogger(__name__)

Given = Mapping[str, Any]

_PLACES = frozenset(("TopicArn", "TargetArn", "PhoneNumber"))
_TRACE = "x-amzn-trace-id"
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]+")
_ENTRY_ID_CHARS_MAX = 80
_GROUP = re.compile(r"[!-~]{1,128}")


class Outgoing:
    """One message of a request, checked. Made by `check_outgoing`."""

    __slots__ = ("attributes", "body", "deduplication", "group", "kept_attributes", "subject", "variants")

    body: str
    variants: dict[str, str] | None
    subject: str
    attributes: list[Attribute]
    kept_attributes: bytes
    """The same in the form in which they are kept."""
    group: str
    deduplication: str


def check_outgoing(topic: Topic | None, given: Given, path: str = "") -> Outgoing:
    """The message that was given, for a topic, or for one endpoint. Raises AwsError for the first thing wrong."""
    text = given.get("Message")
    if text is None:
        raise refusals.missing(f"{path}message")
    if not text:
        raise refusals.invalid("Empty message")
    if size_of(text, given.get("MessageAttributes")) > SNS_MESSAGE_BYTES_MAX:
        raise refusals.invalid("Message too long")
    outgoing = Outgoing.__new__(Outgoing)
    outgoing.subject = _subject(given.get("Subject"))
    outgoing.attributes = check_attributes(given.get("MessageAttributes"), path)
    outgoing.kept_attributes = packed(outgoing.attributes)
    outgoing.body, outgoing.variants = text, None
    structure = given.get("MessageStructure")
    if structure:
        outgoing.body, outgoing.variants = _structured(text, structure, needs_default=topic is not None)
    outgoing.group = outgoing.deduplication = ""
    if topic is not None:
        outgoing.group = _group(topic, given.get("MessageGroupId"))
        outgoing.deduplication = _deduplication(topic, given.get("MessageDeduplicationId"), text)
    return outgoing


def _subject(subject: str | None) -> str:
    if subject is None:
        return ""
    if not subject or len(subject) > SNS_SUBJECT_CHARS_MAX or not subject.isprintable():
        raise refusals.invalid("Subject")
    return subject


def _structured(text: str, structure: str, needs_default: bool) -> tuple[str, dict[str, str]]:
    if structure != "json":
        raise refusals.invalid("MessageStructure")
    found = json_object(text)
    if found is None:
        raise refusals.invalid("Message Structure - JSON message body failed to parse")
    variants = {name: value for name, value in found.items() if isinstance(value, str)}
    if needs_default and "default" not in variants:
        raise refusals.invalid("Message Structure - No default entry in JSON message body")
    return variants.get("default", text), variants


def _group(topic: Topic, group: str | None) -> str:
    if group is None:
        if topic.is_fifo:
            raise refusals.invalid("The MessageGroupId parameter is required for FIFO topics")
        return ""
    if not _GROUP.fullmatch(group):
        raise refusals.invalid(
            "MessageGroupId Reason: can only include alphanumeric and punctuation characters. 1 to 128 in length"
        )
    return group


def _deduplication(topic: Topic, given: str | None, text: str) -> str:
    if given is None:
        if not topic.is_fifo:
            return ""
        if topic.attributes.get("ContentBasedDeduplication") != "true":
            raise refusals.invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        return sha256(text.encode()).hexdigest()
    if not topic.is_fifo:
        raise refusals.invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid "
            "for this topic type"
        )
    if not _GROUP.fullmatch(given):
        raise refusals.invalid("MessageDeduplicationId")
    return given


def check_batch(entries: list[dict[str, Any]]) -> None:
    """Raises AwsError unless there are one to ten entries with distinct and proper ids."""
    if not entries:
        raise refusals.empty_batch()
    if len(entries) > SNS_BATCH_ENTRIES_MAX:
        raise refusals.too_many_entries()
    for place, entry in enumerate(entries, 1):
        if "Id" not in entry:
            raise refusals.missing(f"publishBatchRequestEntries.{place}.member.id")
    ids = [entry["Id"] for entry in entries]
    if len(set(ids)) < len(ids):
        raise refusals.repeated_entry_id()
    for each in ids:
        if each and not _ENTRY_ID.fullmatch(each):
            raise refusals.forbidden_entry_id()
        if not 0 < len(each) <= _ENTRY_ID_CHARS_MAX:
            raise refusals.invalid_entry_id()
    if sum(size_of(each.get("Message", ""), each.get("MessageAttributes")) for each in entries) > SNS_MESSAGE_BYTES_MAX:
        raise refusals.batch_too_long()


class Publisher:
    """Publishes to topics."""

    def __init__(self, service: SnsService, new_id: NewId, direct: DirectSender, platforms: Platforms) -> None:
        self._service = service
        self._new_id = new_id
        self._direct = direct
        self._platforms = platforms

    def publish(self, call: Call) -> None:
        """Publish: to a topic, to a device, or to a telephone number."""
        self._service.open_to_publish()
        given = call.parameters
        if "TargetArn" not in given and "PhoneNumber" not in given:
            if "TopicArn" not in given:
                raise refusals.invalid("TopicArn or TargetArn Reason: no value for required parameter")
            self._publish_to(call, "TopicArn")
        elif len(given.keys() & _PLACES) > 1:
            raise refusals.invalid("TopicArn, TargetArn or PhoneNumber Reason: only one may be given")
        elif "PhoneNumber" in given:
            self._publish_text(call, given["PhoneNumber"])
        elif ":endpoint/" in given["TargetArn"]:
            self._publish_push(call, given["TargetArn"])
        else:
            self._publish_to(call, "TargetArn")

    def _publish_to(self, call: Call, name: str) -> None:
        """To the topic that the parameter of that name says."""
        topic = self._service.topic_of(call, name)
        outgoing = check_outgoing(topic, call.parameters)
        if topic.protection is not None:
            self._protect(topic, topic.protection, outgoing, call)
        self._service.answer_when_safe(call, self._send(topic, outgoing, call))

    def _publish_text(self, call: Call, phone: str) -> None:
        if not E164.fullmatch(phone):
            raise refusals.invalid(f"PhoneNumber Reason: {phone} is not valid to publish to")
        outgoing = check_outgoing(None, call.parameters)
        self._service.check_account(call)
        self._send_direct(call, phone, outgoing, "sms")

    def _publish_push(self, call: Call, arn: str) -> None:
        found = self._platforms.of(call.caller.account, arn)
        if found is None:
            raise refusals.invalid("TargetArn Reason: No endpoint found for the target arn specified")
        application, endpoint = found
        outgoing = check_outgoing(None, call.parameters)
        self._service.check_account(call)
        if application.attributes.get("Enabled") != "true":
            raise refusals.application_disabled()
        if endpoint.attributes.get("Enabled") != "true":
            raise refusals.endpoint_disabled()
        self._send_direct(call, arn, outgoing, endpoint.platform)

    def _send_direct(self, call: Call, address: str, outgoing: Outgoing, protocol: str) -> None:
        message_id = self._new_id()
        text = (outgoing.variants or {}).get(protocol, outgoing.body)
        self._direct.send_to(call.caller.account, address, text, message_id, call.now, outgoing.kept_attributes)
        self._service.answer_when_safe(call, {"MessageId": uuid_text(message_id)})

    def publish_batch(self, call: Call) -> None:
        """PublishBatch. One message that is wrong is the end of the whole batch, as on AWS."""
        self._service.open_to_publish()
        entries = call.parameters["PublishBatchRequestEntries"]
        topic = self._service.topic_of(call)
        check_batch(entries)
        checked = [
            check_outgoing(topic, entry, f"publishBatchRequestEntries.{place}.member.")
            for place, entry in enumerate(entries, 1)
        ]
        if topic.protection is not None:
            for outgoing in checked:
                self._protect(topic, topic.protection, outgoing, call)
        sent = [
            {"Id": entry["Id"], **self._send(topic, outgoing, call)}
            for entry, outgoing in zip(entries, checked, strict=True)
        ]
        self._service.answer_when_safe(call, {"Successful": sent, "Failed": []})

    def _protect(self, topic: Topic, protection: Protection, outgoing: Outgoing, call: Call) -> None:
        """Does what the topic's data protection policy says of messages that come in. Raises AwsError."""
        texts = {"": outgoing.body, **(outgoing.variants or {})}
        for name, text in texts.items():
            shown, found = protection.inbound(text, call.caller.arn)
            if found:
                log.info("%s: %s found in a message of %s", topic.arn, ", ".join(found), call.caller.arn)
            if shown is None:
                raise refusals.unauthorized("The data protection policy of the topic denies the message.")
            texts[name] = shown
        outgoing.body = texts.pop("")
        outgoing.variants = texts or None

    def _send(self, topic: Topic, outgoing: Outgoing, call: Call) -> dict[str, object]:
        message_id = self._new_id()
        if topic.is_fifo:
            return self._send_numbered(topic, outgoing, message_id, call)
        notification = make_notification(topic, outgoing, message_id, call.headers.get(_TRACE, ""), call.now, "")
        _publish(topic, notification, call.now)
        return {"MessageId": notification.message_id}

    def _send_numbered(self, topic: Topic, outgoing: Outgoing, message_id: bytes, call: Call) -> dict[str, object]:
        now, trace = call.now, call.headers.get(_TRACE, "")
        numbered = number(
            topic, lambda sequence: make_notification(topic, outgoing, message_id, trace, now, sequence), now
        )
        if numbered.notification is not None:
            _publish(topic, numbered.notification, now)
        return {"MessageId": numbered.message_id, "SequenceNumber": numbered.sequence}


def _publish(topic: Topic, notification: Notification, now: int) -> None:
    try:
        topic.publish(notification, now)
    except NotFound:
        raise refusals.not_found("Topic") from None


def make_notification(
    topic: Topic, outgoing: Outgoing, message_id: bytes, trace: str, now: int, sequence: str
) -> Notification:
    """The notification of a message that was checked; `sequence` is its number in a FIFO topic."""
    notice: dict[str, object] = {"topic": str(topic.arn), "at": now, "version": topic.signature_version}
    if outgoing.subject:
        notice["subject"] = outgoing.subject
    if sequence:
        notice["sequence"] = sequence
    properties = make_sns_properties(
        message_id, SENDER, notice, outgoing.group, outgoing.deduplication, trace, outgoing.kept_attributes
    )
    message = new_message(topic.exchange.name, "", properties, outgoing.body.encode(), now)
    return Notification(message, properties, outgoing.variants, outgoing.attributes)
