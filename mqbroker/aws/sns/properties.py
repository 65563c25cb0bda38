"""The properties of a message that came by SNS: those of a message of SQS, and what only SNS knows of it.

    +--------------------------------------+-----------------+-------+
    | as SQS has them (sqs/properties.py)  | the notice as   | size  |     the MessageId is that of SNS,
    | with the message attributes          | JSON            | u32   |     the size that of the notice
    +--------------------------------------+-----------------+-------+

Receivers of SQS are shown an envelope around the body (envelope.py), others the body with attributes as headers. The
notice is short, so a message that goes to a hundred queues and endpoints is kept once with all that their envelopes
have in common.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from mqbroker.aws.sqs.envelopes import EnvelopedProperties
from mqbroker.aws.sqs.message_attributes import as_headers
from mqbroker.aws.sqs.properties import make_properties
from mqbroker.core.properties import Formats
from mqbroker.protocols.grouping import DEDUPLICATION_HEADER, GROUP_HEADER

SNS = 20  # the journal's number for this encoding
TOPIC_HEADER = "SnsTopicArn"
SUBJECT_HEADER = "SnsSubject"

_SIZE_BYTES = 4
_ID_BYTES = 16
_GROUP = GROUP_HEADER.encode()


class SnsProperties(EnvelopedProperties):
    """Properties of a Publish."""

    __slots__ = ("_group", "_notice")

    def __init__(self, raw: bytes) -> None:
        EnvelopedProperties.__init__(self, raw, SNS)
        self.has_headers = True
        self._group: str | None = None
        self._notice: Mapping[str, Any] | None = None

    def _notice_at(self) -> int:
        return len(self.raw) - _SIZE_BYTES - int.from_bytes(self.raw[-_SIZE_BYTES:], "big")

    @property
    def notice(self) -> Mapping[str, Any]:
        """What only SNS knows: "topic", "at" (milliseconds), and, where there is such, "subject", "sequence",
        "version" of the signature, "endpoint" (of the subscription that a dead letter is of), "replayed" (from an
        archive)."""
        if self._notice is None:
            self._notice = orjson.loads(self.raw[self._notice_at() : -_SIZE_BYTES])
        return self._notice

    @property
    def is_octets(self) -> bool:
        """Overrides SqsProperties'."""
        return False

    @property
    def attributes(self) -> bytes:
        """Overrides SqsProperties'."""
        return self.raw[self._offsets()[5] : self._notice_at()]

    @property
    def shows_group(self) -> bool:
        """Overrides EnvelopedProperties': groups of FIFO topics mean nothing to a standard queue."""
        return "sequence" not in self.notice

    def text(self, name: str) -> str | None:
        """Overrides SqsProperties': each queue of a fan-out asks for the group."""
        if name != "group_id":
            return EnvelopedProperties.text(self, name)
        if self._group is None:
            self._group = self._found_group()
        return self._group or None

    def _found_group(self) -> str:
        """What has no such attribute has nothing to be found in headers."""
        if self.raw.find(_GROUP, _ID_BYTES) < 0:
            return self.group_id
        return EnvelopedProperties.text(self, "group_id") or ""

    def headers(self) -> Mapping[str, object]:
        """Overrides SqsProperties': attributes, topic and subject for other protocols."""
        found = as_headers(self.attributes)
        notice = self.notice
        for name, text in (
            (GROUP_HEADER, self.group_id), (DEDUPLICATION_HEADER, self.deduplication_id),
            (TOPIC_HEADER, notice["topic"]), (SUBJECT_HEADER, notice.get("subject", "")),
        ):  # fmt: skip
            if text:
                found[name] = text
        return found

    def with_notice(self, **changes: object) -> "SnsProperties":
        """The same with something else in the notice."""
        return SnsProperties(self.raw[: self._notice_at()] + _packed({**self.notice, **changes}))

    def redriven(self, source: str, attempts: int) -> "SnsProperties":
        """Overrides SqsProperties': moved by SQS, it is still a notification."""
        inner = make_properties(
            self.raw[:16], self.sender_id, self.group_id, self.deduplication_id, source, self.trace, self.attributes,
            self.receives + attempts if source else 0,
        )  # fmt: skip
        return SnsProperties(inner.raw + _packed(self.notice))


def make_sns_properties(
    message_id: bytes,
    sender: str,
    notice: Mapping[str, object],
    group: str = "",
    deduplication: str = "",
    trace: str = "",
    attributes: bytes = b"",
) -> SnsProperties:
    """Properties from their parts; `message_id` is 16 octets."""
    inner = make_properties(message_id, sender, group, deduplication, "", trace, attributes)
    return SnsProperties(inner.raw + _packed(notice))


def _packed(notice: Mapping[str, object]) -> bytes:
    data = orjson.dumps(notice)
    return data + len(data).to_bytes(_SIZE_BYTES, "big")


FORMATS: Formats = {SNS: SnsProperties}
